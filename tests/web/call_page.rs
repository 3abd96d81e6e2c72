//! The page of a call as a manager reads it: words, lanes, faults, the recording, other calls.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use calltrace_directory::Names;
use calltrace_web::pages::{Language, OtherCall, STYLE};
use regex::Regex;
use testing::sample;

use crate::pages::{call_with, long_after, names, page_of, page_with, text, text_between, trace};
use crate::serve_access::link;
use crate::serving::{CALL, Server, TOKEN};

fn section(html: &str, class: &str) -> String {
    text_between(html, &format!("<section class=\"{class}\""), "</section>")
}

#[test]
fn a_page_shows_a_transfer_in_steps_with_names() {
    let trace = trace(&sample(), "0367", "1764514800.140");
    let html = page_of(&long_after(Language::Russian), &trace, &names(), 0);
    expect_test::expect!["Ход звонка 18:00:00 Звонит клиент: +375 29 000-88-99, Линия 1 (0001363); вызываем: 150 Telegram: сообщение о вызове отправлено: Анна Сидорова, чат 100000002 18:00:06 +5 с Отвечает 150 через 5 с Telegram: сообщение о разговоре отправлено вместо прежнего: Анна Сидорова, чат 100000002 18:00:30 +29 с На удержании: клиент 18 с; 150 вызывает: Анна Сидорова (151) 18:00:36 +35 с 150 и Анна Сидорова (151) говорят между собой, 11 с 18:00:48 +47 с Звонок переведён: 150 → Анна Сидорова (151) 18:01:20 +1 мин 19 с На удержании: клиент 19 с; Анна Сидорова (151) вызывает: 152 18:01:26 +1 мин 25 с Анна Сидорова (151) и 152 говорят между собой, 12 с 18:01:39 +1 мин 38 с Звонок переведён: Анна Сидорова (151) → 152 18:02:40 +2 мин 39 с Клиент кладёт трубку: разговор 1 мин 56 с, на удержании 37 с Telegram: итоговое сообщение отправлено вместо прежнего: Анна Сидорова, чат 100000002"].assert_eq(&section(&html, "story"));
    let html = page_of(&long_after(Language::English), &trace, &names(), 0);
    expect_test::expect!["What happened 18:00:00 The client calls: +375 29 000-88-99, Линия 1 (0001363); ringing: 150 Telegram: message about the ringing sent: Анна Сидорова, chat 100000002 18:00:06 +5 s 150 answers after 5 s Telegram: message about the talk sent in place of the one before: Анна Сидорова, chat 100000002 18:00:30 +29 s On hold: the client for 18 s; 150 calls Анна Сидорова (151) 18:00:36 +35 s 150 and Анна Сидорова (151) talk between themselves for 11 s 18:00:48 +47 s Transferred: 150 → Анна Сидорова (151) 18:01:20 +1 min 19 s On hold: the client for 19 s; Анна Сидорова (151) calls 152 18:01:26 +1 min 25 s Анна Сидорова (151) and 152 talk between themselves for 12 s 18:01:39 +1 min 38 s Transferred: Анна Сидорова (151) → 152 18:02:40 +2 min 39 s The client hangs up: talk 1 min 56 s, on hold 37 s Telegram: final message sent in place of the one before: Анна Сидорова, chat 100000002"].assert_eq(&section(&html, "story"));
}

#[test]
fn lanes_are_people_and_show_hold_consultations_and_transfers() {
    let trace = trace(&sample(), "0367", "1764514800.140");
    let html = page_of(&long_after(Language::Russian), &trace, &names(), 0);
    let picture = &html[html
        .find("<section class=\"picture\"")
        .expect("it is drawn")..];
    let picture = &picture[..picture.find("</section>").expect("it ends")];
    let count = |what: &str| picture.matches(what).count();
    assert_eq!(count("<g class=\"lane\">"), 4, "the client and three of us");
    assert_eq!(
        count("class=\"held\" x=\""),
        2 + 1,
        "two holds and the legend"
    );
    assert_eq!(
        count("<line class=\"handed\" x1=\""),
        2 + 1,
        "two transfers and the legend"
    );
    assert!(count("class=\"consult p") >= 4, "{picture}");
    for channel in ["Local", "SIP/", "мост"] {
        assert!(!text(picture).contains(channel), "{channel}");
    }
    // The time of a line across the lanes is written above it.
    assert_eq!(
        count("<line class=\"tick\""),
        count("<text class=\"tick-time\"")
    );
}

#[test]
fn eight_seconds_of_ringing_are_seen_before_fifteen_minutes_of_talk() {
    let lines = "2025-11-30 09:07:35,100|AST|dial|1764493655.61|{\"Phone\": \"375290001234\", \"Extensions\": [\"150\"], \"CallType\": 0}\n\
        2025-11-30 09:07:43,000|AST|bridge|1764493655.61|{\"BridgeUniqueid\": \"B\", \"Channel\": \"SIP/0001363-1\", \"CallerIDNum\": \"375290001234\"}\n\
        2025-11-30 09:07:43,010|AST|bridge|1764493656.62|{\"BridgeUniqueid\": \"B\", \"Channel\": \"SIP/150-2\", \"CallerIDNum\": \"150\"}\n\
        2025-11-30 09:22:43,000|AST|bridge_leave|1764493655.61|{\"BridgeUniqueid\": \"B\", \"Channel\": \"SIP/0001363-1\", \"CallerIDNum\": \"375290001234\"}\n\
        2025-11-30 09:22:43,010|AST|bridge_leave|1764493656.62|{\"BridgeUniqueid\": \"B\", \"Channel\": \"SIP/150-2\", \"CallerIDNum\": \"150\"}\n\
        2025-11-30 09:22:43,100|AST|hangup|1764493655.61|{\"Phone\": \"375290001234\", \"Extensions\": [\"150\"], \"CallType\": 0, \"CallStatus\": \"2\"}\n";
    let (_dir, trace) = call_with(lines);
    let html = page_of(&long_after(Language::Russian), &trace, &Names::default(), 0);
    let ring =
        Regex::new("<rect class=\"ringing\" x=\"([0-9.]+)%\" y=\"[0-9]+\" width=\"([0-9.]+)%\"");
    let ring = ring.expect("a constant pattern");
    let drawn = ring.captures(&html).expect("the ringing is drawn");
    let width: f64 = drawn[2].parse().expect("a number");
    assert!(width > 7.0, "{width}");
    assert!(html.contains("Короткие отрезки нарисованы шире"));
}

#[test]
fn a_clean_call_has_no_fault_and_nothing_red() {
    let html = page_of(
        &long_after(Language::Russian),
        &trace(&sample(), "0367", "1764514800.140"),
        &names(),
        0,
    );
    let body = &html[html.find("<body>").expect("it has one")..];
    for red in [
        "class=\"problem\"",
        "badge bad",
        "button bad",
        "id=\"faults\"",
    ] {
        assert!(!body.contains(red), "{red}");
    }
}

#[test]
fn only_a_problem_is_red_and_each_fault_leads_to_its_records() {
    let lines = "2025-11-30 09:07:36,000|TG|send|100000001|start|7|1764493655.61|\u{1f4b0}+375290001234\n\
        2025-11-30 09:07:36,500|HTTP|1764493655.61|GET|http://h/customer-name/0367/375290001234|200|{\"_duration_ms\": 12.5}|{\"name\": null}\n\
        2025-11-30 09:08:00,000|AST|hangup|1764493655.61|{\"Phone\": \"375290001234\", \"Extensions\": [\"\"], \"CallType\": 0, \"CallStatus\": \"0\"}\n";
    let (_dir, trace) = call_with(lines);
    let html = page_of(&long_after(Language::Russian), &trace, &names(), 0);
    expect_test::expect!["Что не так ✕ Проблема. Итоговое сообщение не отправлено: Анна Сидорова. 12:07:36 ! Предупреждение. Сообщение о ходе звонка осталось неудалённым: Анна Сидорова. 12:07:36 · Заметка. Имя в справочнике не найдено. 12:07:36"].assert_eq(&section(&html, "faults"));
    let faults = &html[html
        .find("<section class=\"faults\"")
        .expect("there are some")..];
    let link = Regex::new("href=\"#(r[0-9]+)\"").expect("a constant pattern");
    let faults = &faults[..faults.find("</section>").expect("it ends")];
    let links: BTreeSet<&str> = link
        .captures_iter(faults)
        .map(|found| found.get(1).expect("a part").as_str())
        .collect();
    assert!(links.len() >= 2, "{faults}");
    for anchor in links {
        assert!(html.contains(&format!("id=\"{anchor}\"")), "{anchor}");
    }
    assert!(
        html.contains("13\u{a0}мс") || html.contains("12\u{a0}мс"),
        "how long the request took"
    );
}

#[test]
fn no_english_is_on_a_russian_page() {
    // Apart from names of things, these are texts that a log holds.
    let is_known =
        |word: &str| testing::LATIN_WORDS.contains(&word) || ["june", "Ericsson"].contains(&word);
    let raw =
        Regex::new("(?s)<(code|pre|bdi)[ >].*?</(code|pre|bdi)>").expect("a constant pattern");
    let messages = Regex::new("(?s)<p class=\"text\">.*?</p>").expect("a constant pattern");
    let word = Regex::new("[A-Za-z]{2,}").expect("a constant pattern");
    let table = include_str!("../data/calls.tsv");
    let mut strange = BTreeSet::new();
    for row in table.lines().skip(1) {
        let mut cells = row.split('\t');
        let (enterprise, id) = (cells.next().expect("a cell"), cells.nth(1).expect("a cell"));
        let html = page_of(
            &long_after(Language::Russian),
            &trace(&sample(), enterprise, id),
            &names(),
            0,
        );
        let body = &html[html.find("<body>").expect("it has one")..];
        let words = text(&messages.replace_all(&raw.replace_all(body, " "), " "));
        for found in word.find_iter(&words) {
            let found = found.as_str();
            if !is_known(found) && !["GET", "POST"].contains(&found) {
                strange.insert(format!("{id}: {found}"));
            }
        }
    }
    assert!(strange.is_empty(), "{strange:?}");
}

#[test]
fn tags_and_escapes_of_a_message_are_not_shown() {
    let lines = "2025-11-30 09:07:36,000|TG|send|100000001|start|7|1764493655.61|<b>Звонок</b>\u{2028}<a href=\"https://x/\">запись</a> &amp; \u{202e}всё\n";
    let (_dir, trace) = call_with(lines);
    let html = page_of(&long_after(Language::Russian), &trace, &names(), 0);
    assert!(html.contains("Звонок запись &amp; всё"), "{}", text(&html));
    for code in ["&lt;b&gt;", "u{20", "&amp;amp;"] {
        assert!(!html.contains(code), "{code}");
    }
}

#[test]
fn the_number_is_dialled_by_a_button_and_selected_by_one_tap() {
    for (phone, number) in [
        ("375290001234", Some("tel:+375290001234")),
        ("+375290001234", Some("tel:+375290001234")),
        ("80290001234", Some("tel:+375290001234")),
        ("103", Some("tel:103")),
        ("<unknown>", None),
    ] {
        let event = format!(
            "2025-11-30 09:07:35,100|AST|dial|1764493655.61|{{\"Phone\": \"{phone}\", \"Extensions\": [\"150\"], \"CallType\": 0, \"Trunk\": \"0001363\"}}\n"
        );
        let start = format!(
            "2025-11-30 09:07:35,000|AST|start|1764493655.61|{{\"Phone\": \"{phone}\", \"CallType\": 0, \"Trunk\": \"0001363\"}}\n"
        );
        let dir = tempfile::tempdir().expect("a folder");
        let folder = dir.path().join("0367");
        fs::create_dir(&folder).expect("made");
        fs::write(folder.join("events.log"), start + &event).expect("written");
        let trace = trace(dir.path(), "0367", "1764493655.61");
        let html = page_of(&long_after(Language::Russian), &trace, &Names::default(), 0);
        match number {
            Some(number) => {
                assert!(html.contains(&format!("href=\"{number}\"")), "{phone}");
                assert!(html.contains("class=\"num pick\""), "{phone}");
            }
            None => assert!(!html.contains("tel:"), "{phone}"),
        }
    }
    assert!(STYLE.contains(".pick{-webkit-user-select:all;user-select:all}"));
}

#[test]
fn a_recording_and_other_calls_are_links() {
    let trace = trace(&sample(), "0367", "1764666900.61");
    let other = self::trace(&sample(), "0367", "1764514800.140");
    let others = [OtherCall {
        summary: other.call.expect("it is there").summary,
        link: "../../call/0367/1764514800.140?exp=1&sig=x".to_owned(),
    }];
    let html = page_with(&long_after(Language::Russian), &trace, &names(), |page| {
        page.recording = Some("https://rec.example.org/61.mp3?a=1&b=2");
        page.others = &others;
    });
    assert!(html.contains(
        "href=\"https://rec.example.org/61.mp3?a=1&amp;b=2\" rel=\"noopener noreferrer\""
    ));
    assert!(html.contains("href=\"../../call/0367/1764514800.140?exp=1&amp;sig=x\""));
    expect_test::expect![
        "Другие звонки этого клиента 30 ноября 2025, 18:00 · входящий · Принят · 150 · 1 мин 56 с"
    ]
    .assert_eq(&section(&html, "others"));
}

#[test]
fn other_calls_are_for_the_token_and_never_behind_a_link_for_one_call() {
    let server = Server::sample();
    let until = testing::clock().unix_seconds() + 60;
    let path = link("0367", "1764493655.61", until);
    let begin = Instant::now();
    // On a busy machine the page may leave them out once or twice.
    loop {
        let page = server.get(&format!("{CALL}?token={TOKEN}"));
        let page = page.text();
        if page.contains("<section class=\"others\"") {
            assert!(page.contains("/call/0367/") && page.contains("&amp;sig="));
            break;
        }
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "they are never there"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    // They are cached now, and are still not shown.
    let page = server.get(&path);
    assert_eq!(page.status, 200);
    let page = page.text();
    for heading in ["others", "Другие звонки"] {
        let body = &page[page.find("<body>").expect("it has one")..];
        assert!(!body.contains(heading), "{heading}");
    }
}

/// Pairs of foreground and background colours, and the contrast ratio that WCAG 2.1 AA requires.
const PAIRS: [(&str, &str); 24] = [
    ("ink", "bg"),
    ("ink", "card"),
    ("dim", "bg"),
    ("dim", "card"),
    ("link", "bg"),
    ("link", "card"),
    ("ok", "okbg"),
    ("bad", "badbg"),
    ("odd", "oddbg"),
    ("live", "livebg"),
    ("bad", "card"),
    ("odd", "card"),
    ("on", "p0"),
    ("on", "p1"),
    ("on", "p2"),
    ("on", "p3"),
    ("on", "p4"),
    ("on", "p5"),
    ("ink", "ringground"),
    ("ink", "ringhatch"),
    ("ink", "oddbg"),
    ("dim", "oddbg"),
    ("link", "badbg"),
    ("ink", "livebg"),
];

#[test]
fn texts_are_read_on_their_grounds_by_day_and_by_night() {
    let variable = Regex::new("--([a-z0-9]+):#([0-9a-f]{3,6})").expect("a constant pattern");
    let root = Regex::new(r"(@media\(prefers-color-scheme:dark\)\{)?:root\{[^}]*\}")
        .expect("a constant pattern");
    let mut schemes = [
        std::collections::BTreeMap::new(),
        std::collections::BTreeMap::new(),
    ];
    for found in root.captures_iter(STYLE) {
        let is_dark = found.get(1).is_some();
        for known in variable.captures_iter(&found[0]) {
            schemes[usize::from(is_dark)].insert(known[1].to_owned(), known[2].to_owned());
        }
    }
    let mut wrong = String::new();
    for (scheme, colours) in schemes.iter().enumerate() {
        for (text, ground) in PAIRS {
            let ratio = contrast(&colours[text], &colours[ground]);
            if ratio < 4.5 {
                let _ = writeln!(wrong, "scheme {scheme}: {text} on {ground}: {ratio:.2}");
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn contrast(one: &str, other: &str) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// WCAG 2.1's relative luminance.
fn luminance(colour: &str) -> f64 {
    let digits: Vec<f64> = (colour.chars())
        .map(|digit| f64::from(digit.to_digit(16).expect("a digit")))
        .collect();
    let channel = |at: usize| {
        let value = match digits.len() {
            3 => digits[at] * 17.0,
            _ => digits[2 * at] * 16.0 + digits[2 * at + 1],
        } / 255.0;
        match value <= 0.03928 {
            true => value / 12.92,
            false => ((value + 0.055) / 1.055).powf(2.4),
        }
    };
    0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
}

#[test]
fn a_telephone_that_refuses_at_once_did_not_ring_for_any_time() {
    let root = tempfile::tempdir().expect("the test's own files");
    let folder = root.path().join("0367");
    fs::create_dir_all(&folder).expect("the test's own files");
    let event = |millis: u32, event: &str, more: &str| {
        format!(
            "2025-12-02 09:15:00,{millis:03}|AST|{event}|1764666900.1|{{\"UniqueId\": \"1764666900.1\", \"Phone\": \"375290001234\", \"CallType\": 0{more}}}\n"
        )
    };
    let lines = event(0, "start", "")
        + &event(40, "dial", ", \"Extensions\": [\"151\"]")
        + &event(90, "hangup", ", \"CallStatus\": \"0\"");
    fs::write(folder.join("events_2025-12-02.log"), lines).expect("the test's own files");
    let trace = trace(root.path(), "0367", "1764666900.1");
    let look = long_after(Language::English);
    let html = text(&page_of(&look, &trace, &Names::default(), 0));
    assert!(html.contains("151 rang, no answer."), "{html}");
}
