//! `stats`: exact words, widths, formats, exit codes.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use testing::{command, out, sample, stderr_of};
use unicode_width::UnicodeWidthStr;

/// What is printed at a screen of so many columns, `None` for a pipe.
fn printed(root: &Path, args: &[&str], columns: Option<&str>) -> String {
    let mut command = command(root);
    command.args(args).args(["--tz", "Europe/Minsk"]);
    if let Some(columns) = columns {
        command.env("COLUMNS", columns);
    }
    out(&command.output().expect("the command starts"))
}

/// A call: its number, its seconds after 2025-12-01 09:00:00 UTC, `0` in or `1` out, the client, whether it is answered.
struct CallRow(u32, i64, u8, &'static str, bool);

/// Lines of a call that rings 150 and 151, or that 152 makes.
fn lines_of(CallRow(number, second, call_type, client, answered): &CallRow) -> String {
    let at = |more: i64| {
        let second = 9 * 3600 + second + more;
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        format!("2025-12-01 {hour:02}:{minute:02}:{second:02},000")
    };
    let uid = format!("{}.{number}", 1_764_579_600 + second);
    let (extensions, who) = match call_type {
        0 => (r#"["150", "151"]"#, "151"),
        _ => (r#"["152"]"#, "152"),
    };
    let body = format!(
        r#"{{"UniqueId": "{uid}", "Phone": "{client}", "Extensions": {extensions}, "CallType": {call_type}, "Trunk": "0001363""#
    );
    let mut text = String::new();
    let _ = writeln!(text, "{}|AST|dial|{uid}|{body}}}", at(0));
    if *answered {
        let bridge = format!("b{number}");
        for (more, leg, shown, other) in [(8, 0, *client, who), (8, 1, who, *client)] {
            let leg_uid = match leg {
                0 => uid.clone(),
                _ => format!("{}.{}", 1_764_579_600 + second + 1, number + 1),
            };
            let _ = writeln!(
                text,
                r#"{}|AST|bridge|{leg_uid}|{{"UniqueId": "{leg_uid}", "BridgeUniqueid": "{bridge}", "Channel": "SIP/{shown}-{leg}{number}", "CallerIDNum": "{shown}", "ConnectedLineNum": "{other}"}}"#,
                at(more)
            );
        }
    }
    let status = if *answered { 2 } else { 0 };
    let _ = writeln!(
        text,
        r#"{}|AST|hangup|{uid}|{body}, "CallStatus": "{status}"}}"#,
        at(if *answered { 68 } else { 20 })
    );
    text
}

/// Missed calls with every fate. 2025-12-01, by the clock of Minsk: called back and reached (12:00, after twelve
/// minutes), called back in vain (13:00), rang again and answered (14:00), in vain (15:00), no number (17:00), not returned
/// (18:00, the callback comes a second too late), and one that is ten minutes old at the time of the tests (20:50).
pub(super) fn tree() -> tempfile::TempDir {
    let minute = |minute: i64| minute * 60;
    let calls = [
        CallRow(10, minute(0), 0, "375290001111", false),
        CallRow(20, minute(12), 1, "80290001111", true),
        CallRow(30, minute(60), 0, "375290002222", false),
        CallRow(40, minute(119) + 59, 1, "375290002222", false),
        CallRow(50, minute(120), 0, "375290003333", false),
        CallRow(60, minute(130), 0, "375290003333", true),
        CallRow(70, minute(180), 0, "375290004444", false),
        CallRow(80, minute(200), 0, "375290004444", false),
        CallRow(90, minute(300), 0, "anonymous", false),
        CallRow(100, minute(360), 0, "375290005555", false),
        CallRow(110, minute(420) + 1, 1, "375290005555", true),
        CallRow(120, minute(530), 0, "375290006666", false),
    ];
    let folder = tempfile::tempdir().expect("a folder of its own");
    let enterprise = folder.path().join("0500");
    fs::create_dir(&enterprise).expect("a folder");
    let mut text: Vec<String> = Vec::new();
    for call in &calls {
        text.extend(lines_of(call).lines().map(str::to_owned));
    }
    text.sort();
    fs::write(enterprise.join("events.log"), text.join("\n") + "\n").expect("written");
    folder
}

/// The same with the time of day ten minutes after the last missed call.
pub(super) fn of_tree(root: &Path, args: &[&str], columns: Option<&str>) -> String {
    let mut command = command(root);
    command
        .env("CALLTRACE_NOW", "2025-12-01T18:00:00Z")
        .args(args)
        .args(["--tz", "Europe/Minsk"]);
    if let Some(columns) = columns {
        command.env("COLUMNS", columns);
    }
    out(&command.output().expect("the command starts"))
}

#[test]
fn totals_and_the_hours_of_the_week_fit_the_screen() {
    expect![[r#"
        61 calls  2025-11-27 .. 2025-12-02 (Europe/Minsk, UTC+03:00)
          answered            45   74%  ███████████████████████████████████
          missed              11   18%  █████████
          not reached          4    7%  ███
          no end logged        1    2%  █

                       50%     90%     95% longest      of
          wait         15s     27s     27s     29s      35 incoming
          talk       1m29s   3m50s   4m08s   4m43s      45 talked
          hold         20s     37s     37s     37s       4 held
          messages    0.4s    0.5s    0.5s      1s     163 sent
          60 messages still stand

        11 missed, and what followed within 60 minutes
          rang again           1  the client did, and was answered
          not returned        10

        10 HTTP requests, 1 failed
          localhost:8020                10  1 failed  95% within 2s

        Calls by hour  61
              00  02  04  06  08  10  12  14  16  18  20  22
          Mon · · ░░· · · · · · ▓▓██████████▒▒· · · · ░░░░· ·     29
          Tue · · · · · · · · · · · · ▒▒▒▒░░▓▓· · · · · · · ·      8
          Wed · · · · · · · · · · · · · · · · · · · · · · · ·      0
          Thu · · · · · · · · · · · ▒▒░░░░░░· · · · · · · · ·      5
          Fri · · · · · · · · · · · · ░░░░░░░░· · · · · · · ·      4
          Sat · · · · · · · · · · · · ░░· · · ░░░░· · · · · ·      3
          Sun · · · ░░· · · · · · ▒▒· ▒▒▒▒▒▒░░░░· ░░· · · · ·     12
              ░░ 1  ▒▒ 2  ▓▓ 3  ██ 4-5  an hour

        Missed by hour  11
              00  02  04  06  08  10  12  14  16  18  20  22
          Mon · · · · · · · · · ▒▒▒▒· ▒▒▒▒· · · · · · · · · ·      4
          Tue · · · · · · · · · · · · ▒▒· · ██· · · · · · · ·      3
          Wed · · · · · · · · · · · · · · · · · · · · · · · ·      0
          Thu · · · · · · · · · · · ▒▒· · · · · · · · · · · ·      1
          Fri · · · · · · · · · · · · · · · · · · · · · · · ·      0
          Sat · · · · · · · · · · · · · · · · · · · · · · · ·      0
          Sun · · · · · · · · · · · · ▒▒▒▒▒▒· · · · · · · · ·      3
              ▒▒ 1  ██ 2  an hour
    "#]]
    .assert_eq(&printed(&sample(), &["stats", "0367"], Some("80")));
}

#[test]
fn in_a_pipe_there_are_numbers_and_nothing_hangs_over() {
    let piped = printed(&sample(), &["stats", "0103"], None);
    expect![[r#"
        7 calls  2025-11-30 .. 2025-12-02 (Europe/Minsk, UTC+03:00)
          answered             5   71%
          missed               1   14%
          not reached          1   14%

                       50%     90%     95% longest      of
          wait          7s     20s     20s     20s       3 incoming
          talk         50s   1m06s   1m06s   1m06s       5 talked
          messages    0.3s    0.4s    0.4s    0.4s       8 sent
          3 messages still stand

        1 missed, and what followed within 60 minutes
          not returned         1

        Calls by hour  7
              00 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23
          Mon  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  2  1  0  0  0  0  0  0  0
          Tue  0  0  0  0  0  0  0  0  0  0  0  0  1  1  0  0  0  0  0  0  0  0  0  0
          Wed  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
          Thu  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
          Fri  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
          Sat  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
          Sun  0  0  0  0  0  0  0  0  0  0  0  1  1  0  0  0  0  0  0  0  0  0  0  0

        Missed by hour  1
              00 01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 18 19 20 21 22 23
          Mon  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  1  0  0  0  0  0  0  0  0
          Tue  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
          Wed  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
          Thu  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
          Fri  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
          Sat  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
          Sun  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0  0
    "#]]
    .assert_eq(&piped);
    assert!(piped.lines().all(|line| line.trim_end() == line));
}

#[test]
fn groups_have_bars_as_wide_as_the_screen_lets_them_be() {
    let groups = |columns| {
        let text = printed(&sample(), &["stats", "0367", "--by", "person"], columns);
        let position = text.find("PERSON").expect("there are groups");
        text[position..].to_owned()
    };
    expect![[r#"
        PERSON            CALLS MISSED NOT RETURNED
        150                  29     11           10  █████████▒▒▒▒▒▒
        151                  25      9            8  ████████▒▒▒▒▒
        152                   9      -            -  █████
        153                   6      1            1  ██▒
        +375 29 000-77-77     2      -            -  █
        █ calls, ▒ missed
    "#]]
    .assert_eq(&groups(Some("60")));
    expect![[r#"
        PERSON            CALLS ANSWERED MISSED NOT RETURNED WAIT 95%  TALK
        150                  29       16     11           10  15s 29s   52s  ███████▒▒▒▒
        151                  25       15      9            8  18s 29s 1m51s  ██████▒▒▒
        152                   9        7      -            -   5s 14s 1m30s  ███
        153                   6        5      1            1  15s 27s 3m32s  █▒
        +375 29 000-77-77     2        2      -            -  13s 27s   47s  █
        █ calls, ▒ missed; WAIT, TALK: half of them last no longer
    "#]]
    .assert_eq(&groups(Some("80")));
    expect![[r#"
        PERSON            CALLS ANSWERED MISSED NOT RETURNED WAIT 95%  TALK   95%
        150                  29       16     11           10  15s 29s   52s 4m43s
        151                  25       15      9            8  18s 29s 1m51s 3m52s
        152                   9        7      -            -   5s 14s 1m30s 3m33s
        153                   6        5      1            1  15s 27s 3m32s 4m13s
        +375 29 000-77-77     2        2      -            -  13s 27s   47s 1m05s
        WAIT, TALK: half of them last no longer
    "#]]
    .assert_eq(&groups(None));
}

#[test]
fn no_line_is_wider_than_the_screen_and_colour_is_stripped() {
    for columns in ["60", "80", "100"] {
        for by in [
            &[][..],
            &["--by", "hour"],
            &["--by", "weekday"],
            &["--by", "day"],
            &["--by", "person"],
            &["--by", "line"],
            &["--by", "client"],
            &["--by", "enterprise"],
        ] {
            let args = [&["stats"][..], by].concat();
            let text = printed(&sample(), &args, Some(columns));
            assert!(!text.contains('\u{1b}'), "{by:?}");
            let widest = text.lines().map(UnicodeWidthStr::width).max();
            let columns: usize = columns.parse().expect("a number");
            assert!(widest <= Some(columns), "{by:?} at {columns}: {widest:?}");
        }
    }
    let mut colourful = command(&sample());
    colourful.args(["stats", "0367", "--color", "always"]);
    assert!(out(&colourful.output().expect("it starts")).contains("\u{1b}[31m"));
}

#[test]
fn every_group_adds_up_to_all_calls() {
    for by in ["hour", "weekday", "day", "line", "client", "enterprise"] {
        let json = json_of(&sample(), &["stats", "--by", by, "--limit", "0"]);
        let groups = json["groups"].as_array().expect("groups");
        let sum = |field: &str| {
            let each = groups.iter().map(|group| group[field].as_u64());
            each.sum::<Option<u64>>().expect("numbers")
        };
        assert_eq!(Some(sum("calls")), json["total"]["calls"].as_u64(), "{by}");
        let not_returned = json["callbacks"]["not_returned"].as_u64();
        assert_eq!(Some(sum("not_returned")), not_returned, "{by}");
    }
}

pub(super) fn json_of(root: &Path, args: &[&str]) -> serde_json::Value {
    let args = [args, &["--format", "json"]].concat();
    serde_json::from_str(&of_tree(root, &args, None)).expect("JSON")
}

#[test]
fn every_missed_call_has_one_fate() {
    let folder = tree();
    let text = of_tree(folder.path(), &["stats"], Some("80"));
    let callbacks = text.split("\n\n").find(|part| part.contains("followed"));
    expect![[r#"
        8 missed, and what followed within 60 minutes
          called back          2  half within 12m00s, 95% within 59m59s; 1 not reached
          rang again           1  the client did, and was answered
          not returned         3  1 client rang again in vain
          there is time        1
          no number            1  nobody can call back
          called back by  152 (2)"#]]
    .assert_eq(callbacks.expect("there are missed calls"));
    let json = json_of(folder.path(), &["stats"]);
    expect![[r#"
        {
          "within_ms": 3600000,
          "missed": 8,
          "called_back": 2,
          "reached": 1,
          "rang_again_answered": 1,
          "not_returned": 3,
          "rang_again": 1,
          "pending": 1,
          "anonymous": 1,
          "after_ms": {
            "count": 2,
            "p50": 720000,
            "p90": 3599000,
            "p95": 3599000,
            "max": 3599000
          },
          "by": [
            {
              "enterprise_number": "0500",
              "person": "152",
              "called_back": 2,
              "reached": 1
            }
          ]
        }
    "#]]
    .assert_eq(&format!("{:#}\n", json["callbacks"]));
}

#[test]
fn callbacks_are_found_behind_filters_and_behind_until() {
    let folder = tree();
    for (args, called_back) in [
        (&["--direction", "in"][..], 2),
        (&["--status", "missed"], 2),
        (&["--ext", "150"], 2),
        (&["--phone", "375290001111"], 1),
        (&["--until", "2025-12-01 12:10"], 1),
        (&["--until", "2025-12-01 12:10", "--direction", "in"], 1),
        (&["--callback-within", "11m"], 0),
    ] {
        let json = json_of(folder.path(), &[&["stats"][..], args].concat());
        let found = json["callbacks"]["called_back"].as_u64();
        assert_eq!(found, Some(called_back), "{args:?}");
    }
    let until = json_of(folder.path(), &["stats", "--until", "2025-12-01 12:10"]);
    assert_eq!(until["total"]["calls"], 1);
    assert_eq!(until["report"]["enterprises"][0]["count"], 1);
}

#[test]
fn a_table_for_a_spreadsheet() {
    let csv = |by| {
        printed(
            &sample(),
            &["stats", "0103", "--by", by, "--format", "csv"],
            None,
        )
    };
    expect![[r#"
        day,calls,answered,missed,not_reached,busy,in_progress,unknown,called_back,rang_again_answered,not_returned,wait_p50_ms,wait_p90_ms,wait_p95_ms,wait_max_ms,talk_p50_ms,talk_p90_ms,talk_p95_ms,hold_p50_ms,hold_p90_ms,hold_p95_ms,message_lag_p50_ms,message_lag_p95_ms,messages_standing
        2025-11-30,2,2,0,0,0,0,0,0,0,0,7670,7670,7670,7670,20000,50000,50000,,,,330,450,1
        2025-12-01,3,1,1,1,0,0,0,0,0,1,20600,20600,20600,20600,54600,54600,54600,,,,350,450,1
        2025-12-02,2,2,0,0,0,0,0,0,0,0,4670,4670,4670,4670,44000,66000,66000,,,,330,450,1
    "#]].assert_eq(&csv("day"));
    expect![[r#"
        enterprise,person,calls,answered,missed,not_reached,busy,in_progress,unknown,called_back,rang_again_answered,not_returned,wait_p50_ms,wait_p90_ms,wait_p95_ms,wait_max_ms,talk_p50_ms,talk_p90_ms,talk_p95_ms,hold_p50_ms,hold_p90_ms,hold_p95_ms,message_lag_p50_ms,message_lag_p95_ms,messages_standing
        0103,150,3,3,0,0,0,0,0,0,0,0,4670,7670,7670,7670,44000,50000,50000,,,,330,450,2
        0103,151,2,1,0,1,0,0,0,0,0,0,,,,,66000,66000,66000,,,,350,450,1
        0103,152,2,1,1,0,0,0,0,0,0,1,20600,20600,20600,20600,54600,54600,54600,,,,,,0
    "#]].assert_eq(&csv("person"));
}

#[test]
fn a_picture_needs_nothing_else_and_shows_every_group() {
    for args in [
        &["stats", "0367", "--by", "person"][..],
        &["stats", "0367", "--by", "hour"],
        &["stats", "0367"],
    ] {
        let picture = printed(&sample(), &[args, &["--format", "svg"]].concat(), None);
        assert!(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
        assert!(picture.contains("prefers-color-scheme:dark"));
        for foreign in ["<script", "href", "url(", "@import", "<image"] {
            assert!(!picture.contains(foreign), "{foreign} in {args:?}");
        }
    }
    let picture = printed(
        &sample(),
        &["stats", "0367", "--by", "person", "--format", "svg"],
        None,
    );
    assert!(picture.contains("<title>150: 29 calls, 11 missed</title>"));
    assert!(picture.contains(">+375 29 000-77-77<"));
}

#[test]
fn nothing_found_and_wrong_words() {
    let ended = |args: &[&str], code, words: &Expect| {
        let root = sample();
        let output = command(&root).args(args).output().expect("it starts");
        assert_eq!(out(&output), "", "{args:?}");
        assert_eq!(output.status.code(), Some(code), "{args:?}");
        words.assert_eq(&stderr_of(&root, &output));
    };
    ended(
        &["stats", "0367", "--since", "2026-01-01"],
        1,
        &expect![[r#"
            calltrace: no such call, 2 of 7 files searched (2025-11-27 .. 2025-11-28 UTC)
        "#]],
    );
    ended(
        &["stats", "--by", "persons"],
        2,
        &expect![[r#"
        calltrace: invalid value 'persons' for '--by <WHAT>' [possible values: hour, weekday, day, person, line, client, enterprise]; a similar value exists: 'person'
    "#]],
    );
    ended(
        &["search", "--not-returned", "--status", "answered"],
        2,
        &expect![[r#"
            calltrace: --not-returned only finds missed calls; leave out --status
        "#]],
    );
    ended(
        &["search", "--lines", "--not-returned"],
        2,
        &expect![[r#"
            calltrace: --not-returned filters calls; --lines takes filters on records, such as --event or --phone
        "#]],
    );
    let damaged = command(&sample())
        .args(["stats"])
        .output()
        .expect("it starts");
    assert_eq!(damaged.status.code(), Some(2));
    assert!(out(&damaged).starts_with("79 calls"));
}
