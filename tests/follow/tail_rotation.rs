//! `calltrace tail --follow` as a process while files change: its output, its messages, and its end.
//! `follow_model.rs` and `follow_disk.rs` prove that no line is lost.

use std::fs;
use std::process::Stdio;

use crate::tailing::{Running, append, command, log, tree};

fn line(number: usize) -> String {
    format!(
        "2025-12-02 09:{:02}:{:02},000|AST|start|{number}.1|{{}}",
        number / 60,
        number % 60
    )
}

fn write(dir: &tempfile::TempDir, numbers: std::ops::Range<usize>) {
    append(dir, &numbers.map(|n| line(n) + "\n").collect::<String>());
}

/// Reads the lines with these numbers.
fn expect_lines(tail: &Running, numbers: std::ops::Range<usize>) {
    for number in numbers {
        assert_eq!(tail.line(), line(number));
    }
}

fn rotate(dir: &tempfile::TempDir, mode: &str) {
    let status = testing::command(dir.path())
        .args([
            "rotate", "--force", "--grace", "0", "--keep", "36500d", "--mode", mode,
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.expect("rotate runs").success());
}

#[test]
fn every_mode_of_rotation_is_followed_with_events_and_without() {
    for poll in [&[][..], &["--poll"]] {
        let dir = tree();
        write(&dir, 0..3);
        let tail = Running::start(&dir, &[&["-f", "--raw"][..], poll].concat());
        expect_lines(&tail, 0..3);
        rotate(&dir, "rename");
        write(&dir, 3..6);
        expect_lines(&tail, 3..6);
        // A writer holds it open, so its front is removed.
        let open = fs::OpenOptions::new()
            .append(true)
            .open(log(&dir))
            .expect("open");
        rotate(&dir, "collapse");
        write(&dir, 6..9);
        expect_lines(&tail, 6..9);
        rotate(&dir, "collapse");
        write(&dir, 9..12);
        expect_lines(&tail, 9..12);
        drop(open);
        fs::rename(log(&dir), dir.path().join("0367/events.log.2025-12-02")).expect("renamed");
        write(&dir, 12..15);
        rotate(&dir, "archive");
        expect_lines(&tail, 12..15);
        // A repeated line would come before this one.
        write(&dir, 15..16);
        expect_lines(&tail, 15..16);
    }
}

#[test]
fn new_enterprises_and_new_files_join() {
    let dir = tree();
    let tail = Running::start(&dir, &["-f", "--raw"]);
    write(&dir, 0..1);
    expect_lines(&tail, 0..1);
    let other = dir.path().join("0368");
    fs::create_dir(&other).expect("made");
    fs::write(other.join("events_2025-12-02.log"), line(1) + "\n").expect("written");
    expect_lines(&tail, 1..2);
    fs::write(other.join("events.log"), line(2) + "\n").expect("written");
    expect_lines(&tail, 2..3);
    // A file that is no log, and a copy of what was read, print nothing.
    fs::write(other.join("notes.log"), line(7) + "\n").expect("written");
    fs::copy(other.join("events.log"), other.join("events.log.1")).expect("copied");
    write(&dir, 3..4);
    expect_lines(&tail, 3..4);
    write(&dir, 4..5);
    expect_lines(&tail, 4..5);
    assert_eq!(tail.lines.try_iter().count(), 0);
}

#[test]
fn a_truncation_is_reported_and_later_lines_are_printed() {
    let dir = tree();
    write(&dir, 0..3);
    let tail = Running::start(&dir, &["-f", "--raw"]);
    expect_lines(&tail, 0..3);
    write(&dir, 3..4);
    expect_lines(&tail, 3..4);
    fs::write(log(&dir), line(4) + "\n").expect("truncated and written");
    expect_lines(&tail, 4..5);
    tail.wait_for(
        "calltrace: 0367/events.log was truncated after byte 164; followed from its start, what was cut \
         off unread is lost",
    );
}

#[test]
fn a_folder_that_goes_and_comes_back_goes_on_where_it_was() {
    let dir = tree();
    write(&dir, 0..2);
    let tail = Running::start(&dir, &["-f", "--raw"]);
    expect_lines(&tail, 0..2);
    let folder = dir.path().join("0367");
    // A name that is not that of an enterprise.
    let aside = dir.path().join(".aside");
    fs::rename(&folder, &aside).expect("moved away");
    // A new enterprise was noticed, so the root has been listed since.
    let other = dir.path().join("0368");
    fs::create_dir(&other).expect("made");
    fs::write(other.join("events.log"), line(9) + "\n").expect("written");
    expect_lines(&tail, 9..10);
    fs::rename(&aside, &folder).expect("moved back");
    write(&dir, 2..4);
    expect_lines(&tail, 2..4);
}

#[test]
fn it_ends_when_the_reader_has_gone_though_nothing_more_is_written() {
    let dir = tree();
    write(&dir, 0..1);
    let mut tail = command(dir.path())
        .args(["-f", "--raw"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    drop(tail.stdout.take());
    testing::wait_until("its end", || tail.try_wait().expect("a child").is_some());
    assert_eq!(tail.wait().expect("a child").code(), Some(0));
}
