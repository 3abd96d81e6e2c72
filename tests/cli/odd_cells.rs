//! Values of hosts that are neither a number nor an id as Asterisk makes them: they must harm neither spreadsheets nor
//! the next command. Also a disk that is full.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Output, Stdio};

/// A tree of one enterprise, 0367.
pub(crate) struct Tree(tempfile::TempDir);

impl Tree {
    pub(crate) fn new(lines: &[String]) -> Tree {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("0367")).expect("made");
        fs::write(dir.path().join("0367/events.log"), lines.concat()).expect("written");
        Tree(dir)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join("0367").join(name)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        testing::run(self.0.path(), args)
    }

    pub(crate) fn out(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        testing::text(&output.stdout)
    }
}

/// A missed call from outside.
pub(crate) fn missed(time: &str, uid: &str, phone: &str, rang: &str, trunk: &str) -> String {
    let call = format!(r#""Phone": "{phone}", "CallType": 0, "Trunk": "{trunk}""#);
    let line = |second: u32, event: &str, rest: &str| {
        format!("2025-12-02 {time}:{second:02},000|AST|{event}|{uid}|{{{call}{rest}}}\n")
    };
    line(0, "start", "")
        + &line(1, "dial", &format!(r#", "Extensions": [{rang}]"#))
        + &line(9, "hangup", r#", "Extensions": [""], "CallStatus": "0""#)
}

#[test]
fn a_spreadsheet_takes_no_cell_of_a_search_for_a_formula() {
    let rang = r#""=HYPERLINK(1)", "150", "+1", "@SUM(1)""#;
    let tree = Tree::new(&[missed(
        "09:15",
        "1764666900.10",
        "375290001111",
        rang,
        "=1+1",
    )]);
    let csv = tree.out(&["search", "--format=csv"]);
    assert!(
        csv.contains(",'=1+1,'=HYPERLINK(1) 150 '+1 '@SUM(1),"),
        "{csv}"
    );
    for cell in csv.split([',', '\n']) {
        assert!(!cell.starts_with(['=', '+', '-', '@']), "{cell}");
    }
    let raw = tree.out(&["search", "--format=csv", "--raw-csv"]);
    assert_eq!(raw, csv.replace('\'', ""));
    let by_line = tree.out(&["stats", "--by=line", "--format=csv"]);
    assert!(by_line.contains(",'=1+1,"), "{by_line}");

    let wrong = tree.run(&["search", "--raw-csv"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(testing::text(&wrong.stderr).contains("--raw-csv changes only CSV"));
}

#[test]
fn every_id_that_search_lists_is_taken_by_trace() {
    let ids = [
        "1764666900.10",
        "PBX 1-1764666900.20",
        "звонок-1764666900.30",
        "вызов",
        "a b",
    ];
    let lines: Vec<String> = (0..)
        .zip(ids)
        .map(|(at, id)| missed(&format!("1{at}:15"), id, "375290001111", "\"150\"", "1"))
        .collect();
    let tree = Tree::new(&lines);
    let listed = tree.out(&["search", "--format=json"]);
    for id in ids {
        assert!(listed.contains(id), "{id}: {listed}");
        let raw = tree.out(&["trace", "0367", id, "--format=raw"]);
        assert_eq!(raw.lines().count(), 3, "{id}: {raw}");
        assert!(
            raw.lines().all(|line| line.contains(&format!("|{id}|"))),
            "{raw}"
        );
        let tail = tree.out(&["tail", "0367", "--call", id, "--raw"]);
        assert_eq!(tail, raw);
    }
    for wrong in ["abc", "a|1764666900.10", "../etc", "1\n2", ""] {
        let output = tree.run(&["trace", "0367", wrong]);
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn a_caller_without_a_number_is_seen_and_found() {
    let callers = [
        "anonymous",
        "sip:Ivan@example.org",
        "Unavailable",
        "375290001111",
        "",
    ];
    let lines: Vec<String> = (0..)
        .zip(callers)
        .map(|(at, phone)| {
            let (time, id) = (format!("1{at}:15"), format!("176466690{at}.{at}"));
            missed(&time, &id, phone, "\"150\"", "1")
        })
        .collect();
    let tree = Tree::new(&lines);
    let table = tree.out(&["search"]);
    assert!(
        table.contains("anonymous") && table.contains("sip:Ivan@example.org"),
        "{table}"
    );
    let count = |typed: &str| {
        let args = ["search", "--phone", typed, "--count"];
        testing::text(&tree.run(&args).stdout).trim().to_owned()
    };
    for _ in 0..2 {
        for (typed, found) in [
            ("anonymous", "1"),
            ("Anonymous", "1"),
            ("sip:ivan@example.org", "1"),
            ("ivan@example.org", "1"),
            ("unavailable", "1"),
            ("stranger", "0"),
            ("80290001111", "1"),
        ] {
            assert_eq!(count(typed), found, "{typed}");
        }
        let lines = tree.out(&["search", "--lines", "--phone=anonymous", "--count"]);
        assert_eq!(lines.trim(), "3");
        // The same of a sealed day with its index and its table of calls.
        assert_eq!(
            tree.run(&["rotate", "--keep=36500d"]).status.code(),
            Some(0)
        );
    }
    let wrong = tree.run(&["search", "--phone=37529abc"]);
    assert_eq!(wrong.status.code(), Some(2));
}

#[test]
fn an_answer_that_can_not_be_written_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        return testing::skipped("there is no /dev/full");
    };
    let tree = Tree::new(&[missed("09:15", "1764666900.10", "1", "\"150\"", "1")]);
    for args in [
        &["--help"][..],
        &["--version"],
        &["search", "--help"],
        &["search"],
    ] {
        let mut command = testing::command(tree.0.path());
        command
            .args(args)
            .stdout(Stdio::from(full.try_clone().expect("cloned")));
        let output = command.output().expect("run");
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        let stderr = testing::text(&output.stderr);
        assert!(
            stderr.contains("can't write the answer"),
            "{args:?}: {stderr}"
        );
    }
}
