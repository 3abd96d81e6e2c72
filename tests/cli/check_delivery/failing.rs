//! Channels that fail: each within a bounded time, with a plain message that holds no address, and alone.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use calltrace_alerts::channels::{Channels, ChannelsConfig, DeliveryTimes};
use testing::peer::{Peer, Reply};

use super::{alertmanager, deliver, one, refusal, telegram, times, webhook};

/// Each kind of channel, at this address.
fn all_at(url: &str) -> [ChannelsConfig; 3] {
    [
        telegram(url, &["1"]),
        webhook(url, false),
        alertmanager(url, false),
    ]
}

/// What each of the three channels says about a service at `url`, and that it is soon.
#[track_caller]
fn said_about(url: &str) -> [String; 3] {
    thread::scope(|scope| {
        let threads = all_at(url).map(|config| scope.spawn(move || said_by(&config)));
        threads.map(|thread| thread.join().expect("it fails as it should"))
    })
}

fn said_by(config: &ChannelsConfig) -> String {
    let begin = Instant::now();
    let error = refusal(config, &one());
    let took = begin.elapsed();
    assert!(
        took < times().total + Duration::from_secs(1),
        "{took:?}: {}",
        error.text
    );
    for hidden in ["127.0.0.1", "localhost", "://", "made_up"] {
        assert!(!error.text.contains(hidden), "{}", error.text);
    }
    error.text
}

#[test]
fn a_refused_connection_is_said() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = free.local_addr().expect("it is bound");
    drop(free);
    assert_eq!(
        said_about(&format!("http://{at}")),
        ["can't be reached: connection refused"; 3]
    );
}

#[test]
fn a_silent_service_is_waited_for_in_vain_and_not_for_long() {
    let server = Peer::start(|_, _| Reply::Silence(Duration::from_secs(30)));
    assert_eq!(said_about(&server.url()), ["did not answer in time"; 3]);
}

#[test]
fn an_answer_that_drips_is_cut_off() {
    // The head comes at once, and the announced body never does.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("it is bound");
    thread::spawn(move || {
        let mut open = Vec::new();
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{");
            open.push(stream);
        }
    });
    assert_eq!(
        said_about(&format!("http://{at}")),
        ["did not answer in time"; 3]
    );
}

#[test]
fn statuses_that_are_no_success_are_said() {
    for status in [400, 401, 404, 500, 502] {
        let server = Peer::start(move |_, _| Reply::Http(status, "<html>".to_owned()));
        let said = format!("answers with {status}");
        assert_eq!(
            said_about(&server.url()),
            [said.clone(), said.clone(), said]
        );
    }
}

#[test]
fn a_service_that_asks_for_patience_gets_it_within_the_time_of_a_run() {
    for channel in 0..3 {
        let server = Peer::start(|_, before| match before {
            0 => Reply::With(503, "Retry-After: 1", String::new()),
            _ => Reply::Http(200, r#"{"ok": true}"#.to_owned()),
        });
        let results = deliver(&all_at(&server.url())[channel], &one());
        assert!(results[0].1.is_ok(), "{results:?}");
        assert_eq!(server.requests().len(), 2);
    }
    let server = Peer::start(|_, _| Reply::With(429, "Retry-After: 3600", String::new()));
    assert_eq!(said_about(&server.url()), ["asks to wait for 3600 s"; 3]);
    // A date, or anything else, is no time to wait.
    let server = Peer::start(|_, _| Reply::With(429, "Retry-After: soon", String::new()));
    assert_eq!(said_about(&server.url()), ["answers with 429"; 3]);
}

#[test]
fn garbage_is_no_delivery() {
    let cases: [&[u8]; 3] = [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ];
    for bytes in cases {
        let server = Peer::start(move |_, _| Reply::Bytes(bytes.to_vec()));
        for said in said_about(&server.url()) {
            assert!(said.starts_with("gave no proper answer: "), "{said}");
        }
    }
    let long = "a".repeat(10_000_000);
    let server = Peer::start(move |_, _| Reply::Http(500, long.clone()));
    assert_eq!(said_about(&server.url()), ["answers with 500"; 3]);
}

/// Accepts each POST, and ends when its input does, however the test ended.
const TLS_SERVER: &str = r#"
import http.server, os, ssl, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200); self.send_header('Content-Length', '0'); self.end_headers()
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain('certificate', 'key')
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
"#;

/// A server that speaks TLS with a certificate without a trusted signature, until it is dropped.
pub(super) struct TlsServer {
    pub(super) at: SocketAddr,
    process: Child,
}

impl TlsServer {
    /// Its certificate is the file `certificate` of the folder.
    pub(super) fn start(folder: &Path) -> TlsServer {
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ])
            .args([
                "-keyout",
                "key",
                "-out",
                "certificate",
                "-subj",
                "/CN=localhost",
                "-days",
                "30000",
            ])
            .args(["-addext", "subjectAltName=IP:127.0.0.1"])
            // One that may sign others must not be a server's.
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .current_dir(folder)
            .stderr(Stdio::null())
            .status();
        assert!(made.expect("there is openssl").success());
        let mut process = Command::new("python3")
            .args(["-c", TLS_SERVER])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("there is python3");
        let mut port = String::new();
        let out = process.stdout.take().expect("it is piped");
        BufReader::new(out)
            .read_line(&mut port)
            .expect("it says where it is");
        let port = port.trim().parse().expect("a port");
        TlsServer {
            at: SocketAddr::from(([127, 0, 0, 1], port)),
            process,
        }
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_certificate_that_is_not_trusted_is_said() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let server = TlsServer::start(folder.path());
    for said in said_about(&format!("https://{}", server.at)) {
        assert!(
            said.starts_with("can't be reached: invalid peer certificate"),
            "{said}"
        );
    }
    // What is no TLS at all.
    let server = Peer::start(|_, _| Reply::Http(200, String::new()));
    for said in said_about(&server.url().replace("http:", "https:")) {
        assert!(said.starts_with("can't be reached: "), "{said}");
    }
}

#[test]
fn wrong_addresses_are_named_and_not_shown() {
    let wrong = |config: &ChannelsConfig| {
        let channels = Channels::open(config, DeliveryTimes::default());
        let error = refusal(config, &one());
        assert_eq!(error.text, "can't be used, its settings are wrong");
        let said: Vec<String> = channels.wrong.iter().map(ToString::to_string).collect();
        said.join("\n")
    };
    assert_eq!(
        wrong(&webhook("ftp://s3cret", false)),
        "notify.webhook.url: not the address of a service; it is like https://example.org/calltrace"
    );
    assert_eq!(
        wrong(&alertmanager("http://localhost:9093/?s3cret", false)),
        "notify.alertmanager.url: not the address of a service; it is like http://localhost:9093"
    );
    let mut header = webhook("http://localhost:1/", false);
    header.webhook.authorization = Some(super::here("s3cret\u{7}"));
    assert_eq!(
        wrong(&header),
        "notify.webhook.authorization: not the value of a header; it is like Bearer TOKEN"
    );
}
