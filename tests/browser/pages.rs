//! The pages in a real Chromium over the sample tree, as people see them: on a telephone and on a desktop
//! screen, with and without scripts, by touch and by keyboard. `scenes` looks at them in all sizes, schemes and
//! languages, `hostile_trees` does the same over trees that it writes.
//!
//! [`browsing::order`] holds the rules for every page. Screenshots for people are written to `screenshots` in
//! the target folder.

use std::collections::BTreeSet;

use crate::browsing::order::{EVENT_TOKEN, complaints, none};
use crate::browsing::trees::{self, SampleCall};
use crate::browsing::{Action, Browser, PageReport, Server, Viewer, screenshot};
use serde_json::json;

/// A call with two transfers: eight legs, five bridges, deleted messages.
pub(crate) const TRANSFERRED: (&str, &str) = ("0367", "1764514800.140");

#[test]
fn every_call_of_the_sample_tree_fits_a_telephone_and_hides_its_token() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    browser.open(&Viewer::PHONE, &server.list("0367", ""));
    let mut wrong = Vec::new();
    for call in trees::sample_calls() {
        let name = format!("call-{}-{}", call.enterprise, call.id);
        let url = server.call(&call.enterprise, &call.id);
        let report = browser.act(&[&["go", &url], &["unfold"]]);
        wrong.extend(complaints(&name, &server, &report));
        if report.status != 200 || report.html.contains(EVENT_TOKEN) {
            wrong.push(format!(
                "{name}: {}, or with the events' token",
                report.status
            ));
        }
    }
    none(&wrong);
}

#[test]
fn calls_of_every_kind_can_be_read_by_everybody() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let mut wrong = Vec::new();
    let dark = Viewer {
        scheme: "dark",
        ..Viewer::PHONE
    };
    browser.open(&dark, &server.list("0367", ""));
    for call in trees::sample_patterns() {
        let name = format!("call-{}-{}", call.enterprise, call.id);
        let url = server.call(&call.enterprise, &call.id);
        let report = browser.act_and(&[&["go", &url], &["unfold"]], json!({"axe": true}));
        wrong.extend(complaints(&name, &server, &report));
    }
    none(&wrong);
}

#[test]
fn pages_say_the_same_without_scripts() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let without = Viewer {
        script: false,
        ..Viewer::PHONE
    };
    let (enterprise, id) = TRANSFERRED;
    let stats = server.stats(enterprise, "");
    for url in [
        server.call(enterprise, id),
        server.list(enterprise, ""),
        stats,
    ] {
        let texts = [Viewer::PHONE, without].map(|viewer| {
            let text = browser.open(&viewer, &url).text;
            // The time at which the page was made differs.
            let is_foot = |line: &&str| line.starts_with("Обновлено");
            let lines: Vec<&str> = text.lines().filter(|line| !is_foot(line)).collect();
            lines.join("\n")
        });
        assert!(texts[0].len() > 200, "{}", texts[0]);
        assert_eq!(texts[0], texts[1]);
    }
}

#[test]
fn who_whom_how_it_went_and_how_long_are_on_the_first_screen() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let options = json!({"find": ["h1", ".head .badge", ".head .figures dd"]});
    browser.open(&Viewer::PHONE, &server.list("0367", ""));
    let mut wrong = Vec::new();
    for call in trees::sample_patterns() {
        let url = server.call(&call.enterprise, &call.id);
        let report = browser.act_and(&[&["go", &url]], options.clone());
        for (what, found) in ["answer", "result", "figures"].iter().zip(&report.found) {
            let lowest = found.iter().map(|f| f.bottom).fold(0.0, f64::max);
            if found.is_empty() || lowest > 740.0 {
                wrong.push(format!(
                    "{} {}: {what} end at {lowest}",
                    call.enterprise, call.id
                ));
            }
        }
    }
    none(&wrong);
}

#[test]
fn a_row_leads_to_its_call_in_the_language_of_the_list_and_without_its_token() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let list = browser.open_and(
        &Viewer::PHONE,
        &server.list("0367", ""),
        &[],
        json!({"find": [".row"]}),
    );
    let first = row_ids(&list).remove(0);
    let call = browser.act(&[&["follow", ".row"]]);
    assert_eq!((call.status, call.lang.as_str()), (200, "ru"));
    assert!(
        call.url.contains(&format!("/call/0367/{first}?")),
        "{}",
        call.url
    );
    assert!(call.text.contains(&first), "{}", call.text);
    assert!(
        !call.html.contains(server.token()),
        "the call's page has the token of all calls"
    );
    let english = browser.act(&[&["follow", "footer a[hreflang]"]]);
    assert_eq!((english.status, english.lang.as_str()), (200, "en"));
    assert!(english.text.contains(&first), "{}", english.text);
    let back = browser.act(&[&["back"], &["back"]]);
    assert_eq!((back.status, back.lang.as_str()), (200, "ru"));
    let english = browser.act(&[&["follow", "footer a[hreflang]"], &["follow", ".row"]]);
    assert_eq!((english.status, english.lang.as_str()), (200, "en"));
    // The enterprise's token adds a link to the list.
    let list = browser.open_and(
        &Viewer::PHONE,
        &server.call("0367", &first),
        &[&["follow", "nav a"]],
        json!({"find": [".row"]}),
    );
    assert_eq!(list.status, 200);
    assert!(row_ids(&list).contains(&first), "{}", list.text);
}

#[test]
fn other_days_and_older_calls_are_a_link_away() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let rows = json!({"find": [".row"]});
    let today = browser.open_and(&Viewer::PHONE, &server.list("0367", ""), &[], rows.clone());
    let before = browser.act_and(&[&["follow", ".head nav a[aria-label]"]], rows.clone());
    assert!(before.text.contains("1 декабря 2025"), "{}", before.text);
    let after = browser.act_and(
        &[&["follow", ".head nav a[aria-label]:last-child"]],
        rows.clone(),
    );
    assert_eq!(row_ids(&after), row_ids(&today));

    let all = "&from=2025-11-27&to=2025-12-02";
    let first = browser.open_and(&Viewer::PHONE, &server.list("0367", all), &[], rows.clone());
    let second = browser.act_and(&[&["follow", "a[rel=next]"]], rows.clone());
    let ids: BTreeSet<String> = [row_ids(&first), row_ids(&second)]
        .concat()
        .into_iter()
        .collect();
    let known = of_0367(|_| true);
    assert_eq!(ids, known);
    assert_eq!(row_ids(&first).len() + row_ids(&second).len(), known.len());
    let back = browser.act_and(&[&["follow", "a[rel=prev]"]], rows);
    assert_eq!(row_ids(&back), row_ids(&first));
}

#[test]
fn a_phone_as_people_type_it_finds_the_calls_of_that_client_alone() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let known = of_0367(|call| call.client == "375290001234");
    let ways: [&[&str]; 2] = [&["follow", "form button"], &["submit", "Enter"]];
    for typed in ["+375 (29) 000-12-34", "80290001234", "0001234"] {
        for way in ways {
            let actions: [Action<'_>; 2] = [&["fill", "#phone", typed], way];
            let report = browser.open_and(
                &Viewer::PHONE,
                &server.list("0367", ""),
                &actions,
                json!({"find": [".row"]}),
            );
            assert_eq!(row_set(&report), known, "{typed} by {way:?}");
            let wrong = complaints(typed, &server, &report);
            none(&wrong);
        }
    }
}

#[test]
fn each_condition_narrows_the_rows_to_what_it_says() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let of = |call: &SampleCall, day: &str| day_of(call).is_some_and(|known| known == day);
    let day = "2025-12-01";
    let fill_days: [Action<'_>; 2] = [&["fill", "#from", day], &["fill", "#to", day]];
    let conditions: [(&[&str], BTreeSet<String>); 5] = [
        (&["fill", "#to", day], of_0367(|call| of(call, day))),
        (
            &["choose", "#result", "missed"],
            of_0367(|call| of(call, day) && call.result == "missed"),
        ),
        (
            &["choose", "#result", "answered"],
            of_0367(|call| of(call, day) && call.result == "answered"),
        ),
        (
            &["choose", "#direction", "out"],
            of_0367(|call| of(call, day) && call.direction == "out"),
        ),
        (
            &["choose", "#direction", "internal"],
            of_0367(|call| of(call, day) && call.direction == "internal"),
        ),
    ];
    let options = json!({"find": [".row", "form details"]});
    for (condition, known) in conditions {
        assert!(!known.is_empty(), "{condition:?}");
        let open: Action<'_> = &["click", "form summary"];
        let actions = [
            open,
            fill_days[0],
            fill_days[1],
            condition,
            &["follow", "form button"],
        ];
        let report = browser.open_and(
            &Viewer::PHONE,
            &server.list("0367", ""),
            &actions,
            options.clone(),
        );
        // An id of the emulator contains no day.
        let shown: BTreeSet<String> = row_set(&report)
            .into_iter()
            .filter(|id| !id.starts_with("test"))
            .collect();
        assert_eq!(shown, known, "{condition:?}");
        assert_eq!(
            report.found[1][0].open,
            Some(true),
            "what narrows the rows is to be seen"
        );
    }
    let actions: [Action<'_>; 3] = [
        &["click", "form summary"],
        &["fill", "#ext", "153"],
        &["follow", "form button"],
    ];
    let report = browser.open_and(&Viewer::PHONE, &server.list("0367", ""), &actions, options);
    assert!(!report.found[0].is_empty());
    for row in &report.found[0] {
        assert!(row.text.contains("153"), "{}", row.text);
    }
}

#[test]
fn a_mistyped_field_is_named_above_the_form_and_stays_in_it() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let actions: [Action<'_>; 2] = [&["fill", "#phone", "12 <b>34"], &["follow", "form button"]];
    let options = json!({"find": ["[role=alert]", "#phone", ".row"], "axe": true, "shot": screenshot("list-mistake-phone")});
    let report = browser.open_and(&Viewer::PHONE, &server.list("0367", ""), &actions, options);
    assert_eq!(report.status, 400);
    assert!(report.found[0][0].text.contains("номер"), "{}", report.text);
    assert_eq!(report.found[1][0].attributes["value"], "12 <b>34");
    assert!(report.found[2].is_empty());
    none(&complaints("a mistake", &server, &report));
}

#[test]
fn details_open_by_click_and_by_keyboard_and_the_focus_is_seen() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let options = json!({"find": [".timeline"]});
    let url = server.call(TRANSFERRED.0, TRANSFERRED.1);
    for viewer in [Viewer::PHONE, Viewer::DESKTOP] {
        let report = browser.open_and(
            &viewer,
            &url,
            &[&["click", ".timeline summary"]],
            options.clone(),
        );
        assert_eq!(report.found[0][0].open, Some(true));
    }
    let options = json!({"find": [".forward"]});
    let mut report = browser.open_and(&Viewer::DESKTOP, &url, &[], options.clone());
    let mut stops = 0;
    while report
        .focus
        .as_ref()
        .is_none_or(|focus| focus.tag != "summary")
    {
        report = browser.act_and(&[&["press", "Tab"]], options.clone());
        let focus = report
            .focus
            .as_ref()
            .expect("a page has something to focus");
        assert!(focus.outlined, "{focus:?}");
        stops += 1;
        assert!(stops < 10, "the first details are {stops} stops away");
    }
    assert_eq!(report.found[0][0].open, Some(false));
    for open in [true, false] {
        report = browser.act_and(&[&["press", "Enter"]], options.clone());
        assert_eq!(report.found[0][0].open, Some(open));
    }
    for _ in 0..2 {
        let report = browser.act(&[&["press", "Tab"]]);
        let focus = report.focus.expect("there is more to focus");
        assert!(focus.outlined, "{focus:?}");
    }
    let mut report = browser.open(&Viewer::DESKTOP, &server.list("0367", ""));
    while report.focus.as_ref().is_none_or(|focus| {
        focus
            .attributes
            .get("class")
            .is_none_or(|class| class != "row")
    }) {
        report = browser.act(&[&["press", "Tab"]]);
        let focus = report
            .focus
            .as_ref()
            .expect("a page has something to focus");
        assert!(focus.outlined, "{focus:?}");
    }
    let call = browser.act(&[&["submit", "Enter"]]);
    assert!(call.url.contains("/call/0367/"), "{}", call.url);
}

#[test]
fn a_page_without_calls_says_so_and_shows_nothing_else() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let call = server.call("0367", "1764493655.61");
    let robot = Viewer {
        agent: Some("TelegramBot (like TwitterBot)"),
        ..Viewer::PHONE
    };
    let no_call = server.call("0367", "1764493655.999");
    let wrong_token = call.replace(server.token(), "wrong");
    let pages = [
        (
            "no-such-call",
            Viewer::PHONE,
            no_call,
            404,
            "Звонок не найден",
        ),
        ("no-access", Viewer::PHONE, wrong_token, 403, "Нет доступа"),
        (
            "no-such-page",
            Viewer::PHONE,
            format!("{}/calls", server.origin()),
            404,
            "Такой страницы нет",
        ),
        (
            "bad-request",
            Viewer::PHONE,
            server.call("0367", "%00"),
            400,
            "Адрес не разобрать",
        ),
        ("preview", robot, call.clone(), 200, "Детали звонка"),
        (
            "preview-of-list",
            robot,
            server.list("0367", ""),
            200,
            "Детали звонка",
        ),
    ];
    for (name, viewer, url, status, words) in pages {
        for scheme in ["light", "dark"] {
            let viewer = Viewer { scheme, ..viewer };
            let shot = json!({"axe": true, "shot": screenshot(&format!("{name}-phone-{scheme}"))});
            let report = browser.open_and(&viewer, &url, &[], shot);
            assert_eq!(report.status, status, "{name}");
            assert!(
                report.title.contains(words) && report.text.contains(words),
                "{name}: {}",
                report.text
            );
            none(&complaints(name, &server, &report));
            for secret in ["00-12-34", "0001234", "0367", "151", server.token()] {
                let is_asked_for = name == "no-such-call" && secret == "0367";
                assert!(
                    is_asked_for || !report.html.contains(secret),
                    "{name} tells {secret}"
                );
            }
        }
    }
}

#[test]
fn a_printed_call_has_its_headline_and_its_messages_and_nothing_is_cut() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let pdf = screenshot("call-printed").replace(".png", ".pdf");
    let paper: [Action<'_>; 3] = [&["media", "print"], &["resize", "794", "1123"], &["unfold"]];
    let options = json!({"find": [".head", "nav"], "shot": screenshot("call-printed")});
    let (enterprise, id) = TRANSFERRED;
    let report = browser.open_and(
        &Viewer::DESKTOP,
        &server.call(enterprise, id),
        &paper,
        options,
    );
    assert!(
        report.found[0][0]
            .text
            .contains("+375\u{a0}29\u{a0}000-88-99"),
        "{}",
        report.text
    );
    assert!(report.text.contains("Ход звонка"), "{}", report.text);
    assert!(report.cut.is_empty(), "{:?}", report.cut);
    none(&complaints("on paper", &server, &report));
    browser.act(&[&["pdf", &pdf]]);
    let pdf = std::fs::read(pdf).expect("it was printed");
    assert!(
        pdf.starts_with(b"%PDF") && pdf.len() > 10_000,
        "{} bytes",
        pdf.len()
    );
}

/// Returns the ids of the calls that the rows lead to, from the top; the rows must be the first selector.
fn row_ids(report: &PageReport) -> Vec<String> {
    let ids = report.found[0].iter().map(|row| {
        let href = &row.attributes["href"];
        let path = href.split('?').next().expect("there is a first part");
        path.rsplit('/')
            .next()
            .expect("there is a last part")
            .to_owned()
    });
    ids.collect()
}

fn row_set(report: &PageReport) -> BTreeSet<String> {
    row_ids(report).into_iter().collect()
}

/// Returns the ids of the calls of 0367 that match.
fn of_0367(is_wanted: impl Fn(&SampleCall) -> bool) -> BTreeSet<String> {
    let calls = trees::sample_calls().into_iter();
    let calls = calls.filter(|call| call.enterprise == "0367" && is_wanted(call));
    calls.map(|call| call.id).collect()
}

/// Returns the day in Minsk on which the call's id was made.
fn day_of(call: &SampleCall) -> Option<String> {
    let (seconds, _) = call.id.split_once('.')?;
    let born = chrono::DateTime::from_timestamp(seconds.parse().ok()?, 0)?;
    Some(
        born.with_timezone(&calltrace_model::record::Zone::named("Europe/Minsk").expect("a zone"))
            .format("%Y-%m-%d")
            .to_string(),
    )
}
