//! Paging through the list of calls over HTTP: no call is skipped, and every link works.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use chrono::{DateTime, TimeDelta, Utc};

use crate::serving::{SETTINGS, Server, Setup, TOKEN};

/// A call that was not answered, as one record.
pub(crate) fn missed(at: DateTime<Utc>, id: &str) -> String {
    format!(
        "{}|AST|hangup|{id}|{{\"UniqueId\": \"{id}\", \"Phone\": \"375290001234\", \"Extensions\": [\"\"], \
         \"CallType\": 0, \"CallStatus\": \"0\"}}\n",
        at.format("%Y-%m-%d %H:%M:%S,%3f")
    )
}

/// Starts a server over one file of 0367, in a temporary folder.
pub(crate) fn server(log: &str) -> (tempfile::TempDir, Server) {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("0367")).expect("a folder");
    fs::write(dir.path().join("0367/events.log"), log).expect("written");
    let root = dir.path().to_owned();
    let setup = Setup {
        root,
        ..Setup::default()
    };
    (dir, setup.start())
}

/// Returns the texts between two marks.
pub(crate) fn between<'t>(text: &'t str, before: &str, after: &str) -> Vec<&'t str> {
    let parts = text.split(before).skip(1);
    parts.filter_map(|part| part.split(after).next()).collect()
}

/// Returns the ids of all rows, page after page.
fn leafed_through(server: &Server, query: &str) -> Vec<String> {
    let mut target = format!("/calls/0367?token={TOKEN}&{query}");
    let mut ids = Vec::new();
    for _ in 0..20 {
        let page = server.get(&target).text();
        ids.extend(
            between(&page, "href=\"../call/0367/", "?")
                .into_iter()
                .map(str::to_owned),
        );
        let next = between(&page, "rel=\"next\" href=\"", "\"");
        let Some(next) = next.first() else {
            return ids;
        };
        target = format!("/calls/0367{}", next.replace("&amp;", "&"));
    }
    panic!("the pages never end");
}

#[test]
fn calls_of_a_writer_with_a_clock_ahead_push_no_other_off_the_pages() {
    let now = testing::now();
    let log = (0..120).fold(String::new(), |mut log, n| {
        // The newest ten are five minutes ahead of the server's clock.
        let ahead = if n >= 110 { 300 } else { -300 };
        let at = now + TimeDelta::seconds(ahead + n);
        let id = format!("{}.{n}", at.timestamp());
        write!(log, "{}", missed(at, &id)).expect("a text");
        log
    });
    let (_dir, server) = server(&log);
    let day = |days| (now + TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    let ids = leafed_through(&server, &format!("from={}&to={}", day(-1), day(1)));
    let different: BTreeSet<_> = ids.iter().collect();
    assert_eq!((ids.len(), different.len()), (120, 120));
}

#[test]
fn a_plus_of_a_token_is_still_one_in_the_links_of_the_page_it_opened() {
    let setup = Setup {
        settings: SETTINGS.replace(TOKEN, "a+b/c="),
        ..Setup::default()
    };
    let server = setup.start();
    for target in ["/calls/0367", "/call/0367/1764493655.61"] {
        let page = server.get(&format!("{target}?token=a+b/c="));
        let text = page.text();
        assert_eq!(page.status, 200, "{target}");
        let tokens = between(&text, "?token=", "&");
        assert!(!tokens.is_empty(), "{target}");
        assert!(
            tokens.iter().all(|token| *token == "a%2Bb%2Fc%3D"),
            "{tokens:?}"
        );
    }
}

#[test]
fn a_list_that_ends_on_a_day_does_not_claim_to_show_all_days() {
    let server = Server::sample();
    let page = server.get(&format!("/calls/0367?token={TOKEN}&lang=en&to=2025-11-28"));
    let heading = between(&page.text(), "<h1>", "</h1>").concat();
    assert_eq!(heading, "Calls up to 28 November 2025");
}

#[test]
fn a_row_with_an_id_that_no_address_can_name_leads_nowhere() {
    for id in ["1/../1.1", ".."] {
        let (_dir, server) = server(&missed(testing::now(), id));
        let page = server.get(&format!("/calls/0367?token={TOKEN}")).text();
        assert_eq!(between(&page, "<a class=\"row\"", ">"), [""], "{id}");
    }
}

/// Returns the number in a list's first line: `8 calls`.
pub(crate) fn count_of(page: &str) -> usize {
    let strong = between(page, "<p class=\"numbers\"><strong>", "\u{a0}");
    strong[0].parse().expect("a number")
}

/// Follows a link of a list to another.
pub(crate) fn followed(server: &Server, link: &str) -> String {
    let page = server.get(&format!("/calls/0367{}", link.replace("&amp;", "&")));
    assert_eq!(page.status, 200, "{link}");
    page.text()
}

#[test]
fn each_bar_and_each_number_leads_to_the_calls_that_it_counts() {
    let server = Server::sample();
    for days in [
        "from=2025-12-02&to=2025-12-02",
        "from=2025-11-26&to=2025-12-02",
    ] {
        let target = format!("/calls/0367?token={TOKEN}&lang=en&{days}");
        let page = server.get(&target).text();
        let all = count_of(&page);
        let chart = between(&page, "<section class=\"chart\">", "<details>")[0];
        let bars = between(chart, "<a href=\"", "</a>");
        let mut in_bars = 0;
        for bar in &bars {
            let (link, rest) = bar.split_once('"').expect("a link");
            let number_shown = between(rest, ": ", "\u{a0}")[0];
            let listed = count_of(&followed(&server, link));
            assert_eq!(number_shown.parse(), Ok(listed), "{bar}");
            in_bars += listed;
        }
        assert!(bars.len() > 2, "{days}: {}", bars.len());
        assert_eq!(in_bars, all, "{days}");
        let numbers = between(&page, "<p class=\"numbers\">", "</p>")[0];
        let mut in_numbers = 0;
        for number in between(numbers, "href=\"", "</a>") {
            let (link, rest) = number.split_once('"').expect("a link");
            let number_shown = rest.rsplit("</span>").next().expect("a number");
            let number_shown = number_shown.split(' ').next().expect("a number");
            let listed = count_of(&followed(&server, link));
            assert_eq!(number_shown.parse(), Ok(listed), "{number}");
            in_numbers += listed;
        }
        assert_eq!(in_numbers, all, "{days}");
    }
}

#[test]
fn today_yesterday_the_week_and_missed_calls_are_a_tap_away() {
    let server = Server::sample();
    let heading = |page: &str| between(page, "<h1>", "</h1>").concat();
    let page = server
        .get(&format!("/calls/0367?token={TOKEN}&lang=en"))
        .text();
    let tab = |page: &str, name: &str| {
        let links = between(page, "<a href=\"", "</a>").into_iter();
        let mut links = links.filter_map(|link| link.split_once("\">"));
        let found = links.find(|(_, text)| *text == name);
        found.map(|(link, _)| link.to_owned())
    };
    for (name, want) in [
        ("Today", "Calls, 3 December 2025"),
        ("Yesterday", "Calls, 2 December 2025"),
        ("Week", "Calls, 27 November 2025 – 3 December 2025"),
    ] {
        let Some(link) = tab(&page, name) else {
            assert_eq!(heading(&page), want, "{name} is what is shown");
            continue;
        };
        assert_eq!(heading(&followed(&server, &link)), want, "{name}");
    }
    let missed = followed(&server, &tab(&page, "Missed").expect("a link"));
    let results = between(&missed, "<span class=\"badge ", "</a>");
    assert!(!results.is_empty());
    assert!(
        results.iter().all(|result| result.contains("Missed")),
        "{results:?}"
    );
    assert_eq!(tab(&missed, "Missed"), None, "it is what is shown");
}

#[test]
fn hours_that_no_day_has_are_a_mistake() {
    let server = Server::sample();
    for hours in ["8-8", "9-8", "0-25", "8", "x-9", "-1-9"] {
        let target =
            format!("/calls/0367?token={TOKEN}&from=2025-12-02&to=2025-12-02&hours={hours}");
        assert_eq!(server.get(&target).status, 400, "{hours}");
    }
    let week = "from=2025-11-26&to=2025-12-02";
    for weekday in ["0", "8", "mon", "1,2", "-1"] {
        let target = format!("/calls/0367?token={TOKEN}&{week}&weekday={weekday}");
        assert_eq!(server.get(&target).status, 400, "{weekday}");
    }
    for (parted, why) in [
        ("hours=8-9", "of no day"),
        ("weekday=1", "of no week"),
        ("hours=8-9&from=2025-11-02", "of days without an end"),
        (
            "hours=8-9&from=2025-11-01&to=2025-12-02",
            "of too many days",
        ),
    ] {
        let target = format!("/calls/0367?token={TOKEN}&{parted}");
        assert_eq!(server.get(&target).status, 400, "{why}");
    }
}

#[test]
fn hours_and_weekdays_of_several_days_are_leafed_through_as_one_list() {
    // There are two calls each hour for three weeks up to Wednesday 3 December; the newest is at 8:30.
    let newest = DateTime::parse_from_rfc3339("2025-12-03T08:30:00Z").expect("a time");
    let log = (0..21 * 48).rev().fold(String::new(), |mut log, n| {
        let at = newest.to_utc() - TimeDelta::minutes(30 * n);
        let id = format!("{}.{n}", at.timestamp());
        write!(log, "{}", missed(at, &id)).expect("a text");
        log
    });
    let (_dir, server) = server(&log);
    let weeks = "from=2025-11-20&to=2025-12-03";
    let ids = leafed_through(&server, &format!("{weeks}&hours=7-9"));
    // Two weeks have four such calls per day, and so has the last day: its newest call is at 8:30.
    assert_eq!(ids.len(), 14 * 4);
    let mut newest_first = ids.clone();
    newest_first.sort_by(|a, b| b.cmp(a));
    assert_eq!(ids, newest_first);
    let heading_and_count = |query: &str| {
        let target = format!("/calls/0367?token={TOKEN}&lang=en&{weeks}{query}");
        let page = server.get(&target).text();
        (between(&page, "<h1>", "</h1>").concat(), count_of(&page))
    };
    let days = "Calls, 20 November 2025 – 3 December 2025";
    for (query, suffix, count) in [
        ("&weekday=1", ", Mon", 2 * 48),
        ("&weekday=1&hours=7-9", ", Mon, 7:00–9:00", 2 * 4),
        ("&weekday=3&hours=8-10", ", Wed, 8:00–10:00", 4 + 2),
        ("&hours=23-24", ", 23:00–24:00", 13 * 2),
    ] {
        let want = (format!("{days}{suffix}"), count);
        assert_eq!(heading_and_count(query), want, "{query}");
    }
    let target = format!("/calls/0367?token={TOKEN}&from=2025-12-02&to=2025-12-03&weekday=5");
    let none = server.get(&target);
    assert_eq!((none.status, count_of(&none.text())), (200, 0));
}

#[test]
fn a_line_narrows_the_list_to_its_calls_and_is_seen_in_the_form() {
    let server = Server::sample();
    let days = "from=2025-11-26&to=2025-12-02";
    let page = |line: &str| {
        let target = format!("/calls/0367?token={TOKEN}&lang=en&{days}&line={line}");
        server.get(&target).text()
    };
    let (all, one, other) = (page(""), page("0001363"), page("no-such-line"));
    assert!(0 < count_of(&one) && count_of(&one) < count_of(&all));
    assert_eq!(count_of(&other), 0);
    assert!(one.contains("<details open>") && one.contains("name=\"line\" value=\"0001363\""));
    let target = format!("/calls/0367?token={TOKEN}&line={}", "1".repeat(41));
    assert_eq!(server.get(&target).status, 400);
}

/// An outgoing call to a client, as one record; `status` 2 means that it was answered.
fn outgoing(at: DateTime<Utc>, id: &str, client: &str, status: u8) -> String {
    format!(
        "{}|AST|hangup|{id}|{{\"UniqueId\": \"{id}\", \"Phone\": \"{client}\", \"Extensions\": [\"152\"], \
         \"CallType\": 1, \"CallStatus\": \"{status}\"}}\n",
        at.format("%Y-%m-%d %H:%M:%S,%3f")
    )
}

#[test]
fn a_missed_call_says_whether_the_client_was_called_back() {
    let ago = |minutes| testing::now() - TimeDelta::minutes(minutes);
    let missed_of =
        |minutes, id: &str, client: &str| missed(ago(minutes), id).replace("375290001234", client);
    let log = [
        missed_of(200, "1764764400.1", "375290000001"),
        missed_of(195, "1764764700.2", "375290000002"),
        outgoing(ago(188), "1764765120.3", "80290000001", 2),
        missed_of(180, "1764765600.4", "375290000003"),
        outgoing(ago(150), "1764767400.5", "375290000002", 0),
        missed_of(30, "1764774600.6", "375290000004"),
        missed_of(20, "1764775200.7", "anonymous"),
    ];
    let (_dir, server) = server(&log.concat());
    let notes = |language: &str, query: &str| {
        let target = format!("/calls/0367?token={TOKEN}&lang={language}{query}");
        let page = server.get(&target).text();
        let rows = between(&page, "<span class=\"back ", "</span>").into_iter();
        rows.map(|text| text.replace('\u{a0}', " "))
            .collect::<Vec<_>>()
    };
    // Newest first; the two calls that are at most half an hour old have no note.
    let russian = [
        "uncalled\">не перезвонили",
        "tried\">перезвонили через 45 мин, не дозвонились",
        "called\">перезвонили через 12 мин",
    ];
    assert_eq!(notes("ru", ""), russian);
    let english = [
        "uncalled\">not called back",
        "tried\">called back after 45 min, not reached",
        "called\">called back after 12 min",
    ];
    assert_eq!(notes("en", ""), english);
    // The same where only missed calls, or those of one client, are listed.
    assert_eq!(notes("en", "&result=missed"), english);
    assert_eq!(notes("en", "&phone=375290000001"), english[2..]);
}
