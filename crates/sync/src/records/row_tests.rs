//! Bodies as hosts send them, mostly unusual ones.

use super::*;

const MISSED: &str = r#"{"Token":"375290000000","UniqueId":"1764668410.88","Phone":"+375290005678","Extensions":[""],"CallType":0,"DateReceived":"2025-12-02 12:40:10","StartTime":"2025-12-02 12:40:11","EndTime":"2025-12-02 12:40:34","CallStatus":"0","Trunk":"0001363"}"#;

fn sent(event: &str, request: &str) -> HostEvent {
    let written = "2025-12-02T12:40:35".parse().expect("a time");
    HostEvent {
        place: "day.db APIlogs 7".to_owned(),
        written: Some(written),
        event: event.to_owned(),
        unique_id: "1764668410.88".to_owned(),
        request: request.to_owned(),
    }
}

fn row(request: &str) -> HangupRow {
    HangupRow::of(&sent("hangup", request), &[]).expect("it has a row")
}

/// The missed call with other fields: `"CallType":1`.
fn with(field: &str) -> HangupRow {
    let mut body: Map<String, Value> = serde_json::from_str(MISSED).expect("JSON");
    body.extend(serde_json::from_str::<Map<String, Value>>(&format!("{{{field}}}")).expect("JSON"));
    row(&Value::Object(body).to_string())
}

fn clock(time: Option<NaiveDateTime>) -> String {
    time.map_or(String::new(), |time| time.format("%T").to_string())
}

#[test]
fn a_hangup_becomes_the_row_of_its_call() {
    let row = row(MISSED);
    assert_eq!(row.unique_id, "1764668410.88");
    assert_eq!(row.phone.as_deref(), Some("+375290005678"));
    assert_eq!(row.trunk.as_deref(), Some("0001363"));
    assert_eq!(row.token.as_deref(), Some("375290000000"));
    assert_eq!(row.extensions, [""; 0]);
    assert_eq!(
        (clock(row.received), clock(row.started)),
        ("12:40:10".into(), "12:40:11".into())
    );
    assert_eq!(
        (clock(row.ended), row.seconds()),
        ("12:40:34".into(), Some(23))
    );
    assert_eq!(row.body, MISSED);
    assert!(!row.is_answered());
}

#[test]
fn type_and_status_are_not_reversed_and_none_is_lost() {
    use Notation::{Digits, Words};
    for (value, digit, word) in [
        ("0", Some("0"), Some("incoming")),
        ("\"1\"", Some("1"), Some("outgoing")),
        ("2", Some("2"), Some("internal")),
        // The emulator's number of a pattern.
        ("45", None, None),
        ("null", None, None),
        ("[1]", None, None),
    ] {
        let row = with(&format!("\"CallType\":{value}"));
        assert_eq!(
            (row.type_in(Digits), row.type_in(Words)),
            (digit, word),
            "{value}"
        );
    }
    for (value, digit, word) in [
        ("\"2\"", Some("2"), Some("answered")),
        ("2", Some("2"), Some("answered")),
        ("\"0\"", Some("0"), Some("no_answer")),
        ("\"3\"", Some("3"), Some("no_answer")),
        ("\"1\"", Some("1"), None),
        ("\"\"", None, None),
        ("{}", None, None),
    ] {
        let row = with(&format!("\"CallStatus\":{value}"));
        assert_eq!(
            (row.status_in(Digits), row.status_in(Words)),
            (digit, word),
            "{value}"
        );
        assert_eq!(row.is_answered(), digit == Some("2"));
    }
}

#[test]
fn a_time_that_is_missing_is_the_next_best_one() {
    let empty = with("\"StartTime\":\"\"");
    assert_eq!(
        (clock(empty.started), empty.seconds()),
        ("12:40:10".into(), Some(24))
    );
    let neither = with("\"StartTime\":\"\",\"DateReceived\":\"2025-13-02 12:00:00\"");
    assert_eq!(clock(neither.started), "12:40:35", "when it was written");
    assert_eq!(neither.seconds(), None, "it ended before");
    assert_eq!(with("\"EndTime\":\"\"").seconds(), None);
    let far = with("\"StartTime\":\"1900-01-01 00:00:00\"");
    assert_eq!(far.seconds(), None, "longer than a column holds");
    let odd = with("\"StartTime\":\"+262142-01-01 00:00:00\"");
    assert_eq!(clock(odd.started), "12:40:10");
}

#[test]
fn extensions_are_read_in_every_form() {
    for (value, read) in [
        (r#"["151"]"#, &["151"][..]),
        (r#"["150", 151, "150", "", null]"#, &["150", "151"]),
        (r#"["152&151&153"]"#, &["152", "151", "153"]),
        (r#""151""#, &["151"]),
        ("151", &["151"]),
        (r#"{"a":1}"#, &[]),
        ("null", &[]),
    ] {
        assert_eq!(
            with(&format!("\"Extensions\":{value}")).extensions,
            read,
            "{value}"
        );
    }
}

#[test]
fn a_missing_manager_is_found_in_other_events_of_the_call() {
    let hangup = sent("hangup", MISSED);
    let of = |siblings: &[&HostEvent]| HangupRow::of(&hangup, siblings).expect("a row").extensions;
    let client = sent("bridge", r#"{"CallerIDNum":"375290005678"}"#);
    let bridge = sent("bridge_leave", r#"{"CallerIDNum":"152"}"#);
    let dial = sent("dial", r#"{"Extensions":["150","151"]}"#);
    let broken = sent("dial", r#"{"Extensions":["150""#);
    assert_eq!(of(&[&client, &bridge, &dial]), ["150"]);
    assert_eq!(of(&[&broken, &client, &bridge]), ["152"]);
    assert_eq!(
        of(&[&client, &sent("bridge", r#"{"CallerIDNum":"<un>"}"#)]),
        [""; 0]
    );
    let known = sent("hangup", &MISSED.replace("[\"\"]", "[\"157\"]"));
    let row = HangupRow::of(&known, &[&dial]).expect("a row");
    assert_eq!(row.extensions, ["157"], "nothing is missing");
}

#[test]
fn pipes_quotes_and_nul_stand_in_bodies() {
    let row = with(r#""Phone":"a|b\"c\\'d","CallerIDName":"x\u0000y","k\u0000":["\u0000"]"#);
    assert_eq!(row.phone.as_deref(), Some("a|b\"c\\'d"));
    assert!(
        !row.body.contains("\\u0000") && row.body.contains("x\u{fffd}y"),
        "{}",
        row.body
    );
    assert!(
        row.body.contains("\"k\u{fffd}\":[\"\u{fffd}\"]"),
        "{}",
        row.body
    );
}

#[test]
fn an_event_without_a_call_has_no_row() {
    let of = |request: &str, unique_id: &str| {
        let mut hangup = sent("hangup", request);
        hangup.unique_id = unique_id.to_owned();
        HangupRow::of(&hangup, &[]).map(|row| row.unique_id)
    };
    assert_eq!(of("{\"UniqueId\":\"1.1\"", "1.1"), Err(NoRow::NoObject));
    assert_eq!(of("[]", "1.1"), Err(NoRow::NoObject));
    assert_eq!(of("", "1.1"), Err(NoRow::NoObject));
    assert_eq!(
        of(&format!("{}1", "[".repeat(100_000)), "1.1"),
        Err(NoRow::NoObject)
    );
    assert_eq!(of("{\"UniqueId\":\"\"}", " "), Err(NoRow::NoCall));
    assert_eq!(of("{\"UniqueId\":null}", "1.1"), Ok("1.1".to_owned()));
    assert_eq!(
        of("{\"UniqueId\":1764668410.88}", ""),
        Ok("1764668410.88".to_owned())
    );
}

#[test]
fn of_a_call_that_hung_up_twice_there_is_one_row() {
    let again = sent("hangup", &MISSED.replace("\"0\"", "\"2\""));
    let events = [
        sent("hangup", MISSED),
        sent("hangup", "''"),
        again,
        sent("dial", r#"{"Extensions":["150"]}"#),
    ];
    let (rows, without) = HangupRow::of_each(&events);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].call_status.as_deref(), Some("0"), "the first one");
    assert_eq!(rows[0].extensions, ["150"], "wherever the dial stands");
    assert_eq!(without, [("day.db APIlogs 7".to_owned(), NoRow::NoObject)]);
}

#[test]
fn a_row_of_a_journal_is_an_event_with_its_position() {
    let written: NaiveDateTime = "2025-12-02T12:40:35".parse().expect("a time");
    let row = JournalRow {
        day: written.date(),
        table: calltrace_hosts::journal::JournalTable::Webhook,
        id: 17,
        written,
        event: "hangup".to_owned(),
        unique_id: "1764668410.88".to_owned(),
        request: MISSED.to_owned(),
        status: "Timeout".to_owned(),
        response: String::new(),
        response_millis: 0,
    };
    let event = HostEvent::from(&row);
    assert_eq!(
        event.place,
        "Listen_AMI_2025-12-02.db AlternativeAPIlogs 17"
    );
    let call = HangupRow::of(&event, &[]).expect("a row");
    assert_eq!(
        (call.unique_id.as_str(), call.written),
        ("1764668410.88", Some(written))
    );
}
