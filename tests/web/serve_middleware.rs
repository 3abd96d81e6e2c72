//! Rules for every answer: headers, limits, pages for errors.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use calltrace_web::Site;

use crate::serve_access::link;
use crate::serving::{CALL, Client, Reply, Server, Setup, TOKEN};

fn dressed_well(reply: &Reply) {
    for (name, value) in [
        ("referrer-policy", "no-referrer"),
        ("cache-control", "private, no-store"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("x-robots-tag", "noindex, nofollow, noarchive"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("vary", "Accept-Language, Accept-Encoding"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{}", reply.head);
        let times = reply.head.matches(&format!("{name}:")).count();
        assert_eq!(times, 1, "{}", reply.head);
    }
    let policy = reply.header("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(
        policy.ends_with("form-action 'self'; frame-ancestors 'none'"),
        "{policy}"
    );
    for name in ["set-cookie", "server", "x-powered-by", "location"] {
        assert_eq!(reply.header(name), None, "{}", reply.head);
    }
}

fn is_page(reply: &Reply) {
    dressed_well(reply);
    let kind = reply.header("content-type");
    assert_eq!(kind, Some("text/html; charset=utf-8"), "{}", reply.head);
    assert!(!reply.body.is_empty());
}

/// Routes that are slow, fail, or answer with a lot of data.
fn odd_routes(site: &Arc<Site>) -> Router {
    let routes = Router::new()
        .route("/panic", get(async || -> &str { panic!("on purpose") }))
        .route("/never", get(std::future::pending::<&str>))
        .route("/well", get(async || "well"));
    calltrace_web::pages_of(site, routes)
}

#[test]
fn every_kind_of_answer_is_a_page_with_all_headers() {
    let server = Server::sample();
    for (target, status) in [
        (format!("{CALL}?token={TOKEN}"), 200),
        (format!("/calls/0367?token={TOKEN}"), 200),
        (format!("/stats/0367?token={TOKEN}"), 200),
        (format!("/stats/0367?token={TOKEN}&date=yesterday"), 400),
        (format!("/stats/0367?token={TOKEN}&period=year"), 400),
        ("/stats".into(), 404),
        ("/".into(), 200),
        (CALL.into(), 403),
        ("/call/0367/nodigit".into(), 400),
        (format!("/call/0367/1764493655.60?token={TOKEN}"), 404),
        ("/nowhere".into(), 404),
        ("/call/0367".into(), 404),
        ("/call/0367/1.1/more".into(), 404),
        (format!("/?{}", "x".repeat(9000)), 414),
    ] {
        let reply = server.get(&target);
        assert_eq!(reply.status, status, "{target}");
        is_page(&reply);
    }
    for target in ["/health", "/robots.txt"] {
        dressed_well(&server.get(target));
    }
    for _ in 0..20 {
        server.get(CALL);
    }
    let reply = server.get(CALL);
    assert_eq!(reply.status, 429);
    is_page(&reply);
}

#[test]
fn too_much_work_is_a_page_that_says_when_to_come_again() {
    let mut setup = Setup::default();
    setup.limits.working = 0;
    setup.limits.waiting = 0;
    let server = setup.start();
    let reply = server.get(&format!("{CALL}?token={TOKEN}"));
    assert_eq!(reply.status, 503);
    assert_eq!(reply.header("retry-after"), Some("5"));
    is_page(&reply);
}

#[test]
fn a_handler_that_breaks_or_hangs_is_a_page_and_others_go_on() {
    let mut setup = Setup::default();
    setup.limits.request = Duration::from_millis(50);
    let server = setup.start_with(|site| odd_routes(&site));
    let mut client = server.client();
    for (target, status) in [("/panic", 500), ("/never", 503), ("/panic", 500)] {
        client.ask("GET", target, "");
        let reply = client.reply();
        assert_eq!(reply.status, status, "{target}");
        is_page(&reply);
    }
    client.ask("GET", "/well", "");
    assert_eq!(client.reply().text(), "well");
}

#[test]
fn a_path_that_leaves_the_tree_is_refused_in_every_spelling() {
    let server = Server::sample();
    let long = format!("/call/0367/{}", "1".repeat(5000));
    let token = format!("?token={TOKEN}");
    for (target, status) in [
        ("/call/../..", 400),
        ("/call/../../etc/passwd", 400),
        ("/call/%2e%2e/x1", 400),
        ("/call/%2E%2e/1764493655.61", 400),
        ("/call/0367/..%2f..%2fetc", 400),
        ("/call/0367/1764493655.61%00", 400),
        ("/call/0367/1764493655%2f61", 400),
        ("/call/0367%2f1764493655.61", 400),
        ("/call/0367/1764493655.61%ff", 400),
        ("/call/0367/1764493655.61%0d%0aX:y", 400),
        ("/call/0367/%5c..%5c1", 400),
        ("/call/0367/.", 400),
        ("/call/-0367/1764493655.61", 400),
        ("/call/.calltrace/1764493655.61", 400),
        ("/calls/..", 400),
        ("/calls/%00", 400),
        ("/%ff", 400),
        ("//call/0367/1764493655.61", 404),
        ("/call//1764493655.61", 400),
        ("/call/0367/", 404),
        ("/CALL/0367/1764493655.61", 404),
        (long.as_str(), 400),
        ("http://evil.example/call/0367/1764493655.61", 200),
        ("http://evil.example/call/../x", 400),
    ] {
        let reply = server.get(&format!("{target}{token}"));
        assert_eq!(reply.status, status, "{target}");
        is_page(&reply);
        assert!(!reply.text().contains("evil"), "{target}");
    }
}

#[test]
fn a_request_that_is_not_http_is_refused_without_a_page() {
    let server = Server::sample();
    for (request, status) in [
        ("\x00\x01\x02\r\n\r\n", 400),
        ("GET\r\n\r\n", 400),
        ("GET / HTTP/9.9\r\n\r\n", 400),
        ("GET /\u{1} HTTP/1.1\r\n\r\n", 400),
    ] {
        let reply = server.raw(request.as_bytes());
        assert_eq!(reply.status, status, "{request:?}");
        assert!(reply.body.is_empty());
    }
    let big = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(40_000));
    assert_eq!(server.raw(big.as_bytes()).status, 431);
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200));
    assert_eq!(server.raw(many.as_bytes()).status, 431);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn only_reading_is_allowed() {
    let server = Server::sample();
    let tunnel = server.raw(b"CONNECT evil.example:443 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(tunnel.status, 405);
    assert_eq!(server.raw(b"GET * HTTP/1.1\r\nHost: x\r\n\r\n").status, 400);
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
        let mut client = server.client();
        client.ask(method, &format!("{CALL}?token={TOKEN}"), "");
        let reply = client.reply();
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.header("allow"), Some("GET, HEAD"));
        is_page(&reply);
    }
}

#[test]
fn head_is_get_without_the_page() {
    let server = Server::sample();
    for target in [
        // With the token, a page may show other calls of the client, or not yet.
        &link(
            "0367",
            "1764493655.61",
            testing::clock().unix_seconds() + 60,
        ),
        CALL,
        "/nowhere",
        "/health",
    ] {
        let get = server.get(target);
        let mut client = server.client();
        client.ask("HEAD", target, "Connection: close\r\n");
        let head = client.reply_without_body();
        assert_eq!(head.status, get.status, "{target}");
        assert_eq!(head.header("content-length"), get.header("content-length"));
        assert!(client.is_closed(), "{target}: a body came");
    }
}

#[test]
fn pages_are_compressed_for_clients_that_accept_it() {
    let text = "0123456789 ".repeat(1000);
    let body = text.clone();
    let setup = Setup::default();
    let server = setup.start_with(|site| {
        let routes = Router::new().route("/text", get(async move || body));
        calltrace_web::pages_of(&site, routes)
    });
    let plain = server.get("/text");
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.text(), text);
    let packed = server.get_with("/text", "Accept-Encoding: gzip, br\r\n");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    dressed_well(&packed);
    assert!(packed.body.len() < 1000);
    let mut unpacked = String::new();
    let mut gunzip = Command::new("gzip")
        .arg("-dc")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("there is gzip");
    let mut input = gunzip.stdin.take().expect("piped");
    std::io::Write::write_all(&mut input, &packed.body).expect("taken");
    drop(input);
    let mut output = gunzip.stdout.take().expect("piped");
    output.read_to_string(&mut unpacked).expect("text");
    gunzip.wait().expect("it ends");
    assert_eq!(unpacked, text);
    let refused = server.get_with("/text", "Accept-Encoding: gzip;q=0\r\n");
    assert_eq!(refused.header("content-encoding"), None);
}

#[test]
fn health_is_the_current_state() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("logs");
    std::fs::create_dir_all(root.join("0367")).expect("made");
    let setup = Setup {
        root: root.clone(),
        ..Setup::default()
    };
    let server = setup.start();
    let well = server.get("/health");
    assert_eq!(well.status, 200);
    assert_eq!(well.header("content-type"), Some("application/json"));
    let version = env!("CARGO_PKG_VERSION");
    let text = well.text();
    assert!(text.starts_with(&format!(
        "{{\"service\":\"calltrace\",\"version\":\"{version}\",\"status\":\"healthy\",\"state\":\"ok\",\"port\":8026,\
         \"database\":\"none\",\"checks\":{{\"logs\":{{\"state\":\"ok\"}}"
    )), "{text}");
    std::fs::remove_dir_all(&root).expect("removed");
    // A result stays valid for a second.
    assert_eq!(server.get("/health").status, 200);
    testing::wait_until("another look", || server.get("/health").status == 503);
    let mut client = Client::connect(server.address);
    client.ask("GET", "/health", "User-Agent: UptimeRobot/2.0\r\n");
    let ill = client.reply();
    assert_eq!(ill.status, 503);
    let text = ill.text();
    assert!(
        text.contains("\"status\":\"unhealthy\",\"state\":\"failing\""),
        "{text}"
    );
    assert!(
        text.contains("\"logs\":{\"state\":\"error\",\"reason\":\"the log tree does not exist\"}")
    );
    let folder = dir.path().to_str().expect("a name");
    assert!(!text.contains(folder), "{text}");
    // An empty folder that may be written to is a new tree; it has no calls.
    std::fs::create_dir(&root).expect("made");
    let call = server.get(&format!("{CALL}?token={TOKEN}"));
    assert_eq!(call.status, 503);
    testing::wait_until("another look", || server.get("/health").status == 200);
    std::fs::remove_dir(&root).expect("removed");
    let call = server.get(&format!("{CALL}?token={TOKEN}"));
    assert_eq!(call.status, 503);
}
