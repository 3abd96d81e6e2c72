//! Calls in the list and the API: two calls with one id, requests that integrations posted, outcomes.

use std::fs;

use crate::posting::{get, json_of};
use crate::serving::{Server, Setup, TOKEN};

const ID: &str = "1764666900.61";

fn line(time: &str, event: &str, uid: &str, fields: &str) -> String {
    format!("{time}|AST|{event}|{uid}|{{\"UniqueId\": \"{uid}\", {fields}}}\n")
}

/// Starts a server over one file of 0367, in a temporary folder.
fn server(log: &str) -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("0367")).expect("a folder");
    fs::write(dir.path().join("0367/events.log"), log).expect("written");
    let setup = Setup {
        root: dir.path().to_owned(),
        ..Setup::default()
    };
    (dir, setup.start())
}

fn rows(page: &str) -> usize {
    page.matches("href=\"../call/0367/").count()
}

#[test]
fn two_calls_of_one_id_are_two_rows_of_the_list_and_of_the_api() {
    let missed = |day: &str| {
        let fields = "\"Phone\": \"375290001234\", \"CallType\": 0, \"CallStatus\": \"0\"";
        line(&format!("{day} 09:15:00,100"), "hangup", ID, fields)
    };
    let (_dir, server) = server(&(missed("2025-11-27") + &missed("2025-11-30")));
    let found = json_of(&get(server.address, "/search?enterprise=0367"));
    assert_eq!(found["total"], 2, "{found}");
    let list = format!("/calls/0367?token={TOKEN}&lang=en&from=2025-11-26&to=2025-11-30");
    let page = server.get(&list).text();
    assert_eq!(rows(&page), 2, "{page}");
    let newest = json_of(&get(server.address, &format!("/trace/{ID}")));
    assert_eq!(newest["start_time"], found["results"][0]["start_time"]);
}

#[test]
fn counts_of_a_search_are_those_of_the_trace_and_an_integration_that_succeeded_is_no_failure() {
    let dial = "\"Phone\": \"375290001234\", \"CallType\": 0, \"Extensions\": [\"150\"]";
    let request = |second: u8, status: &str, request: &str| {
        format!(
            "2025-11-30 09:15:0{second},000|HTTP|{ID}|POST|https://h/x|{status}|{request}|{{}}\n"
        )
    };
    let text = [
        line("2025-11-30 09:15:00,100", "dial", ID, dial),
        request(1, "200", "{}"),
        request(2, "success", "{\"_integration\": \"retailcrm\"}"),
        request(3, "error", "{\"_integration\": \"ms\"}"),
        format!("2025-11-30 09:15:04,000|SQL|{ID}|SELECT|call_events|{{}}|{{}}\n"),
        format!("2025-11-30 09:15:05,000|TG|send|100000001|dial|45001|{ID}|hello\n"),
        format!("2025-11-30 09:15:06,000|TG|send|100000002|dial|45002|{ID}|hello\n"),
        format!("2025-11-30 09:15:07,000|TG|delete|100000001|dial|45001|{ID}|\n"),
    ];
    let (dir, server) = server(&text.concat());
    let traced = json_of(&get(server.address, &format!("/trace/{ID}")));
    let found = json_of(&get(server.address, "/search?enterprise=0367"));
    let row = &found["results"][0];
    for (of_row, of_trace, expected) in [
        ("events_count", "total_events", 1),
        ("http_requests_count", "http_requests", 1),
        ("sql_queries_count", "sql_queries", 1),
        ("telegram_messages_count", "telegram_messages", 3),
        ("integration_responses_count", "integration_responses", 2),
    ] {
        assert_eq!(row[of_row], expected, "{of_row}: {row}");
        assert_eq!(
            traced["summary"][of_trace], expected,
            "{of_trace}: {traced}"
        );
    }
    let args = ["trace", "0367", ID, "--format", "json"];
    let printed = testing::out(&testing::run(dir.path(), &args));
    let call: serde_json::Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(call["call"]["http_failed"], 1, "{call}");
}

#[test]
fn the_list_filters_and_counts_calls_that_go_on() {
    // One call came in nine minutes ago, and one was answered eight minutes ago.
    let start = |minute: u8, uid: &str| {
        let fields = "\"Phone\": \"375290001234\", \"CallType\": 0, \"Extensions\": [\"150\"]";
        line(&time(minute), "dial", uid, fields)
    };
    let enters = |uid: &str, channel: &str, number: &str| {
        let fields = format!(
            "\"BridgeUniqueid\": \"b1\", \"Channel\": \"{channel}\", \"CallerIDNum\": \"{number}\""
        );
        line(&time(12), "bridge", uid, &fields)
    };
    let over = "\"Phone\": \"375290005678\", \"CallType\": 0, \"CallStatus\": \"0\"";
    let out = "\"Phone\": \"375290009012\", \"CallType\": 1, \"CallStatus\": \"0\", \"Trunk\": \"0001363\", \"Extensions\": [\"150\"]";
    let text = [
        start(11, "1764773460.61"),
        start(12, "1764773520.71"),
        enters("1764773520.71", "SIP/0001363-0000002a", "375290001234"),
        enters("1764773521.73", "SIP/150-0000002b", "150"),
        line(&time(13), "hangup", "1764773580.81", over),
        line(&time(14), "hangup", "1764773640.91", out),
        line(
            &time(15),
            "hangup",
            "1764773700.95",
            &format!("{out}, \"Cause\": \"17\""),
        ),
    ];
    let (_dir, server) = server(&text.concat());
    let metrics = get(server.address, "/metrics").text();
    let going = "calltrace_calls_in_progress{enterprise=\"0367\"} 2\n";
    assert!(metrics.contains(going), "{metrics}");
    let page = |filter: &str| {
        let target = format!("/calls/0367?token={TOKEN}&lang=en&{filter}");
        let reply = server.get(&target);
        assert_eq!(reply.status, 200, "{filter}");
        reply.text()
    };
    let all = page("");
    assert_eq!(rows(&all), 5, "{all}");
    for count in [
        "✕ </span>1 missed",
        "✕ </span>1 not reached",
        "✕ </span>1 busy",
        "● </span>2 in progress",
    ] {
        assert!(all.contains(count), "{count}: {all}");
    }
    // Links of earlier versions have this value.
    assert_eq!(rows(&page("result=missed")), 1);
    for (result, number) in [
        ("in_progress", 2),
        ("busy", 1),
        ("not_reached", 1),
        ("answered", 0),
        ("unknown", 0),
    ] {
        let page = page(&format!("result={result}"));
        assert_eq!(rows(&page), number, "{result}: {page}");
    }
}

/// Returns a record time; minute 20 is now.
fn time(minute: u8) -> String {
    let now = testing::now() - chrono::TimeDelta::minutes(20 - i64::from(minute));
    now.format("%Y-%m-%d %H:%M:%S,000").to_string()
}

#[test]
fn a_page_says_in_both_languages_which_records_were_recovered() {
    let fields = "\"Phone\": \"375290001234\", \"CallType\": 0, \"Extensions\": [\"150\"]";
    let mark = r#", "_recovered": {"from": "pbx1/<b>call_events", "row": 7, "status": "0"}"#;
    let hangup = format!("{fields}, \"CallStatus\": \"0\"{mark}");
    let (dir, server) = server(&line("2025-11-30 09:15:00,100", "dial", ID, fields));
    let recovered = line("2025-11-30 09:15:20,100", "hangup", ID, &hangup);
    fs::write(dir.path().join("0367/recovered_2025-11-30.log"), &recovered).expect("written");
    let page = |lang: &str| {
        let target = format!("/call/0367/{ID}?token={TOKEN}&lang={lang}");
        server.get(&target).text()
    };
    let (english, russian) = (page("en"), page("ru"));
    for (page, note, record, step) in [
        (
            &english,
            "recovered from the host's journal: 1\u{a0}event.",
            "· recovered: <code>pbx1/&lt;b&gt;call_events</code>",
            "<small>· recovered</small>",
        ),
        (
            &russian,
            "восстановлено из журнала АТС: 1\u{a0}событие.",
            "· восстановлено: <code>pbx1/&lt;b&gt;call_events</code>",
            "<small>· восстановлено</small>",
        ),
    ] {
        assert!(page.contains(note), "{page}");
        assert_eq!(page.matches(record).count(), 1, "{page}");
        assert_eq!(page.matches(step).count(), 1, "{page}");
    }
    let traced = json_of(&get(server.address, &format!("/trace/{ID}")));
    assert!(traced.to_string().contains("_recovered"), "{traced}");
}
