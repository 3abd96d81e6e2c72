//! Pages of each kind, and ten calls of different kinds, as every kind of visitor sees them: on a telephone, a
//! tablet and a desktop screen, in the light and the dark scheme, in both languages. Several browsers share the
//! work, so that they run at once.
//!
//! Screenshots for people are written to `screenshots` in the target folder: of the light scheme in Russian, and with
//! `SCENES_ALL=1 cargo test --test browser scenes` of all 164 pages.

use std::fs;
use std::path::Path;

use crate::browsing::order::{complaints, none};
use crate::browsing::{Browser, Server, Viewer, screenshot};
use crate::pages::TRANSFERRED;
use serde_json::{Value, json};

/// Scenarios of a real Asterisk (`tests/data/real-asterisk`), each an enterprise of its own.
const CAPTURED: [&str; 7] = [
    "atxfer_outgoing_completed",
    "blind_refer_unanswered",
    "followme",
    "queue_rrmemory",
    "conference",
    "mobile_tried",
    "incoming_busy",
];

/// Calls of the sample tree: an answered one, a missed one, and one that is transferred twice.
const SAMPLED: [(&str, &str); 3] = [
    ("answered", "1764666900.61"),
    ("missed", "1764668410.88"),
    ("handed-on-twice", "1764514800.140"),
];

/// The statistics that are shown: the sample tree's own two weeks.
const STATS: &str = "&period=two-weeks&date=2025-12-03";

/// After all of the captures.
const NOW: &str = "2026-11-30T09:00:00Z";

/// Whether people get screenshots of what this viewer sees: to take one costs more than all checks of a page.
fn is_shown(viewer: &Viewer) -> bool {
    let is_usual = viewer.scheme == "light" && viewer.locale == "ru-RU";
    is_usual || std::env::var_os("SCENES_ALL").is_some()
}

/// The options that ask the driver for a screenshot, if there is to be one.
fn shot_of(viewer: &Viewer, name: &str) -> Value {
    match is_shown(viewer) {
        true => json!({"shot": screenshot(name)}),
        false => json!({}),
    }
}

#[test]
fn pages_are_in_order_on_a_telephone_in_every_colour_and_language() {
    pages_are_in_order("phone");
}

#[test]
fn pages_are_in_order_on_a_desktop_in_every_colour_and_language() {
    pages_are_in_order("desktop");
}

fn pages_are_in_order(viewport: &'static str) {
    let server = Server::start(&testing::sample());
    let mut browser = Browser::start();
    let (enterprise, id) = TRANSFERRED;
    let pages = [
        ("call", server.call(enterprise, id)),
        ("list", server.list(enterprise, "")),
        ("stats", server.stats(enterprise, "")),
        (
            "stats-day",
            server.stats(enterprise, "&period=day&date=2025-12-01"),
        ),
    ];
    let mut wrong = Vec::new();
    for viewer in Viewer::of_sizes(&[viewport]) {
        for (name, url) in &pages {
            let name = format!("{name}-{}", viewer.name());
            let folded = browser.open_and(&viewer, url, &[], shot_of(&viewer, &name));
            wrong.extend(complaints(&name, &server, &folded));
            let (lang, words) = match viewer.locale {
                "ru-RU" => ("ru", "Звон"),
                _ => ("en", "Call"),
            };
            if folded.lang != lang || !folded.title.contains(words) {
                wrong.push(format!("{name}: speaks {}, {}", folded.lang, folded.title));
            }
            // axe does not check folded content.
            let unfolded = browser.act_and(&[&["unfold"]], json!({"axe": true}));
            wrong.extend(complaints(&format!("{name} unfolded"), &server, &unfolded));
            let narrow = browser.act(&[&["resize", "320", "568"]]);
            wrong.extend(complaints(&format!("{name} narrow"), &server, &narrow));
        }
    }
    none(&wrong);
}

#[test]
fn ten_calls_and_statistics_are_in_order_on_a_telephone() {
    scenes_are_in_order(&["phone"]);
}

#[test]
fn ten_calls_and_statistics_are_in_order_on_wide_screens() {
    scenes_are_in_order(&["tablet", "desktop"]);
}

fn scenes_are_in_order(viewports: &[&'static str]) {
    let root = tempfile::tempdir().expect("a folder");
    let tree = root.path().join("call_tracer");
    copy(&testing::sample().join("0367"), &tree.join("0367"));
    let mut scenes: Vec<(&str, String, String)> = Vec::new();
    for (name, id) in SAMPLED {
        scenes.push((name, "0367".to_owned(), id.to_owned()));
    }
    for (at, name) in CAPTURED.iter().enumerate() {
        let enterprise = format!("09{at:02}");
        let log = testing::project().join(format!("tests/data/real-asterisk/16/{name}/host.log"));
        fs::create_dir_all(tree.join(&enterprise)).expect("made");
        fs::copy(&log, tree.join(&enterprise).join("events.log")).expect("copied");
        let log = fs::read_to_string(log).expect("it is there");
        let id = log
            .lines()
            .find(|line| line.contains("|start|") || line.contains("|dial|"));
        let id = id
            .and_then(|line| line.split('|').nth(3))
            .expect("it has a call");
        scenes.push((name, enterprise, id.to_owned()));
    }
    scenes.push(("stats", "0367".to_owned(), String::new()));
    let settings = root.path().join("config.toml");
    fs::write(&settings, SETTINGS).expect("written");
    let server = Server::configured_at(&tree, &settings, "made-up-secret", NOW);
    let mut browser = Browser::start();
    let mut wrong = Vec::new();
    for viewer in Viewer::of_sizes(viewports) {
        // Wide screens differ only in their width.
        if viewer.viewport != "phone" && !is_shown(&viewer) {
            continue;
        }
        // Each viewer gets one browser, which opens one page after the other.
        browser.open(&viewer, &server.call("0367", SAMPLED[0].1));
        for (scene, enterprise, id) in &scenes {
            let name = format!("scene-{scene}-{}", viewer.name());
            let mut shot = shot_of(&viewer, &name);
            // axe finds the same on a wide screen as on a narrow one.
            shot["axe"] = json!(viewer.viewport == "phone");
            let url = match id.as_str() {
                "" => server.stats(enterprise, STATS),
                id => server.call(enterprise, id),
            };
            let report = browser.act_and(&[&["go", &url]], shot);
            wrong.extend(complaints(&name, &server, &report));
            if report.status != 200 {
                wrong.push(format!("{name}: {}", report.status));
            }
            if viewer.locale == "ru-RU" {
                let latin =
                    |word: &&str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_alphabetic());
                let words = report
                    .text
                    .split(|c: char| !c.is_alphabetic())
                    .filter(latin);
                let strange: Vec<&str> = words
                    .filter(|word| !testing::LATIN_WORDS.contains(word))
                    .collect();
                if !strange.is_empty() {
                    wrong.push(format!("{name}: English on a Russian page: {strange:?}"));
                }
            }
        }
    }
    none(&wrong);
}

/// Names for some of the people; the others have none.
const SETTINGS: &str = "
[people]
100000001 = \"Анна Сидорова\"
[enterprises.0367]
name = \"Ромашка\"
secret = \"made-up-secret\"
extensions = { 150 = \"Джуновый Джулай\", 151 = \"Анна Сидорова\" }
lines = { 0001363 = \"Линия 1\" }
[enterprises.0900]
secret = \"made-up-secret\"
extensions = { 150 = \"Анна Сидорова\", 151 = \"Пётр Ильин\", 152 = \"Константин Константинопольский\" }
[enterprises.0901]
secret = \"made-up-secret\"
[enterprises.0902]
secret = \"made-up-secret\"
[enterprises.0903]
secret = \"made-up-secret\"
[enterprises.0904]
secret = \"made-up-secret\"
[enterprises.0905]
secret = \"made-up-secret\"
[enterprises.0906]
secret = \"made-up-secret\"
";

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("made");
    for entry in fs::read_dir(from).expect("it is there") {
        let entry = entry.expect("it is there");
        if entry.file_type().expect("it has a type").is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
}
