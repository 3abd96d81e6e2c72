//! Logs and tables in a zone with summer time: an hour that occurs twice, one that is skipped, and rows of both
//! offsets.

use std::fs;
use std::path::Path;

use calltrace_model::record::Zone;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use testing::text;

const CLIENT: &str = "375290001234";

/// A call that rings for nine seconds from this time and talks for 59, in the log of a zone.
fn call(began: DateTime<Utc>, number: u32, zone: Zone) -> Vec<String> {
    let (main, other) = (
        format!("{}.{number}", began.timestamp()),
        format!("{}.{}", began.timestamp() + 1, number + 1),
    );
    let own = format!("\"Phone\": \"{CLIENT}\", \"CallType\": 0, \"Trunk\": \"0001363\"");
    let bridge = format!("\"BridgeUniqueid\": \"b{number}\"");
    let client =
        format!("{bridge}, \"Channel\": \"SIP/0001363-0000002a\", \"CallerIDNum\": \"{CLIENT}\"");
    let agent = format!("{bridge}, \"Channel\": \"SIP/150-0000002b\", \"CallerIDNum\": \"150\"");
    let dial = format!("{own}, \"Extensions\": [\"150\"]");
    let hangup = format!("{own}, \"Extensions\": [\"150\"], \"CallStatus\": \"2\"");
    let line = |millis: i64, event: &str, uid: &str, fields: &str| {
        let at = (began + TimeDelta::milliseconds(millis)).with_timezone(&zone);
        let at = at.format("%Y-%m-%d %H:%M:%S,%3f");
        format!("{at}|AST|{event}|{uid}|{{\"UniqueId\": \"{uid}\", {fields}}}\n")
    };
    vec![
        line(200, "start", &main, &own),
        line(700, "dial", &main, &dial),
        line(9_700, "bridge_create", "", &bridge),
        line(9_740, "bridge", &other, &agent),
        line(9_780, "bridge", &main, &client),
        line(68_740, "bridge_leave", &other, &agent),
        line(68_760, "bridge_leave", &main, &client),
        line(68_800, "bridge_destroy", "", &bridge),
        line(69_200, "hangup", &main, &hangup),
    ]
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// The output of a command when its log and screen are in these zones.
fn output_of(root: &Path, log: &str, shown: &str, args: &[&str]) -> String {
    let mut command = testing::command(root);
    command.env("CALLTRACE_LOG_TIMEZONE", log);
    let output = command.args(["--tz", shown]).args(args).output();
    let output = output.expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
    text(&output.stdout)
}

fn tree(files: &[(&str, String)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("0367")).expect("made");
    for (name, lines) in files {
        fs::write(dir.path().join("0367").join(name), lines).expect("written");
    }
    dir
}

#[test]
fn a_call_over_a_change_of_clocks_is_as_long_as_it_was() {
    // Before, within and after the change; the last one talks in the repeated hour.
    let autumn = [
        "2025-10-26T00:30:00Z",
        "2025-10-26T00:59:40Z",
        "2025-10-26T01:20:00Z",
    ];
    let spring = [
        "2025-03-30T00:30:00Z",
        "2025-03-30T00:59:40Z",
        "2025-03-30T01:20:00Z",
    ];
    for (zone, moments) in [
        (Zone::named("Europe/Berlin").expect("a zone"), autumn),
        (Zone::named("Europe/Berlin").expect("a zone"), spring),
    ] {
        let moments = moments.map(moment);
        let lines = (0..)
            .zip(moments)
            .map(|(n, at)| call(at, 20 + 10 * n, zone).concat());
        let dir = tree(&[("events.log", lines.collect::<Vec<String>>().concat())]);
        for shown in [zone.name(), "UTC"] {
            for filter in [&[][..], &["--phone", CLIENT], &["--min-talk", "58s"]] {
                let search = [&["search", "0367", "--format", "ndjson"], filter].concat();
                let rows = output_of(dir.path(), zone.name(), shown, &search);
                let mut began: Vec<String> = Vec::new();
                for row in rows.lines().filter(|row| row.contains("unique_id")) {
                    let row: Value = serde_json::from_str(row).expect("JSON");
                    assert_eq!(row["talk_ms"], 59_000 - 20, "{filter:?} {row}");
                    assert_eq!(row["result"], "answered", "{row}");
                    began.push(row["start_time"].as_str().expect("a time").to_owned());
                }
                let expected = moments.iter().rev().map(|at| {
                    let at = *at + TimeDelta::milliseconds(200);
                    at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
                });
                assert!(
                    began.iter().eq(expected.collect::<Vec<_>>().iter()),
                    "{began:?}"
                );
            }
            let long = ["search", "0367", "--min-talk", "2m"];
            let mut command = testing::command(dir.path());
            command.env("CALLTRACE_LOG_TIMEZONE", zone.name());
            let found = command.args(long).output().expect("the program starts");
            assert_eq!(found.status.code(), Some(1), "{found:?}");
        }
        for (n, at) in (0..).zip(moments) {
            let id = format!("{}.{}", at.timestamp(), 20 + 10 * n);
            let raw = output_of(
                dir.path(),
                zone.name(),
                "UTC",
                &["trace", "0367", &id, "--format", "raw"],
            );
            assert_eq!(
                raw,
                call(at, 20 + 10 * n, zone).concat(),
                "in order, as written"
            );
            let printed = output_of(
                dir.path(),
                zone.name(),
                "UTC",
                &["trace", "0367", &id, "--all"],
            );
            let last = at + TimeDelta::milliseconds(69_200);
            assert!(
                printed.contains(&last.format("%H:%M:%S%.3f").to_string()),
                "{printed}"
            );
        }
    }
}

#[test]
fn rows_of_two_offsets_each_name_their_own() {
    let moments = ["2025-10-25T09:00:00Z", "2025-10-26T09:00:00Z"].map(moment);
    let of = |n: usize| call(moments[n], 20, Zone::UTC).concat();
    let dir = tree(&[
        ("events_2025-10-25.log", of(0)),
        ("events_2025-10-26.log", of(1)),
    ]);
    let output_of = |args: &[&str]| output_of(dir.path(), "UTC", "Europe/Berlin", args);
    let table = output_of(&["search", "0367"]);
    for part in [
        "times of Europe/Berlin\n",
        "2025-10-25 11:00:00+02:00",
        "2025-10-26 10:00:00+01:00",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    let one = output_of(&["search", "0367", "--since", "2025-10-26"]);
    assert!(
        one.starts_with("times of Europe/Berlin, UTC+01:00\n") && one.contains(" 10:00:00 in "),
        "{one}"
    );
    let lines = output_of(&["search", "0367", "--lines", "--event", "start"]);
    assert!(
        lines.contains("--- 2025-10-25 (Europe/Berlin, UTC+02:00)\n11:00:00.200")
            && lines.contains("--- 2025-10-26 (Europe/Berlin, UTC+01:00)\n10:00:00.200"),
        "{lines}"
    );
    let tail = output_of(&["tail", "0367", "--event", "start"]);
    assert!(
        tail.contains("--- 2025-10-25 (Europe/Berlin, UTC+02:00)"),
        "{tail}"
    );
    assert!(
        tail.contains("--- 2025-10-26 (Europe/Berlin, UTC+01:00)"),
        "{tail}"
    );
}

#[test]
fn a_call_that_talks_over_the_change_shows_where_the_offset_changes() {
    let at = moment("2025-10-26T00:59:40Z");
    let dir = tree(&[("events.log", call(at, 20, Zone::UTC).concat())]);
    let id = format!("{}.20", at.timestamp());
    let printed = output_of(dir.path(), "UTC", "Europe/Berlin", &["trace", "0367", &id]);
    let heads: Vec<&str> = printed
        .lines()
        .filter(|line| line.starts_with("---"))
        .collect();
    assert_eq!(
        heads,
        ["--- 2025-10-26 (Europe/Berlin, UTC+01:00)"],
        "{printed}"
    );
    let tail = output_of(
        dir.path(),
        "UTC",
        "Europe/Berlin",
        &["tail", "0367", "-n", "99"],
    );
    let heads: Vec<&str> = tail
        .lines()
        .filter(|line| line.starts_with("---"))
        .collect();
    assert_eq!(heads.len(), 2, "{tail}");
}
