//! Access control over HTTP: tokens, links, limits, robots.

use calltrace_directory::Secret;
use calltrace_store::tree::EnterpriseName;
use calltrace_web::{TryLimits, signed_path};

use crate::serving::{CALL, SETTINGS, Server, Setup, TOKEN};

fn now() -> u64 {
    testing::clock().unix_seconds()
}

/// A link signed with the secret of 0367.
pub(crate) fn link(enterprise: &str, id: &str, expires: u64) -> String {
    let secret = Secret::new(TOKEN).expect("not blank");
    let enterprise = EnterpriseName::new(enterprise).expect("a name");
    signed_path(&secret, &enterprise, id, expires)
}

#[test]
fn the_token_of_an_enterprise_opens_its_pages_and_no_others() {
    let server = Server::sample();
    for (target, status) in [
        (format!("{CALL}?token={TOKEN}"), 200),
        (format!("{CALL}?lang=en&token={TOKEN}"), 200),
        (format!("/calls/0367?token={TOKEN}"), 200),
        (format!("/call/0367/1764493655.63?token={TOKEN}"), 404),
        (format!("/call/0999/1764493655.61?token={TOKEN}"), 403),
        (
            "/call/0999/1764493655.61?token=the-token-of-0999".into(),
            404,
        ),
        (format!("/call/0103/1764666900.61?token={TOKEN}"), 403),
        (
            "/call/0103/1764666900.61?token=the-token-of-0103".into(),
            200,
        ),
        (format!("/calls/0103?token={TOKEN}"), 403),
        (format!("/stats/0367?token={TOKEN}"), 200),
        (format!("/stats/0103?token={TOKEN}"), 403),
        (format!("/stats/0103?token={TOKEN}&format=csv"), 403),
        ("/stats/0327?token=".into(), 403),
        ("/calls/0327?token=".into(), 403),
    ] {
        assert_eq!(server.get(&target).status, status, "{target}");
    }
}

#[test]
fn every_refused_visitor_sees_the_same_page() {
    let server = Server::sample();
    let refused = server.get(CALL);
    assert_eq!(refused.status, 403);
    for target in [
        format!("{CALL}?token=wrong"),
        format!("{CALL}?token="),
        format!("{CALL}?token={TOKEN}x"),
        format!("{CALL}?exp=1&sig=AAAA"),
        format!("{CALL}?sig=AAAA"),
        "/call/0367/1764493655.99?token=wrong".into(),
        "/call/0327/1764493655.99?token=wrong".into(),
        "/call/unknown/1764493655.99?token=wrong".into(),
        "/calls/unknown?token=wrong".into(),
        "/calls/0367".into(),
        "/stats/unknown?token=wrong".into(),
        "/stats/0367".into(),
        "/stats/0367?format=json&period=nonsense".into(),
    ] {
        assert_eq!(
            server.get(&target).timeless(),
            refused.timeless(),
            "{target}"
        );
    }
}

#[test]
fn a_signed_link_opens_its_call_until_it_expires() {
    let server = Server::sample();
    let right = link("0367", "1764493655.61", now() + 60);
    assert_eq!(server.get(&right).status, 200);
    let late = server.get(&link("0367", "1764493655.61", now() - 60));
    assert_eq!(late.status, 403);
    let refused = server.get(CALL);
    assert_ne!(late.body, refused.body);
    let (_, query) = right.split_once('?').expect("a query");
    for wrong in [
        format!("/call/0367/1764493655.6?{query}"),
        format!("/call/0103/1764493655.61?{query}"),
        format!("/calls/0367?{query}"),
        format!("/stats/0367?{query}"),
        format!("/stats/0367?{query}&format=csv"),
        right.replace("exp=1", "exp=2"),
        format!("{right}="),
        format!("{right}&token=wrong"),
        link("0367", "1764493655.61", now() + 401 * 86_400),
        link("0103", "1764493655.61", now() + 60),
    ] {
        let reply = server.get(&wrong);
        assert_eq!(reply.timeless(), refused.timeless(), "{wrong}");
    }
}

#[test]
fn credentials_that_are_there_twice_are_no_request() {
    let server = Server::sample();
    for query in [
        format!("token={TOKEN}&token={TOKEN}"),
        format!("token={TOKEN}&tok%65n=x"),
        "sig=a&sig=b".into(),
        "exp=1&exp=2".into(),
        "token=%ff".into(),
        format!("token={TOKEN}&lang=ru&lang=en"),
    ] {
        assert_eq!(
            server.get(&format!("{CALL}?{query}")).status,
            400,
            "{query}"
        );
    }
}

#[test]
fn only_a_visitor_who_guesses_is_stopped() {
    let server = Server::sample();
    let from = |address: &str| format!("X-Forwarded-For: 198.51.100.1, {address}\r\n");
    let right = format!("{CALL}?token={TOKEN}");
    for _ in 0..20 {
        let reply = server.get_with(&format!("{CALL}?token=wrong"), &from("192.0.2.1"));
        assert_eq!(reply.status, 403);
    }
    for target in [&format!("{CALL}?token=wrong"), &right] {
        let reply = server.get_with(target, &from("192.0.2.1"));
        assert_eq!(reply.status, 429);
        let wait: u64 = reply
            .header("retry-after")
            .expect("it says when")
            .parse()
            .expect("seconds");
        assert!((1..=6).contains(&wait), "{wait}");
    }
    assert_eq!(server.get_with(&right, &from("192.0.2.2")).status, 200);
    assert_eq!(server.get(&right).status, 200);
}

#[test]
fn strangers_do_not_lock_out_a_visitor_who_was_let_in() {
    let mut setup = Setup::default();
    setup.limits.tries = TryLimits {
        enterprise_burst: 30,
        ..TryLimits::default()
    };
    // A long secret can't be guessed, so the right one always opens.
    setup.settings = SETTINGS.replace(TOKEN, "short");
    let server = setup.start();
    let right = format!("{CALL}?token=short");
    let from = |n: usize| format!("X-Forwarded-For: 192.0.2.{n}\r\n");
    assert_eq!(server.get_with(&right, &from(200)).status, 200);
    for n in 0..30 {
        server.get_with(&format!("{CALL}?token=wrong"), &from(n));
    }
    assert_eq!(server.get_with(&right, &from(201)).status, 429);
    assert_eq!(server.get_with(&right, &from(200)).status, 200);
    let elsewhere = "/call/0103/1764666900.61?token=the-token-of-0103";
    assert_eq!(server.get_with(elsewhere, &from(201)).status, 200);
}

#[test]
fn robots_see_one_neutral_page() {
    let server = Server::sample();
    let robot = "User-Agent: TelegramBot (like TwitterBot)\r\n";
    let neutral = server.get_with("/", robot);
    assert_eq!(neutral.status, 200);
    for target in [
        format!("{CALL}?token={TOKEN}"),
        format!("{CALL}?token=wrong"),
        "/calls/0367".into(),
        format!("/stats/0367?token={TOKEN}"),
        format!("/stats/0367?token={TOKEN}&format=csv"),
        "/no/such/page".into(),
        "/call/%2e%2e/x".into(),
    ] {
        let reply = server.get_with(&target, robot);
        assert_eq!(reply.timeless(), neutral.timeless(), "{target}");
    }
    let person = "User-Agent: Mozilla/5.0 Chrome/126.0 Telegram-Android/10.14.5 (Samsung)\r\n";
    assert_eq!(server.get_with(CALL, person).status, 403);
    let rules = server.get_with("/robots.txt", robot);
    assert_eq!(rules.text(), "User-agent: *\nDisallow: /\n");
}

#[test]
fn a_directory_that_is_down_refuses_no_visitor_for_good() {
    let settings = "[postgres]\nurl = \"postgres://reader@127.0.0.1:1/nothing\"\n".to_owned();
    let setup = Setup {
        settings,
        ..Setup::default()
    };
    let server = setup.start();
    assert_eq!(server.get(&format!("{CALL}?token={TOKEN}")).status, 503);
    let health = server.get("/health");
    assert_eq!(health.status, 503);
    assert!(health.text().contains("\"postgres\":{\"state\":\"error\""));
}
