//! `calltrace rotate` as people and scripts meet it: exact words, exit codes, what is left on disk.

use std::fs::{self, File, FileTimes};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use expect_test::{Expect, expect};
use flate2::Compression;
use flate2::write::GzEncoder;
use regex::Regex;
use serde_json::Value;

/// Nothing here is to expire.
const KEEP: &str = "--keep=36500d";

struct Tree {
    dir: tempfile::TempDir,
}

impl Tree {
    fn new() -> Tree {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("call_tracer/0367")).expect("made");
        Tree { dir }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("call_tracer")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root().join("0367").join(name)
    }

    fn with(self, name: &str, day: &str, first: usize) -> Tree {
        fs::write(self.path(name), lines(day, first)).expect("written");
        self
    }

    fn with_gzip(self, name: &str, day: &str, first: usize) -> Tree {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let text = lines(day, first);
        encoder.write_all(text.as_bytes()).expect("into memory");
        fs::write(self.path(name), encoder.finish().expect("gzip")).expect("written");
        self
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = testing::command(&self.root());
        command.arg("rotate").args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the command starts")
    }

    /// Both streams, with sizes as `N`: they depend on the compressor.
    fn says(&self, args: &[&str], code: i32, words: &Expect) {
        let output = self.run(args);
        let text = [
            String::from_utf8(output.stdout).expect("UTF-8"),
            String::from_utf8(output.stderr).expect("UTF-8"),
        ]
        .join("--\n");
        let sizes = Regex::new(r"\d+(\.\d+)? (B|kB|MB|GB)\b( \(\d+%\))?").expect("a pattern");
        let text = text.replace(&self.root().display().to_string(), "ROOT");
        words.assert_eq(&sizes.replace_all(&text, "N"));
        assert_eq!(output.status.code(), Some(code), "{args:?}");
    }

    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--format=json"]].concat());
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// All files except the lock, which tells the time of the last run: each name with what changes when the file is
    /// replaced or written to.
    fn state(&self) -> Vec<(PathBuf, u64, u64, SystemTime)> {
        let mut state = Vec::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("listed") {
                let path = entry.expect("an entry").path();
                let metadata = fs::symlink_metadata(&path).expect("there");
                let modified = metadata.modified().expect("a time");
                if metadata.is_dir() {
                    folders.push(path.clone());
                }
                if !path.ends_with(".calltrace/lock") {
                    state.push((path, metadata.ino(), metadata.len(), modified));
                }
            }
        }
        state.sort();
        state
    }
}

fn lines(day: &str, first: usize) -> String {
    (first..first + 100)
        .map(|n| {
            let (minute, second) = (n / 60 % 60, n % 60);
            let uid = format!("1764406800.{n}");
            format!("{day} 09:{minute:02}:{second:02},000|AST|hangup|{uid}|{{\"UniqueId\": \"{uid}\"}}\n")
        })
        .collect()
}

fn usual() -> Tree {
    Tree::new()
        .with("events.log", "2025-12-02", 0)
        .with("events.log.1", "2025-12-01", 100)
        .with("events_2025-11-30.log", "2025-11-30", 200)
        .with_gzip("events_2025-11-30.log.gz", "2025-11-30", 300)
        .with_gzip("events.log-20251129.gz", "2025-11-29", 400)
}

#[test]
fn a_line_a_step_is_printed_and_nothing_when_nothing_is_due() {
    let tree = usual();
    tree.says(
        &[KEEP, "--dry-run"],
        0,
        &expect![[r#"
            0367: would seal events.log.1 -> .gz, N
            0367: would add events_2025-11-30.log -> .gz, N
            0367: would rename events.log -> events.log.2025-12-02, N (its first record is of 2025-12-02)
            0367: would seal events.log.2025-12-02 -> .gz, N
            0367: would index events.log-20251129.gz, N
            --
        "#]],
    );
    tree.says(
        &[KEEP, "--jobs=1"],
        0,
        &expect![[r#"
            0367: sealed events.log.1 -> .gz, N -> N, 100 lines, index N, no writers (lease)
            0367: added events_2025-11-30.log -> .gz, N, archive N, 200 lines, index N, no writers (lease)
            0367: renamed events.log -> events.log.2025-12-02, N (its first record is of 2025-12-02)
            0367: sealed events.log.2025-12-02 -> .gz, N -> N, 100 lines, index N, no writers (lease)
            0367: indexed events.log-20251129.gz, N, index N
            --
        "#]],
    );
    let before = tree.state();
    tree.says(
        &[KEEP],
        0,
        &expect![[r#"
            --
        "#]],
    );
    tree.says(
        &[KEEP, "-v"],
        0,
        &expect![[r#"
            --
            calltrace: 0367: mode archive: there are only files named after days
            calltrace: 0367: nothing due
        "#]],
    );
    assert!(
        tree.state() == before,
        "a run with nothing to do did something"
    );
}

#[test]
fn a_dry_run_changes_nothing_and_names_the_steps_of_the_real_one() {
    let tree = usual();
    let steps = |document: &Value| -> Vec<Value> {
        let steps = document["enterprises"][0]["steps"].as_array();
        let steps = steps.expect("steps").iter();
        steps
            .map(|step| serde_json::json!([step["step"], step["file"], step["to"]]))
            .collect()
    };
    let before = tree.state();
    let would = tree.json(&[KEEP, "--dry-run"]);
    assert!(tree.state() == before, "a dry run did something");
    assert_eq!(would["dry_run"], true);
    let did = tree.json(&[KEEP]);
    assert_eq!(steps(&would), steps(&did));
    assert_eq!(did["version"], 2);
    assert_eq!(did["enterprises"][0]["mode"], "rename");
    let sealed = &did["enterprises"][0]["steps"][0];
    assert_eq!(sealed["step"], "seal");
    assert_eq!(sealed["lines"], 100);
    assert_eq!(sealed["quiet_by"], "lease");
    assert_eq!(did["enterprises"][0]["troubles"], serde_json::json!([]));
}

#[test]
fn archives_are_what_other_programs_take_them_for() {
    let tree = Tree::new().with("events.log.2025-12-01", "2025-12-01", 0);
    assert_eq!(tree.run(&[KEEP]).status.code(), Some(0));
    let archive = tree.path("events.log.2025-12-01.gz");
    let python = "import gzip, sys; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())";
    for (program, args) in [
        ("zcat", &[][..]),
        ("gzip", &["-dc"]),
        ("bgzip", &["-dc"]),
        ("python3", &["-c", python]),
    ] {
        let output = Command::new(program).args(args).arg(&archive).output();
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        assert!(
            output.stdout == lines("2025-12-01", 0).as_bytes(),
            "{program}"
        );
    }
    for (program, option) in [("gzip", "-t"), ("bgzip", "-t")] {
        let status = Command::new(program).arg(option).arg(&archive).status();
        assert!(status.expect("it starts").success(), "{program} {option}");
    }
}

#[test]
fn an_archive_has_the_owner_permissions_and_time_of_its_file() {
    let tree = Tree::new().with("events.log.2025-12-01", "2025-12-01", 0);
    let path = tree.path("events.log.2025-12-01");
    let file = File::options().write(true).open(&path).expect("open");
    let time = SystemTime::UNIX_EPOCH + Duration::new(1_764_633_599, 123_456_789);
    file.set_times(FileTimes::new().set_modified(time))
        .expect("set");
    file.set_permissions(fs::Permissions::from_mode(0o640))
        .expect("set");
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        std::os::unix::fs::chown(&path, Some(12_345), Some(54_321)).expect("given away");
    }
    drop(file);
    let old = fs::metadata(&path).expect("there");
    assert_eq!(tree.run(&[KEEP]).status.code(), Some(0));
    let new = fs::metadata(tree.path("events.log.2025-12-01.gz")).expect("there");
    assert_eq!((new.uid(), new.gid()), (old.uid(), old.gid()));
    assert_eq!(new.mode(), old.mode());
    assert_eq!(new.modified().expect("a time"), time);
    let index = tree.path(".calltrace/events.log.2025-12-01.gz.idx");
    let index = fs::metadata(index).expect("there");
    assert_eq!((index.uid(), index.mode()), (old.uid(), old.mode()));
}

#[test]
fn an_enterprise_that_another_rotation_works_on_is_passed_over_or_waited_for() {
    let tree = Tree::new().with("events.log.2025-12-01", "2025-12-01", 0);
    fs::create_dir(tree.path(".calltrace")).expect("made");
    // The holder looks like another calltrace: its program has that name.
    let program = tree.dir.path().join("calltrace");
    fs::copy("/bin/sleep", &program).expect("copied");
    let lock = File::create(tree.path(".calltrace/lock")).expect("made");
    lock.lock().expect("free");
    let mut holder = Command::new(&program)
        .arg("600")
        .stdin(lock)
        .spawn()
        .expect("it starts");
    tree.says(
        &[KEEP],
        0,
        &expect![[r#"
            --
            calltrace: 0367: another rotation is running; it was skipped
        "#]],
    );
    assert!(tree.path("events.log.2025-12-01").exists());
    let mut waiting = tree.command(&[KEEP, "--wait"]);
    let mut waiting = waiting.stdout(Stdio::null()).spawn().expect("it starts");
    let holds = format!("/proc/{}/fd", waiting.id());
    let has_lock_open = || {
        let open = fs::read_dir(&holds).into_iter().flatten().flatten();
        open.filter_map(|entry| fs::read_link(entry.path()).ok())
            .any(|path| path.ends_with(".calltrace/lock"))
    };
    testing::wait_until("the other rotation", has_lock_open);
    assert!(waiting.try_wait().expect("no error").is_none(), "it waits");
    holder.kill().expect("it runs");
    holder.wait().expect("it ends");
    assert!(waiting.wait().expect("it ends").success());
    assert!(!tree.path("events.log.2025-12-01").exists());
}

#[test]
fn links_and_folders_in_a_logs_place_are_left_alone() {
    let tree = Tree::new();
    let elsewhere = tree.dir.path().join("elsewhere");
    fs::write(&elsewhere, lines("2025-12-01", 0)).expect("written");
    symlink(&elsewhere, tree.path("events.log.2025-12-01")).expect("linked");
    fs::create_dir(tree.path("events.log.2025-11-30")).expect("made");
    tree.says(
        &[KEEP, "-v"],
        0,
        &expect![[r#"
            --
            calltrace: 0367: mode archive: there are only files named after days
            calltrace: 0367: events.log.2025-11-30 is no regular file and is left alone
            calltrace: 0367: events.log.2025-12-01 is a link and is left alone
            calltrace: 0367: nothing due
        "#]],
    );
    assert!(elsewhere.exists());
}

#[test]
fn what_goes_wrong_is_named_and_the_rest_is_done() {
    let tree = Tree::new()
        .with("events.log.2025-12-01", "2025-12-01", 0)
        .with("events.log.2025-11-30", "2025-11-30", 100)
        .with_gzip("events.log.2025-11-30.gz", "2025-11-30", 200);
    let damaged = tree.path("events.log.2025-11-30.gz");
    let bytes = fs::read(&damaged).expect("read");
    fs::write(&damaged, &bytes[..bytes.len() / 2]).expect("cut");
    let before = fs::read(tree.path("events.log.2025-11-30")).expect("read");
    let output = tree.run(&[KEEP]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(
        stderr.contains("0367: events.log.2025-11-30.gz: can't add to it: "),
        "{stderr}"
    );
    assert!(!tree.path("events.log.2025-12-01").exists());
    let after = fs::read(tree.path("events.log.2025-11-30")).expect("read");
    assert_eq!(after, before);
    assert!(fs::read(&damaged).expect("read") == bytes[..bytes.len() / 2]);
}

#[test]
fn the_unfinished_file_of_an_interrupted_run_is_removed_and_nothing_else() {
    let tree = Tree::new()
        .with(".calltrace-events.log.2025-12-01.gz.tmp", "2025-12-01", 0)
        .with(".calltrace-notes.tmp", "2025-12-01", 0)
        .with(".calltrace-events.log.2025-11-30.gone", "2025-11-30", 100);
    tree.says(
        &[KEEP],
        0,
        &expect![[r#"
            0367: restored .calltrace-events.log.2025-11-30.gone -> events.log.2025-11-30 (a run died before it had removed it)
            0367: removed the unfinished .calltrace-events.log.2025-12-01.gz.tmp (a run died while it wrote it)
            0367: sealed events.log.2025-11-30 -> .gz, N -> N, 100 lines, index N, no writers (lease)
            --
        "#]],
    );
    assert!(tree.path(".calltrace-notes.tmp").exists());
}

#[test]
fn a_live_file_is_rotated_any_number_of_times_in_one_day() {
    let today = testing::now().date_naive().to_string();
    let tree = Tree::new();
    for round in 0..3 {
        fs::write(tree.path("events.log"), lines(&today, round * 100)).expect("written");
        assert_eq!(tree.run(&[]).status.code(), Some(0));
        assert!(tree.path("events.log").exists(), "it is not due");
        assert_eq!(tree.run(&["--force"]).status.code(), Some(0));
        assert!(!tree.path("events.log").exists());
    }
    let archive = tree.path(&format!("events.log.{today}.gz"));
    let output = Command::new("zcat").arg(archive).output().expect("zcat");
    let all: String = (0..3).map(|round| lines(&today, round * 100)).collect();
    assert!(output.stdout == all.as_bytes());
}

#[test]
fn an_archive_of_another_program_is_rewritten_when_wanted() {
    let tree = Tree::new().with_gzip("events.log.2025-12-01.gz", "2025-12-01", 0);
    let path = tree.path("events.log.2025-12-01.gz");
    let before = fs::read(&path).expect("read");
    assert_eq!(tree.run(&[KEEP]).status.code(), Some(0));
    assert!(
        fs::read(&path).expect("read") == before,
        "it was not asked for"
    );
    tree.says(
        &[KEEP, "--recompress"],
        0,
        &expect![[r#"
            0367: recompressed events.log.2025-12-01.gz, N -> N, 100 lines, index N, no writers (lease)
            --
        "#]],
    );
    let status = Command::new("bgzip").arg("-t").arg(&path).status();
    assert!(status.expect("bgzip").success());
    tree.says(
        &[KEEP, "--recompress"],
        0,
        &expect![[r#"
            --
        "#]],
    );
}

#[test]
fn wrong_input_gets_one_line_with_the_nearest_right_thing() {
    let tree = Tree::new();
    for (args, words) in [
        (
            &["--mode", "colapse"][..],
            expect![[r#"
                --
                calltrace: invalid value 'colapse' for '--mode <MODE>': no mode "colapse"; did you mean collapse?
            "#]],
        ),
        (
            &["--keep", "0d"],
            expect![[r#"
                --
                calltrace: invalid value '0d' for '--keep <DAYS>': it is at least one day: 1d
            "#]],
        ),
        (
            &["--keep", "36h"],
            expect![[r#"
                --
                calltrace: invalid value '36h' for '--keep <DAYS>': it is whole days, such as 14d or 2w
            "#]],
        ),
        (
            &["--max-size", "big"],
            expect![[r#"
                --
                calltrace: invalid value 'big' for '--max-size <SIZE>': a size is bytes or like 500MB, 64MiB, 2G
            "#]],
        ),
        (
            &["0376"],
            expect![[r#"
                --
                calltrace: no enterprise 0376 under ROOT; did you mean 0367?
            "#]],
        ),
    ] {
        tree.says(args, 2, &words);
    }
}

#[test]
fn a_check_of_indexes_ends_with_2_when_one_or_the_catalog_is_wrong() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    let record = "2025-11-20 10:00:00,000|AST|start|1763632800.1|{\"Phone\": \"375290001234\"}\n";
    fs::write(folder.join("events.log.2025-11-20"), record).expect("written");
    let calltrace = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calltrace"));
        let output = command.args(args).arg("--root").arg(dir.path()).output();
        let output = output.expect("it runs");
        (
            output.status.code(),
            String::from_utf8(output.stdout).expect("text"),
        )
    };
    assert_eq!(calltrace(&["rotate", "--keep", "36500d"]).0, Some(0));
    assert_eq!(calltrace(&["index", "--check"]).0, Some(0));
    for name in ["events.log.2025-11-20.gz.idx", "catalog"] {
        let path = folder.join(".calltrace").join(name);
        let sound = fs::read(&path).expect("there");
        for at in 0..sound.len() {
            let mut wrong = sound.clone();
            wrong[at] ^= 4;
            fs::write(&path, &wrong).expect("written");
            let (code, printed) = calltrace(&["index", "--check"]);
            assert_eq!(code, Some(2), "{name}, byte {at}: {printed}");
            assert!(printed.contains("rotate makes a new one"), "{printed}");
        }
        fs::write(&path, &sound).expect("written");
    }
}

#[test]
fn a_leftover_that_the_archive_begins_with_is_not_added_again() {
    let tree = Tree::new().with("events.log.2025-12-01", "2025-12-01", 0);
    let count = || {
        testing::out(&testing::run(
            &tree.root(),
            &["search", "--lines", "--count"],
        ))
    };
    let file = tree.path("events.log.2025-12-01");
    let all = fs::read_to_string(&file).expect("it is there");
    // A file that came to be just now is waited for.
    let age = || {
        let old = SystemTime::from(testing::now()) - Duration::from_secs(3600);
        let opened = File::options().write(true).open(&file).expect("there");
        opened.set_modified(old).expect("set");
    };
    age();
    tree.run(&[KEEP]);
    assert!(!file.exists());
    // Half of it comes back: a copy that broke off, a part of a backup.
    let half = all.lines().take(40).map(|line| format!("{line}\n"));
    fs::write(&file, half.collect::<String>()).expect("written");
    age();
    assert_eq!(count(), "100\n");
    let output = tree.run(&[KEEP]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!file.exists(), "{output:?}");
    assert_eq!(count(), "100\n");
}
