//! `search --lines` as people and scripts meet it; how much of an answer is shown.

use serde_json::Value;
use testing::{command, out, run, sample, stderr_of};

fn printed(columns: Option<&str>, args: &[&str]) -> String {
    let root = sample();
    let mut command = command(&root);
    command.args(["search", "0367", "--tz", "UTC"]).args(args);
    if let Some(columns) = columns {
        command.env("COLUMNS", columns);
    }
    out(&command.output().expect("the command starts"))
}

fn json(args: &[&str]) -> Value {
    let output = run(
        &sample(),
        &[&["search", "0367", "--format", "json"], args].concat(),
    );
    serde_json::from_str(&out(&output)).expect("JSON")
}

#[test]
fn records_are_shown_as_tail_shows_them() {
    let tail = run(
        &sample(),
        &[
            "tail", "0367", "--tz", "UTC", "--event", "hangup", "-n", "5",
        ],
    );
    let lines = printed(None, &["--lines", "--event", "hangup", "-n", "5"]);
    assert_eq!(lines, out(&tail));
    assert_eq!(lines.matches("hangup").count(), 5, "{lines}");
}

#[test]
fn a_record_takes_one_line_and_all_of_it_is_shown_when_asked_for() {
    let of = ["--lines", "--text", "from-out-office", "-n", "3"];
    for columns in ["80", "100", "200"] {
        let cut = printed(Some(columns), &of);
        let width: usize = columns.parse().expect("a number");
        assert_eq!(cut.lines().count(), 4, "{cut}");
        for line in cut.lines().skip(1) {
            assert!(line.chars().count() <= width, "{columns}: {line}");
            assert!(line.contains("from-out-office"), "{columns}: {line}");
        }
    }
    let full = printed(None, &[&of[..], &["--full"]].concat());
    let clocks = full.matches("2025-12-02").count();
    assert_eq!(clocks, 1, "one clock: {full}");
    assert!(full.contains("\"Context\": \"from-out-office\""), "{full}");
    assert!(full.contains("\"Token\": \"***\""), "{full}");
}

#[test]
fn the_match_is_marked_in_colour() {
    let marked = printed(
        None,
        &[
            "--lines",
            "--phone",
            "80290001234",
            "-n",
            "2",
            "--color",
            "always",
        ],
    );
    assert!(marked.contains("\u{1b}[31m+375290001234"), "{marked}");
    let plain = printed(None, &["--lines", "--phone", "80290001234", "-n", "2"]);
    assert!(!plain.contains('\u{1b}'), "{plain}");
}

#[test]
fn records_around_a_match_stand_apart_from_it() {
    let shown = printed(
        None,
        &[
            "--lines",
            "--action",
            "delete",
            "--message",
            "dial",
            "-n",
            "1",
            "-C",
            "1",
        ],
    );
    let leads: Vec<&str> = shown.lines().skip(1).map(|line| &line[..2]).collect();
    assert_eq!(leads, ["  ", "> ", "  "], "{shown}");
}

#[test]
fn records_are_counted_by_what_they_say() {
    let all: usize = printed(None, &["--lines", "--count"])
        .trim()
        .parse()
        .expect("a number");
    for by in ["event", "kind", "action", "enterprise"] {
        let csv = printed(None, &["--lines", "--count", "--by", by, "--format", "csv"]);
        let counts = csv
            .lines()
            .skip(1)
            .map(|line| line.rsplit_once(',').expect("two").1);
        let sum: usize = counts
            .map(|count| count.parse::<usize>().expect("a number"))
            .sum();
        assert_eq!(sum, all, "{by}: {csv}");
    }
    let document = json(&["--lines", "--count", "--by", "action"]);
    let sent = &document["groups"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|group| group["action"] == "send");
    let counted = printed(None, &["--lines", "--count", "--action", "send"]);
    assert_eq!(
        sent.expect("there are some")["count"].to_string(),
        counted.trim()
    );
    let deleted = printed(
        None,
        &["--lines", "--count", "--by", "action", "--kind", "ast"],
    );
    assert_eq!(deleted.lines().count(), 2, "none has an action: {deleted}");
    assert!(deleted.ends_with("  -\n"), "{deleted}");
    let refused = run(&sample(), &["search", "--by", "event"]);
    assert_eq!(
        refused.status.code(),
        Some(2),
        "{}",
        stderr_of(&sample(), &refused)
    );
}

#[test]
fn an_answer_that_is_cut_says_so_and_counts_what_it_read() {
    let all = json(&["-n", "0"]);
    assert_eq!(
        (&all["cut"], &all["limit"]),
        (&Value::from(false), &Value::from(0))
    );
    let total = all["total"].as_u64().expect("all were counted");
    assert_eq!(
        all["results"].as_array().map(Vec::len),
        usize::try_from(total).ok()
    );
    let exactly = json(&["-n", &total.to_string()]);
    assert_eq!(
        (&exactly["cut"], &exactly["total"]),
        (&Value::from(false), &all["total"])
    );
    let newest = json(&["-n", "3"]);
    assert_eq!(newest["results"].as_array().map(Vec::len), Some(3));
    assert_eq!(newest["cut"], true);
    let at_least = newest["total_at_least"].as_u64().expect("a number");
    assert!((4..=total).contains(&at_least), "{at_least}");
    assert!(newest["total"].is_null() || newest["total"] == total);
    let lines = json(&["--lines", "--event", "hangup", "-n", "3"]);
    assert_eq!(lines["lines"].as_array().map(Vec::len), Some(3));
    assert_eq!(lines["cut"], true);
    let every = json(&["--lines", "--event", "hangup", "-n", "0"]);
    assert_eq!(
        every["total"].as_u64(),
        every["lines"].as_array().map(|all| all.len() as u64)
    );
}

#[test]
fn names_of_the_schema_stand_next_to_those_of_version_1() {
    let output = run(
        &sample(),
        &[
            "search",
            "0367",
            "-n",
            "1",
            "--tz",
            "Europe/Minsk",
            "--format",
            "csv",
        ],
    );
    let text = out(&output);
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let heads = reader.headers().expect("heads").clone();
    let row = reader.records().next().expect("a row").expect("CSV");
    let of = |head: &str| {
        row[heads
            .iter()
            .position(|name| name == head)
            .expect("a column")]
        .to_owned()
    };
    assert_eq!(of("enterprise"), of("enterprise_number"));
    assert_eq!(of("http_requests"), of("http_requests_count"));
    assert!(of("first").ends_with("12:30:00.200Z"), "{text}");
    assert!(of("start_time").ends_with("15:30:00.200+03:00"), "{text}");
    assert!(of("end_time").ends_with("+03:00"), "{text}");
    let document = json(&["-n", "1", "--phone", "375290001234"]);
    let call = &document["results"][0];
    assert_eq!(document["version"], 2);
    assert_eq!(call["messages"]["sent"], call["messages_sent"]);
    assert_eq!(call["messages"]["standing"], call["messages_standing"]);
    assert_eq!(call["telegram_messages_count"], call["messages_sent"]);
    for head in [
        "messages_sent",
        "messages_standing",
        "http_requests_count",
        "http_failed",
        "start_time",
        "result",
    ] {
        assert!(
            !call[head].is_null() && heads.iter().any(|name| name == head),
            "{head}"
        );
    }
}
