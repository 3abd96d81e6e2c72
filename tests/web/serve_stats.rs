//! Statistics over HTTP: their figures are those of the command, each links to its calls, and files hold the
//! same.

use std::fmt::Write as _;

use chrono::TimeDelta;
use serde_json::Value;

use crate::serve_list::{between, count_of, followed, missed, server};
use crate::serving::{Reply, Server, Setup, TOKEN};

/// The week of the sample tree that has most calls.
const WEEK: &str = "period=week&date=2025-12-02";

fn stats(server: &Server, query: &str) -> Reply {
    server.get(&format!("/stats/0367?token={TOKEN}&lang=en&{query}"))
}

fn document(server: &Server, query: &str) -> Value {
    let reply = stats(server, &format!("format=json&{query}"));
    assert_eq!(reply.status, 200, "{query}");
    serde_json::from_slice(&reply.body).expect("a document")
}

/// Returns what `calltrace stats` prints for 0367.
fn printed(args: &[&str]) -> Value {
    let mut command = testing::command(&testing::sample());
    command.args([
        "--tz", "UTC", "stats", "0367", "--limit", "0", "--format", "json",
    ]);
    let output = command.args(args).output().expect("it starts");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("a document")
}

/// Returns the document without the report of what was read, which contains paths.
fn without_report(mut document: Value) -> Value {
    let report = document
        .as_object_mut()
        .expect("an object")
        .remove("report");
    assert!(report.is_some());
    document
}

#[test]
fn figures_are_those_of_the_command() {
    let server = Server::sample();
    for (query, since, until, usual) in [
        (WEEK, "2025-11-26", "2025-12-02", "day"),
        (
            "period=day&date=2025-12-01",
            "2025-12-01",
            "2025-12-01",
            "hour",
        ),
        (
            "period=two-weeks&date=2025-12-03",
            "2025-11-20",
            "2025-12-03",
            "day",
        ),
    ] {
        for by in ["hour", "weekday", "day", "person", "line", "client"] {
            let ours = document(&server, &format!("{query}&by={by}"));
            let theirs = printed(&["--since", since, "--until", until, "--by", by]);
            assert!(ours["total"]["calls"].as_u64() > Some(20));
            assert_eq!(
                without_report(ours),
                without_report(theirs),
                "{query} by {by}"
            );
        }
        assert_eq!(document(&server, query)["by"], usual);
    }
}

#[test]
fn the_page_shows_the_figures_of_the_document() {
    let server = Server::sample();
    let page = stats(&server, WEEK).text();
    let of = |by: &str| document(&server, &format!("{WEEK}&by={by}"));
    let (days, persons, lines) = (of("day"), of("person"), of("line"));
    let total = &days["total"];
    let number = |value: &Value| value.as_u64().expect("a number").to_string();
    let shown_text = page.replace('\u{a0}', " ");
    assert_eq!(count_of(&page).to_string(), number(&total["calls"]));
    let missed = &total["results"]["missed"];
    let results = between(&shown_text, "<p class=\"numbers\">", "</p>")[0];
    for (result, word) in [
        ("answered", "answered"),
        ("missed", "missed"),
        ("not_reached", "not reached"),
    ] {
        let expected = format!("</span>{} {word}</a>", number(&total["results"][result]));
        assert!(results.contains(&expected), "{expected}: {results}");
    }
    let heading = format!(
        "Not called back: {} of {}",
        number(&total["not_returned"]),
        number(missed)
    );
    assert!(shown_text.contains(&heading), "{heading}");
    let listed = between(
        between(&page, "<section class=\"unreturned\">", "</section>")[0],
        "<li>",
        "</li>",
    );
    assert_eq!(listed.len().to_string(), number(&total["not_returned"]));
    for part in ["p50", "p90", "p95", "max"] {
        let seconds = total["wait_ms"][part].as_i64().expect("a length") / 1000;
        assert!(
            shown_text.contains(&format!("<dd>{seconds} s</dd>")),
            "{part}: {seconds}"
        );
    }
    // The row of each group: its calls, the missed ones, those not called back.
    for (document, by) in [(&persons, "person"), (&lines, "line")] {
        for group in document["groups"].as_array().expect("groups") {
            let name = group[by].as_str().expect("a name");
            let rows = between(&page, "<tr><th scope=\"row\">", "</tr>");
            let is_its = |row: &&&str| match name {
                "" => row.starts_with('—'),
                name => row.contains(&format!("={name}&amp;from")),
            };
            let cells: Vec<Vec<String>> =
                rows.iter().filter(is_its).map(|row| cells(row)).collect();
            let want = [
                &group["calls"],
                &group["results"]["missed"],
                &group["not_returned"],
            ]
            .map(number);
            assert!(
                cells.iter().any(|cells| cells[..3] == want),
                "{by} {name}: {cells:?} {want:?}"
            );
        }
    }
}

/// The texts of a row's cells.
fn cells(row: &str) -> Vec<String> {
    let cells = between(row, "<td", "</td>").into_iter();
    let text = cells.map(|cell| {
        let (_, cell) = cell.split_once('>').expect("an end");
        cell.strip_suffix("</a>")
            .map_or(cell, |link| link.split_once('>').expect("a link").1)
    });
    text.map(str::to_owned).collect()
}

#[test]
fn each_bar_and_each_cell_leads_to_the_calls_that_it_counts() {
    let server = Server::sample();
    let list = |link: &str| {
        let link = link.strip_prefix("../calls/0367").expect("the list");
        count_of(&followed(&server, link))
    };
    let counts_of = |part: &str| -> Vec<usize> {
        let marks = between(part, "<a href=\"", "</a>").into_iter();
        let counts = marks.map(|mark| {
            let (link, rest) = mark.split_once('"').expect("a link");
            let count = between(rest, ": ", "\u{a0}")[0];
            assert_eq!(count.parse(), Ok(list(link)), "{mark}");
            list(link)
        });
        counts.collect()
    };
    for query in [
        WEEK,
        "period=two-weeks&date=2025-12-02",
        "period=day&date=2025-12-01",
    ] {
        let page = stats(&server, query).text();
        let all = count_of(&page);
        let charts = between(&page, "<section class=\"chart", "</section>");
        let maps = between(&page, "<section class=\"map\">", "</section>");
        let is_of_days = !query.starts_with("period=day");
        assert_eq!(
            (charts.len(), maps.len()),
            if is_of_days { (2, 2) } else { (1, 0) },
            "{query}"
        );
        for chart in charts {
            // A chart occurs twice, for narrow and for wide screens; this is the first one.
            let chart = chart
                .split("<div class=\"on-wide\">")
                .next()
                .expect("a chart");
            assert_eq!(counts_of(chart).iter().sum::<usize>(), all, "{query}");
        }
        let missed = document(&server, query)["total"]["results"]["missed"].as_u64();
        for (map, all) in maps.into_iter().zip([Some(all as u64), missed]) {
            assert_eq!(
                Some(counts_of(map).iter().sum::<usize>() as u64),
                all,
                "{query}"
            );
        }
    }
}

#[test]
fn the_list_and_statistics_lead_to_each_other() {
    let server = Server::sample();
    for (days, heading) in [
        (
            "from=2025-12-01&to=2025-12-01",
            "Statistics, 1 December 2025",
        ),
        (
            "from=2025-11-29&to=2025-12-01",
            "Statistics, 25 November 2025 – 1 December 2025",
        ),
        (
            "to=2025-12-01",
            "Statistics, 25 November 2025 – 1 December 2025",
        ),
        (
            "from=2025-11-01&to=2025-12-01",
            "Statistics, 18 November 2025 – 1 December 2025",
        ),
        (
            "phone=375290001234",
            "Statistics, 27 November 2025 – 3 December 2025",
        ),
    ] {
        let list = server
            .get(&format!("/calls/0367?token={TOKEN}&lang=en&{days}"))
            .text();
        let link = between(&list, "href=\"../stats/0367", "\"")[0];
        let page = server.get(&format!("/stats/0367{}", link.replace("&amp;", "&")));
        let text = page.text();
        assert_eq!(
            (page.status, between(&text, "<h1>", "</h1>")[0]),
            (200, heading),
            "{days}"
        );
        let back = between(&text, "<nav><a href=\"../calls/0367", "\"")[0];
        assert_eq!(count_of(&followed(&server, back)), count_of(&text));
    }
}

#[test]
fn days_are_chosen_by_links_and_never_later_than_today() {
    let server = Server::sample();
    let links = |query: &str| {
        let page = stats(&server, query).text();
        let tabs = between(&page, "<nav class=\"tabs\"", "</nav>")[0];
        let links = between(tabs, "&amp;period=", "\"").into_iter();
        links
            .map(|link| link.replace("&amp;date=", " "))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        links(""),
        ["week 2025-11-26", "day 2025-12-03", "two-weeks 2025-12-03"]
    );
    assert_eq!(
        links("period=two-weeks&date=2025-11-25"),
        [
            "two-weeks 2025-11-11",
            "day 2025-11-25",
            "week 2025-11-25",
            "two-weeks 2025-12-03"
        ]
    );
}

#[test]
fn pages_are_in_both_languages_and_name_a_wrong_day() {
    let server = Server::sample();
    let russian = server
        .get(&format!("/stats/0367?token={TOKEN}&{WEEK}"))
        .text();
    assert!(russian.contains("Статистика, 26 ноября 2025 – 2 декабря 2025"));
    assert!(russian.contains("Не перезвонили: ") && russian.contains("lang=\"ru\""));
    let wrong = stats(&server, "period=day&date=%3Cb%3E2025");
    let text = wrong.text();
    assert_eq!(wrong.status, 400);
    assert!(text.contains("The date can't be read") && text.contains("value=\"&lt;b&gt;2025\""));
    assert!(
        !text.contains("<section class=\"chart"),
        "nothing is counted"
    );
}

#[test]
fn files_can_be_read_by_spreadsheets_and_programs() {
    let server = Server::sample();
    let csv = stats(&server, &format!("{WEEK}&format=csv&by=person"));
    assert_eq!(csv.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(
        csv.header("content-disposition"),
        Some("attachment; filename=\"calltrace-0367-2025-11-26_2025-12-02-person.csv\"")
    );
    let robots = csv.header("x-robots-tag");
    assert!(robots.is_some_and(|header| header.contains("noindex")));
    let persons = document(&server, &format!("{WEEK}&by=person"));
    let groups = persons["groups"].as_array().expect("groups");
    let text = csv.text();
    let mut lines = text.lines();
    assert!(
        lines
            .next()
            .is_some_and(|head| head.starts_with("enterprise,person,calls,answered,missed,"))
    );
    for (line, group) in lines.by_ref().zip(groups) {
        let person = group["person"].as_str().expect("a name");
        assert!(
            line.starts_with(&format!("0367,{person},{},", group["calls"])),
            "{line}"
        );
    }
    assert_eq!(
        (lines.next(), text.lines().count()),
        (None, groups.len() + 1)
    );
    let links = stats(&server, WEEK).text();
    let links = between(&links, "&amp;format=", "\"");
    assert_eq!(
        links,
        [
            "csv",
            "json",
            "parquet",
            "csv&amp;by=person",
            "csv&amp;by=line"
        ]
    );
}

#[test]
fn a_name_that_a_spreadsheet_would_take_for_a_formula_is_harmless_and_stays_text() {
    let formula = "=HYPERLINK(1)<b>";
    let log = missed(testing::now(), "1764752400.1").replace("[\"\"]", &format!("[\"{formula}\"]"));
    let (_dir, server) = server(&log);
    let csv = stats(&server, "format=csv&by=person").text();
    assert!(csv.contains(&format!("0367,'{formula},1,")), "{csv}");
    let page = stats(&server, "").text();
    assert!(page.contains("=HYPERLINK(1)&lt;b&gt;") && !page.contains(formula));
}

#[test]
fn days_without_calls_have_a_notice_that_names_unread_parts() {
    let server = Server::sample();
    let page = stats(&server, "period=day&date=2025-10-01");
    assert_eq!(page.status, 200);
    assert!(
        page.text()
            .contains("There are no calls on these days; everything was searched.")
    );
    let nothing = "/stats/0999?token=the-token-of-0999&lang=en";
    let page = server.get(nothing);
    assert!(page.status == 200 && page.text().contains("There are no calls on these days"));
    let json = server.get(&format!("{nothing}&format=json"));
    assert!(json.status == 200 && json.text().contains("\"calls\": 0"));

    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("0367")).expect("a folder");
    let damaged = dir.path().join("0367/events.log.2025-12-02.gz");
    std::fs::write(damaged, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]).expect("written");
    let root = dir.path().to_owned();
    let server = Setup {
        root,
        ..Setup::default()
    }
    .start();
    let page = stats(&server, "").text();
    assert!(page.contains("The file of 02.12.2025 is damaged"), "{page}");
    assert!(page.contains("not everything could be read"), "{page}");
    let folder = dir.path().to_string_lossy().into_owned();
    let document = document(&server, "").to_string();
    assert!(
        document.contains("\"complete\":false") && !document.contains(&folder),
        "{document}"
    );
}

#[test]
fn missed_calls_are_listed_newest_first_and_no_more_than_can_be_looked_at() {
    let now = testing::now();
    let log = (0..40).rev().fold(String::new(), |mut log, n| {
        let at = now - TimeDelta::minutes(61 + 7 * n);
        let client = format!("3752900{n:05}");
        let call = missed(at, &format!("{}.{n}", at.timestamp()));
        write!(log, "{}", call.replace("375290001234", &client)).expect("a text");
        log
    });
    let (_dir, server) = server(&log);
    let page = stats(&server, "period=two-weeks").text();
    assert!(page.contains("Not called back: 40 of 40"));
    let section = between(&page, "<section class=\"unreturned\">", "</section>")[0];
    let ids: Vec<String> = between(section, "/call/0367/", "?")
        .iter()
        .map(|id| id.rsplit('.').next().expect("a number").to_owned())
        .collect();
    let newest: Vec<String> = (0..20).map(|n: usize| n.to_string()).collect();
    assert_eq!(ids, newest);
    assert!(section.contains("and 20 more"), "{section}");
    assert!(
        !section.contains("call/0367/1?token"),
        "a call's link has no token"
    );
}
