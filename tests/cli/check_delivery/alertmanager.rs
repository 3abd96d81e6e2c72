//! Alertmanager, Debian's own: what it makes of the alerts, and what it tells on.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use tempfile::TempDir;
use testing::peer::{Peer, Reply};

use super::{alertmanager, deliver, missed, notice, waiting};

/// Ends the server when its own input does, however the test ended.
const KEEPER: &str = r#"
trap : INT TERM HUP
"$@" >/dev/null 2>&1 </dev/null & pid=$!
cat >/dev/null
kill "$pid"; wait "$pid"
"#;

/// A running Alertmanager that tells everything at once to a peer of the test.
struct Server {
    at: SocketAddr,
    told: Peer,
    keeper: Child,
    _folder: TempDir,
}

impl Server {
    fn start() -> Server {
        let told = Peer::start(|_, _| Reply::Http(200, String::new()));
        let folder = tempfile::tempdir().expect("a folder of its own");
        let config = format!(
            "route: {{receiver: peer, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}}\n\
             receivers: [{{name: peer, webhook_configs: [{{url: '{}'}}]}}]\n",
            told.url()
        );
        let file = folder.path().join("alertmanager.yml");
        fs::write(&file, config).expect("its own file");
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let at = free.local_addr().expect("it is bound");
        drop(free);
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(program())
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.path={}", folder.path().display()))
            .arg(format!("--web.listen-address={at}"))
            .arg("--cluster.listen-address=")
            .stdin(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let server = Server {
            at,
            told,
            keeper,
            _folder: folder,
        };
        testing::wait_until("Alertmanager", || server.get("/-/ready").is_some());
        server
    }

    /// The body of an answer; `None` without one, or without success.
    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(self.at).ok()?;
        // Of this version of HTTP the body is not sent in chunks.
        stream
            .write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())
            .ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = testing::text(&answer);
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.contains(" 200 ").then(|| body.to_owned())
    }

    fn json(&self, path: &str) -> Value {
        let body = self.get(path).expect("it answers");
        serde_json::from_str(&body).expect("JSON")
    }

    /// The time by its clock, when it started.
    fn started(&self) -> DateTime<Utc> {
        let status = self.json("/api/v2/status");
        let started = status["uptime"]
            .as_str()
            .expect("it says since when it runs");
        started.parse().expect("a time")
    }

    /// What it told so far: status, kind and enterprise of each alert.
    fn told(&self) -> Vec<String> {
        let alerts = self.told.requests();
        let alerts = alerts.iter().flat_map(|request| {
            let alerts = request.json()["alerts"].as_array().expect("a list").clone();
            alerts.into_iter()
        });
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        alerts
            .map(|alert| {
                let labels = &alert["labels"];
                let words = [
                    &alert["status"],
                    &labels["alertname"],
                    &labels["enterprise"],
                ];
                words.map(word).join(" ")
            })
            .collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// What `tests/run` unpacked.
fn program() -> PathBuf {
    let temporary = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let target = temporary.parent().expect("it lies in the target folder");
    let program = target.join("tools/prometheus/prometheus-alertmanager");
    assert!(
        program.exists(),
        "{}: not there; tests/run brings it",
        program.display()
    );
    program
}

#[test]
fn alertmanager_tells_each_finding_once_and_its_end_once() {
    let server = Server::start();
    let config = alertmanager(&format!("http://{}", server.at), false);
    let at = server.started();
    let since = at - TimeDelta::hours(2);
    let (mut first, mut second) = (missed("0367"), missed("0270"));
    (first.since, second.since) = (since, since);
    let deliver = |firing: Vec<_>, resolved: Vec<_>, minutes| {
        let notice = notice(at + TimeDelta::minutes(minutes), firing, resolved);
        let results = deliver(&config, &notice);
        assert!(results[0].1.is_ok(), "{results:?}");
    };
    // The figures of a finding change from run to run, and it is the same finding.
    for minutes in [0, 5, 10] {
        first.figures.pop();
        deliver(vec![first.clone(), second.clone()], vec![], minutes);
    }
    let alerts = server.json("/api/v2/alerts");
    let alerts = alerts.as_array().expect("a list");
    assert_eq!(alerts.len(), 2, "{alerts:?}");
    let of_first = alerts
        .iter()
        .find(|alert| alert["labels"]["enterprise"] == "0367");
    let alert = of_first.expect("it is there");
    assert_eq!(alert["labels"]["rule"], "missed");
    assert_eq!(alert["labels"]["severity"], "critical");
    assert_eq!(alert["generatorURL"], first.links[0].as_str());
    let begins: DateTime<Utc> = alert["startsAt"]
        .as_str()
        .and_then(|at| at.parse().ok())
        .expect("a time");
    assert_eq!(begins.timestamp(), since.timestamp());
    let summary = alert["annotations"]["summary"].as_str().expect("a text");
    assert!(
        summary.contains("0367") && !summary.contains("0270"),
        "{summary}"
    );

    server.told.wait_for(2);
    // It looks at each group again every second.
    thread::sleep(Duration::from_millis(2200));
    let told = |status: &str| {
        let told = server.told();
        let mut told: Vec<String> = told
            .into_iter()
            .filter(|one| one.starts_with(status))
            .collect();
        told.sort();
        told
    };
    let kind = "calltrace_missed_share";
    assert_eq!(
        told("firing"),
        [format!("firing {kind} 0270"), format!("firing {kind} 0367")]
    );

    // One of them ends, and ended before Alertmanager's own present.
    deliver(vec![], vec![first.clone()], 0);
    server.told.wait_for(3);
    assert_eq!(told("resolved"), [format!("resolved {kind} 0367")]);
    let left = server.json("/api/v2/alerts");
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(server.told().len(), 3);
}

#[test]
fn whatever_a_log_holds_alertmanager_takes_the_alert() {
    use calltrace_alerts::ScopePart;
    let server = Server::start();
    let at = server.started();
    let mut odd = missed("0367");
    odd.scope.part = Some(ScopePart::Host("\u{1b}[31m\u{202e}host\n".repeat(100)));
    odd.since = at;
    let mut ended_at_once = missed("0270");
    ended_at_once.since = at + TimeDelta::minutes(1);
    ended_at_once.links.clear();
    let mut findings = notice(at, vec![odd, waiting("0367")], vec![ended_at_once]);
    findings.firing[1].since = at;
    let results = deliver(
        &alertmanager(&format!("http://{}/", server.at), true),
        &findings,
    );
    assert!(results[0].1.is_ok(), "{results:?}");
    let alerts = server.json("/api/v2/alerts");
    let alerts = alerts.as_array().expect("a list");
    assert_eq!(alerts.len(), 2, "{alerts:?}");
    let host = alerts
        .iter()
        .find_map(|alert| alert["labels"]["host"].as_str());
    let host = host.expect("it has one");
    assert!(
        host.chars().count() == 100 && !host.contains(['\u{1b}', '\u{202e}', '\n']),
        "{host}"
    );
    let client = alerts
        .iter()
        .find_map(|alert| alert["labels"]["client"].as_str());
    assert_eq!(client, Some("**********42"));
    assert!(
        !alerts
            .iter()
            .any(|alert| alert.to_string().contains(super::CLIENT))
    );

    let tested = deliver(
        &alertmanager(&format!("http://{}", server.at), false),
        &notice(at, vec![], vec![]),
    );
    assert!(tested[0].1.is_ok(), "{tested:?}");
    let told = server.told.wait_for(3);
    assert!(
        told.iter()
            .any(|request| request.body.contains("calltrace_test"))
    );
}
