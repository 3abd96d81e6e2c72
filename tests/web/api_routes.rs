//! The answers of each route of the JSON API: over the sample tree, over freshly posted lines, and to
//! requests that it must refuse.

use crate::posting::{self, ask, detail, empty_tree, event, get, json_of, logged, over, post};
use crate::serving::Server;
use serde_json::json;
use testing::sample;

#[test]
fn a_posted_record_is_answered_at_once_and_is_in_the_log() {
    let tree = empty_tree();
    let server = over(tree.path()).start();
    let id = "1764666900.61";
    let reply = post(server.address, "/log/event", &event(id));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let document = json_of(&reply);
    assert_eq!(document["status"], "success");
    assert_eq!(document["message"], "Event logged");
    assert_eq!(document["unique_id"], id);
    assert!(
        document["trace_id"]
            .as_u64()
            .is_some_and(|number| number < 1 << 48)
    );
    let again = json_of(&post(server.address, "/log/event", &event(id)));
    assert_eq!(again["trace_id"], document["trace_id"]);
    for (path, body, message) in [
        (
            "http",
            r#""method":"GET","url":"http://h/a|b?token=s3cret","response_data":{"name":"Анна"},"status_code":200,"duration_ms":245.3"#,
            "HTTP request logged",
        ),
        (
            "sql",
            r#""query":"SELECT a FROM call_events WHERE b = $1","parameters":["375290000000"],"result":{"a":"150"},"duration_ms":12.5"#,
            "SQL query logged",
        ),
        (
            "telegram",
            r#""chat_id":100000001,"message_type":"dial","message_id":13165,"message_text":"a\r\nb|c","action":"send""#,
            "Telegram message logged",
        ),
        (
            "integration",
            r#""integration":"retailcrm","endpoint":"https://h/x","method":"POST","status":"success","duration_ms":80,"error":"none""#,
            "Integration response logged",
        ),
    ] {
        let body = format!(r#"{{"enterprise_number":"0367","unique_id":"{id}",{body}}}"#);
        let reply = post(server.address, &format!("/log/{path}"), &body);
        assert_eq!(
            (reply.status, json_of(&reply)),
            (200, json!({ "status": "success", "message": message }))
        );
    }
    let text = logged(tree.path(), "0367");
    let behind_time: Vec<&str> = text.lines().map(|line| &line[24..]).collect();
    assert_eq!(
        behind_time,
        [
            r#"AST|dial|1764666900.61|{"Token": "375290000000", "Phone": "375290001234", "Extensions": ["150"], "CallType": 0}"#,
            r#"AST|dial|1764666900.61|{"Token": "375290000000", "Phone": "375290001234", "Extensions": ["150"], "CallType": 0}"#,
            r#"HTTP|1764666900.61|GET|http://h/a%7Cb?token=s3cret|200|{"_duration_ms": 245.3}|{"name": "Анна"}"#,
            r#"SQL|1764666900.61|SELECT|call_events|{"parameters": ["375290000000"], "_query": "SELECT a FROM call_events WHERE b = $1", "_duration_ms": 12.5}|{"a": "150"}"#,
            "TG|send|100000001|dial|13165|1764666900.61|a b|c",
            r#"HTTP|1764666900.61|POST|https://h/x|success|{"_integration": "retailcrm", "_duration_ms": 80, "_error": "none"}|{}"#,
        ]
    );
    let document = json_of(&get(server.address, &format!("/trace/{id}")));
    assert_eq!(document["enterprise_number"], "0367");
    assert_eq!(document["unique_id"], id);
    assert_eq!(document["phone_number"], "375290001234");
    assert_eq!(document["call_status"], "active");
    assert_eq!(
        document["summary"],
        json!({
            "total_events": 2, "http_requests": 1, "sql_queries": 1, "telegram_messages": 1,
            "integration_responses": 1, "total_timeline_entries": 6,
        })
    );
    let timeline = document["timeline"].as_array().expect("it works");
    let kinds: Vec<_> = timeline
        .iter()
        .map(|item| item["type"].as_str().expect("it works"))
        .collect();
    assert_eq!(
        kinds,
        [
            "call_event",
            "call_event",
            "http_request",
            "sql_query",
            "telegram_message",
            "integration_response"
        ]
    );
    assert_eq!(timeline[0]["data"]["event_data"]["Token"], "***");
    assert_eq!(timeline[2]["url"], "http://h/a%7Cb?token=***");
    assert_eq!(timeline[2]["duration_ms"].to_string(), "245.3");
    assert_eq!(timeline[2]["data"]["request_data"], json!({}));
    assert_eq!(
        timeline[3]["query"],
        "SELECT a FROM call_events WHERE b = $1"
    );
    // The value that the first record holds as its Token, under another key.
    assert_eq!(timeline[3]["data"]["parameters"], json!(["***"]));
    assert_eq!(timeline[4]["data"]["message_text"], "a b|c");
    assert_eq!(timeline[5]["integration"], "retailcrm");
    assert_eq!(timeline[5]["endpoint"], "https://h/x");
    assert_eq!(timeline[5]["status"], "success");
    assert_eq!(timeline[5]["data"]["error"], "none");
    let cli = testing::run(tree.path(), &["trace", "0367", id, "--format", "raw"]);
    assert_eq!(String::from_utf8_lossy(&cli.stdout), text);
}

#[test]
fn an_event_of_a_bridge_has_no_id_and_is_found_by_its_bridge() {
    let tree = empty_tree();
    let server = over(tree.path()).start();
    for (kind, id) in [
        ("bridge_create", ""),
        ("bridge", "1764666900.61"),
        ("bridge_destroy", ""),
    ] {
        let body = format!(
            r#"{{"enterprise_number":"0367","unique_id":"{id}","event_type":"{kind}","event_data":{{"BridgeUniqueid":"B1"}},"chat_id":5}}"#
        );
        let reply = post(server.address, "/log/event", &body);
        assert_eq!(
            (reply.status, json_of(&reply)["unique_id"].as_str()),
            (200, Some(id))
        );
    }
    let document = json_of(&get(server.address, "/trace/1764666900.61?enterprise=0367"));
    assert_eq!(document["summary"]["total_events"], 3);
    assert_eq!(document["timeline"][0]["data"]["chat_id"], 5);
    assert_eq!(
        document["timeline"][0]["data"]["event_data"],
        json!({ "BridgeUniqueid": "B1" })
    );
}

#[test]
fn a_call_is_found_by_the_id_of_any_leg_in_any_enterprise() {
    let server = Server::sample();
    let document = json_of(&get(server.address, "/trace/1764493655.61"));
    assert_eq!(document["enterprise_number"], "0367");
    let legs = document["related_unique_ids"].as_array().expect("it works");
    assert!(legs.len() > 1, "{legs:?}");
    for leg in legs {
        let leg = leg.as_str().expect("it works");
        let by_leg = json_of(&get(
            server.address,
            &format!("/trace/{leg}?enterprise=0367"),
        ));
        assert_eq!(by_leg["unique_id"], leg);
        assert_eq!(by_leg["main_unique_id"], document["main_unique_id"]);
        assert_eq!(by_leg["timeline"], document["timeline"]);
    }
    let times: Vec<&str> = document["timeline"]
        .as_array()
        .expect("it works")
        .iter()
        .map(|item| item["timestamp"].as_str().expect("it works"))
        .collect();
    assert!(times.is_sorted());
    assert_eq!(document["created_at"], times[0]);
    assert_eq!(document["updated_at"], times[times.len() - 1]);
    assert!(
        !document.to_string().contains("375290000000\""),
        "a Token is shown"
    );
}

#[test]
fn a_call_that_is_nowhere_is_not_found() {
    let tree = empty_tree();
    let server = over(tree.path()).start();
    for target in [
        "/trace/1764493655.6",
        "/trace/1764493655.61?enterprise=0999",
        "/trace/1764493655.61?enterprise=0367",
    ] {
        let reply = get(server.address, target);
        assert_eq!(
            (reply.status, detail(&reply).as_str()),
            (404, "Call trace not found"),
            "{target}"
        );
    }
    for (target, status) in [
        ("/trace/abc", 422),
        ("/trace/1%0a2", 400),
        ("/trace/1.5?enterprise=..", 422),
        ("/trace/1.5?enterprise=a&enterprise=b", 422),
        ("/trace", 404),
        ("/trace/1/2", 404),
        ("/log/other", 405),
        ("/search/x", 404),
    ] {
        let reply = get(server.address, target);
        assert_eq!(reply.status, status, "{target}");
        detail(&reply);
    }
}

#[test]
fn calls_are_searched_by_phone_day_and_status() {
    let server = Server::sample();
    let all = json_of(&get(server.address, "/search?enterprise=0367"));
    let results = all["results"].as_array().expect("it works");
    assert!(!results.is_empty());
    assert_eq!(all["total"], results.len());
    assert_eq!(all["limit"], 50);
    assert_eq!(
        all["filters"],
        json!({
            "enterprise": "0367", "phone": null, "date_from": null, "date_to": null, "status": null,
        })
    );
    let starts: Vec<&str> = results
        .iter()
        .map(|row| row["start_time"].as_str().expect("it works"))
        .collect();
    assert!(starts.is_sorted_by(|a, b| a >= b));
    let fields = [
        "unique_id",
        "enterprise_number",
        "phone_number",
        "call_status",
        "start_time",
        "end_time",
        "events_count",
        "http_requests_count",
        "sql_queries_count",
        "telegram_messages_count",
        "integration_responses_count",
        "created_at",
        "updated_at",
    ];
    assert!(results[0].as_object().expect("it works").keys().eq(fields));
    let count = |target: &str| {
        json_of(&get(server.address, target))["total"]
            .as_u64()
            .expect("it works")
    };
    let statuses = ["active", "completed", "failed"];
    let each = statuses.map(|status| count(&format!("/search?limit=1000&status={status}")));
    assert_eq!(each.iter().sum::<u64>(), count("/search?limit=1000"));
    assert!(each[1] > 0 && each[2] > 0, "{each:?}");
    assert_eq!(count("/search?limit=1"), 1);
    assert_eq!(count("/search?limit=1&status=failed"), 1);
    let (day, phone) = (
        &starts[0][..10],
        results
            .iter()
            .find_map(|row| row["phone_number"].as_str().filter(|p| p.len() == 12))
            .expect("it works"),
    );
    let that_day = count(&format!(
        "/search?enterprise=0367&date_from={day}&date_to={day}"
    ));
    assert_eq!(
        that_day as usize,
        starts.iter().filter(|start| start.starts_with(day)).count()
    );
    assert_eq!(
        count(&format!("/search?date_from={day}&date_to=2020-01-01")),
        0
    );
    let typed = format!(
        "%2B{}+%28{}%29+{}-{}-{}",
        &phone[..3],
        &phone[3..5],
        &phone[5..8],
        &phone[8..10],
        &phone[10..]
    );
    let by_phone = json_of(&get(server.address, &format!("/search?phone={typed}")));
    assert!(by_phone["total"].as_u64().expect("it works") > 0, "{typed}");
    assert_eq!(count("/search?enterprise=0777"), 0);
    for wrong in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "status=x",
        "phone=1",
        "date_from=x",
        "date_to=2025-1-5",
        "enterprise=%2e%2e",
        "limit=1&limit=2",
        "phone=%ff",
    ] {
        let reply = get(server.address, &format!("/search?{wrong}"));
        assert_eq!(reply.status, 422, "{wrong}");
        assert!(
            detail(&reply).starts_with(wrong.split('=').next().expect("it works")),
            "{wrong}"
        );
    }
}

#[test]
fn a_program_gets_the_list_of_routes_and_a_browser_does_not() {
    let server = Server::sample();
    let document = json_of(&get(server.address, "/"));
    assert_eq!(
        (document["service"].as_str(), document["status"].as_str()),
        (Some("calltrace"), Some("running"))
    );
    assert!(document["endpoints"].as_object().expect("it works").len() >= 8);
    let page = ask(server.address, "GET", "/", "Accept: text/html,*/*\r\n", b"");
    assert!(
        page.header("content-type")
            .expect("it works")
            .starts_with("text/html")
    );
    let stranger = ask(
        server.address,
        "GET",
        "/",
        "X-Forwarded-For: 192.0.2.1\r\n",
        b"",
    );
    assert!(
        stranger
            .header("content-type")
            .expect("it works")
            .starts_with("text/html")
    );
    let document = json_of(&get(server.address, "/openapi.json"));
    assert_eq!(document["openapi"], "3.1.0");
    let head = ask(
        server.address,
        "GET",
        "/openapi.json",
        "X-Real-IP: 192.0.2.1\r\n",
        b"",
    );
    assert_eq!(head.status, 403);
}

#[test]
fn only_programs_of_this_host_and_those_with_the_token_are_let_in() {
    let tree = empty_tree();
    let server = over(tree.path()).start_with(|site| {
        let mut site = std::sync::Arc::into_inner(site).expect("there is no other reference");
        site.api_token = calltrace_directory::Secret::new("s3cret");
        calltrace_web::router(&std::sync::Arc::new(site))
    });
    let targets = [
        ("POST", "/log/event"),
        ("GET", "/trace/1.5"),
        ("GET", "/search"),
        ("GET", "/openapi.json"),
    ];
    let body = event("1.5");
    for (method, target) in targets {
        for headers in [
            "X-Forwarded-For: 127.0.0.1\r\n",
            "X-Real-IP: 127.0.0.1\r\n",
            "Forwarded: for=127.0.0.1\r\n",
            "Via: 1.1 proxy\r\n",
            "Origin: http://localhost:8026\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Authorization: Basic czNjcmV0\r\n",
            "Host: evil.example\r\n",
        ] {
            let headers = format!("{}{headers}", posting::JSON);
            let reply = ask(server.address, method, target, &headers, body.as_bytes());
            assert_eq!(reply.status, 403, "{method} {target} {headers}");
            detail(&reply);
        }
        let headers = format!(
            "{}X-Forwarded-For: 192.0.2.7\r\nAuthorization: Bearer s3cret\r\n",
            posting::JSON
        );
        let reply = ask(server.address, method, target, &headers, body.as_bytes());
        assert_eq!(reply.status, 200, "{method} {target}: {}", reply.text());
    }
    assert_eq!(logged(tree.path(), "0367").lines().count(), 1);
    let wrong = "X-Forwarded-For: 192.0.2.8\r\nAuthorization: Bearer wrong\r\n";
    let statuses: Vec<u16> = (0..22)
        .map(|_| ask(server.address, "GET", "/search", wrong, b"").status)
        .collect();
    assert_eq!(statuses[..20], [403; 20]);
    assert_eq!(statuses[20..], [429; 2]);
    let right = wrong.replace("wrong", "s3cret");
    let reply = ask(server.address, "GET", "/search", &right, b"");
    assert_eq!(
        reply.status, 429,
        "a right one among too many wrong ones is not told so"
    );
    assert!(reply.header("retry-after").is_some());
}

#[test]
fn without_a_token_set_no_token_opens_anything() {
    let server = Server::sample();
    let old = server.raw(b"GET /search HTTP/1.0\r\nHost: 127.0.0.1:8026\r\n\r\n");
    assert_eq!(old.status, 403, "a proxy that says nothing of itself");
    for token in ["x", "", "no enterprise has this for its secret"] {
        let headers = format!("Authorization: Bearer {token}\r\n");
        assert_eq!(
            ask(server.address, "GET", "/search", &headers, b"").status,
            403,
            "{token:?}"
        );
    }
}

#[test]
fn paths_of_the_api_say_what_is_wrong_in_json() {
    let server = Server::sample();
    for (method, target, status, allow) in [
        ("GET", "/log/event", 405, "POST"),
        ("PUT", "/log/event", 405, "POST"),
        ("POST", "/trace/1.5", 405, "GET, HEAD"),
        ("DELETE", "/search", 405, "GET, HEAD"),
        ("POST", "/openapi.json", 405, "GET, HEAD"),
    ] {
        let reply = ask(server.address, method, target, "", b"");
        assert_eq!(
            (reply.status, reply.header("allow")),
            (status, Some(allow)),
            "{method} {target}"
        );
        detail(&reply);
    }
    let nowhere = ask(server.address, "POST", "/log/nothing", "", b"");
    assert_eq!(
        (nowhere.status, detail(&nowhere).as_str()),
        (404, "Not Found")
    );
    let long = get(
        server.address,
        &format!("/search?phone={}", "1".repeat(9000)),
    );
    assert_eq!(long.status, 414);
    detail(&long);
    let robot = ask(
        server.address,
        "GET",
        "/trace/1764493655.61",
        "User-Agent: SomeBot/1.0\r\n",
        b"",
    );
    assert_eq!(json_of(&robot)["enterprise_number"], "0367");
    let mut client = server.client();
    client.send(b"HEAD /search HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.reply_without_body().status, 200);
    assert!(sample().is_dir());
}
