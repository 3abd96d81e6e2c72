//! Damage in proportion: an answer is incomplete only where damage may hide something of it.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Output;

use flate2::Compression;
use flate2::write::GzEncoder;
use testing::{out, run, stderr_of};

/// A missed call of some hour of 2025-12-05, with so many records of nothing before it.
fn call(hour: u32, padding: usize) -> String {
    let id = format!("{}.{hour}", 1_764_892_800 + i64::from(hour) * 3600);
    let mut text = String::new();
    for at in 0..padding {
        let second = at * 1700 / padding;
        let (minute, second) = (second / 60, second % 60);
        text += &format!(
            "2025-12-05 {hour:02}:{minute:02}:{second:02},000|HTTP||GET|http://localhost/{at}|200|{{}}|{{}}\n"
        );
    }
    for (second, event) in [(0, "start"), (1, "dial"), (20, "hangup")] {
        text += &format!(
            "2025-12-05 {hour:02}:30:{second:02},000|AST|{event}|{id}|{{\"UniqueId\": \"{id}\", \"Phone\": \"375290001234\", \"CallType\": 0, \"Extensions\": [\"150\"], \"CallStatus\": \"0\", \"Trunk\": \"0001363\"}}\n"
        );
    }
    text
}

fn packed(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(text.as_bytes()).expect("packed");
    gzip.finish().expect("packed")
}

/// A day in three members of gzip, of 9, 12 and 15 o'clock, the second of them torn.
fn torn_day() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("0367")).expect("a folder");
    let mut middle = packed(&call(12, 4000));
    let half = middle.len() / 2;
    middle[half..half + 8].fill(0xff);
    let all = [packed(&call(9, 10)), middle, packed(&call(15, 10))].concat();
    fs::write(dir.path().join("0367/events.log.2025-12-05.gz"), all).expect("written");
    dir
}

fn search(root: &Path, more: &[&str]) -> Output {
    let args = ["search", "0367", "--tz", "UTC", "--format", "csv"];
    run(root, &[&args[..], more].concat())
}

#[test]
fn damage_between_two_records_matters_to_the_time_between_them_and_to_no_other() {
    let dir = torn_day();
    for (since, until, code) in [
        ("2025-12-05 15:10", "2025-12-05 23:59", 0),
        ("2025-12-05 11:00", "2025-12-05 13:00", 2),
        ("2025-12-05 00:00", "2025-12-05 23:59", 2),
        // A call that began then may go on for hours.
        ("2025-12-05 09:00", "2025-12-05 10:00", 2),
        ("2025-12-04 00:00", "2025-12-05 07:59", 1),
    ] {
        let output = search(dir.path(), &["--since", since, "--until", until]);
        let text = stderr_of(dir.path(), &output);
        assert_eq!(output.status.code(), Some(code), "{since} {until}: {text}");
        let named = text.matches("is a damaged gzip").count();
        assert_eq!(named, 1, "{since} {until}: {text}");
    }
    let found = search(dir.path(), &["--since", "2025-12-05 15:10"]);
    assert!(out(&found).contains("1764946800.15"), "{}", out(&found));
}

#[test]
fn an_answer_of_the_newest_calls_is_complete_whatever_is_torn_before_them() {
    let dir = torn_day();
    let newest = search(dir.path(), &["-n", "1"]);
    assert_eq!(
        newest.status.code(),
        Some(0),
        "{}",
        stderr_of(dir.path(), &newest)
    );
    let all = search(dir.path(), &[]);
    assert_eq!(
        all.status.code(),
        Some(2),
        "{}",
        stderr_of(dir.path(), &all)
    );
    let lines = run(
        dir.path(),
        &["search", "0367", "--lines", "-n", "3", "--format", "raw"],
    );
    assert_eq!(
        lines.status.code(),
        Some(0),
        "{}",
        stderr_of(dir.path(), &lines)
    );
}

#[test]
fn json_lists_damage_that_does_not_matter_as_well() {
    let dir = torn_day();
    let output = run(
        dir.path(),
        &[
            "search",
            "0367",
            "--since",
            "2025-12-05 15:10",
            "--tz",
            "UTC",
            "--format",
            "json",
        ],
    );
    assert_eq!(output.status.code(), Some(0));
    let document: serde_json::Value = serde_json::from_str(&out(&output)).expect("JSON");
    let report = &document["report"]["enterprises"][0]["completeness"];
    assert_eq!(report["complete"], true);
    assert_eq!(report["troubles"][0]["matters"], false, "{report}");
}

#[test]
fn an_empty_answer_names_all_damage() {
    let dir = torn_day();
    fs::write(
        dir.path().join("0367/events.log.2025-12-04"),
        [
            &b"2025-12-04 10:00:00,000|HTTP||GET|http://localhost/|200|{}|{}\n"[..],
            &[0; 100],
            b"\n",
        ]
        .concat(),
    )
    .expect("written");
    let without_match = ["--status", "answered", "--since", "2025-12-05 15:10"];
    let output = search(dir.path(), &without_match);
    let text = stderr_of(dir.path(), &output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("is a damaged gzip"), "{text}");
    assert!(!text.contains("incomplete"), "{text}");
}
