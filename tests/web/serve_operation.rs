//! Operating `calltrace serve`: counters for Prometheus, a log in a file, messages to systemd.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Instant;

use crate::exposition::Exposition;
use crate::serving::{CALL, Client, PATIENCE, Running, SETTINGS, Server, TOKEN};

fn get(client: &mut Client, target: &str, headers: &str) -> u16 {
    client.ask("GET", target, headers);
    client.reply().status
}

fn ask_for_metrics(client: &mut Client, host: &str, headers: &str) {
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n");
    client.send(request.as_bytes());
}

fn metrics(client: &mut Client) -> Exposition {
    ask_for_metrics(client, "localhost", "User-Agent: Prometheus/2.42.0\r\n");
    let reply = client.reply();
    assert_eq!(reply.status, 200);
    let kind = reply.header("content-type");
    assert_eq!(kind, Some("text/plain; version=0.0.4; charset=utf-8"));
    Exposition::read(&reply.text())
}

#[test]
fn requests_are_counted_by_route_and_refusals_by_reason() {
    let running = Running::start(SETTINGS, &[]);
    let mut client = Client::connect(running.address());
    let call = format!("{CALL}?token={TOKEN}");
    for (target, headers, status) in [
        (call.as_str(), "", 200),
        (call.as_str(), "", 200),
        (CALL, "", 403),
        (&format!("/calls/0367?token={TOKEN}"), "", 200),
        (&format!("/stats/0367?token={TOKEN}"), "", 200),
        (call.as_str(), "User-Agent: TelegramBot\r\n", 200),
        ("/nowhere/0367/s3cret", "", 404),
        ("/health", "", 200),
    ] {
        assert_eq!(get(&mut client, target, headers), status, "{target}");
    }
    // The client's other calls are searched once, and that may end after the page.
    let searched = |exposition: &Exposition| {
        exposition.value("calltrace_engine_seconds_count", "question=\"search\"")
    };
    let begin = Instant::now();
    let mut exposition = metrics(&mut client);
    while searched(&exposition) != Some(3.0) && begin.elapsed() < PATIENCE {
        exposition = metrics(&mut client);
    }
    let call = "route=\"/call/{enterprise}/{unique_id}\"";
    for (name, labels, value) in [
        (
            "calltrace_requests_total",
            &format!("{call},status=\"2xx\""),
            3.0,
        ),
        (
            "calltrace_requests_total",
            &format!("{call},status=\"4xx\""),
            1.0,
        ),
        (
            "calltrace_requests_total",
            &"route=\"none\",status=\"4xx\"".to_owned(),
            1.0,
        ),
        ("calltrace_request_seconds_count", &call.to_owned(), 4.0),
        (
            "calltrace_requests_total",
            &"route=\"/stats/{enterprise}\",status=\"2xx\"".to_owned(),
            1.0,
        ),
        (
            "calltrace_refused_total",
            &"reason=\"token\"".to_owned(),
            1.0,
        ),
        (
            "calltrace_refused_total",
            &"reason=\"robot\"".to_owned(),
            1.0,
        ),
        (
            "calltrace_refused_total",
            &"reason=\"busy\"".to_owned(),
            0.0,
        ),
        (
            "calltrace_engine_seconds_count",
            &"question=\"trace\"".to_owned(),
            2.0,
        ),
        (
            "calltrace_engine_seconds_count",
            &"question=\"search\"".to_owned(),
            3.0,
        ),
        ("calltrace_wait_seconds_count", &String::new(), 5.0),
        ("calltrace_connections", &String::new(), 1.0),
        ("calltrace_source_up", &"source=\"logs\"".to_owned(), 1.0),
        (
            "calltrace_directory_lookups_total",
            &"result=\"miss\"".to_owned(),
            1.0,
        ),
        (
            "calltrace_directory_lookups_total",
            &"result=\"hit\"".to_owned(),
            4.0,
        ),
    ] {
        assert_eq!(
            exposition.value(name, labels),
            Some(value),
            "{name} {labels}"
        );
    }
    assert!(exposition.value("calltrace_sent_bytes_total", "") > Some(10_000.0));
    assert!(exposition.value("process_resident_memory_bytes", "") > Some(1e6));
    assert!(exposition.value("process_open_fds", "") > Some(3.0));
    assert!(exposition.value("process_start_time_seconds", "") > Some(1.7e9));
}

#[test]
fn no_label_holds_a_word_of_a_request() {
    let running = Running::start(SETTINGS, &[]);
    let mut client = Client::connect(running.address());
    for n in 0..30 {
        for target in [
            format!("/call/0367/1764493655.{n}?token={TOKEN}"),
            format!("/call/09{n}/1764493655.61?token=s3cret{n}"),
            format!("/{n}/s3cret?phone=37529000{n:04}"),
            format!("/calls/0{n}?token=s3cret"),
        ] {
            get(&mut client, &target, "X-Forwarded-For: 198.51.100.7\r\n");
        }
    }
    let exposition = metrics(&mut client);
    // The only metric with an enterprise is the gauge of its calls, which needs its folder and no
    // request.
    let mut of_enterprises = exposition.labels().filter(|it| it.contains("0367"));
    assert!(of_enterprises.all(|it| it == "enterprise=\"0367\""));
    for secret in ["1764493655", "s3cret", TOKEN, "37529000", "198.51"] {
        assert!(
            !exposition.labels().any(|it| it.contains(secret)),
            "{secret}"
        );
    }
    assert!(exposition.len() < 200, "{}", exposition.len());
}

#[test]
fn metrics_are_for_the_callers_that_the_api_is_for() {
    let server = Server::sample();
    let nowhere = server.get("/nowhere");
    let ask = |host: &str, headers: &str| {
        let mut client = server.client();
        ask_for_metrics(&mut client, host, headers);
        client.reply()
    };
    // Headers of proxies, headers of browsers, and names that DNS can point to this host.
    for header in [
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Proto: https",
        "Forwarded: for=127.0.0.1",
        "X-Real-IP: 127.0.0.1",
        "Via: 1.1 proxy",
        "Origin: http://localhost",
        "Sec-Fetch-Site: cross-site",
        "Authorization: Bearer wrong",
    ] {
        let reply = ask("localhost", &format!("{header}\r\n"));
        assert_eq!(reply.status, 404, "{header}");
        assert_eq!(reply.timeless(), nowhere.timeless());
    }
    for host in ["evil.example", "calltrace", "127.0.0.1.evil.example"] {
        assert_eq!(ask(host, "").status, 404, "{host}");
    }
    for host in ["localhost", "127.0.0.1:8026", "[::1]"] {
        assert_eq!(ask(host, "").status, 200, "{host}");
    }
}

#[test]
fn the_log_goes_into_a_file_without_tokens_and_is_opened_anew_on_hangup() {
    let dir = tempfile::tempdir().expect("a folder");
    let (path, moved) = (dir.path().join("serve.log"), dir.path().join("old"));
    let name = path.to_str().expect("text");
    let running = Running::start_with_env(
        SETTINGS,
        &["--log-format", "json"],
        &[("CALLTRACE_LOG_FILE", name)],
    );
    let mut client = Client::connect(running.address());
    get(&mut client, &format!("{CALL}?token={TOKEN}"), "");
    testing::wait_until("the line of a call", || says(&path, CALL));
    fs::rename(&path, &moved).expect("renamed");
    running.signal("-HUP");
    testing::wait_until("a new file", || path.exists());
    get(&mut client, "/health", "");
    drop(client);
    running.signal("-TERM");
    let (code, stderr) = running.end();
    assert_eq!(code, Some(0), "{stderr}");
    assert!(!stderr.contains("millis"), "{stderr}");
    // Waiting lines were written before the end.
    assert!(says(&path, "/health") && !says(&moved, "/health"));
    for path in [&path, &moved] {
        assert!(!says(path, TOKEN) && !says(path, "token="));
    }
}

fn says(path: &Path, word: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|text| text.contains(word))
}

#[test]
fn a_full_disk_stops_the_log_and_nothing_else() {
    let running = Running::start(SETTINGS, &["--log-file", "/dev/full"]);
    let mut client = Client::connect(running.address());
    for _ in 0..20 {
        assert_eq!(get(&mut client, &format!("{CALL}?token={TOKEN}"), ""), 200);
    }
    testing::wait_until("lost lines are counted", || {
        let lost = metrics(&mut client).value("calltrace_log_dropped_lines_total", "");
        lost >= Some(20.0)
    });
    drop(client);
    running.signal("-TERM");
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn a_log_that_can_not_be_written_is_reported_at_the_start() {
    let running = Running::start(SETTINGS, &["--log-file", "/nowhere/serve.log"]);
    let (code, stderr) = running.end();
    assert_eq!(code, Some(2), "{stderr}");
    assert!(
        stderr.contains("/nowhere/serve.log: can't write the log"),
        "{stderr}"
    );
}

#[test]
fn systemd_is_notified_of_the_start_of_life_and_of_the_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("notify");
    let listener = UnixDatagram::bind(&path).expect("a socket");
    listener
        .set_read_timeout(Some(PATIENCE))
        .expect("it can be");
    let mut bytes = [0; 200];
    let mut next = || {
        let length = listener.recv(&mut bytes).expect("it says something");
        String::from_utf8_lossy(&bytes[..length]).trim().to_owned()
    };
    let socket = path.to_str().expect("text");
    let env = [("NOTIFY_SOCKET", socket), ("WATCHDOG_USEC", "50000")];
    let running = Running::start_with_env(SETTINGS, &[], &env);
    assert_eq!(next(), "READY=1");
    let mut client = Client::connect(running.address());
    assert_eq!(get(&mut client, "/robots.txt", ""), 200);
    drop(client);
    for _ in 0..3 {
        assert_eq!(next(), "WATCHDOG=1");
    }
    running.signal("-TERM");
    let mut rest = std::iter::repeat_with(next).skip_while(|it| it == "WATCHDOG=1");
    assert_eq!(rest.next().as_deref(), Some("STOPPING=1"));
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn metrics_show_the_last_run_of_the_checks() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("check.json");
    let state = state.to_str().expect("a plain path");
    let running = Running::start_with_env(SETTINGS, &[], &[("CALLTRACE_CHECK_STATE", state)]);
    let mut client = Client::connect(running.address());
    let never = metrics(&mut client);
    let at = "calltrace_check_timestamp_seconds";
    assert_eq!(never.value(at, ""), Some(0.0));
    let mut check = testing::command(&testing::sample());
    check
        .env("CALLTRACE_CHECK_STATE", state)
        .env("CALLTRACE_NOW", "2025-12-02T20:00:00Z");
    let output = check.args(["check", "-q", "--format", "json"]).output();
    let output = output.expect("it starts");
    let seen = metrics(&mut client);
    let run = chrono::DateTime::parse_from_rfc3339("2025-12-02T20:00:00Z").expect("a time");
    assert_eq!(
        seen.value(at, ""),
        Some(run.timestamp() as f64),
        "{output:?}"
    );
    let fires = |labels: &&str| labels.contains("rule=\"");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let document: serde_json::Value = serde_json::from_str(&shown).expect("JSON");
    let findings = document["findings"].as_array().expect("a list");
    let firing = findings
        .iter()
        .filter(|finding| finding["state"] == "firing")
        .count();
    assert!(firing > 1, "{shown}");
    let counted = seen
        .labels()
        .filter(fires)
        .filter_map(|labels| seen.value("calltrace_check_firing", labels));
    assert_eq!(counted.sum::<f64>(), firing as f64, "{shown}");
    for name in [
        "calls",
        "missed",
        "not_called_back",
        "no_hangup",
        "requests",
        "failed_requests",
    ] {
        let name = format!("calltrace_check_{name}");
        assert!(seen.value(&name, "enterprise=\"0367\"").is_some(), "{name}");
    }
}
