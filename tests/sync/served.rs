//! The second listener of `calltrace serve`, over a real host.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use serde_json::Value;

use crate::recovering::Field;
use crate::sent_day::{DAY, Day};

/// A server, ended when it is dropped.
struct Server {
    child: Child,
    stderr: Receiver<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(field: &Field) -> Server {
        let mut child = field
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let stderr = testing::lines_of(child.stderr.take().expect("it is piped"));
        Server { child, stderr }
    }

    /// The address that runs are asked for on.
    fn address(&self) -> String {
        loop {
            let line = self.stderr.recv_timeout(Duration::from_secs(20));
            let line = line.expect("it says where it listens");
            if let Some((_, at)) =
                line.split_once("requests for synchronisation are taken on http://")
            {
                return at.to_owned();
            }
        }
    }
}

fn ask(address: &str, method: &str, path: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let body = if method == "POST" {
        "{\"enterprise_id\":\"0367\"}"
    } else {
        ""
    };
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"));
    (status.expect("a status"), body)
}

#[test]
fn a_run_that_is_asked_for_recovers_what_is_missing() {
    let (field, day) = (Field::new(), Day::of(200));
    day.write(&field.journals, &field.logs());
    let with_listener = format!(
        "[sync]\nlisten = \"127.0.0.1:0\"\n{}",
        field.host("pbx", &field.sshd.key(), &field.sshd.known_hosts())
    );
    field.set(&with_listener);
    let server = Server::start(&field);
    let address = server.address();
    let (status, hosts) = ask(&address, "GET", "/enterprises");
    assert_eq!(status, 200);
    assert_eq!(hosts["enterprises"][0]["enterprise_id"], "0367");
    let (status, health) = ask(&address, "GET", "/health");
    assert_eq!(
        (status, &health["status"]),
        (200, &Value::from("healthy")),
        "{health}"
    );
    let (status, body) = ask(&address, "POST", "/sync/0367");
    assert_eq!(status, 200, "{body}");
    testing::wait_until("the run ends", || {
        let (_, state) = ask(&address, "GET", "/sync/status");
        state["active_tasks"] == Value::from(Vec::<Value>::new())
    });
    assert_eq!(field.recovered().0, day.dropped);
    assert_eq!(ask(&address, "POST", "/sync/0999").0, 404);
    // Hangups of yesterday do not count, and the journal of today has none.
    let (_, today) = ask(&address, "GET", "/sync/live/today");
    assert_eq!(today["total_unsuccessful_events_today"], 0, "{today} {DAY}");
}
