//! A day's archive is named after the day that it holds, however long after midnight the rotation runs.

use std::fs::{self, File, OpenOptions};
use std::io::Read as _;
use std::path::PathBuf;
use std::process::Output;

use flate2::read::MultiGzDecoder;

const KEEP: &str = "--keep=36500d";

struct Tree(tempfile::TempDir);

impl Tree {
    fn new(days: &[(&str, usize)]) -> Tree {
        let tree = Tree(tempfile::tempdir().expect("a folder"));
        fs::create_dir(tree.0.path().join("0367")).expect("made");
        fs::write(tree.path("events.log"), lines(days)).expect("written");
        tree
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("0367").join(name)
    }

    fn with(self, name: &str, days: &[(&str, usize)]) -> Tree {
        fs::write(self.path(name), lines(days)).expect("written");
        self
    }

    fn rotate(&self, now: &str, args: &[&str]) -> Output {
        let mut command = testing::command(self.0.path());
        command.args(["rotate", KEEP]).args(args);
        command.env("CALLTRACE_NOW", now).output().expect("run")
    }

    fn rotated(&self, now: &str, args: &[&str]) {
        let output = self.rotate(now, args);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }

    /// The log files, in order.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path("")).expect("listed");
        let names = entries.map(|entry| entry.expect("listed").file_name());
        let mut names: Vec<String> = names.filter_map(|name| name.into_string().ok()).collect();
        names.retain(|name| name.starts_with("events"));
        names.sort();
        names
    }

    /// The days of a file's records in their order, and the number of records of each.
    fn days(&self, name: &str) -> Vec<(String, usize)> {
        let mut text = String::new();
        let file = File::open(self.path(name)).expect("there");
        match name.ends_with(".gz") {
            true => MultiGzDecoder::new(file).read_to_string(&mut text),
            false => { file }.read_to_string(&mut text),
        }
        .expect("read");
        let mut days: Vec<(String, usize)> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            match days.last_mut() {
                Some((day, count)) if line.starts_with(day.as_str()) => *count += 1,
                _ => days.push((line[..10].to_owned(), 1)),
            }
        }
        days
    }

    fn found(&self) -> String {
        let args = ["search", "0367", "--lines", "--count"];
        let output = testing::run(self.0.path(), &args);
        assert_eq!(testing::text(&output.stderr), "");
        testing::text(&output.stdout).trim().to_owned()
    }
}

fn lines(days: &[(&str, usize)]) -> String {
    let of_day = |(at, (day, count)): (usize, &(&str, usize))| -> String {
        let line = |n| {
            let time = format!("{day} 12:{:02}:{:02},000", n / 60 % 60, n % 60);
            format!("{time}|AST|hangup|1764406800.{at}{n:04}|{{\"Phone\": \"375290001111\"}}\n")
        };
        (0..*count).map(line).collect()
    };
    days.iter().enumerate().map(of_day).collect()
}

fn owned(days: &[(&str, usize)]) -> Vec<(String, usize)> {
    days.iter()
        .map(|(day, count)| ((*day).to_owned(), *count))
        .collect()
}

#[test]
fn a_renamed_file_is_called_by_the_day_that_ended_though_there_was_traffic_after_midnight() {
    for (days, name) in [
        // More of today than of the day that ended.
        (&[("2025-11-29", 3), ("2025-11-30", 9)][..], "2025-11-29"),
        (&[("2025-11-29", 3)], "2025-11-29"),
        // A clock was read before midnight and the file opened after it.
        (
            &[("2025-11-28", 1), ("2025-11-29", 40), ("2025-11-30", 2)],
            "2025-11-29",
        ),
        // Days without a run: the one with most of it.
        (
            &[("2025-11-27", 9), ("2025-11-28", 50), ("2025-11-29", 8)],
            "2025-11-28",
        ),
        // Clocks that were wrong.
        (
            &[("1970-01-01", 90), ("2025-11-29", 3), ("2099-01-01", 90)],
            "2025-11-29",
        ),
    ] {
        let tree = Tree::new(days);
        tree.rotated("2025-11-30T00:10:00Z", &["--mode=rename"]);
        let name = format!("events.log.{name}.gz");
        assert_eq!(tree.names(), [name.as_str()], "{days:?}");
        assert_eq!(tree.days(&name), owned(days));
    }
}

/// A tree of these days that was collapsed after midnight while its live file was open; `None` where the file system
/// can't do that.
fn collapsed_while_held(days: &[(&str, usize)]) -> Option<(Tree, File)> {
    let tree = Tree::new(days);
    let open = OpenOptions::new()
        .append(true)
        .open(tree.path("events.log"));
    let held = open.expect("open");
    let output = tree.rotate("2025-11-30T00:10:00Z", &["--mode=collapse"]);
    if testing::text(&output.stderr).contains("can't be rotated") {
        return None;
    }
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    Some((tree, held))
}

#[test]
fn lines_that_are_taken_off_a_held_file_are_split_at_midnight() {
    let days = [("2025-11-28", 300), ("2025-11-29", 2), ("2025-11-30", 400)];
    let Some((tree, held)) = collapsed_while_held(&days) else {
        return testing::skipped("the file system of the temporary folder can't collapse files");
    };
    let names = [
        "events.log",
        "events.log.2025-11-28.gz",
        "events.log.2025-11-29.gz",
    ];
    assert_eq!(tree.names(), names);
    for (name, day) in [
        (names[1], days[0]),
        (names[2], days[1]),
        (names[0], days[2]),
    ] {
        assert_eq!(tree.days(name), owned(&[day]), "{name}");
    }
    assert_eq!(tree.found(), "702");
    // Nothing is due any more; the next night the rest goes.
    let before = fs::read(tree.path("events.log")).expect("read");
    tree.rotated("2025-11-30T09:10:00Z", &["--mode=collapse"]);
    assert!(fs::read(tree.path("events.log")).expect("read") == before);
    tree.rotated("2025-12-01T00:10:00Z", &["--mode=collapse"]);
    assert_eq!(tree.days("events.log"), []);
    assert_eq!(tree.days("events.log.2025-11-30.gz"), owned(&[days[2]]));
    assert_eq!(tree.found(), "702");
    drop(held);
}

#[test]
fn workers_that_interleave_at_midnight_split_once() {
    let days = [
        ("2025-11-29", 30),
        ("2025-11-30", 1),
        ("2025-11-29", 2),
        ("2025-11-30", 30),
    ];
    let Some((tree, held)) = collapsed_while_held(&days) else {
        return testing::skipped("the file system of the temporary folder can't collapse files");
    };
    assert_eq!(tree.days("events.log.2025-11-29.gz"), owned(&days[..1]));
    assert_eq!(tree.days("events.log"), owned(&days[1..]));
    // All of it, if that is asked for.
    tree.rotated("2025-11-30T00:20:00Z", &["--mode=collapse", "--force"]);
    assert_eq!(tree.days("events.log.2025-11-30.gz"), owned(&days[1..]));
    assert_eq!(tree.found(), "63");
    drop(held);
}

#[test]
fn a_file_that_has_the_name_already_is_added_to_or_waited_for_and_never_replaced() {
    // Version 0.1 named the file so: after the ten minutes that it held of the next day.
    let misnamed = [("2025-11-28", 20), ("2025-11-29", 3)];
    let live = [("2025-11-29", 10), ("2025-11-30", 1)];
    let tree = Tree::new(&live).with("events.log.2025-11-29", &misnamed);
    tree.rotated("2025-11-30T00:10:00Z", &[]);
    assert_eq!(tree.names(), ["events.log.2025-11-29.gz"]);
    let mut both = owned(&misnamed);
    both.extend(owned(&live));
    both[1].1 += both.remove(2).1;
    assert_eq!(tree.days("events.log.2025-11-29.gz"), both);
    assert_eq!(tree.found(), "34");

    let tree = Tree::new(&live).with("events.log.2025-11-29", &misnamed);
    let open = OpenOptions::new()
        .append(true)
        .open(tree.path("events.log.2025-11-29"));
    let held = open.expect("open");
    let output = tree.rotate("2025-11-30T00:10:00Z", &["--mode=rename"]);
    let stderr = testing::text(&output.stderr);
    assert!(
        stderr.contains("is due, but events.log.2025-11-29 is still there"),
        "{stderr}"
    );
    assert_eq!(tree.names(), ["events.log", "events.log.2025-11-29"]);
    assert_eq!(tree.days("events.log"), owned(&live));
    assert_eq!(tree.days("events.log.2025-11-29"), owned(&misnamed));
    drop(held);
}

#[test]
fn doctor_does_not_take_a_rotation_after_midnight_for_two_writers() {
    let tree = Tree::new(&[("2025-11-29", 30)]);
    let text = fs::read_to_string(tree.path("events.log")).expect("read");
    let after = text.replace("2025-11-29 12:", "2025-11-30 00:");
    fs::write(tree.path("events.log"), text + &after).expect("written");
    tree.rotated("2025-11-30T00:10:00Z", &[]);
    let report = testing::run(tree.0.path(), &["doctor", "-v"]);
    let report = testing::text(&report.stdout);
    assert!(!report.contains("outside-day"), "{report}");
}
