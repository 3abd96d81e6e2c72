//! A person who starts the first rotation of an enterprise at a terminal is asked before old files go;
//! no other run asks, and no run asks twice.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::NaiveDate;
use serde_json::{Value, json};
use testing::terminal::in_terminal;

/// Two days that `keep` of 14 days lets go at [`testing::NOW`], and two that it keeps.
const OLD: [&str; 2] = ["2025-11-10", "2025-11-12"];
const KEPT: [&str; 2] = ["2025-11-30", "2025-12-03"];

struct Tree {
    dir: tempfile::TempDir,
}

impl Tree {
    fn of(enterprises: &[&str]) -> Tree {
        let dir = tempfile::tempdir().expect("a folder");
        for enterprise in enterprises {
            let folder = dir.path().join("call_tracer").join(enterprise);
            fs::create_dir_all(&folder).expect("made");
            for day in OLD.iter().chain(&KEPT) {
                let file = folder.join(format!("events_{day}.log"));
                fs::write(file, line(day)).expect("written");
            }
        }
        Tree { dir }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("call_tracer")
    }

    /// Runs it at a terminal of 120 columns and answers as `steps` say. Returns the exit status and what
    /// was shown.
    fn at_terminal(&self, args: &[&str], steps: &Value) -> (i64, String) {
        let args = [&["rotate"], args].concat();
        let (status, shown) = in_terminal((120, 40), &self.root(), &args, &[], steps);
        (status, shown.replace('\r', ""))
    }

    /// Whether both old days are still there; either both are, or none is.
    fn has_old_days(&self, enterprise: &str) -> bool {
        let folder = self.root().join(enterprise);
        let is_there = |day: &&&str| folder.join(format!("events_{day}.log")).exists();
        let there = OLD.iter().filter(is_there).count();
        assert!(there == 0 || there == OLD.len(), "one of them is gone");
        there > 0
    }

    fn was_run(&self, enterprise: &str) -> bool {
        self.root().join(enterprise).join(".calltrace").exists()
    }
}

fn line(day: &str) -> String {
    let day: NaiveDate = day.parse().expect("a day");
    let nine = day.and_hms_opt(9, 0, 0).expect("a time").and_utc();
    let uid = format!("{}.1", nine.timestamp());
    format!("{day} 09:00:00,000|AST|hangup|{uid}|{{\"UniqueId\": \"{uid}\"}}\n")
}

fn answer(typed: &str) -> Value {
    json!([["[y/N] ", { "type": typed }]])
}

fn is_asked(shown: &str) -> bool {
    shown.contains("[y/N]")
}

#[test]
fn a_no_removes_nothing_rotates_nothing_and_leaves_no_trace() {
    for no in ["n\n", "\n", "what?\n", "\u{4}"] {
        let tree = Tree::of(&["0367"]);
        let (status, shown) = tree.at_terminal(&[], &answer(no));
        let question = "\
calltrace: this is the first rotation of 0367; it removes 2 files (154 B) older than 14 days, the oldest of them of 2025-11-10
calltrace: rotate.keep (default) sets the limit: --keep 60d removes less, --dry-run names each file
Remove them and go on? [y/N] ";
        assert!(shown.starts_with(question), "{shown}");
        let end = "calltrace: nothing was removed and nothing was rotated\n";
        assert!(shown.ends_with(end), "{shown}");
        assert_eq!(status, 2, "{no:?}");
        assert!(tree.has_old_days("0367") && !tree.was_run("0367"), "{no:?}");
    }
}

#[test]
fn a_yes_goes_on_and_the_next_run_does_not_ask() {
    let tree = Tree::of(&["0367"]);
    let (status, shown) = tree.at_terminal(&[], &answer("Y\n"));
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("removed events_2025-11-10.log"), "{shown}");
    assert!(!tree.has_old_days("0367"));
    let (status, shown) = tree.at_terminal(&["--keep", "1d"], &json!([]));
    assert!(status == 0 && !is_asked(&shown), "{shown}");
    assert!(shown.contains("removed events_2025-11-30.log"), "{shown}");
}

#[test]
fn no_question_is_asked_with_yes_without_a_terminal_or_where_nothing_would_go() {
    let tree = Tree::of(&["0367"]);
    for args in [&["--dry-run"][..], &["--keep", "60d", "--dry-run"]] {
        let (status, shown) = tree.at_terminal(args, &json!([]));
        assert!(status == 0 && !is_asked(&shown), "{args:?}: {shown}");
    }
    let kept = Tree::of(&["0367"]);
    let (status, shown) = kept.at_terminal(&["--keep", "60d"], &json!([]));
    assert!(status == 0 && !is_asked(&shown), "{shown}");
    assert!(kept.was_run("0367"));

    let (status, shown) = tree.at_terminal(&["--yes"], &json!([]));
    assert!(status == 0 && !is_asked(&shown), "{shown}");
    assert!(!tree.has_old_days("0367"));

    let from_cron = Tree::of(&["0367"]);
    let output = testing::run(&from_cron.root(), &["rotate"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty() && !from_cron.has_old_days("0367"));
}

#[test]
fn the_question_names_all_enterprises_that_are_new_and_the_setting() {
    let tree = Tree::of(&["0103", "0327", "0367", "0376", "0400"]);
    assert_eq!(
        testing::run(&tree.root(), &["rotate", "0400", "--keep", "60d"])
            .status
            .code(),
        Some(0)
    );
    let settings = tree.dir.path().join("config.toml");
    fs::write(&settings, "# mine\n[rotate]\nkeep = \"1d\"\n").expect("written");
    let path = settings.to_str().expect("text");
    let (status, shown) = tree.at_terminal(&["--config", path], &answer("no\n"));
    let first =
        "the first rotation of 4 enterprises; it removes 12 files (924 B) older than 1 day, ";
    assert!(shown.contains(first), "{shown}");
    let limit = format!("rotate.keep ({path}:3) sets the limit: --keep 60d removes less");
    assert!(shown.contains(&limit), "{shown}");
    assert_eq!(status, 2);
    assert!(tree.has_old_days("0103") && tree.has_old_days("0376"));

    let (_, shown) = tree.at_terminal(&["0103", "--keep=20d"], &answer("no\n"));
    let first = "the first rotation of 0103; it removes 2 files (154 B) older than 20 days, ";
    assert!(shown.contains(first), "{shown}");
    assert!(
        shown.contains("--keep sets the limit: --keep 80d"),
        "{shown}"
    );
}

#[test]
fn an_enterprise_of_an_earlier_version_is_not_new() {
    let tree = Tree::of(&["0367"]);
    let own = tree.root().join("0367/.calltrace");
    fs::create_dir(&own).expect("made");
    fs::write(Path::new(&own).join("lock"), "").expect("written");
    let (status, shown) = tree.at_terminal(&[], &json!([]));
    assert!(status == 0 && !is_asked(&shown), "{shown}");
    assert!(!tree.has_old_days("0367"));
}

#[test]
fn a_lock_that_no_rotation_has_given_a_time_does_not_stand_for_an_earlier_run() {
    let tree = Tree::of(&["0367"]);
    let own = tree.root().join("0367/.calltrace");
    fs::create_dir(&own).expect("made");
    let lock = fs::File::create(own.join("lock")).expect("made");
    lock.set_permissions(fs::Permissions::from_mode(0o600))
        .expect("ours");
    lock.set_modified(SystemTime::UNIX_EPOCH).expect("ours");
    let (status, shown) = tree.at_terminal(&[], &answer("n\n"));
    assert!(status == 2 && is_asked(&shown), "{shown}");
    assert!(tree.has_old_days("0367"));
}
