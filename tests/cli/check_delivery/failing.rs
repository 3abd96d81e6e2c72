//! Channels that fail: each within a bounded time, with a plain message that holds no address, and alone.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
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

#[test]
fn a_certificate_that_is_not_trusted_is_said() {
    let folder = tempfile::tempdir().expect("a folder of its own");
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
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("there is openssl").success());
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = free.local_addr().expect("it is bound");
    drop(free);
    let mut server = Command::new("openssl")
        .args([
            "s_server",
            "-quiet",
            "-key",
            "key",
            "-cert",
            "certificate",
            "-accept",
        ])
        .arg(at.to_string())
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("there is openssl");
    testing::wait_until("the server", || std::net::TcpStream::connect(at).is_ok());
    let said = std::panic::catch_unwind(|| said_about(&format!("https://{at}")));
    server.kill().expect("it ran until now");
    server.wait().expect("it ends");
    for said in said.expect("all channels fail") {
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
        assert!(channels.open.is_empty());
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
