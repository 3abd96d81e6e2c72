//! The second listener: a script plays the runs of synchronisation, and requests are those of the field's
//! programs.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use calltrace_directory::{Secret, SecretSource};
use calltrace_model::record::Zone;
use calltrace_store::tree::EnterpriseName;
use calltrace_sync::records::{CallDatabase, CallDatabaseConfig, HostOrigin, RunNote};
use calltrace_sync::work::{SyncHost, SyncOutcome, SyncScope, SyncWork, UnacceptedHangups};
use calltrace_web::{SyncJobs, sync_router};
use chrono::NaiveDate;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::directory_postgres::SERVER;
use crate::posting::{JSON, ask, detail, get, json_of, post};
use crate::serving::{Reply, Running, Server, Setup};
use crate::sync_records::TABLES;

/// Hosts of two enterprises; a run ends when the test lets it.
pub(crate) struct Scripted {
    let_go: Semaphore,
    requests: Mutex<Vec<(String, SyncScope)>>,
    records: Option<CallDatabase>,
}

impl Scripted {
    fn new(records: Option<CallDatabase>) -> Arc<Scripted> {
        Arc::new(Scripted {
            let_go: Semaphore::new(0),
            requests: Mutex::default(),
            records,
        })
    }

    fn requests(&self) -> Vec<(String, SyncScope)> {
        self.requests.lock().expect("whole").clone()
    }
}

#[async_trait]
impl SyncWork for Scripted {
    fn hosts(&self) -> Vec<SyncHost> {
        let host = |number: &str, name: &str, address: &str| SyncHost {
            enterprise: EnterpriseName::new(number).expect("a name"),
            name: name.to_owned(),
            address: address.to_owned(),
        };
        vec![
            host("0327", "depot", "192.0.2.3"),
            host("0367", "office", "192.0.2.7"),
        ]
    }

    fn records(&self) -> Option<&CallDatabase> {
        self.records.as_ref()
    }

    async fn sync(&self, enterprise: &EnterpriseName, scope: SyncScope) -> SyncOutcome {
        let request = (enterprise.as_str().to_owned(), scope);
        self.requests.lock().expect("whole").push(request);
        self.let_go.acquire().await.expect("never closed").forget();
        SyncOutcome {
            enterprise: enterprise.clone(),
            processed: 83,
            new: 3,
            errors: 0,
            skew: None,
            failure: None,
        }
    }

    async fn unsuccessful(&self, today: NaiveDate) -> UnacceptedHangups {
        assert_eq!(today, testing::clock().utc().date_naive());
        let name = EnterpriseName::new("0367").expect("a name");
        UnacceptedHangups {
            by_enterprise: [(name, 2)].into(),
        }
    }

    async fn check_hosts(&self) -> Vec<(String, Result<(), String>)> {
        let refused = Err("connection refused\u{1b}[2J".to_owned());
        vec![("depot".to_owned(), Ok(())), ("office".to_owned(), refused)]
    }
}

fn start(work: &Arc<Scripted>, interval: Option<Duration>) -> Server {
    let work: Arc<dyn SyncWork> = Arc::<Scripted>::clone(work);
    let jobs = Arc::new(SyncJobs::new(work, interval, testing::clock()));
    Setup::default().start_with(move |site| {
        jobs.run_by_itself();
        sync_router(&site, &jobs)
    })
}

fn document_of(reply: &Reply) -> Value {
    assert_eq!(reply.status, 200, "{}", reply.text());
    json_of(reply)
}

const BODY: &str =
    r#"{"enterprise_id":"0327","force_all":false,"date_from":"2025-07-01","date_to":"2025-07-03"}"#;

/// Waits until no run is active.
fn until_idle(server: &Server) {
    until_active(server, &json!([]));
}

/// Waits until the runs of exactly these enterprises are active.
fn until_active(server: &Server, enterprises: &Value) {
    let begin = Instant::now();
    while document_of(&get(server.address, "/"))["active_tasks"] != *enterprises {
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "not {enterprises}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn each_question_is_answered_in_the_shape_of_the_field() {
    let server = start(&Scripted::new(None), Some(Duration::from_secs(300)));
    // The server answers before the first runs begin.
    until_active(&server, &json!(["0327", "0367"]));
    let front = document_of(&get(server.address, "/"));
    let now = testing::clock().utc().format("%Y-%m-%d").to_string();
    assert_eq!(
        front,
        json!({"service": "calltrace sync", "version": env!("CARGO_PKG_VERSION"), "status": "running",
            "enterprises": ["0327", "0367"], "active_tasks": ["0327", "0367"]})
    );
    let health = document_of(&get(server.address, "/health"));
    assert_eq!(
        (&health["status"], &health["database"]),
        (&json!("unhealthy"), &json!("none"))
    );
    let office = health["hosts"]["office"].as_str().expect("a text");
    assert!(office.starts_with("error: connection refused") && !office.contains('\u{1b}'));
    assert_eq!(health["hosts"]["depot"], "connected");
    let timestamp = health["timestamp"].as_str().expect("a text");
    assert!(
        timestamp.starts_with(&format!("{now}T")) && timestamp.len() == 23,
        "{timestamp}"
    );
    assert_eq!(
        document_of(&get(server.address, "/enterprises")),
        json!({"enterprises": [
            {"enterprise_id": "0327", "name": "no secret", "host": "depot", "ip": "192.0.2.3", "token": "***"},
            {"enterprise_id": "0367", "name": "june", "host": "office", "ip": "192.0.2.7", "token": "***"},
        ]})
    );
    assert_eq!(
        document_of(&get(server.address, "/sync/live/status")),
        json!({"data_sources": [], "enterprise_breakdown": [], "auto_sync_interval": 5})
    );
    assert_eq!(
        document_of(&get(server.address, "/sync/live/today")),
        json!({"date": now, "total_unsuccessful_events_today": 2, "by_enterprise": {"0367": 2}})
    );
    let status = document_of(&get(server.address, "/sync/status"));
    assert_eq!(
        status["sync_status"][1],
        json!({"enterprise_id": "0367", "asterisk_host": "office", "last_sync": null,
            "total_downloaded": 0, "failed_events": 0, "last_error": null})
    );
    assert_eq!(
        status["active_tasks"],
        json!(["0327", "0367"]),
        "it began by itself"
    );
}

#[test]
fn a_run_is_started_once_goes_on_in_the_background_and_is_reported() {
    let work = Scripted::new(None);
    let server = start(&work, None);
    let started = document_of(&post(server.address, "/sync/0367", BODY));
    assert_eq!(
        started,
        json!({"message": "synchronisation of enterprise 0367 was started", "enterprise_id": "0367",
            "force_all": false, "date_from": "2025-07-01", "date_to": "2025-07-03"}),
        "the path counts, not the body"
    );
    let again = post(server.address, "/sync/0367", BODY);
    assert_eq!(
        (again.status, detail(&again)),
        (409, "Sync already running for enterprise 0367".into())
    );
    let live = post(server.address, "/sync/live/0367", "");
    assert_eq!(live.status, 409, "a run is a run");
    let all = document_of(&post(server.address, "/sync/all", ""));
    assert_eq!(all["started_tasks"], json!(["0327"]));
    assert_eq!(all["skipped_active"], json!(["0367"]));
    assert_eq!(
        document_of(&get(server.address, "/"))["active_tasks"],
        json!(["0327", "0367"])
    );
    work.let_go.add_permits(2);
    until_idle(&server);
    let mut requests = work.requests();
    requests.sort_by(|a, b| a.0.cmp(&b.0));
    let day = |text: &str| text.parse::<NaiveDate>().ok();
    let [from, to] = [day("2025-07-01"), day("2025-07-03")];
    let every_day = SyncScope::Days {
        from: None,
        to: None,
    };
    assert_eq!(
        requests,
        [
            ("0327".into(), every_day),
            ("0367".into(), SyncScope::Days { from, to })
        ]
    );
    let status = document_of(&get(server.address, "/sync/status"));
    assert_eq!(status["sync_status"][1]["total_downloaded"], 3);
    assert!(
        status["sync_status"][1]["last_sync"].is_string(),
        "{status}"
    );
}

#[test]
fn missing_records_are_fetched_for_one_enterprise_or_for_all() {
    let work = Scripted::new(None);
    let server = start(&work, None);
    work.let_go.add_permits(9);
    // As curl sends it: without a body and without its type.
    let one = document_of(&ask(server.address, "POST", "/sync/live/0367", "", b""));
    assert_eq!(
        (&one["type"], &one["target_table"]),
        (&json!("live_events"), &json!("AlternativeAPIlogs"))
    );
    assert_eq!(one["enterprise_id"], "0367");
    until_idle(&server);
    let all = document_of(&ask(server.address, "POST", "/sync/live/all", "", b""));
    assert_eq!(
        (&all["type"], &all["target_table"]),
        (&one["type"], &one["target_table"])
    );
    assert_eq!(all["started_tasks"], json!(["0327", "0367"]));
    until_idle(&server);
    assert_eq!(work.requests().len(), 3);
    assert!(
        work.requests()
            .iter()
            .all(|(_, scope)| *scope == SyncScope::Live)
    );
}

#[test]
fn an_invalid_request_is_refused_and_starts_nothing() {
    let work = Scripted::new(None);
    let server = start(&work, None);
    for (path, body, status, expected) in [
        ("/sync/0999", BODY, 404, "Enterprise not found or inactive"),
        (
            "/sync/live/0999",
            "",
            404,
            "Enterprise not found or inactive",
        ),
        ("/sync/live", BODY, 404, "Enterprise not found or inactive"),
        (
            "/sync/0367;drop",
            BODY,
            404,
            "Enterprise not found or inactive",
        ),
        (
            "/sync/0367",
            "{}",
            422,
            "enterprise_id: the field is missing",
        ),
        (
            "/sync/0367",
            r#"{"enterprise_id":367}"#,
            422,
            "enterprise_id: must be a string",
        ),
        (
            "/sync/0367",
            r#"{"enterprise_id":"1","force_all":1}"#,
            422,
            "force_all: must be true or false",
        ),
        (
            "/sync/0367",
            r#"{"enterprise_id":"1","date_from":"01.07.2025"}"#,
            422,
            "date_from: must be a day, such as 2025-10-03",
        ),
        (
            "/sync/0367",
            r#"{"enterprise_id":"1","date_to":"2025-02-30"}"#,
            422,
            "date_to: must be a day, such as 2025-10-03",
        ),
        (
            "/sync/0367",
            r#"{"enterprise_id":"1","date_from":"2025-07-02","date_to":"2025-07-01"}"#,
            422,
            "date_to: must not be before date_from",
        ),
        ("/sync/0367", "[]", 422, "the body must be a JSON object"),
        (
            "/sync/0367",
            "{",
            400,
            "the body is not JSON, or nested too deeply, at line 1 column 1",
        ),
        ("/sync/0367/x", BODY, 404, "Not Found"),
    ] {
        let reply = post(server.address, path, body);
        assert_eq!(
            (reply.status, detail(&reply).as_str()),
            (status, expected),
            "{path} {body}"
        );
    }
    let plain = ask(
        server.address,
        "POST",
        "/sync/0367",
        "Content-Type: text/plain\r\n",
        BODY.as_bytes(),
    );
    assert_eq!(plain.status, 415);
    for (method, path, allow) in [
        ("GET", "/sync/0367", "POST"),
        ("GET", "/sync/live/all", "POST"),
        ("POST", "/sync/status", "GET, HEAD"),
        ("POST", "/sync/live/today", "GET, HEAD"),
        ("DELETE", "/enterprises", "GET, HEAD"),
    ] {
        let reply = ask(server.address, method, path, JSON, BODY.as_bytes());
        assert_eq!(
            (reply.status, reply.header("allow")),
            (405, Some(allow)),
            "{method} {path}"
        );
    }
    assert_eq!(get(server.address, "/nowhere").status, 404);
    assert_eq!(work.requests(), []);
}

#[test]
fn a_page_of_days_that_are_empty_is_one_of_all_days() {
    let work = Scripted::new(None);
    let server = start(&work, None);
    let body = r#"{"enterprise_id":"0367","date_from":null,"date_to":"","more":[1]}"#;
    let started = document_of(&post(server.address, "/sync/0367", body));
    assert_eq!(
        (&started["date_from"], &started["date_to"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn strangers_learn_and_start_nothing() {
    let work = Scripted::new(None);
    let server = start(&work, None);
    let forwarded = "X-Forwarded-For: 198.51.100.1\r\n";
    let page = "Origin: https://evil.example\r\nContent-Type: application/json\r\n";
    for headers in [forwarded, page, "Authorization: Bearer wrong\r\n"] {
        for path in [
            "/",
            "/health",
            "/enterprises",
            "/sync/status",
            "/sync/live/status",
            "/sync/live/today",
            "/docs",
            "/openapi.json",
        ] {
            let reply = ask(server.address, "GET", path, headers, b"");
            assert_eq!(reply.status, 403, "{path} {headers}");
        }
        for path in [
            "/sync/0367",
            "/sync/all",
            "/sync/live/all",
            "/sync/live/0367",
        ] {
            let reply = ask(server.address, "POST", path, headers, BODY.as_bytes());
            assert_eq!(reply.status, 403, "{path} {headers}");
        }
    }
    assert_eq!(work.requests(), []);
}

#[test]
fn the_page_of_the_reference_is_as_closed_as_other_pages() {
    let server = start(&Scripted::new(None), None);
    let page = get(server.address, "/docs");
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let policy = page
        .header("content-security-policy")
        .expect("there is one");
    assert!(
        policy.contains("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    let text = page.text();
    for there in [
        "POST /sync/all",
        "POST /sync/{enterprise_id}",
        "target_table",
        "409",
    ] {
        assert!(text.contains(there), "{there}");
    }
    assert!(!text.contains("<script"));
    let document = document_of(&get(server.address, "/openapi.json"));
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_state_of_hosts_comes_from_the_database_if_one_is_set() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let url = runtime.block_on(SERVER.database("states", TABLES));
    let open = |url: &str| {
        let config = CallDatabaseConfig {
            url: Secret::new(url).map(SecretSource::Here),
            ..CallDatabaseConfig::default()
        };
        CallDatabase::open(&config, &mut Vec::new()).expect("an address")
    };
    let records = open(&url).expect("there is an address");
    let origin = HostOrigin {
        enterprise: "0367",
        host: "office",
        zone: Zone::UTC,
    };
    let note = RunNote {
        new: 3,
        errors: 1,
        message: Some("a row"),
        ..RunNote::default()
    };
    let noted = runtime.block_on(records.note(origin, note, testing::clock().utc()));
    assert_eq!(noted, Ok(()));
    let server = start(&Scripted::new(Some(records)), None);
    let last = testing::clock()
        .utc()
        .format("%Y-%m-%dT%H:%M:%S")
        .to_string();
    assert_eq!(
        document_of(&get(server.address, "/sync/status")),
        json!({"sync_status": [{"enterprise_id": "0367", "asterisk_host": "office", "last_sync": last,
            "total_downloaded": 3, "failed_events": 1, "last_error": "a row"}], "active_tasks": []})
    );
    assert_eq!(
        document_of(&get(server.address, "/health"))["database"],
        "connected"
    );
    let gone = start(
        &Scripted::new(open("postgres://u:s3cret@127.0.0.1:1/db")),
        None,
    );
    let health = document_of(&get(gone.address, "/health"));
    assert_eq!(
        health["database"],
        "error: can't be reached: connection refused"
    );
    assert_eq!(health["status"], "unhealthy");
    let status = get(gone.address, "/sync/status");
    let expected = "the database can't be reached: connection refused";
    assert_eq!((status.status, detail(&status).as_str()), (503, expected));
}

/// Settings of a server with a second listener.
pub(crate) const SYNC: &str =
    "[sync]\nlisten = \"127.0.0.1:0\"\n[serve]\napi_token = \"the-token-of-the-api\"\n";

#[test]
fn a_server_with_a_second_listener_counts_logs_and_ends_both() {
    let server = Running::start(SYNC, &[]);
    let pages = server.address();
    let sync = server.address();
    assert_ne!(pages, sync);
    assert_eq!(document_of(&get(sync, "/"))["enterprises"], json!([]));
    assert_eq!(document_of(&get(sync, "/health"))["status"], "healthy");
    assert_eq!(post(sync, "/sync/0367", BODY).status, 404);
    let bearer = "X-Forwarded-For: 198.51.100.1\r\nAuthorization: Bearer the-token-of-the-api\r\n";
    assert_eq!(ask(sync, "GET", "/?secret=1", bearer, b"").status, 200);
    // Each listener has its own paths.
    assert_eq!(get(sync, "/search").status, 404);
    assert_eq!(get(pages, "/sync/status").status, 404);
    let metrics = get(pages, "/metrics").text();
    let counted = "calltrace_requests_total{route=\"/sync/{enterprise_id}\",status=\"4xx\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    server.signal("-TERM");
    let (code, stderr) = server.end();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(stderr.contains("path=/sync/0367 status=404"), "{stderr}");
    assert!(!stderr.contains("secret=1"), "{stderr}");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let settings = format!("[sync]\nlisten = \"{address}\"\n");
    let (code, stderr) = Running::start(&settings, &[]).end();
    assert_eq!(code, Some(2));
    assert!(stderr.contains(&address), "{stderr}");
}
