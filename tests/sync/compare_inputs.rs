//! `compare` with wrong arguments, and with files that are not what they seem.

use std::fs;

use testing::{out, run, stderr_of};

use crate::compare::{body, json, sent, tree};
use crate::day::Day;

#[test]
fn what_is_typed_wrong_has_an_answer_of_its_own() {
    let dir = tree();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let day = Day::generate(12, 4);
    day.write_tester(dir.path());
    day.write_one_enterprise(dir.path());
    fs::write(path("notes.txt"), "nothing\n").expect("its own file");
    fs::write(path("empty.log"), "").expect("its own file");
    fs::write(path("Listen_AMI_2025-12-01.db"), "").expect("its own file");
    let tester = path("call_tester_events.log");
    for (args, expected) in [
        (
            vec!["0367", "0367"],
            "0367 is an enterprise; the file with the sent events comes first",
        ),
        (vec!["nowhere.log", "0367"], "nowhere.log: no such file"),
        (
            vec![&path("0367.log"), "0367"],
            "is a log of arrived events; write a log of sent events before it",
        ),
        (
            vec![&tester, &tester],
            "is a log of sent events; write it first",
        ),
        (
            vec![&tester, "0399"],
            "0399 is not an enterprise of ROOT, not a file and not the word postgres",
        ),
        (vec![&tester, "./0399"], "./0399: no such file"),
        (vec![&tester, "postgres"], "postgres.url is not set"),
        (
            vec![&tester, &path("notes.txt")],
            "it has no record in the form of",
        ),
        (
            vec![&path("notes.txt"), "0367"],
            "it has no record in the form of",
        ),
        (
            vec![&tester, &path("Listen_AMI_2025-12-01.db")],
            "is a journal of sent events",
        ),
        (
            vec![&tester, "0367", "--event", "hangupp"],
            "did you mean hangup?",
        ),
        (
            vec![&tester, "postgres", "--follow"],
            "--follow can't follow a database",
        ),
        (vec![&tester, "0367", "--wait", "5s"], "--follow"),
    ] {
        let output = run(dir.path(), &[&["compare"], args.as_slice()].concat());
        let stderr = stderr_of(dir.path(), &output);
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
    // In a log that was emptied before a test all events are missing.
    let output = run(
        dir.path(),
        &["compare", &tester, &path("empty.log"), "--format", "json"],
    );
    assert_eq!(json(&output)["total"]["received"], 0);
    assert_eq!(output.status.code(), Some(1));
    // A journal without a table.
    let output = run(
        dir.path(),
        &["compare", &path("Listen_AMI_2025-12-01.db"), "0367"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr_of(dir.path(), &output).contains("is empty"),
        "{output:?}"
    );
}

#[test]
fn the_enterprise_is_found_where_there_is_one_or_the_settings_name_it() {
    let dir = tree();
    let day = Day::generate(60, 5);
    day.write_tree(dir.path());
    let tester = day.write_tester(dir.path()).display().to_string();
    let alone = json(&run(dir.path(), &["compare", &tester, "--format", "json"]));
    assert_eq!(alone["received"], serde_json::json!(["0367"]));
    fs::create_dir(dir.path().join("0103")).expect("its own folder");
    fs::write(dir.path().join("0103/events_2025-12-02.log"), "").expect("its own file");
    let output = run(dir.path(), &["compare", &tester]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr_of(dir.path(), &output).contains("the enterprise of the events is not known"));
}

#[test]
fn torn_and_foreign_text_is_counted_named_and_no_panic() {
    let dir = tree();
    let text = sent(&[("09:15:00,100", "dial", &body("1764666900.1", "152"), "200")]);
    let begin = text.find("\"Phone\"").expect("it is there");
    let path = dir.path().join("call_tester_events.log");
    fs::write(&path, format!("{}\r\n\u{fffd}", &text[..begin])).expect("its own file");
    let output = run(
        dir.path(),
        &[
            "compare",
            &path.display().to_string(),
            "0367",
            "--format",
            "json",
        ],
    );
    let document = json(&output);
    assert_eq!(document["total"]["sent"], 1);
    assert_eq!(document["differences"][0]["id"], "1764666900.1");
    let incomplete = document["incomplete"][0].as_str().expect("a sentence");
    assert!(
        incomplete.ends_with("call_tester_events.log:3: the event's body is cut off"),
        "{incomplete}"
    );
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn narrow_terminals_break_lines_in_their_column() {
    let dir = tree();
    let day = Day::generate(300, 6);
    day.write_tree(dir.path());
    let tester = day.write_tester(dir.path()).display().to_string();
    let mut command = testing::command(dir.path());
    let output = command
        .args(["compare", &tester])
        .env("COLUMNS", "72")
        .output();
    let shown = out(&output.expect("it runs"));
    assert!(
        shown.lines().all(|line| line.chars().count() <= 72),
        "{shown}"
    );
}
