//! The output of `compare`: both places, the fields that differ, errors next to their events, and no secret.

use std::fs;
use std::path::Path;

use serde_json::Value;
use testing::{out, run, stderr_of};

use crate::day::TOKEN;

pub(crate) fn tree() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder of its own");
    fs::create_dir_all(dir.path().join("0367")).expect("its own folder");
    dir
}

/// Lines of what an emulator's page sent, one event each.
pub(crate) fn sent(events: &[(&str, &str, &str, &str)]) -> String {
    let one = |(time, event, body, status): &(&str, &str, &str, &str)| {
        let line = |text: &str| format!("2025-12-02 {time} [INFO] call_tester: {text}\n");
        [
            line(&format!(
                "🚀 EMULATION REQUEST to https://example.org/{event}"
            )),
            line(&format!("📤 Event Type: {event}")),
            line(&format!("📊 Event Data: {body}")),
            line(&format!("📥 EMULATION RESPONSE for {event}")),
            line(&format!("📊 Response Status: {status}")),
            line("📊 Response Data: {}"),
        ]
        .concat()
    };
    events.iter().map(one).collect()
}

pub(crate) fn body(id: &str, phone: &str) -> String {
    format!(
        "{{\n  \"Token\": \"{TOKEN}\",\n  \"UniqueId\": \"{id}\",\n  \"Phone\": \"{phone}\",\n  \"Extensions\": [\"151\"],\n  \"CallType\": 0\n}}"
    )
}

pub(crate) fn arrived(time: &str, event: &str, body: &str) -> String {
    let json: Value = serde_json::from_str(body).expect("JSON");
    format!("2025-12-02 {time}|AST|{event}|1.1|{json}\n")
}

/// Three events: one is the same, one differs, one is missing.
fn three(root: &Path) {
    let (one, two, three) = (
        body("1764666900.1", "152"),
        body("1764666901.2", "152"),
        body("1764666902.3", "152"),
    );
    let text = sent(&[
        ("09:15:00,100", "dial", &one, "200"),
        ("09:15:01,100", "dial", &two, "200"),
        ("09:15:02,100", "dial", &three, "502"),
    ]);
    fs::write(root.join("call_tester_events.log"), text).expect("its own file");
    let text = [
        arrived("09:15:00,157", "dial", &one),
        "2025-12-02 09:15:01,000|HTTP|1.1|GET|http://x|200|{}|{}\n".to_owned(),
        arrived("09:15:01,120", "dial", &two.replace("152", "999")),
        arrived("09:15:05,000", "start", &body("1764666905.9", "7")),
    ];
    fs::write(root.join("0367/events_2025-12-02.log"), text.concat()).expect("its own file");
}

fn compare(root: &Path, args: &[&str]) -> std::process::Output {
    let sent = root.join("call_tester_events.log").display().to_string();
    run(root, &[&["compare", &sent], args].concat())
}

pub(crate) fn json(output: &std::process::Output) -> Value {
    serde_json::from_str(&out(output)).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn a_table_by_type_then_each_difference_with_both_places() {
    let dir = tree();
    three(dir.path());
    let output = compare(dir.path(), &["0367", "--tz", "+03:00"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let shown = out(&output).replace(&dir.path().display().to_string(), "ROOT");
    expect_test::expect![[r#"
        EVENT  SENT  ACCEPTED  RECEIVED  MISSING  DIFFERS  DUPLICATE  UNSENT
        dial      3         2         2        1        1          0       0
        start     0         0         0        0        0          0       1
        all       3         2         2        1        1          0       1

        on the way     +20 ms (median), +57 ms (95%)
        last sent      2025-12-02 12:15:02.100 dial 1764666902.3, ROOT/call_tester_events.log:25 (UTC+03:00)
        last received  2025-12-02 12:15:05.000 start 1764666905.9, 0367/events_2025-12-02.log:4 (UTC+03:00)

        differs    dial 1764666901.2, sent 12:15:01.100 (accepted) ROOT/call_tester_events.log:13, received 12:15:01.120 (+20 ms) 0367/events_2025-12-02.log:3
                   Phone: sent "152", received "999"
        missing    dial 1764666902.3, sent 12:15:02.100 (refused with 502) ROOT/call_tester_events.log:25
    "#]]
    .assert_eq(&shown);
    let note = "calltrace: 1 event arrived without being sent; -v lists them\n";
    assert_eq!(stderr_of(dir.path(), &output), note);
    assert!(
        out(&compare(dir.path(), &["0367", "-v"]))
            .contains("unsent     arrived 09:15:05.000 start")
    );
}

#[test]
fn one_document_for_programs() {
    let dir = tree();
    three(dir.path());
    let document = json(&compare(dir.path(), &["0367", "--format", "json"]));
    assert_eq!(document["version"], 2);
    assert_eq!(document["received"], serde_json::json!(["0367"]));
    assert_eq!(document["same"], false);
    assert_eq!(document["total"]["sent"], 3);
    assert_eq!(
        document["lag_ms"],
        serde_json::json!({"p50": 20, "p95": 57})
    );
    let differences = document["differences"].as_array().expect("a list");
    assert_eq!(differences[0]["kind"], "differs");
    assert_eq!(
        differences[0]["fields"][0],
        serde_json::json!({"field": "Phone", "sent": "152", "received": "999"})
    );
    assert_eq!(differences[0]["received"]["line"], 3);
    assert_eq!(differences[1]["sent"]["delivery"], "refused");
    assert_eq!(differences[1]["sent"]["status"], 502);
    assert_eq!(differences[1]["received"], Value::Null);
    assert_eq!(document["unsent"][0]["at"], "2025-12-02T09:15:05.000Z");
}

#[test]
fn only_what_is_asked_for_is_compared() {
    let dir = tree();
    three(dir.path());
    let total = |args: &[&str]| {
        let args = [&["0367", "--format", "json"], args].concat();
        let output = compare(dir.path(), &args);
        let total = &json(&output)["total"];
        let of = |what: &str| total[what].as_u64().expect("a number");
        (
            of("sent"),
            of("received"),
            of("missing"),
            of("unsent"),
            output.status.code(),
        )
    };
    assert_eq!(
        total(&["--until", "2025-12-02 09:15:01"]),
        (1, 1, 0, 0, Some(0))
    );
    assert_eq!(
        total(&["--since", "2025-12-02 09:15:02"]),
        (1, 0, 1, 1, Some(1))
    );
    assert_eq!(total(&["--event", "dial,hangup"]), (3, 2, 1, 0, Some(1)));
    assert_eq!(total(&["--event", "start"]), (0, 0, 0, 1, Some(0)));
    assert_eq!(total(&["--call", "1764666900.1"]), (1, 1, 0, 0, Some(0)));
    let args = ["0367", "--until", "2025-12-02 09:15:01", "--format", "json"];
    let last = &json(&compare(dir.path(), &args))["last_received"]["at"];
    assert_eq!(last, "2025-12-02T09:15:00.157Z");
    let nothing = compare(dir.path(), &["0367", "--since", "2025-12-03"]);
    assert!(stderr_of(dir.path(), &nothing).contains("no such event was sent"));
    assert_eq!(nothing.status.code(), Some(0));
}

#[test]
fn errors_of_the_service_stand_next_to_their_events_and_tokens_nowhere() {
    let dir = tree();
    let (one, two) = (body("1764666900.1", "152"), body("1764666901.2", "152"));
    let text = sent(&[
        ("09:15:00,100", "dial", &one, "200"),
        ("09:15:01,100", "dial", &two, "200"),
    ]);
    fs::write(dir.path().join("call_tester_events.log"), text).expect("its own file");
    let of = |level: &str, text: &str| format!("2025-12-02 09:15:01,200 [{level}] main: {text}\n");
    let changed: Value = serde_json::from_str(&two.replace(TOKEN, "375299999999")).expect("JSON");
    let same: Value = serde_json::from_str(&one).expect("JSON");
    let text = [
        of("INFO", &format!("DIAL REQUEST from 192.0.2.7: {same}")),
        of(
            "ERROR",
            "Asterisk dispatch to 100000001 failed: \x1b[2JBad Gateway",
        ),
        of("INFO", &format!("DIAL REQUEST from 192.0.2.7: {changed}")),
        of(
            "ERROR",
            &format!("Call tracer logging failed for token {TOKEN}: disk full"),
        ),
        of(
            "INFO",
            "_dispatch_to_all: Token='375299999999', UniqueId='9.9', body keys: []",
        ),
        of(
            "ERROR",
            "Asterisk dispatch to 100000002 failed: of another call",
        ),
    ];
    let app_log = dir.path().join("app.log");
    fs::write(&app_log, text.concat()).expect("its own file");
    let app_log = app_log.display().to_string();
    for format in ["table", "json"] {
        let shown = out(&compare(dir.path(), &[&app_log, "--format", format]));
        assert!(
            !shown.contains(TOKEN) && !shown.contains("375299999999"),
            "{shown}"
        );
        assert!(
            !shown.contains('\x1b') && !shown.contains("of another call"),
            "{shown}"
        );
        assert!(
            shown.contains("Bad Gateway") && shown.contains("token ***: disk full"),
            "{shown}"
        );
        assert!(shown.contains("***"), "{shown}");
    }
    let document = json(&compare(dir.path(), &[&app_log, "--format", "json"]));
    let listed = &document["differences"][0]["errors"][0];
    assert_eq!(
        (&listed["line"], &listed["id"]),
        (&4.into(), &"1764666901.2".into())
    );
    assert_eq!(document["errors"][0]["line"], 2);
    // The same with another side.
    fs::write(
        dir.path().join("0367/events_2025-12-02.log"),
        arrived("09:15:01,120", "dial", &one),
    )
    .expect("a file");
    let shown = out(&compare(dir.path(), &["0367", "--app-log", &app_log]));
    assert!(shown.contains("token ***: disk full"), "{shown}");
}

#[test]
fn a_damaged_file_that_may_hide_what_arrived_makes_it_incomplete() {
    let dir = tree();
    three(dir.path());
    let path = dir.path().join("0367/events_2025-12-02.log");
    let packed = {
        use std::io::Write as _;
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer
            .write_all(&fs::read(&path).expect("its own file"))
            .expect("memory");
        packer.finish().expect("memory")
    };
    fs::remove_file(&path).expect("its own file");
    let path = dir.path().join("0367/events.log.2025-12-02.gz");
    fs::write(&path, &packed[..packed.len() / 2]).expect("its own file");
    let output = compare(dir.path(), &["0367"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        stderr_of(dir.path(), &output).contains("is a truncated gzip"),
        "{output:?}"
    );
}

#[test]
fn what_was_sent_and_may_still_come_says_so() {
    let dir = tree();
    // The tests take place at 15:00 of the next day.
    let text = sent(&[("09:15:00,100", "dial", &body("1764753290.1", "152"), "200")]);
    let text = text.replace("2025-12-02 09:15:00", "2025-12-03 14:54:50");
    fs::write(dir.path().join("call_tester_events.log"), text).expect("its own file");
    let output = compare(dir.path(), &["0367"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains(", may still come"), "{output:?}");
}
