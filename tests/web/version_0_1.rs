//! A tree, settings, indexes and links that version 0.1.0 made (`tests/data/v0.1.0`): every command answers
//! over them, with the same answers as over the sample tree that they were made from.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::serving::{Client, Running};
use calltrace_store::fsx::Folder;
use calltrace_store::index::{self, IndexState};
use calltrace_store::tree::{EnterpriseName, Snapshot};
use testing::{out, sample};

const ID: &str = "1764493655.61";

/// The time at which version 0.1.0 was run: its links and archives had not expired.
const THEN: &str = "2026-11-30T12:00:00Z";

/// A copy of what version 0.1.0 left.
struct Left {
    dir: tempfile::TempDir,
}

impl Left {
    fn new() -> Left {
        let dir = tempfile::tempdir().expect("a folder");
        copy(&testing::project().join("tests/data/v0.1.0"), dir.path());
        Left { dir }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("call_tracer")
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = testing::command(&self.root());
        command
            .env("CALLTRACE_NOW", THEN)
            .env("CALLTRACE_CONFIG", self.dir.path().join("config.toml"))
            .args(["--tz", "UTC"])
            .args(args)
            .current_dir(self.dir.path());
        command.output().expect("the program starts")
    }

    /// Returns what a command prints that finds something.
    fn prints(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        out(&output)
    }
}

/// Copies a folder. Logs get the modification times that their indexes know, because git keeps no times.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
            continue;
        }
        fs::copy(&path, &target).expect("copied");
        let changed: chrono::DateTime<chrono::Utc> =
            "2025-12-02T13:00:00Z".parse().expect("it is right");
        let file = File::options().write(true).open(&target).expect("open");
        file.set_modified(changed.into()).expect("set");
    }
}

#[test]
fn calls_are_found_as_in_the_tree_that_it_was_made_of() {
    let left = Left::new();
    for args in [
        &["trace", "0367", ID, "--format", "raw"][..],
        &["trace", "0103", "1764666900.61", "--format", "raw"],
        &[
            "trace",
            "0367",
            "1764666900.61",
            "--strict",
            "--format",
            "raw",
        ],
        &["search", "0367", "--limit", "0", "--format", "csv"],
        &["search", "0103", "--status", "missed", "--format", "csv"],
        &[
            "search",
            "0367",
            "--phone",
            "80290001234",
            "--format",
            "csv",
        ],
        &[
            "search", "0367", "--lines", "--event", "hangup", "--limit", "0", "--format", "raw",
        ],
        &["search", "0103", "--count"],
        &["tail", "0103", "-n", "5", "--raw"],
    ] {
        let (expected, found) = (testing::run(&sample(), args), left.run(args));
        assert!(!expected.stdout.is_empty(), "{args:?}");
        assert!(found.stdout == expected.stdout, "{args:?}");
    }
}

#[test]
fn its_indexes_are_right_and_are_used() {
    let left = Left::new();
    let checked = left.run(&["index", "--check"]);
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    for name in ["0103", "0367"] {
        let enterprise = EnterpriseName::new(name).expect("a name");
        let folder = Folder::open(&left.root().join(name)).expect("a folder");
        let logs = Snapshot::open(&enterprise, &folder).expect("listed");
        for log in logs.files.iter().filter(|log| log.name.gz) {
            let is_fresh = matches!(index::state(log), IndexState::Fresh { .. });
            assert!(is_fresh, "{}", log.path.display());
        }
    }
}

#[test]
fn the_folder_is_looked_after_and_nothing_is_lost() {
    let left = Left::new();
    let all = ["search", "--lines", "--limit", "0", "--format", "raw"];
    let sorted = || {
        let bytes = left.run(&all).stdout;
        let lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec);
        let mut lines: Vec<_> = lines.collect();
        lines.sort();
        lines
    };
    let before = sorted();
    let would = left.run(&["rotate", "--dry-run"]);
    assert_eq!(would.status.code(), Some(0), "{would:?}");
    left.prints(&["rotate"]);
    assert!(sorted() == before, "other lines");
    // doctor reports a tree of a year ago as silent, and its settings as open to all.
    let doctor = left.run(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(1), "{doctor:?}");
    assert!(out(&doctor).contains("[silent]"), "{doctor:?}");
}

#[test]
fn its_settings_and_its_links_hold() {
    let left = Left::new();
    let settings = left.prints(&["config"]);
    assert!(settings.contains("https://bot.example.org"), "{settings}");
    assert!(!settings.contains("the-token-of-0367"), "{settings}");
    let link = left.prints(&["link", "0367", ID]);
    assert!(
        link.starts_with("https://bot.example.org/call/0367/"),
        "{link}"
    );
    let config = fs::read_to_string(left.dir.path().join("config.toml")).expect("read");
    let root = left.root();
    let root = root.to_str().expect("text");
    let server = Running::start_with_env(&config, &["--root", root], &[("CALLTRACE_NOW", THEN)]);
    let address = server.address();
    let links = fs::read_to_string(left.dir.path().join("links.txt")).expect("read");
    assert_eq!(links.lines().count(), 2);
    for link in links.lines() {
        let target = link.strip_prefix("https://bot.example.org").expect("ours");
        let mut client = Client::connect(address);
        client.ask("GET", target, "");
        assert_eq!(client.reply().status, 200, "{link}");
    }
}
