//! Records that never arrived and were recovered, in the output of the commands.

use std::fs;
use std::path::Path;

use expect_test::expect;
use serde_json::{Value, json};
use testing::{out, run, stderr_of};

const ID: &str = "1764666900.61";

fn line(time: &str, event: &str, uid: &str, more: &str) -> String {
    format!(
        "2025-12-02 {time}|AST|{event}|{uid}|{{\"UniqueId\": \"{uid}\", \"Phone\": \"375290001234\", \
         \"CallType\": 0, \"Extensions\": [\"150\"]{more}}}\n"
    )
}

fn mark(from: &str, row: u64) -> String {
    format!(
        ", \"CallStatus\": \"0\", \"_recovered\": {{\"from\": \"{from}\", \"row\": {row}, \"status\": \"500\"}}"
    )
}

/// A call with a recovered dial and hangup, one that arrived whole, and one with marks that its sender made up.
fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    let arrived = [
        line("09:15:00,000", "start", ID, ""),
        line("10:00:00,000", "start", "1764669600.71", ""),
        line(
            "10:00:20,000",
            "hangup",
            "1764669600.71",
            ", \"CallStatus\": \"0\"",
        ),
        line(
            "11:00:00,000",
            "start",
            "1764673200.81",
            ", \"_recovered\": true",
        ),
        line(
            "11:00:20,000",
            "hangup",
            "1764673200.81",
            ", \"_recovered\": {\"from\": 1}",
        ),
    ];
    fs::write(folder.join("events_2025-12-02.log"), arrived.concat()).expect("written");
    let recovered = [
        line(
            "09:15:20,000",
            "hangup",
            ID,
            &mark("pbx1/call_events", 4711),
        ),
        line(
            "09:15:01,000",
            "dial",
            ID,
            &mark("pbx1\\u001b[2J/x token=s3cret", 4710),
        ),
    ];
    fs::write(folder.join("recovered_2025-12-02.log"), recovered.concat()).expect("written");
    dir
}

fn prints(root: &Path, args: &[&str]) -> String {
    out(&run(root, args))
}

fn value(root: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&prints(root, args)).expect("JSON")
}

#[test]
fn a_trace_marks_steps_and_records_and_counts_them() {
    let dir = tree();
    expect![[r"
        0367 call 1764666900.61  1 leg, 3 records
          incoming +375 29 000-12-34 -> 150  missed
          2025-12-02 09:15:00 (UTC)  20s in all
          ring 19s
          no messages

        09:15:00    +0.0s  +375 29 000-12-34 calls; 150 rings [recovered]
        09:15:20   +20.0s  the call ends after 20s: nobody answered [recovered]

          2 records recovered from the host's journal
    "]]
    .assert_eq(&prints(dir.path(), &["trace", "0367", ID]));
    let all = prints(dir.path(), &["trace", "0367", ID, "--all"]);
    assert!(all.contains("[recovered from pbx1/call_events]"), "{all}");
    assert!(!all.contains('\u{1b}') && !all.contains("s3cret"), "{all}");
    assert!(
        all.ends_with("\n\n  2 records recovered from the host's journal\n"),
        "{all}"
    );
    let whole = prints(dir.path(), &["trace", "0367", "1764673200.81", "--all"]);
    assert!(!whole.contains("recovered"), "{whole}");
}

#[test]
fn json_marks_recovered_records_and_counts_them_in_the_call() {
    let dir = tree();
    let call = value(dir.path(), &["trace", "0367", ID, "--format", "json"]);
    assert_eq!(call["version"], 2);
    assert_eq!(call["call"]["recovered_count"], 2);
    let timeline = call["timeline"].as_array().expect("records");
    assert_eq!(timeline[0].get("recovered"), None);
    let hangup = json!({ "from": "pbx1/call_events", "row": 4711, "status": "500" });
    assert_eq!(timeline[2]["recovered"], hangup);
    assert_eq!(timeline[2]["data"]["event_data"]["_recovered"], hangup);
    let all = value(dir.path(), &["search", "0367", "--format", "json"]);
    let calls = all["results"].as_array().expect("calls");
    let counts: Vec<&Value> = calls.iter().map(|call| &call["recovered_count"]).collect();
    assert_eq!(counts, [0, 0, 2]);
}

#[test]
fn a_search_finds_calls_and_events_that_were_recovered() {
    let dir = tree();
    let recovered_calls =
        |args: &[&str]| prints(dir.path(), &[&["search", "--recovered"], args].concat());
    let once = || {
        let rows = recovered_calls(&["--format", "csv"]);
        assert_eq!(rows.lines().count(), 2, "{rows}");
        assert!(rows.contains(ID), "{rows}");
        assert_eq!(recovered_calls(&["--count"]), "1\n");
        assert_eq!(recovered_calls(&["--direction", "out", "--count"]), "0\n");
        assert_eq!(recovered_calls(&["--lines", "--count"]), "2\n");
        assert_eq!(
            recovered_calls(&["--lines", "--event", "hangup", "--count"]),
            "1\n"
        );
        let lines = recovered_calls(&["--lines", "--format", "ndjson"]);
        let first: Value =
            serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
        assert_eq!(
            first["file"].as_str().map(|file| &file[..20]),
            Some("recovered_2025-12-02")
        );
        assert_eq!(first["record"]["recovered"]["row"], 4710);
    };
    once();
    // The file is sealed, indexed and has a table.
    let rotated = run(dir.path(), &["rotate"]);
    assert!(
        rotated.status.success(),
        "{}",
        stderr_of(dir.path(), &rotated)
    );
    assert!(
        dir.path()
            .join("0367/recovered_2025-12-02.log.gz")
            .is_file()
    );
    let tables = fs::read_dir(dir.path().join("0367/.calltrace")).expect("listed");
    let names = tables.map(|entry| entry.expect("an entry").file_name());
    let names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    assert!(
        names.contains(&"events_2025-12-02.log.gz.calls.parquet".to_owned()),
        "{names:?}"
    );
    once();
    let none = run(
        dir.path(),
        &["search", "--recovered", "--since", "2025-12-03"],
    );
    assert_eq!(none.status.code(), Some(1));
}
