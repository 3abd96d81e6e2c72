//! Links in place of a log: to a file elsewhere that is rotated there, and to the current file.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::tailing::{Running, log, tree};

fn line(number: usize) -> String {
    format!("2025-12-02 09:15:{number:02},000|AST|hangup|1764666900.{number}|{{}}\n")
}

fn add(path: &Path, number: usize) {
    let open = OpenOptions::new().append(true).create(true).open(path);
    let mut file = open.expect("open");
    file.write_all(line(number).as_bytes()).expect("written");
}

fn found(dir: &tempfile::TempDir) -> (String, Option<i32>, String) {
    let args = ["search", "0367", "--lines", "--count"];
    let output = testing::run(dir.path(), &args);
    let stderr = testing::text(&output.stderr);
    let count = testing::text(&output.stdout).trim().to_owned();
    (count, output.status.code(), stderr)
}

#[test]
fn a_log_that_lies_elsewhere_is_followed_through_its_link_when_it_is_rotated_there() {
    for options in [&["-f", "--raw"][..], &["-f", "--raw", "--poll"]] {
        let (dir, far) = (tree(), tempfile::tempdir().expect("a folder"));
        let target = far.path().join("events.log");
        add(&target, 1);
        symlink(&target, log(&dir)).expect("linked");
        let tail = Running::start(&dir, options);
        assert_eq!(tail.take(1), line(1));
        add(&target, 2);
        assert_eq!(tail.take(1), line(2));
        for round in 1..4 {
            let (last, first, next) = (10 * round, 10 * round + 1, 10 * round + 2);
            fs::rename(&target, far.path().join(format!("old.{round}"))).expect("renamed");
            // It was not read yet, so it is read to its end under any name.
            add(&far.path().join(format!("old.{round}")), last);
            assert_eq!(tail.take(1), line(last), "{options:?}");
            add(&target, first);
            assert_eq!(tail.take(1), line(first), "{options:?}");
            add(&target, next);
            assert_eq!(tail.take(1), line(next), "{options:?}");
        }
    }
}

#[test]
fn a_log_elsewhere_that_is_not_there_at_first_is_met_when_it_comes() {
    let (dir, far) = (tree(), tempfile::tempdir().expect("a folder"));
    let target = far.path().join("events.log");
    symlink(&target, log(&dir)).expect("linked");
    let tail = Running::start(&dir, &["-f", "--raw"]);
    tail.wait_for("leads nowhere");
    add(&target, 1);
    assert_eq!(tail.take(1), line(1));
}

#[test]
fn a_link_that_moves_on_to_the_next_day_is_followed() {
    let dir = tree();
    let day = |day: usize| dir.path().join(format!("0367/events_2025-12-0{day}.log"));
    add(&day(1), 1);
    symlink("events_2025-12-01.log", log(&dir)).expect("linked");
    let tail = Running::start(&dir, &["-f", "--raw"]);
    assert_eq!(tail.take(1), line(1));
    add(&day(2), 2);
    fs::remove_file(log(&dir)).expect("removed");
    symlink("events_2025-12-02.log", log(&dir)).expect("linked");
    assert_eq!(tail.take(1), line(2));
    add(&log(&dir), 3);
    assert_eq!(tail.take(1), line(3));
    assert_eq!(found(&dir), ("3".to_owned(), Some(0), String::new()));
}

#[test]
fn the_file_that_is_current_is_not_sealed_and_a_link_to_a_sealed_one_misses_nothing() {
    let dir = tree();
    let target = dir.path().join("0367/events_2025-12-01.log");
    add(&target, 1);
    symlink("events_2025-12-01.log", log(&dir)).expect("linked");
    let rotate = || testing::run(dir.path(), &["rotate", "--keep=36500d"]);
    let output = rotate();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(target.exists(), "{output:?}");
    assert_eq!(found(&dir), ("1".to_owned(), Some(0), String::new()));

    fs::rename(log(&dir), dir.path().join("0367/aside")).expect("moved");
    let output = rotate();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!target.exists(), "{output:?}");
    fs::rename(dir.path().join("0367/aside"), log(&dir)).expect("back");
    assert_eq!(found(&dir), ("1".to_owned(), Some(0), String::new()));
    assert_eq!(rotate().status.code(), Some(0));
    let report = testing::text(&testing::run(dir.path(), &["doctor"]).stdout);
    assert!(!report.contains("leads nowhere"), "{report}");

    // A broken link may hide lines.
    fs::remove_file(log(&dir)).expect("removed");
    symlink("events_2025-11-30.log", log(&dir)).expect("linked");
    let (count, code, stderr) = found(&dir);
    assert_eq!((count.as_str(), code), ("1", Some(2)), "{stderr}");
    assert!(stderr.contains("leads nowhere"), "{stderr}");
}
