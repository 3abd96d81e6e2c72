//! Statistics in a browser: printed on one sheet of paper, and with links to their calls and back.

use crate::browsing::order::{complaints, none};
use crate::browsing::trees::{self, BUSY};
use crate::browsing::{Action, Browser, Server, Viewer, screenshot};
use serde_json::json;

#[test]
fn statistics_are_printed_on_one_sheet_without_the_controls_of_the_screen() {
    let tree = trees::busy();
    let server = Server::start(&tree.root());
    let mut browser = Browser::start();
    let stats = server.stats(BUSY, "&period=two-weeks");
    for viewer in [Viewer::PHONE, Viewer::DESKTOP] {
        let name = format!("stats-printed-{}", viewer.name());
        let pdf = screenshot(&name).replace(".png", ".pdf");
        // The size of A4 without its margins.
        let paper: [Action<'_>; 2] = [&["media", "print"], &["resize", "726", "1054"]];
        let options = json!({"find": ["nav", "form", "details"], "shot": screenshot(&name)});
        let report = browser.open_and(&viewer, &stats, &paper, options);
        for hidden in report.found.iter().flatten() {
            assert!(hidden.bottom <= 0.0, "{hidden:?}");
        }
        assert!(
            report.text.contains("По дням недели и часам"),
            "{}",
            report.text
        );
        none(&complaints(&name, &server, &report));
        browser.act(&[&["pdf", &pdf]]);
        let pdf = std::fs::read(pdf).expect("it was printed");
        let pages = pdf.windows(11).filter(|text| text == b"/Type /Page");
        let trees = pdf.windows(12).filter(|text| text == b"/Type /Pages");
        assert_eq!(pages.count() - trees.count(), 1, "pages of {name}");
    }
}

#[test]
fn from_statistics_to_their_calls_and_back_is_a_tap_each() {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let week = server.stats("0367", "&date=2025-12-02");
    let stats = browser.open(&Viewer::PHONE, &week);
    assert!(
        stats.text.contains("26 ноября 2025 – 2 декабря 2025"),
        "{}",
        stats.text
    );
    let list = browser.act(&[&["follow", ".heat .s4 a"]]);
    assert_eq!((list.status, list.lang.as_str()), (200, "ru"));
    assert!(
        list.text.contains("1 декабря 2025, 10:00–11:00"),
        "{}",
        list.text
    );
    let day = browser.act(&[&["follow", ".head .pages a"]]);
    assert!(
        day.text.contains("Статистика, 1 декабря 2025"),
        "{}",
        day.text
    );
    let chosen: [Action<'_>; 2] = [&["fill", "#date", "2025-11-30"], &["follow", "form button"]];
    let chosen = browser.act(&chosen);
    assert!(
        chosen.text.contains("Статистика, 30 ноября 2025"),
        "{}",
        chosen.text
    );
    none(&complaints("a chosen day", &server, &chosen));
    let call = browser.act(&[&["follow", ".unreturned li a"]]);
    assert!(call.url.contains("/call/0367/"), "{}", call.url);
    assert!(
        !call.html.contains(server.token()),
        "the call's page has the token of all calls"
    );
}
