//! Files that begin like the end of an archive by chance: they must not be taken for the work of a killed run.

use std::fs;
use std::path::Path;
use std::process::Command;

fn calltrace(root: &Path, args: &[&str]) -> String {
    testing::out(&testing::run(root, args))
}

fn lines(root: &Path) -> Vec<String> {
    let printed = calltrace(root, &["search", "--lines", "-n", "0", "--format", "raw"]);
    let mut lines: Vec<String> = printed.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn a_banner_that_every_file_begins_with_is_never_taken_off() {
    let dir = tempfile::tempdir().expect("a folder");
    let live = dir.path().join("0367/events.log");
    fs::create_dir(dir.path().join("0367")).expect("made");
    let mut wanted = Vec::new();
    for n in 0..3 {
        let text = format!("service started\nline {n}\n");
        wanted.extend(text.lines().map(str::to_owned));
        fs::write(&live, "service started\n").expect("written");
        if n > 0 {
            fs::write(&live, &text).expect("written");
        } else {
            wanted.pop();
        }
        assert_eq!(lines(dir.path()).len(), wanted.len());
        let printed = calltrace(dir.path(), &["rotate", "--force", "--keep", "36500d"]);
        assert!(!printed.contains("took lines off"), "{printed}");
        wanted.sort();
        assert_eq!(lines(dir.path()), wanted);
    }
}

#[test]
fn a_line_that_differs_in_one_newline_is_another() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    let record = "2025-11-20 10:00:00,000|AST|start|1763632800.1|{}";
    fs::write(
        folder.join("events.log.2025-11-20"),
        format!("{record}\nB tail\n"),
    )
    .expect("written");
    let zipped = Command::new("gzip")
        .arg(folder.join("events.log.2025-11-20"))
        .status();
    assert!(zipped.expect("gzip runs").success());
    fs::write(
        folder.join("events.log.2025-11-20"),
        format!("{record}\nB\ntail\n"),
    )
    .expect("written");
    let mut wanted = [record, "B tail", record, "B", "tail"].map(str::to_owned);
    wanted.sort();
    assert_eq!(lines(dir.path()), wanted);
    calltrace(dir.path(), &["rotate", "--keep", "36500d"]);
    assert_eq!(lines(dir.path()), wanted);
}
