//! `calltrace tail` for people and scripts: the exact output.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use expect_test::{Expect, expect};
use testing::{out, sample, stderr_of};

use crate::tailing::command;

fn run(root: &Path, args: &[&str]) -> Output {
    command(root)
        .args(args)
        .output()
        .expect("the command starts")
}

/// Exactly this on stdout and stderr, and this exit status.
fn gives(args: &[&str], stdout: &Expect, stderr: &Expect, status: i32) {
    let root = sample();
    let output = run(&root, args);
    stdout.assert_eq(&out(&output));
    stderr.assert_eq(&stderr_of(&root, &output));
    assert_eq!(output.status.code(), Some(status), "{args:?}");
}

#[test]
fn wrong_input_gets_one_line() {
    let root = sample();
    for (args, words) in [
        (
            &["--call", "1764493655.61", "--event", "hangup"][..],
            expect![[r#"
                calltrace: --call shows all records of the call; leave out the filters on records
            "#]],
        ),
        (
            &["--call", "1764493655.61", "-n", "5"],
            expect![[r#"
                calltrace: --call shows all records of the call; leave out -n and --since
            "#]],
        ),
        (
            &["--call", "abc"],
            expect![[r#"
                calltrace: "abc" is not a call id; an id looks like 1764493655.61
            "#]],
        ),
        (
            &["--call", "1764493655.61", "--calls"],
            expect![[r#"
                calltrace: the argument '--call <ID>' cannot be used with '--calls'
            "#]],
        ),
        (
            &["--calls", "--since", "-1h"],
            expect![[r#"
                calltrace: --calls shows calls in progress; leave out -n and --since
            "#]],
        ),
        (
            &["--calls", "--raw"],
            expect![[r#"
                calltrace: --calls can't print raw lines, because a call's state is no line of a log; use --format lines or ndjson
            "#]],
        ),
        (
            &["--until-hangup"],
            expect![[r#"
                calltrace: the following required arguments were not provided: --call <ID>
            "#]],
        ),
        (
            &["--call", "1764493655.61", "--linger", "5s"],
            expect![[r#"
                calltrace: the following required arguments were not provided: --until-hangup
            "#]],
        ),
        (
            &["--timeout", "5s"],
            expect![[r#"
                calltrace: --timeout only limits --follow; add --follow
            "#]],
        ),
        (
            &["--poll"],
            expect![[r#"
                calltrace: --poll only changes how --follow works; add --follow
            "#]],
        ),
        (
            &["--since", "soon"],
            expect![[r#"
                calltrace: --since: "soon" is not a point in time; write 2025-11-30, '2025-11-30 09:00', 30.11.2025, 2025-11-30T09:00:00Z, 09:00, 3h, today, yesterday or monday
            "#]],
        ),
        (
            &["0376"],
            expect![[r#"
                calltrace: no enterprise 0376 under ROOT; did you mean 0367?
            "#]],
        ),
    ] {
        let output = run(&root, args);
        words.assert_eq(&stderr_of(&root, &output));
        assert_eq!(out(&output), "", "{args:?}");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn the_newest_of_all_enterprises_are_shown_in_order_of_time() {
    gives(
        &["0367", "0103", "-n", "6"],
        &expect![[r#"
            --- 2025-12-02 (UTC)
            12:03:00.150  0367  1764676980.207    AST   SIP/0001363-00000078 shows +375 29 000-35-79
            12:03:00.700  0367  1764676980.207    AST   rings 150, 151 for +375 29 000-35-79 over line 0001363
            12:03:15.700  0367  1764676980.207    AST   hangup, not answered
            12:03:16.300  0367  1764676980.207    TG    sent hangup None to 100000001: ❌ Абонент не поднял трубку 💰+375290003579
            12:03:16.600  0367  1764676980.207    SQL   SELECT user_internal_phones
            12:30:00.200  0367  1764678600.215    AST   152 dials +375 29 000-46-80 over line 0001363
        "#]],
        &expect![[""]],
        0,
    );
}

#[test]
fn one_enterprise_is_not_named_and_filters_are_those_of_a_search() {
    gives(
        &["0367", "--event", "hangup,dial", "--ext", "150", "-n", "4"],
        &expect![[r#"
            --- 2025-12-02 (UTC)
            11:00:00.900  1764673200.109    AST   rings 150, +375 29 000-77-77, 151 for +375 29 000-13-57 over line 0001363
            11:01:03.000  1764673200.109    AST   hangup, answered by 150
            12:00:00.700  1764676800.201    AST   rings 150, 151 for +375 29 000-24-68 over line 0001363
            12:03:00.700  1764676980.207    AST   rings 150, 151 for +375 29 000-35-79 over line 0001363
        "#]],
        &expect![[""]],
        0,
    );
}

#[test]
fn since_shows_all_since_and_a_limit_the_newest_of_them() {
    let args = ["0367", "--since", "2025-11-28", "--kind", "sql"];
    let output = run(&sample(), &args);
    let all = out(&output);
    assert_eq!(output.status.code(), Some(0));
    assert!(all.lines().count() > 3, "{all}");
    let limited = out(&run(&sample(), &[&args[..], &["-n", "2"]].concat()));
    let tail: Vec<&str> = all.lines().rev().take(2).collect();
    assert_eq!(limited.lines().rev().take(2).collect::<Vec<_>>(), tail);
    assert_eq!(limited.lines().count(), 3, "the day and two records");
}

#[test]
fn raw_is_the_lines_and_ndjson_has_the_fields_of_a_search() {
    let root = sample();
    let raw = out(&run(&root, &["0103", "--raw", "-n", "2"]));
    let file = fs::read_to_string(root.join("0103/events.log")).expect("read");
    assert!(file.ends_with(&raw) && raw.lines().count() == 2, "{raw}");
    let one = run(
        &root,
        &["0103", "--format", "ndjson", "-n", "1", "--event", "hangup"],
    );
    let ours: serde_json::Value = serde_json::from_slice(&one.stdout).expect("JSON");
    let mut search = command(&root);
    search = {
        let mut plain = Command::new(search.get_program());
        plain.env_clear().env("CALLTRACE_ROOT", &root);
        plain
    };
    let output = search
        .args(["search", "0103", "--lines", "--event", "hangup", "-n", "1"])
        .args(["--format", "ndjson"])
        .output()
        .expect("the command starts");
    let theirs: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(ours, theirs);
}

#[test]
fn a_call_is_shown_with_all_its_legs() {
    gives(
        &["--call", "1764669931.6", "0367"],
        &expect![[r#"
            --- 2025-12-02 (UTC)
            10:05:30.200  1764669930.5      AST   151 dials +375 29 000-90-12 over line 0001363
            10:05:31.000  1764669931.6      AST   SIP/0001363-00000073 shows +375 29 000-90-12, with 151
            10:05:44.000                    AST   bridge 266747b9 is made
            10:05:44.050  1764669931.6      AST   SIP/0001363-00000073 enters bridge 266747b9, with 151
            10:05:44.090  1764669930.5      AST   SIP/151-00000074 enters bridge 266747b9
            10:05:44.300  1764669930.5      HTTP  GET http://localhost:8020/customer-name/0367/375290009012 -> 200
            10:06:19.990  1764669931.6      AST   SIP/0001363-00000073 leaves bridge 266747b9
            10:06:20.000  1764669930.5      AST   SIP/151-00000074 leaves bridge 266747b9
            10:06:20.010                    AST   bridge 266747b9 is gone
            10:06:23.000  1764669930.5      AST   hangup, answered by 151
        "#]],
        &expect![[""]],
        0,
    );
}

#[test]
fn a_call_that_is_nowhere_is_named_as_a_trace_names_it() {
    gives(
        &["--call", "764493655.61", "0367"],
        &expect![[""]],
        &expect![[r#"
            calltrace: 764493655.61 not found in 0367, all 7 files searched (2025-11-27 .. 2025-12-02 UTC); did you mean 1764493655.61?
        "#]],
        1,
    );
}

#[test]
fn nothing_is_said_in_so_many_words() {
    gives(
        &["0367", "--text", "no such text"],
        &expect![[""]],
        &expect![[r#"
            calltrace: no such record, 5 of 7 files searched (2025-11-29 .. 2025-12-02 UTC)
        "#]],
        1,
    );
    gives(
        &["0367", "--calls"],
        &expect![[""]],
        &expect![[r#"
            calltrace: no call is in progress
        "#]],
        1,
    );
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("0367")).expect("made");
    let output = run(dir.path(), &["0367"]);
    expect![[r#"
        calltrace: no such record, there is no log file under ROOT; --root takes the folder that holds one folder per enterprise
    "#]]
    .assert_eq(&stderr_of(dir.path(), &output));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn lines_fit_a_narrow_terminal() {
    for columns in ["60", "100"] {
        let output = command(&sample())
            .args(["0103", "-n", "40"])
            .env("COLUMNS", columns)
            .output()
            .expect("the command starts");
        let width: usize = columns.parse().expect("a number");
        for line in out(&output).lines() {
            assert!(line.chars().count() <= width, "{columns}: {line}");
        }
    }
}

#[test]
fn a_leg_has_its_colour_in_every_run() {
    let ask = |n: &str| out(&run(&sample(), &["0367", "--color", "always", "-n", n]));
    let (few, many) = (ask("3"), ask("30"));
    let last = |text: &str| text.lines().last().map(str::to_owned);
    assert_eq!(last(&few), last(&many));
    assert!(few.contains("\u{1b}[38;5;"), "{few}");
}
