//! Values of hosts that are neither a number nor an id as Asterisk makes them, on pages and in the API: every
//! call in the list can be opened, and callers without a number can be searched.

use chrono::TimeDelta;

use crate::posting::{get, json_of};
use crate::serve_list::{between, missed, server};
use crate::serving::{Reply, SETTINGS, Server, TOKEN, command};

const IDS: [&str; 6] = [
    "PBX 1-1764666900.20",
    "звонок-1764666900.30",
    "вызов",
    "a b",
    "1.1?exp=9999999999&x",
    "100%25'><b>#",
];

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// A server over a call per id.
fn serving(ids: &[&str]) -> (tempfile::TempDir, Server) {
    let now = testing::now();
    let calls = (1..).zip(ids);
    let lines = calls.map(|(n, id)| missed(now - TimeDelta::minutes(n), id));
    server(&lines.collect::<String>())
}

fn has_text(page: &str, text: &str) -> bool {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;");
    let escaped = escaped.replace('>', "&gt;");
    page.contains(&escaped) || page.contains(text)
}

#[test]
fn every_call_that_the_list_shows_is_opened_by_its_row_and_by_nothing_else() {
    let (dir, server) = serving(&IDS);
    for _ in 0..2 {
        let list = server.get(&format!("/calls/0367?token={TOKEN}")).text();
        let links = between(&list, "<a class=\"row\" href=\"..", "\"");
        assert_eq!(links.len(), IDS.len(), "{list}");
        for (at, (link, id)) in links.iter().zip(IDS).enumerate() {
            let link = link.replace("&amp;", "&");
            assert!(
                link.is_ascii() && !link.contains([' ', '<', '\'', '#']),
                "{link}"
            );
            let page = server.get(&link);
            assert_eq!(page.status, 200, "{id}: {link}");
            assert!(has_text(&page.text(), id), "{id}");
            // The signature is valid for this call only, and for this id as it is.
            let other = IDS[(at + 1) % IDS.len()];
            let (_, query) = link.rsplit_once("?exp=").expect("signed");
            let target = format!("/call/0367/{}?exp={query}", encoded(other));
            assert_eq!(server.get(&target).status, 403, "{id} for {other}");
            let by_token = format!("/call/0367/{}?token={TOKEN}", encoded(id));
            assert_eq!(server.get(&by_token).status, 200, "{id}");
        }
        // The same over a sealed file with its index.
        let mut rotate = testing::command(dir.path());
        let output = rotate.args(["rotate", "--force", "--keep=36500d"]).output();
        let output = output.expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

#[test]
fn the_api_traces_an_odd_id_and_refuses_what_no_log_can_hold() {
    let (_dir, server) = serving(&IDS);
    for id in IDS {
        let document = json_of(&get(server.address, &format!("/trace/{}", encoded(id))));
        assert_eq!(document["unique_id"], id);
        assert_eq!(document["phone_number"], "375290001234", "{id}");
    }
    let status = |path: &str| get(server.address, path).status;
    for (path, wanted) in [
        ("/trace/%D0%BD%D0%B5%D1%82%201", 404),
        ("/trace/a%7C1", 422),
        ("/trace/%201", 422),
        ("/trace/None", 422),
        ("/trace/1%5C2", 400),
        ("/trace/1%2F2", 400),
        ("/trace/%2e%2e", 400),
        ("/trace/1%", 400),
        ("/trace/1%ff", 400),
    ] {
        assert_eq!(status(path), wanted, "{path}");
    }
}

#[test]
fn an_odd_id_of_no_call_is_shown_as_text() {
    let server = Server::sample();
    let id = encoded("\u{202e}<script>1</script>");
    let page: Reply = server.get(&format!(
        "/call/0367/{}?token={TOKEN}",
        id.replace("%2f", "_")
    ));
    assert_eq!(page.status, 404);
    let text = page.text();
    assert!(
        !text.contains("<script>") && !text.contains('\u{202e}'),
        "{text}"
    );
}

#[test]
fn calltrace_link_signs_an_odd_id() {
    let (_dir, server) = serving(&IDS);
    let link = |id: &str| {
        let (_settings, mut command) = command(SETTINGS);
        command
            .args(["link", "0367", id])
            .output()
            .expect("it runs")
    };
    for id in IDS {
        let output = link(id);
        let link = testing::text(&output.stdout);
        let target = link.trim_end().strip_prefix("http://127.0.0.1:8026");
        let target = target.unwrap_or_else(|| panic!("{id}: {output:?}"));
        assert_eq!(server.get(target).status, 200, "{id}: {target}");
    }
    let output = link("1\\2");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(
        testing::text(&output.stderr),
        "calltrace: \"1\\\\2\" has no page, because it can't be a part of an address\n"
    );
}

#[test]
fn the_list_and_the_api_look_for_callers_without_a_number() {
    let now = testing::now();
    let callers = ["anonymous", "sip:Ivan@example.org", "375290001234"];
    let lines: String = (1..)
        .zip(callers)
        .map(|(n, caller)| {
            missed(now - TimeDelta::minutes(n), &format!("17646669{n}0.{n}"))
                .replace("375290001234", caller)
        })
        .collect();
    let (_dir, server) = server(&lines);
    let rows = |typed: &str| {
        let target = format!("/calls/0367?token={TOKEN}&lang=en&phone={}", encoded(typed));
        let page = server.get(&target);
        (
            page.status,
            between(&page.text(), "<a class=\"row\"", "</a>").len(),
        )
    };
    for (typed, wanted) in [
        ("anonymous", (200, 1)),
        ("Anonymous", (200, 1)),
        ("sip:ivan@example.org", (200, 1)),
        ("ivan@example.org", (200, 1)),
        ("absent", (200, 0)),
        ("80290001234", (200, 1)),
        ("37529abc", (400, 0)),
        ("12", (400, 0)),
    ] {
        assert_eq!(rows(typed), wanted, "{typed}");
        let target = format!("/search?enterprise=0367&phone={}", encoded(typed));
        let reply = get(server.address, &target);
        let api = if wanted.0 == 200 { 200 } else { 422 };
        assert_eq!(reply.status, api, "{typed}");
        if api == 200 {
            assert_eq!(
                json_of(&reply)["results"].as_array().map(Vec::len),
                Some(wanted.1),
                "{typed}"
            );
        }
    }
    let list = server
        .get(&format!("/calls/0367?token={TOKEN}&lang=en"))
        .text();
    let hint = between(&list, "id=\"phone-hint\"", "</p>").concat();
    let link = between(&hint, "href=\"", "\"")
        .concat()
        .replace("&amp;", "&");
    assert!(
        server
            .get(&format!("/calls/0367{link}"))
            .text()
            .contains("anonymous"),
        "{hint}"
    );
}
