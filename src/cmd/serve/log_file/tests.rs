//! Tests of the log file: which files are kept, and what happens to lines that the disk refuses.

use super::*;

fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("it is right");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("it is right")
                .file_name()
                .into_string()
                .expect("it is right")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn five_old_files_are_kept_and_no_line_is_lost_or_split() {
    let dir = tempfile::tempdir().expect("it is right");
    let path = dir.path().join("serve.log");
    let mut log = RotatingFile::with_limit(&path, 30).expect("it is right");
    for n in 10..90 {
        log.write_all(format!("line {n}\n").as_bytes())
            .expect("it is right");
    }
    let all = ["serve.log", "serve.log.1", "serve.log.2", "serve.log.3"];
    let all = all.iter().chain(&["serve.log.4", "serve.log.5"]);
    assert_eq!(names(dir.path()), all.copied().collect::<Vec<_>>());
    // A line has eight bytes, so three lines fit.
    let kept: Vec<_> = (0..6)
        .rev()
        .flat_map(|n| match n {
            0 => lines(&path),
            n => lines(&dir.path().join(format!("serve.log.{n}"))),
        })
        .collect();
    let newest: Vec<_> = (73..90).map(|n| format!("line {n}")).collect();
    assert_eq!(kept, newest);
    assert_eq!(log.failed.load(Ordering::Relaxed), 0);
}

#[test]
fn a_full_disk_costs_lines_and_counts_them() {
    let mut log = RotatingFile::with_limit(Path::new("/dev/full"), 30).expect("it is right");
    for _ in 0..20 {
        log.write_all(b"a line\n").expect("it is right");
    }
    assert_eq!(log.failed.load(Ordering::Relaxed), 20);
}

#[test]
fn a_device_is_never_renamed() {
    let mut log = RotatingFile::with_limit(Path::new("/dev/null"), 10).expect("it is right");
    for _ in 0..20 {
        log.write_all(b"a line\n").expect("it is right");
    }
    assert!(!Path::new("/dev/null.1").exists());
    assert_eq!(log.failed.load(Ordering::Relaxed), 0);
}

#[test]
fn a_moved_file_is_opened_again_on_request() {
    let dir = tempfile::tempdir().expect("it is right");
    let (path, moved) = (dir.path().join("log"), dir.path().join("log-20251130"));
    let mut log = RotatingFile::open(&path).expect("it is right");
    log.write_all(b"one\n").expect("it is right");
    fs::rename(&path, &moved).expect("it is right");
    log.write_all(b"two\n").expect("it is right");
    log.reopen().store(true, Ordering::Relaxed);
    log.write_all(b"three\n").expect("it is right");
    assert_eq!(lines(&moved), ["one", "two"]);
    assert_eq!(lines(&path), ["three"]);
}

#[test]
fn after_its_folder_is_renamed_the_open_file_still_gets_every_line() {
    let dir = tempfile::tempdir().expect("it is right");
    let folder = dir.path().join("logs");
    fs::create_dir(&folder).expect("it is right");
    let path = folder.join("log");
    let mut log = RotatingFile::with_limit(&path, 10).expect("it is right");
    log.write_all(b"one\n").expect("it is right");
    let away = dir.path().join("away");
    fs::rename(&folder, &away).expect("it is right");
    for _ in 0..3 {
        log.write_all(b"many more\n").expect("it is right");
    }
    assert_eq!(lines(&away.join("log")).len(), 4);
    assert_eq!(log.failed.load(Ordering::Relaxed), 0);
    fs::create_dir(&folder).expect("it is right");
    log.reopen().store(true, Ordering::Relaxed);
    log.write_all(b"back\n").expect("it is right");
    assert_eq!(lines(&path), ["back"]);
}

#[test]
fn a_log_that_can_not_be_opened_is_an_error_at_the_start() {
    let dir = tempfile::tempdir().expect("it is right");
    assert!(RotatingFile::open(dir.path()).is_err());
    assert!(RotatingFile::open(&dir.path().join("nowhere/log")).is_err());
}
