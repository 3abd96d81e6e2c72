//! Clients in Python: httpx sends the document's own examples, and schemathesis makes up requests from
//! `/openapi.json`. `tests/run` installs both.
//!
//! Longer: `CALLTRACE_SCHEMA_EXAMPLES=1000 cargo test --test web api_python`.

use std::net::SocketAddr;
use std::process::Command;

use crate::posting::{empty_tree, logged};
use crate::serving::Running;
use crate::sync_api::SYNC;
use calltrace_model::record::{Body, Record};
use serde_json::{Value, json};

/// Returns a program of the Python packages.
fn program(name: &str) -> Command {
    // The program ends after a timeout, whatever it does.
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=5", "60"])
        .arg(testing::python_program(name));
    command
}

#[test]
fn the_client_of_the_document_logs_a_call_and_finds_it() {
    let tree = empty_tree();
    let server = Running::start("", &["--root", tree.path().to_str().expect("it works")]);
    let base = format!("http://localhost:{}", server.address().port());
    let ran = program("python3")
        .args(["tests/python/client.py", &base])
        .output()
        .expect("it works");
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    let report: Value = serde_json::from_slice(&ran.stdout).expect("it works");
    assert_eq!(
        report["posted"],
        json!([
            [200, "Event logged"],
            [200, "HTTP request logged"],
            [200, "SQL query logged"],
            [200, "Telegram message logged"],
        ])
    );
    assert_eq!(
        (&report["service"], &report["health"], &report["same"]),
        (&json!("running"), &json!(200), &json!(true))
    );
    assert_eq!(
        report["too_long"],
        json!([413, "the body is longer than 10 MiB"])
    );
    let trace = &report["trace"];
    assert_eq!(trace["unique_id"], "1759490248.0");
    assert_eq!(trace["call_direction"], "outgoing");
    assert_eq!(trace["summary"]["total_timeline_entries"], 4);
    let timeline = trace["timeline"].as_array().expect("it works");
    assert_eq!(
        timeline[0]["data"]["event_data"]["Extensions"],
        json!(["150"])
    );
    assert_eq!(
        timeline[1]["data"]["response_data"]["full_name"],
        "Анна Сидорова"
    );
    assert_eq!(timeline[1]["data"]["duration_ms"], 245.3);
    assert_eq!(
        timeline[3]["data"]["message_text"],
        "📞 Исходящий звонок..."
    );
    assert_eq!(report["found"]["total"], 1);
    assert_eq!(report["found"]["results"][0]["unique_id"], "1759490248.0");
    assert_eq!(logged(tree.path(), "0367").lines().count(), 4);
}

/// Runs schemathesis over the document of a server with so many examples per route; returns its output.
fn made_up(address: SocketAddr, examples: &str) -> String {
    let elsewhere = tempfile::tempdir().expect("it works");
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
    let ran = program("schemathesis")
        .current_dir(elsewhere.path())
        .args([
            "run",
            &format!("http://{address}/openapi.json"),
            "--checks",
            checks,
        ])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            examples,
        ])
        .args(["--seed", "1", "--generation-database", "none", "--no-color"])
        .output()
        .expect("it works");
    let report = String::from_utf8_lossy(&ran.stdout).into_owned();
    let wrong = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{report}{wrong}");
    report
}

#[test]
fn made_up_requests_get_documented_answers_and_write_whole_lines() {
    let tree = empty_tree();
    let server = Running::start("", &["--root", tree.path().to_str().expect("it works")]);
    let examples = std::env::var("CALLTRACE_SCHEMA_EXAMPLES").unwrap_or_else(|_| "20".to_owned());
    let report = made_up(server.address(), &examples);
    let mut lines = 0;
    for folder in std::fs::read_dir(tree.path()).expect("it works") {
        let name = folder
            .expect("it works")
            .file_name()
            .into_string()
            .expect("it works");
        for line in logged(tree.path(), &name).split_terminator('\n') {
            assert_ne!(
                Record::parse(line.as_bytes()).body,
                Body::Unparsed,
                "{line:?}"
            );
            lines += 1;
        }
    }
    assert!(lines > 50, "{lines}: {report}");
}

#[test]
fn made_up_requests_of_the_second_listener_get_documented_answers() {
    let server = Running::start(SYNC, &[]);
    let _pages = server.address();
    let examples = std::env::var("CALLTRACE_SCHEMA_EXAMPLES").unwrap_or_else(|_| "5".to_owned());
    made_up(server.address(), &examples);
}

#[test]
fn the_client_of_the_service_before_asks_the_second_listener() {
    let server = Running::start(SYNC, &[]);
    let _pages = server.address();
    let base = format!("http://localhost:{}", server.address().port());
    let ran = program("python3")
        .args(["tests/python/sync_client.py", &base])
        .output()
        .expect("it works");
    let wrong = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{wrong}");
    let report: Value = serde_json::from_slice(&ran.stdout).expect("it works");
    assert_eq!(
        report,
        json!({
            "running": "running",
            "health": "healthy",
            "enterprises": [],
            "status": [],
            "all": [200, []],
            "live": [200, "live_events"],
            "one": [404, "Enterprise not found or inactive"],
            "without_a_body": 415,
            "docs": [200, "text/html; charset=utf-8"],
        })
    );
}
