//! Rules of what a call is and how it ended, checked through the program with lines written for them.

use std::fs;
use std::path::Path;

use serde_json::Value;
use testing::{run, text};

const CLIENT: &str = "375290001234";

/// A tree with one live file of enterprise 0367.
fn tree(lines: &[String]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("0367")).expect("made");
    fs::write(dir.path().join("0367/events.log"), lines.concat()).expect("written");
    dir
}

fn line(time: &str, event: &str, uid: &str, fields: &str) -> String {
    format!("{time}|AST|{event}|{uid}|{{\"UniqueId\": \"{uid}\", {fields}}}\n")
}

/// A call from outside on a day that was not answered, with one id.
fn missed(day: &str, uid: &str) -> Vec<String> {
    let start = format!("\"Phone\": \"{CLIENT}\", \"CallType\": 0, \"Trunk\": \"0001363\"");
    let dial = format!("{start}, \"Extensions\": [\"150\"]");
    let hangup = format!("{start}, \"Extensions\": [\"\"], \"CallStatus\": \"0\"");
    vec![
        line(&format!("{day} 09:15:00,100"), "start", uid, &start),
        line(&format!("{day} 09:15:01,000"), "dial", uid, &dial),
        line(&format!("{day} 09:15:21,000"), "hangup", uid, &hangup),
    ]
}

/// The standard output and standard error of a command.
fn output_of(root: &Path, args: &[&str]) -> (String, String) {
    let output = run(root, &[&["--tz", "UTC"], args].concat());
    assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
    (text(&output.stdout), text(&output.stderr))
}

fn first_days(raw: &str) -> Vec<&str> {
    let mut days: Vec<&str> = raw.lines().map(|line| &line[..10]).collect();
    days.dedup();
    days
}

#[test]
fn records_of_one_id_a_day_apart_are_two_calls_for_every_command() {
    let id = "1764666900.61";
    let days = ["2025-12-02", "2025-12-05"];
    let dir = tree(&days.map(|day| missed(day, id).concat()));
    let (raw, stderr) = output_of(dir.path(), &["trace", "0367", id, "--format", "raw"]);
    assert_eq!(first_days(&raw), ["2025-12-05"]);
    assert_eq!(raw.lines().count(), 3);
    assert!(
        stderr.contains("2025-12-02 09:15:00; --since chooses"),
        "{stderr}"
    );
    let (raw, stderr) = output_of(
        dir.path(),
        &[
            "trace",
            "0367",
            id,
            "--format",
            "raw",
            "--since",
            "2025-12-01",
        ],
    );
    assert_eq!(first_days(&raw), ["2025-12-02"]);
    assert!(stderr.contains("2025-12-05 09:15:00"), "{stderr}");
    for filter in [&["--phone", CLIENT][..], &["--status", "missed"]] {
        let search = [&["search", "0367", "--format", "csv"], filter].concat();
        let (rows, _) = output_of(dir.path(), &search);
        assert_eq!(rows.lines().skip(1).count(), 2, "{rows}");
    }
    let (raw, _) = output_of(
        dir.path(),
        &["search", "0367", "--phone", CLIENT, "--format", "raw"],
    );
    assert_eq!(first_days(&raw).len(), 2, "{raw}");
}

#[test]
fn a_call_that_was_silent_before_midnight_or_the_time_asked_for_began_before_it() {
    // Its second telephone is dialled ten minutes after midnight, after 20 minutes without events.
    let id = "1764719400.61";
    let start = format!("\"Phone\": \"{CLIENT}\", \"CallType\": 0, \"Trunk\": \"0001363\"");
    let dial = |extension| format!("{start}, \"Extensions\": [\"{extension}\"]");
    let hangup = format!("{start}, \"Extensions\": [\"\"], \"CallStatus\": \"0\"");
    let yesterday = [
        missed("2025-12-02", "1764666900.7").concat(),
        line("2025-12-02 23:50:00,100", "start", id, &start),
        line("2025-12-02 23:50:01,000", "dial", id, &dial("150")),
    ];
    let today = [
        line("2025-12-03 00:10:01,000", "dial", id, &dial("151")),
        line("2025-12-03 00:10:21,000", "hangup", id, &hangup),
        missed("2025-12-03", "1764753300.8").concat(),
    ];
    let dir = tree(&today);
    let archive = dir.path().join("0367/events.log.2025-12-02");
    fs::write(archive, yesterday.concat()).expect("written");
    let starts = |filters: &[&str]| {
        let search = [&["search", "0367", "--format", "csv"], filters].concat();
        let (rows, _) = output_of(dir.path(), &search);
        let start = |row: &str| row.split(',').nth(2).expect("a time")[..16].to_owned();
        rows.lines().skip(1).map(start).collect::<Vec<_>>()
    };
    let all = ["2025-12-03T09:15", "2025-12-02T23:50", "2025-12-02T09:15"];
    assert_eq!(starts(&["--status", "missed"]), all);
    assert_eq!(starts(&["--phone", CLIENT]), all);
    assert_eq!(starts(&["--since", "2025-12-03"]), all[..1]);
    assert_eq!(starts(&["--since", "2025-12-03 00:05"]), all[..1]);
    assert_eq!(starts(&["--since", "2025-12-02 23:45"]), all[..2]);
    assert_eq!(starts(&["--until", "2025-12-03 00:00"]), all[1..]);
}

#[test]
fn a_record_that_joins_two_days_makes_them_one_call() {
    let id = "1764666900.61";
    let between = line(
        "2025-12-03 09:00:00,000",
        "new_callerid",
        id,
        "\"Channel\": \"SIP/150-0000002a\"",
    );
    let dir = tree(&[
        missed("2025-12-02", id).concat(),
        between,
        missed("2025-12-04", id)[0].replace("09:15", "08:59"),
    ]);
    let (raw, stderr) = output_of(dir.path(), &["trace", "0367", id, "--format", "raw"]);
    assert_eq!(first_days(&raw).len(), 3, "{raw}");
    assert!(!stderr.contains("--since"), "{stderr}");
}

#[test]
fn a_record_that_a_wrong_clock_dated_hides_no_call_and_splits_none() {
    let id = "1764666900.61";
    for far in ["9999-12-31", "2038-01-19", "1970-01-01"] {
        // First, last, and between the records of the call.
        for at in [0, 1, 3] {
            let mut lines = missed("2025-12-02", id);
            lines.insert(at, missed(far, id)[1].clone());
            let dir = tree(&lines);
            let (raw, stderr) = output_of(dir.path(), &["trace", "0367", id, "--format", "raw"]);
            assert_eq!(first_days(&raw), ["2025-12-02"], "{far} {at}");
            assert_eq!(raw.lines().count(), 3, "{far} {at}");
            assert!(stderr.contains(far), "{far} {at}: {stderr}");
            for filter in [&["--phone", CLIENT][..], &["--direction", "in"]] {
                let search = [&["search", "0367", "--format", "ndjson"], filter].concat();
                let (rows, _) = output_of(dir.path(), &search);
                let results = rows.lines().map(|row| {
                    let row: Value = serde_json::from_str(row).expect("JSON");
                    row["result"].clone()
                });
                let missed = results.filter(|result| result == "missed");
                assert_eq!(missed.count(), 1, "{far} {at}: {rows}");
            }
        }
    }
}

#[test]
fn of_ids_older_than_a_year_the_newest_call_is_shown() {
    let id = "1464666900.61";
    let dir = tree(&["2025-11-28", "2025-12-02"].map(|day| missed(day, id).concat()));
    let (raw, _) = output_of(dir.path(), &["trace", "0367", id, "--format", "raw"]);
    assert_eq!(first_days(&raw), ["2025-12-02"]);
}

#[test]
fn a_call_with_lines_that_name_the_reason_was_busy() {
    let result = |reasons: [&str; 2], direction: u8| {
        let id = "1764666900.61";
        let own = format!(
            "\"Phone\": \"{CLIENT}\", \"CallType\": {direction}, \"Trunk\": \"0001363\", \"Extensions\": [\"150\"]"
        );
        let hangup = format!("{own}, \"CallStatus\": \"0\"{}", reasons[1]);
        let dir = tree(&[
            line("2025-12-02 09:15:00,100", "dial", id, &own),
            line(
                "2025-12-02 09:15:03,000",
                "dial_end",
                id,
                &format!("\"Channel\": \"SIP/150-0000002a\"{}", reasons[0]),
            ),
            line("2025-12-02 09:15:03,200", "hangup", id, &hangup),
        ]);
        let (row, _) = output_of(dir.path(), &["search", "0367", "--format", "ndjson"]);
        let row: Value = serde_json::from_str(row.lines().next().expect("a row")).expect("JSON");
        row["result"].as_str().expect("a word").to_owned()
    };
    let busy = ", \"DialStatus\": \"BUSY\"";
    for (reasons, expected) in [
        (["", ", \"Cause\": \"17\""], "busy"),
        (["", ", \"Cause\": 17"], "busy"),
        ([busy, ""], "busy"),
        ([busy, ", \"Cause\": \"0\""], "busy"),
        (["", ", \"Cause\": \"16\""], "not_reached"),
        ([busy, ", \"DialStatus\": \"NOANSWER\""], "not_reached"),
        (["", ""], "not_reached"),
    ] {
        assert_eq!(result(reasons, 1), expected, "{reasons:?}");
        // A client who found the line busy must be called back.
        assert_eq!(result(reasons, 0), "missed", "{reasons:?}");
    }
}

#[test]
fn a_consultation_belongs_to_its_call_though_dial_and_hangup_are_far_from_it() {
    let (main, other, lone) = ("1764666900.61", "1764666901.63", "1764667018.75");
    let own = format!(
        "\"Phone\": \"{CLIENT}\", \"CallType\": 0, \"Trunk\": \"0001363\", \"Extensions\": [\"150\"]"
    );
    let moves = |bridge: &str, channel: &str, number: &str| {
        format!(
            "\"BridgeUniqueid\": \"{bridge}\", \"Channel\": \"SIP/{channel}-0000002a\", \"CallerIDNum\": \"{number}\""
        )
    };
    let client = moves("b1", "0001363", CLIENT);
    let agent = moves("b1", "150", "150");
    let consulted =
        "\"Phone\": \"150\", \"CallType\": 2, \"Extensions\": [\"152\"], \"CallStatus\": \"0\"";
    let dir = tree(&[
        line("2025-12-02 09:15:00,100", "dial", main, &own),
        line("2025-12-02 09:15:10,000", "bridge", other, &agent),
        line("2025-12-02 09:15:10,100", "bridge", main, &client),
        line("2025-12-02 09:16:58,000", "bridge_leave", other, &agent),
        line("2025-12-02 09:17:08,000", "hangup", lone, consulted),
        line("2025-12-02 09:17:08,200", "bridge", other, &agent),
        line("2025-12-02 09:19:00,000", "bridge_leave", other, &agent),
        line("2025-12-02 09:19:00,100", "bridge_leave", main, &client),
        line(
            "2025-12-02 09:19:01,000",
            "hangup",
            main,
            &format!("{own}, \"CallStatus\": \"2\""),
        ),
    ]);
    let lines = |id: &str| output_of(dir.path(), &["trace", "0367", id, "--format", "raw"]).0;
    assert_eq!(lines(main).lines().count(), 9);
    assert_eq!(lines(lone), lines(main));
    let (rows, _) = output_of(dir.path(), &["search", "0367", "--format", "csv"]);
    assert_eq!(rows.lines().count(), 2, "{rows}");
}
