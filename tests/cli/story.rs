//! `trace`: the steps that it prints, where names come from, and which options print records instead.

use std::fs;
use std::path::Path;

use expect_test::expect;
use testing::{command, out, sample};

const ID: &str = "1764493655.61";

/// What `trace` prints of a call at a screen of so many columns; `None` for a pipe.
fn traced(id: &str, args: &[&str], columns: Option<&str>) -> String {
    let mut command = command(&sample());
    command
        .args(["trace", "0367", id, "--tz", "Europe/Minsk"])
        .args(args);
    if let Some(columns) = columns {
        command.env("COLUMNS", columns);
    }
    out(&command.output().expect("the command starts"))
}

#[test]
fn a_call_is_shown_in_steps_with_its_faults_under_them() {
    expect![[r#"
        0367 call 1764514800.140  8 legs, 40 records
          incoming +375 29 000-88-99 -> 150  answered by 150
          2025-11-30 18:00:00 (Europe/Minsk, UTC+03:00)  2m43s in all
          ring 5s, talk 1m56s, hold 37s, transferred to 151, then to 152, line 0001363
          6 messages to 2 chats, 2 still standing

        18:00:00    +0.0s  +375 29 000-88-99 calls over line 0001363; 150 rings
        18:00:01    +0.9s  message about the ringing sent to 2 chats
        18:00:06    +5.7s  150 answers after 5s
        18:00:06    +6.1s  message about the talk sent to 2 chats, in place of the one
                           before
        18:00:30   +29.7s  150 puts the client on hold and calls 151 (18s)
        18:00:36   +35.7s  150 talks to 151 (11s)
        18:00:48   +47.9s  transferred to 151
        18:01:20   +1m19s  151 puts the client on hold and calls 152 (19s)
        18:01:26   +1m25s  151 talks to 152 (12s)
        18:01:39   +1m38s  transferred to 152
        18:02:40   +2m39s  +375 29 000-88-99 hangs up: talked 1m56s, on hold 37s
        18:02:43   +2m43s  final message sent to 2 chats, in place of the one before
    "#]]
    .assert_eq(&traced("1764514800.140", &[], Some("80")));
    expect![[r#"
        0367 call 1764676800.201  1 leg, 8 records
          incoming +375 29 000-24-68 -> 150, 151  missed
          2025-12-02 15:00:00 (Europe/Minsk, UTC+03:00)  19s in all
          ring 18s, line 0001363
          2 messages to 2 chats, 2 still standing, 1 HTTP (1 failed), 1 SQL

        15:00:00    +0.0s  +375 29 000-24-68 calls over line 0001363; 150 and 151 ring
        15:00:18   +18.6s  the call ends after 18s: nobody answered
        15:00:19   +19.2s  final message sent to 2 chats (cut in the log)
        15:00:19   +19.5s  1 request failed: POST
                           http://localhost:8020/dispatch/call-event\u{d} -> Timeout
        15:00:19   +19.7s  1 SQL query

          problem  a request failed: POST http://localhost:8020/dispatch/call-event\u{d}
                   -> Timeout [request_failed]
          note     the log holds only the beginning of a message: sent hangup 63155 to
                   100000002: ❌ Абонент не поднял трубку | <b>📞 +375290002468</b> | <a
                   href="https://bot.example.org/r… [text_cut]
    "#]]
    .assert_eq(&traced("1764676800.201", &[], Some("80")));
}

#[test]
fn no_step_is_wider_than_the_screen_and_none_is_broken_in_a_pipe() {
    for id in [
        ID,
        "1764514800.140",
        "1764676800.201",
        "1764612000.401",
        "1764406800.3",
    ] {
        for columns in [60, 80, 100] {
            let text = traced(id, &[], Some(&columns.to_string()));
            let width = |line: &str| unicode_width::UnicodeWidthStr::width(line);
            assert!(text.lines().all(|line| width(line) <= columns), "{text}");
        }
        let steps = |text: &str| text.lines().filter(|line| line.starts_with("12:")).count();
        let piped = traced(id, &[], None);
        let (_, printed) = piped.split_once("\n\n").expect("a header, then the steps");
        let printed = printed.split("\n\n").next().expect("steps");
        assert!(
            printed
                .lines()
                .all(|line| line.as_bytes()[0].is_ascii_digit()),
            "{printed}"
        );
        assert!(steps(&piped) <= 12, "{piped}");
    }
}

#[test]
fn names_come_from_the_settings_and_from_the_requests_of_the_call() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    let settings = "[enterprises.0367]\nname = \"june\"\nextensions = { 151 = \"Анна Сидорова\" }\n\
                    lines = { 0001363 = \"Линия 1\" }\n[people]\n100000001 = \"Пётр Ильин\"\n";
    fs::write(&config, settings).expect("a file");
    let printed = traced(ID, &["--config", config.to_str().expect("a path")], None);
    for part in [
        "Тестовый покупатель (+375 29 000-12-34) calls over line Линия 1 (0001363)",
        "Анна Сидорова (151) answers after 10s",
        "Анна Сидорова (151) hangs up: talked 2m01s",
    ] {
        assert!(printed.contains(part), "{printed}");
    }
    let all = traced(
        ID,
        &["--all", "--config", config.to_str().expect("a path")],
        None,
    );
    assert!(all.contains("answered by Анна Сидорова (151)"), "{all}");
}

#[test]
fn a_source_of_names_that_is_away_costs_only_names() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    // No process listens on port 1.
    fs::write(&config, "[metadata]\nurl = \"http://127.0.0.1:1\"\n").expect("a file");
    let printed = traced(ID, &["--config", config.to_str().expect("a path")], None);
    assert!(printed.contains("151 answers after 10s"), "{printed}");
}

#[test]
fn options_about_records_print_all_records() {
    let records = |args: &[&str]| {
        let text = traced(ID, args, None);
        text.lines()
            .filter(|line| line.contains("  AST   "))
            .count()
    };
    assert_eq!(records(&[]), 0);
    for args in [["--all"], ["-v"], ["--why"], ["--full"], ["--only=ast"]] {
        assert_eq!(records(&args), 10, "{args:?}");
    }
}

#[test]
fn halves_of_local_channels_and_their_colours_are_told_apart() {
    let text = traced("1764514800.140", &["--all", "--color", "always"], None);
    for half in [
        "Local/151-a;1",
        "Local/151-a;2",
        "Local/152-b;1",
        "Local/152-b;2",
    ] {
        assert!(text.contains(half), "{half}: {text}");
    }
}

#[test]
fn a_long_text_takes_three_lines_of_a_screen_and_a_cut_one_is_marked() {
    // Two messages, of which one has 1,000 characters.
    let lines = |args: &[&str], columns| {
        let text = traced("1764676800.201", args, columns);
        let (_, records) = text.split_once("\n\n").expect("a header, then records");
        (records.lines().count(), records.contains('…'))
    };
    assert_eq!(lines(&["--only", "tg"], Some("100")), (6, true));
    let (full, is_marked) = lines(&["--only", "tg", "--full"], Some("100"));
    assert!(full > 20 && !is_marked, "{full}");
    assert_eq!(lines(&["--only", "tg"], None), (2, false));
    let text = traced("1764676800.201", &["--only", "tg"], None);
    assert!(text.contains("[cut in the log]"), "{text}");
}

#[test]
fn json_says_what_is_wrong_and_keeps_its_other_fields() {
    let text = traced("1764676800.201", &["--format", "json"], None);
    let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let fault = &value["faults"][0];
    assert_eq!(fault["code"], "request_failed");
    assert_eq!(fault["severity"], "problem");
    assert_eq!(
        fault["evidence"][0]["timestamp"],
        "2025-12-02T12:00:19.600Z"
    );
    assert_eq!(fault["evidence"][0]["file"], "events_2025-12-02.log");
    for key in [
        "timeline",
        "call",
        "legs",
        "joins",
        "messages",
        "completeness",
    ] {
        assert!(!value[key].is_null(), "{key}");
    }
    let clean: serde_json::Value =
        serde_json::from_str(&traced(ID, &["--format", "json"], None)).expect("JSON");
    assert_eq!(clean["faults"], serde_json::json!([]));
}

#[test]
fn a_ladder_excludes_what_prints_records() {
    let root = sample();
    for args in [
        ["--ladder", "--all"],
        ["--ladder", "--why"],
        ["--ladder", "--format=json"],
    ] {
        let output = testing::run(&root, &[&["trace", "0367", ID], &args[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn an_unknown_fault_names_the_right_ones() {
    let output = testing::run(Path::new("/"), &["search", "--fault", "request_fail"]);
    let stderr = testing::stderr_of(Path::new("/"), &output);
    assert!(stderr.contains("request_failed"), "{stderr}");
}
