//! The pages in a real Chromium over trees that are written for the test: a hostile log, a call in progress,
//! a log of megabytes, a server with settings.

use crate::browsing::order::{self, EVENT_TOKEN, complaints, none};
use crate::browsing::trees::{self, HOSTILE, LONG_CALL, LiveCall};
use crate::browsing::{Action, Browser, Server, Viewer, screenshot, signed_link};
use serde_json::json;

#[test]
fn a_call_in_progress_shows_its_end_without_a_click() {
    let live = LiveCall::begin();
    let server = Server::start(&live.tree.root());
    let mut browser = Browser::start();
    let url = server.call(live.enterprise, &live.id);
    let shot = json!({"axe": true, "shot": screenshot("call-live-phone-light"), "find": ["meta[http-equiv=refresh]", ".badge.live"]});
    let report = browser.open_and(&Viewer::PHONE, &url, &[], shot);
    let mut wrong = complaints("a call that goes on", &server, &report);
    // The state of a call changes without its reader; the top of the page says that it reloads.
    wrong.retain(|what| !what.contains("axe meta-refresh"));
    none(&wrong);
    assert_eq!(report.found[0].len(), 1, "{}", report.html);
    assert_eq!(report.found[1].len(), 1, "{}", report.text);
    assert!(report.text.contains("Вызываем"), "{}", report.text);
    live.end();
    let shot = json!({"shot": screenshot("call-live-ended-phone-light"), "find": ["meta[http-equiv=refresh]"]});
    let report = browser.act_and(&[&["wait", ".head .badge.ok", "12000"]], shot);
    assert!(report.text.contains("Принят"), "{}", report.text);
    assert!(
        report.found[0].is_empty(),
        "a call that is over needs no refresh"
    );
    none(&complaints("its end", &server, &report));
}

#[test]
fn nothing_in_a_log_becomes_more_than_text() {
    let tree = trees::hostile();
    let server = Server::start(&tree.root());
    let mut browser = Browser::start();
    let (enterprise, id) = HOSTILE;
    let day = "&from=2025-11-30&to=2025-11-30";
    let mut wrong = Vec::new();
    for viewer in [Viewer::PHONE, Viewer::DESKTOP] {
        for (name, url) in [
            ("call", server.call(enterprise, id)),
            ("list", server.list(enterprise, day)),
            ("stats", server.stats(enterprise, "&date=2025-11-30")),
        ] {
            let name = format!("hostile-{name}-{}", viewer.name());
            let report = browser.open_and(
                &viewer,
                &url,
                &[&["unfold"]],
                order::options(&screenshot(&name)),
            );
            wrong.extend(complaints(&name, &server, &report));
            wrong.extend(order::hostilities(&name, &server, &report));
            if report.status != 200 || report.html.contains(EVENT_TOKEN) {
                wrong.push(format!("{name}: {} with or without a token", report.status));
            }
        }
        let call = server.call(enterprise, id);
        let call = browser.open_and(&viewer, &call, &[&["unfold"]], json!({}));
        for text in ["{{7*7}}", "\\u{202e}", "<script>", "👨\u{200d}👩\u{200d}👧"] {
            if !call.text.contains(text) {
                wrong.push(format!(
                    "{}: {text} can't be read on the page",
                    viewer.name()
                ));
            }
        }
    }
    none(&wrong);
}

#[test]
fn hostile_names_of_the_settings_stay_text() {
    let tree = trees::hostile();
    let settings = tree.write_file(
        "settings.toml",
        &trees::hostile_settings("0000-0000-secret"),
    );
    let server = Server::configured(&tree.root(), &settings, "0000-0000-secret");
    let mut browser = Browser::start();
    let (enterprise, id) = HOSTILE;
    for (name, url) in [
        ("call", server.call(enterprise, id)),
        ("list", server.list(enterprise, "")),
    ] {
        let report = browser.open_and(
            &Viewer::PHONE,
            &url,
            &[],
            order::options(&screenshot(&format!("hostile-names-{name}"))),
        );
        assert_eq!(report.status, 200);
        assert!(report.text.contains("<script>"), "{}", report.text);
        none(&complaints(name, &server, &report));
        none(&order::hostilities(name, &server, &report));
    }
}

#[test]
fn a_signed_link_opens_its_call_alone() {
    let tree = trees::hostile();
    let root = testing::sample();
    let secret = "0000-0000-secret";
    let settings = tree.write_file(
        "settings.toml",
        &format!("[enterprises.0367]\nsecret = \"{secret}\"\n"),
    );
    let server = Server::configured(&root, &settings, secret);
    let mut browser = Browser::start();
    let link = signed_link(&server, &root, &settings, "0367", "1764493655.61");
    let report = browser.open(&Viewer::PHONE, &link);
    assert_eq!(report.status, 200, "{link}");
    assert!(report.text.contains("+375 29 000-12-34"), "{}", report.text);
    assert!(!report.html.contains(secret), "the page has the secret");
    none(&complaints("a signed link", &server, &report));
    for other in [
        link.replace("1764493655.61", "1764493655.6"),
        link.replace("/call/0367/1764493655.61", "/calls/0367"),
    ] {
        let report = browser.open(&Viewer::PHONE, &other);
        assert_eq!(report.status, 403, "{other}");
        assert!(!report.html.contains("00-12-34"), "{}", report.text);
    }
}

#[test]
fn a_call_of_megabytes_is_leafed_through_in_pages_below_one() {
    let tree = trees::long();
    let server = Server::start(&tree.root());
    let mut browser = Browser::start();
    let url = server.call(LONG_CALL.0, LONG_CALL.1);
    // The link after the list; before it there is one back.
    let find = json!({"find": [".timeline .e", ".timeline ol ~ .pages a"]});
    let open: [Action<'_>; 1] = [&["click", ".timeline > summary"]];
    let mut page = browser.open_and(&Viewer::PHONE, &url, &open, find.clone());
    let mut shown = page.found[0].len();
    let mut wrong = complaints("the first page", &server, &page);
    for _ in 0..50 {
        if page.found[1].is_empty() {
            break;
        }
        page = browser.act_and(&[&["follow", ".timeline ol ~ .pages a"]], find.clone());
        shown += page.found[0].len();
        wrong.extend(complaints("a further page", &server, &page));
    }
    assert_eq!(shown, 703, "each record is on one of them");
    none(&wrong);
}
