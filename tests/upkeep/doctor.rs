//! `calltrace doctor` as people and scripts meet it: exact words, exit codes, screens; and that it
//! changes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::doctoring::{Findings, Tree, calls, day, noon, set_age, unprivileged};
use calltrace_upkeep::doctor::Code;
use expect_test::{Expect, expect};
use regex::Regex;
use unicode_width::UnicodeWidthStr;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

/// The output without the parts that differ between machines.
fn comparable(tree: &Tree, bytes: &[u8]) -> String {
    let text = text(bytes).replace(&tree.root().display().to_string(), "ROOT");
    let lines = text
        .lines()
        .filter(|line| !line.contains("processes hold logs open"));
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    // The length of ROOT decides where lines break there.
    let daily = r"run\s+(`[^`]+`)\s+daily,\s+from\s+cron\s+or\s+calltrace-rotate.timer\s+\(--dry-run\s+shows\s+what\s+it\s+would\s+do\)";
    let daily = Regex::new(daily).expect("a pattern");
    daily.replace_all(&text, "run $1 daily").into_owned()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("listed") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy(&path, &target),
            false => {
                fs::copy(&path, &target).expect("copied");
                set_age(&target, 48);
            }
        }
    }
}

/// The sample tree, six weeks later.
fn sample() -> Tree {
    let mut tree = Tree::new();
    tree.now = "2026-01-15T12:00:00Z";
    fs::remove_dir(tree.path("")).expect("empty");
    copy(&testing::sample(), &tree.root());
    tree
}

#[test]
fn a_healthy_tree_gets_one_line_and_status_0() {
    let tree = Tree::healthy();
    for args in [&[][..], &["0367"], &["--deep"], &["-v"]] {
        let output = tree.run(args);
        assert_eq!(text(&output.stdout), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        let words = comparable(&tree, &output.stderr);
        let begin = "calltrace: nothing found: 1 enterprise, 4 log files, ";
        let pattern = r"^\d+\.\d kB, the newest record of [-\d]+ [:\d]+ UTC\n$";
        let pattern = Regex::new(pattern).expect("a pattern");
        let rest = words.strip_prefix(begin).unwrap_or(&words);
        assert!(pattern.is_match(rest), "{words}");
    }
    let quiet = tree.run(&["-q"]);
    assert_eq!((quiet.stdout.len(), quiet.stderr.len()), (0, 0));
    assert_eq!(tree.look(&["--deep"]).document["deep"], true);
}

#[test]
fn the_sample_tree_is_told_of_in_so_many_words() {
    let tree = sample();
    let output = tree
        .command(&["doctor", "--tz=UTC", "0113", "0327"])
        .env("COLUMNS", "80")
        .env("CALLTRACE_ROOT", "call_tracer")
        .current_dir(tree.dir())
        .output()
        .expect("it starts");
    let words: &Expect = &expect![[r#"
        the tree
          warning [silent] call_tracer
            The newest record of all enterprises looked at is of 2025-12-02 11:20:01
            UTC, 44 days ago.
            Calls since then are in no log.
            do: check that the service that writes is running, and that it writes into
                this tree

        0113
          warning [not-rotated] events.log
            events.log begins at 2025-12-02 08:00:00 UTC, 44 days ago, and holds 3.1 kB;
            older than 14 days: 2 files, 8.0 kB, the oldest events.log-20251201.gz.
            The disk fills, searches scan what an index would answer, and old calls stay
            readable.
            do: run `calltrace rotate --root ROOT 0113` daily
          warning [not-read] events.log.2025-11-26
            It has a log's name and is not a regular file.
            Every search says that it could not read it, and ends with status 2.
            do: move it away, or give it another name
          warning [half-line] events.log
            Its last line has no end, and no process has it open; it was last written to
            at 2025-12-01 15:00:00 UTC.
            A writer was killed or the disk was full; the next line would be joined to
            it, and until then every search ends with status 2.
            do: `echo >> call_tracer/0113/events.log` ends the line

        0327
          warning [twins] events.log.2025-11-29
            events.log.2025-11-29.gz next to it holds all of its 3.9 kB.
            Its lines count once; the space that it takes is wasted.
            do: `calltrace rotate 0327` adds what is missing to the archive and removes
                the file
          warning [not-rotated] events.log.2025-11-28.gz
            Older than 14 days: 5 files, 11.6 kB, the oldest events.log.2025-11-28.gz.
            The disk fills, searches scan what an index would answer, and old calls stay
            readable.
            do: run `calltrace rotate --root ROOT 0327` daily
    "#]];
    words.assert_eq(&comparable(&tree, &output.stdout));
    let words: &Expect = &expect![[r#"
        calltrace: 6 warnings: 2 enterprises, 8 log files, 22.7 kB, the newest record of 2025-12-02 11:20:01 UTC; 2 notes (-v)
    "#]];
    words.assert_eq(&comparable(&tree, &output.stderr));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn nothing_on_disk_is_changed() {
    let tree = sample();
    let before = tree.state();
    for args in [&["-v"][..], &["--deep", "-v"], &["--format=json"]] {
        assert_eq!(tree.run(args).status.code(), Some(1), "{args:?}");
        assert_eq!(tree.state(), before, "{args:?}");
    }
}

#[test]
fn what_is_found_quickly_is_found_deeply_too() {
    let tree = sample();
    let (quick, deep) = (tree.look(&[]), tree.look(&["--deep"]));
    for found in &quick.all {
        let same = |other: &serde_json::Value| {
            ["code", "enterprise", "file"]
                .iter()
                .all(|key| found[key] == other[key])
        };
        assert!(deep.all.iter().any(same), "{found:#}");
    }
}

#[test]
fn a_document_has_every_field_for_every_finding() {
    let tree = sample();
    let found = tree.look(&[]);
    assert_eq!(found.code, Some(1));
    let document = &found.document;
    assert_eq!(
        (&document["version"], &document["enterprises"]),
        (&2.into(), &4.into())
    );
    assert_eq!(document["newest"], "2025-12-02T12:30:00.200Z");
    assert!(document["files"].is_u64() && document["bytes"].is_u64());
    assert!(document["sees_all_processes"].is_boolean());
    let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    for found in &found.all {
        let keys: Vec<&String> = found.as_object().expect("an object").keys().collect();
        let wanted = [
            "code",
            "severity",
            "enterprise",
            "file",
            "line",
            "byte",
            "seen",
            "why",
            "do",
            "evidence",
        ];
        assert_eq!(keys, wanted);
        assert!(known.contains(&found["code"].as_str().expect("text")));
        for key in ["seen", "why", "do"] {
            let text = found[key].as_str().expect("text");
            assert!(
                !text.is_empty() && !text.contains(['{', '}', '\u{e000}']),
                "{found:#}"
            );
        }
    }
    let evidence = &found.get("not-rotated")["evidence"];
    assert_eq!(evidence["first_at"], "2025-12-02T09:15:00.410Z");
    assert_eq!(evidence["age_days"], 44);
    assert_eq!(evidence["bytes"], 6388);
}

#[test]
fn what_cannot_be_read_is_named_and_makes_it_2_with_the_findings_printed() {
    let tree = sample();
    let closed = tree.root().join("0327/events_2025-12-01.log");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("ours");
    let command = tree.command(&["doctor", "0327"]);
    let output = unprivileged(&command).output().expect("it starts");
    let words = comparable(&tree, &output.stderr);
    let named =
        "calltrace: incomplete: ROOT/0327/events_2025-12-01.log can't be read: permission denied\n";
    assert!(words.contains(named), "{words}");
    assert!(text(&output.stdout).contains("[not-rotated]"), "{output:?}");
    assert_eq!(output.status.code(), Some(2));

    let command = tree.command(&["doctor", "0327", "--format=json"]);
    let found = Findings::of(&unprivileged(&command).output().expect("it starts"));
    assert_eq!(
        found.document["incomplete"][0]["what"],
        "can't be read: permission denied"
    );
}

#[test]
fn a_closed_folder_is_named_and_the_others_are_looked_at() {
    let tree = Tree::healthy();
    let closed = tree.root().join("0101");
    fs::create_dir(&closed).expect("made");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("ours");
    let output = unprivileged(&tree.command(&["doctor"]))
        .output()
        .expect("it starts");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("ours");
    let words = comparable(&tree, &output.stderr);
    let named = "calltrace: incomplete: ROOT/0101 can't be listed: permission denied\n";
    assert!(words.starts_with(named), "{words}");
    assert!(words.contains("2 enterprises, 4 log files"), "{words}");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_unknown_enterprise_is_refused_as_everywhere() {
    let tree = Tree::healthy();
    let output = tree.run(&["0376"]);
    let words = "calltrace: no enterprise 0376 under ROOT; did you mean 0367?\n";
    assert_eq!(comparable(&tree, &output.stderr), words);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn notes_are_counted_and_shown_when_asked_for() {
    let tree = Tree::healthy();
    fs::create_dir(tree.path("archive")).expect("made");
    fs::write(tree.path("archive/events.log"), calls(&noon(1), 1)).expect("written");
    let output = tree.run(&[]);
    let words = comparable(&tree, &output.stderr);
    assert!(words.ends_with("; 1 note (-v)\n"), "{words}");
    assert_eq!((output.stdout.len(), output.status.code()), (0, Some(0)));
    let output = tree.run(&["-v"]);
    assert!(text(&output.stdout).starts_with("0367\n  note [not-read] archive\n"));
    assert_eq!(output.status.code(), Some(0));
}

/// 200 enterprises of 15 files each, none of them rotated.
fn many() -> Tree {
    let tree = Tree::new();
    let mut texts: Vec<(String, String)> = (3..=16)
        .map(|ago| (format!("events.log.{}", day(ago)), calls(&noon(ago), 400)))
        .collect();
    texts.push(("events.log".to_owned(), calls(&noon(2), 400)));
    for n in 101..=300 {
        let folder = tree.root().join(format!("{n:04}"));
        fs::create_dir(&folder).expect("made");
        for (name, text) in &texts {
            fs::write(folder.join(name), text).expect("written");
        }
    }
    fs::remove_dir(tree.path("")).expect("empty");
    tree
}

#[test]
fn two_hundred_enterprises_are_told_of_on_one_screen_and_in_a_moment() {
    let tree = many();
    for columns in [60, 80] {
        let begin = Instant::now();
        let output = tree
            .command(&["doctor"])
            .env("COLUMNS", columns.to_string())
            .output()
            .expect("it starts");
        let took = begin.elapsed();
        // About 0.1 s on an idle machine; a debug build on a busy machine gets more.
        assert!(took < Duration::from_secs(10), "{took:?}");
        let shown = text(&output.stdout);
        let head = "200 enterprises: 0101, 0102, 0103, 0104, 0105, 0106, 0107, 0108 and 192 more\n";
        assert!(shown.starts_with(head), "{shown}");
        assert!(shown.contains("[not-rotated] such as 0101/"), "{shown}");
        assert!(
            shown.contains("`calltrace rotate`"),
            "a command for all: {shown}"
        );
        assert!(shown.lines().count() < 24, "{shown}");
        let mut lines = shown.lines().filter(|line| !line.contains("enterprises:"));
        assert!(lines.all(|line| line.width() <= columns), "{shown}");
        assert_eq!(output.status.code(), Some(1));
    }
    let found = tree.look(&[]);
    assert_eq!(found.all.len(), 200, "a program gets all of them");
    let one = text(&tree.run(&["0217"]).stdout);
    assert!(
        one.starts_with("0217\n  warning [not-rotated] events.log\n"),
        "{one}"
    );
    assert!(one.contains("`calltrace rotate 0217`"), "{one}");
}

#[test]
fn the_same_of_two_enterprises_is_told_of_each() {
    let tree = Tree::new();
    let (a, b) = (tree.root().join("0101"), tree.root().join("0367"));
    fs::create_dir(&a).expect("made");
    for folder in [a, b] {
        fs::write(folder.join("events.log"), calls(&noon(3), 3)).expect("written");
    }
    let shown = text(&tree.run(&[]).stdout);
    assert!(
        shown.contains("\n0101\n") || shown.starts_with("0101\n"),
        "{shown}"
    );
    assert!(shown.contains("\n0367\n"), "{shown}");
}

#[test]
fn hostile_names_act_on_no_terminal_and_commands_quote_them() {
    let tree = Tree::healthy();
    for name in [
        "events.log.\u{1b}[2J'x",
        "events.log.\u{202e}gz",
        "events.log bak; reboot",
    ] {
        tree.write(name, calls(&noon(1), 1));
    }
    for args in [&[][..], &["--format=json"], &["--color=always"]] {
        let output = tree.run(args);
        let shown = text(&output.stdout);
        assert!(
            !shown.contains("\u{1b}[2J") && !shown.contains('\u{202e}'),
            "{shown}"
        );
    }
    let shown = text(&tree.run(&[]).stdout);
    let folder = tree.path("").display().to_string();
    assert!(shown.contains(r"events.log.\u{1b}[2J'x"), "{shown}");
    let found = tree.look(&[]);
    let remedies: Vec<&str> = found.all.iter().filter_map(|f| f["do"].as_str()).collect();
    for quoted in [
        format!("mv '{folder}events.log bak; reboot' DIR"),
        format!("mv $'{folder}events.log.\\x1b[2J\\'x' DIR"),
    ] {
        assert!(
            remedies.iter().any(|r| r.contains(&quoted)),
            "{remedies:#?}"
        );
    }
}

#[test]
fn commands_name_a_root_that_was_typed_and_only_then() {
    let tree = Tree::new();
    tree.write("events.log", calls(&noon(3), 3));
    let command = |typed: bool| {
        let mut command = tree.command(&["doctor"]);
        if typed {
            command
                .env_remove("CALLTRACE_ROOT")
                .arg("--root")
                .arg(tree.root());
        }
        text(&command.output().expect("it starts").stdout)
    };
    assert!(command(false).contains("`calltrace rotate 0367`"));
    let root: PathBuf = tree.root();
    let named = format!("`calltrace rotate --root {} 0367`", root.display());
    assert!(command(true).contains(&named), "{}", command(true));
}

#[test]
fn logs_in_the_root_itself_and_an_empty_root_are_seen() {
    let tree = Tree::healthy();
    let look = |root: &Path| {
        let output = tree
            .command(&["doctor", "--format=json"])
            .env("CALLTRACE_ROOT", root)
            .output();
        Findings::of(&output.expect("it starts"))
    };
    let stray = tree.root().join("events.log");
    fs::copy(tree.path("events.log"), &stray).expect("copied");
    let found = look(&tree.root());
    found.are(&["not-read warning"]);
    let parent = tree.root().canonicalize().expect("there");
    let parent = parent.parent().expect("it lies in a folder");
    let remedy = found.remedy("not-read");
    assert!(
        remedy.ends_with(&format!("--root {}", parent.display())),
        "{remedy}"
    );

    let empty = tree.dir().join("empty");
    fs::create_dir(&empty).expect("made");
    look(&empty).are(&["no-logs warning"]);
}

#[test]
fn help_lists_every_code() {
    let output = Tree::new().run(&["--help"]);
    let help = text(&output.stdout);
    for code in Code::ALL {
        let lines = format!("\n  {}\n      {}\n", code.as_str(), code.meaning());
        assert!(help.contains(&lines), "{help}");
        assert!(lines.lines().all(|line| line.len() <= 78), "{lines}");
    }
}
