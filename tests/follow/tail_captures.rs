//! `calltrace tail --calls` over calls from a real Asterisk, written line by line into a live file.

use std::fs;
use std::thread;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::tailing::{Running, append, command, tree};

/// The longest pause of a capture in the test.
const PAUSE: Duration = Duration::from_millis(1_500);

fn time_of(line: &str) -> DateTime<Utc> {
    let time = NaiveDateTime::parse_from_str(&line[..23], "%Y-%m-%d %H:%M:%S,%f");
    let time = time.expect("a time");
    // The digits after the comma were read as nanoseconds.
    let millis: i64 = line[20..23].parse().expect("digits");
    let whole = time.and_utc().timestamp() * 1000;
    DateTime::from_timestamp_millis(whole + millis).expect("a time")
}

/// The reported states while the lines of a scenario were written, by the clock of the lines.
fn reported_states(scenario: &str) -> Vec<String> {
    let captures = testing::project().join("tests/data/real-asterisk/16");
    let text = fs::read_to_string(captures.join(scenario).join("host.log")).expect("read");
    let lines: Vec<&str> = text.lines().collect();
    let dir = tree();
    append(&dir, "");
    let mut watcher = command(dir.path());
    watcher.env("CALLTRACE_NOW", time_of(lines[0]).to_rfc3339());
    watcher.args(["-v", "-f", "--calls", "0367", "--format", "ndjson"]);
    let tail = Running::of(watcher);
    tail.wait_for("calls in progress");
    let mut before = time_of(lines[0]);
    for line in lines {
        let pause = (time_of(line) - before).to_std().unwrap_or_default();
        thread::sleep(pause.min(PAUSE));
        before = time_of(line);
        append(&dir, &format!("{line}\n"));
    }
    let mut states = Vec::new();
    loop {
        let row: serde_json::Value = serde_json::from_str(&tail.line()).expect("JSON");
        states.push(row["state"].as_str().expect("a word").to_owned());
        if states.last().is_some_and(|state| state == "ended") {
            break;
        }
    }
    assert!(
        tail.lines
            .recv_timeout(Duration::from_millis(1500))
            .is_err(),
        "{states:?}"
    );
    states
}

#[test]
fn a_caller_who_transfers_the_one_called_ends_nothing() {
    assert_eq!(
        reported_states("outgoing_blind"),
        ["ringing", "answered", "transferred", "ended"]
    );
}

#[test]
fn an_answer_to_a_call_from_the_crm_is_reported_before_its_end() {
    assert_eq!(reported_states("crm"), ["ringing", "answered", "ended"]);
}
