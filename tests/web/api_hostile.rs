//! Bodies that only an attacker sends: none of them forges, splits or misplaces a line.

use std::time::Duration;

use crate::posting::{JSON, ask, detail, empty_tree, event, logged, over, post, send};
use crate::serving::Setup;
use calltrace_model::record::{Body, Record};
use calltrace_web::RequestLimits;
use serde_json::json;

#[test]
fn a_body_that_is_no_entry_is_refused_and_leaves_nothing() {
    let tree = empty_tree();
    let server = over(tree.path()).start();
    let with = |field: &str, value: serde_json::Value| {
        let mut body: serde_json::Value = serde_json::from_str(&event("1.5")).expect("it works");
        body[field] = value;
        body.to_string()
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep = event("1.5").replace("\"375290000000\"", &deep);
    for (body, status) in [
        (
            with(
                "unique_id",
                json!("1.5\n2025-12-02 09:15:00,000|AST|dial|1.6|{}"),
            ),
            422,
        ),
        (with("unique_id", json!("1.5|{}")), 422),
        (with("unique_id", json!("")), 422),
        (with("unique_id", json!(1.5)), 422),
        (with("unique_id", json!("x".repeat(151))), 422),
        (with("event_type", json!("dial|1.6|{}")), 422),
        (with("event_type", json!("di\u{2028}al")), 422),
        (with("event_type", json!("")), 422),
        (with("event_type", json!("dial\0")), 422),
        (with("enterprise_number", json!("../0103")), 422),
        (with("enterprise_number", json!("0367/..")), 422),
        (with("enterprise_number", json!("/etc")), 422),
        (with("enterprise_number", json!(".calltrace")), 422),
        (with("enterprise_number", json!("")), 422),
        (with("enterprise_number", json!(367)), 422),
        (with("enterprise_number", json!(null)), 422),
        (with("event_data", json!([])), 422),
        (with("event_data", json!("{}")), 422),
        ("[]".to_owned(), 422),
        ("null".to_owned(), 422),
        ("{}".to_owned(), 422),
        (String::new(), 400),
        ("{".to_owned(), 400),
        (event("1.5") + "x", 400),
        (event("1.5").replace("150", "\n"), 400),
        (event("1.5").replace("150", "\\ud800"), 400),
        (deep, 400),
    ] {
        let reply = post(server.address, "/log/event", &body);
        let shown = &body[..body.len().min(200)];
        assert_eq!(reply.status, status, "{shown}: {}", reply.text());
        detail(&reply);
    }
    let invalid = event("1.5").replace("150", "?").into_bytes();
    let invalid: Vec<u8> = invalid
        .iter()
        .map(|&b| if b == b'?' { 0xff } else { b })
        .collect();
    assert_eq!(
        ask(server.address, "POST", "/log/event", JSON, &invalid).status,
        400
    );
    for kind in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
    ] {
        let reply = ask(
            server.address,
            "POST",
            "/log/event",
            kind,
            event("1.5").as_bytes(),
        );
        assert_eq!(reply.status, 415, "{kind}");
        detail(&reply);
    }
    for (path, body) in [
        ("http", r#""method":"GET\n","url":"u""#),
        ("http", r#""method":"GET","url":"http://h/\r\nx""#),
        ("http", r#""method":"GET","url":"http://h/\u2028x""#),
        ("http", r#""method":"GET","url":"u","status_code":"2|0""#),
        ("http", r#""method":"GET","url":"u","duration_ms":"1""#),
        ("http", r#""method":"GET","url":"u","request_data":[1]"#),
        ("sql", r#""query":5"#),
        ("sql", r#""query":"x","parameters":"y""#),
        (
            "telegram",
            r#""chat_id":"1|2","message_type":"dial","action":"send""#,
        ),
        (
            "telegram",
            r#""chat_id":1,"message_type":"di|al","action":"send""#,
        ),
        (
            "telegram",
            r#""chat_id":1,"message_type":"dial","action":"sent""#,
        ),
        (
            "telegram",
            r#""chat_id":1e30,"message_type":"dial","action":"send""#,
        ),
        (
            "integration",
            r#""integration":"x","endpoint":"u","method":"GET""#,
        ),
    ] {
        let body = format!(r#"{{"enterprise_number":"0367","unique_id":"1.5",{body}}}"#);
        let reply = post(server.address, &format!("/log/{path}"), &body);
        assert_eq!(reply.status, 422, "{body}: {}", reply.text());
    }
    assert_eq!(logged(tree.path(), "0367"), "");
    let folders = std::fs::read_dir(tree.path()).expect("it works").count();
    assert_eq!(folders, 1, "no folder was made");
}

#[test]
fn an_odd_but_valid_body_is_one_line_of_its_enterprise() {
    let tree = empty_tree();
    let server = over(tree.path()).start();
    let forged = "\n2025-12-02 09:15:00,000|AST|hangup|1.6|{}\r\n\0|\u{2028}\u{85}\u{b}";
    let id = r#""enterprise_number":"0367","unique_id":"1.5""#;
    let text = json!(forged).to_string();
    let bodies = [
        ("event", format!(r#"{{{id},"event_type":"dial","event_data":{{{text}:{text}}}}}"#)),
        ("http", format!(r#"{{{id},"method":"GET","url":"u|200|{{}}|{{}}","request_data":{{"a":{text}}},"response_data":{text}}}"#)),
        ("sql", format!(r#"{{{id},"query":{text},"parameters":[{text}],"result":{text}}}"#)),
        ("telegram", format!(r#"{{{id},"chat_id":1,"message_type":"dial","action":"send","message_text":{text}}}"#)),
        // Where a key occurs twice, the last value counts.
        ("event", r#"{"enterprise_number":"0103","enterprise_number":"0367","unique_id":"1.6","unique_id":"1.5","event_type":"dial","event_data":{"a":1,"a":2}}"#.to_owned()),
        ("event", format!(r#"{{{id},"event_type":"dial","event_data":{{}},"timestamp":"1999-01-01 00:00:00","unknown":[]}}"#)),
    ];
    for (path, body) in &bodies {
        let reply = post(server.address, &format!("/log/{path}"), body);
        assert_eq!(reply.status, 200, "{body}: {}", reply.text());
    }
    let text = logged(tree.path(), "0367");
    let lines: Vec<&str> = text.split_terminator('\n').collect();
    assert_eq!(lines.len(), bodies.len(), "{text}");
    for line in &lines {
        let record = Record::parse(line.as_bytes());
        assert_ne!(record.body, Body::Unparsed, "{line}");
        assert_eq!(record.uid(), b"1.5", "{line}");
        assert!(!line.starts_with("1999"), "{line}");
    }
    assert!(lines[4].ends_with(r#"{"a": 2}"#), "{}", lines[4]);
    assert_eq!(logged(tree.path(), "0103"), "");
}

#[test]
fn ten_mebibytes_are_one_line_and_more_are_refused() {
    let tree = empty_tree();
    let server = over(tree.path()).start();
    let filled = |bytes: usize| {
        let frame = event("1.5").len() - "150".len();
        event("1.5").replace("150", &"x".repeat(bytes - frame))
    };
    assert_eq!(
        post(server.address, "/log/event", &filled(10 << 20)).status,
        200
    );
    for bytes in [(10 << 20) + 1, 11 << 20] {
        let reply = post(server.address, "/log/event", &filled(bytes));
        assert_eq!(reply.status, 413, "{}", reply.text());
        detail(&reply);
    }
    let text = logged(tree.path(), "0367");
    assert_eq!(text.lines().count(), 1);
    assert!(text.len() > (10 << 20) - 200);
}

#[test]
fn a_body_in_chunks_is_a_body_and_one_that_breaks_off_is_none() {
    let tree = empty_tree();
    let server = over(tree.path()).start();
    let head = format!(
        "POST /log/event HTTP/1.1\r\nHost: localhost\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n"
    );
    let body = event("1.5");
    let mut client = server.client();
    client.send(head.as_bytes());
    for part in body.as_bytes().chunks(7) {
        client.send(format!("{:x}\r\n", part.len()).as_bytes());
        client.send(part);
        client.send(b"\r\n");
    }
    client.send(b"0\r\n\r\n");
    assert_eq!(client.reply().status, 200);
    let mut endless = server.client();
    endless.send(head.as_bytes());
    let chunk = [
        b"100000\r\n".to_vec(),
        vec![b' '; 1 << 20],
        b"\r\n".to_vec(),
    ]
    .concat();
    for _ in 0..12 {
        endless.send(&chunk);
    }
    endless.send(b"0\r\n\r\n");
    assert_eq!(endless.reply().status, 413);
    let mut broken = server.client();
    send(&mut broken, "POST", "/log/event", JSON, b"");
    assert_eq!(broken.reply().status, 400);
    let mut gone = server.client();
    let length = body.len();
    gone.send(
        format!(
            "POST /log/event HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: {length}\r\n\r\n"
        )
        .as_bytes(),
    );
    gone.send(&body.as_bytes()[..length - 1]);
    drop(gone);
    assert_eq!(
        post(server.address, "/log/event", &event("1.6")).status,
        200
    );
    assert_eq!(logged(tree.path(), "0367").lines().count(), 2);
}

#[test]
fn a_body_that_comes_too_slowly_is_refused_in_time() {
    let tree = empty_tree();
    let limits = RequestLimits {
        request: Duration::from_millis(300),
        ..RequestLimits::default()
    };
    let server = Setup {
        limits,
        ..over(tree.path())
    }
    .start();
    let mut client = server.client();
    client.send(
        format!(
            "POST /log/event HTTP/1.1\r\nHost: localhost\r\n{JSON}Content-Length: 100\r\n\r\n{{"
        )
        .as_bytes(),
    );
    let reply = client.reply();
    assert_eq!(reply.status, 503);
    detail(&reply);
    assert_eq!(logged(tree.path(), "0367"), "");
}
