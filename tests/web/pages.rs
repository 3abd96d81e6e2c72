//! Pages as text: what a manager reads on the first screen, how records become entries, and that no hostile
//! text of a log becomes more than text.

use std::fs;
use std::path::Path;

use calltrace_directory::Names;
use calltrace_engine::{Engine, Trace, TraceQuestion};
use calltrace_model::record::{LogZone, Stamp};
use calltrace_output::Clock;
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};
use calltrace_web::pages::{CallPage, Language, PageContext, call_page};
use flate2::Compression;
use flate2::write::GzEncoder;
use regex::Regex;
use testing::sample;

fn look(language: Language, now: &str) -> PageContext {
    PageContext {
        language,
        clock: Clock {
            log: LogZone::default(),
            shown: calltrace_model::record::Zone::named("Europe/Minsk").expect("a zone"),
        },
        now: Stamp::parse_prefix(now.as_bytes()).expect("a time"),
    }
}

pub(crate) fn long_after(language: Language) -> PageContext {
    look(language, "2025-12-03 09:00:00,000")
}

pub(crate) fn trace(root: &Path, enterprise: &str, id: &str) -> Trace {
    let tree = Tree::open(root).expect("the tree");
    let engine = Engine::new(1, Tuning::default(), LogZone::default()).expect("an engine");
    let name = EnterpriseName::new(enterprise).expect("a name");
    let question = TraceQuestion {
        id: id.to_owned(),
        strict: false,
        every_file: false,
        since: None,
    };
    engine.trace(&tree, &name, &question).expect("a trace")
}

pub(crate) fn page_of(look: &PageContext, trace: &Trace, names: &Names, from: usize) -> String {
    page_with(look, trace, names, |page| page.from = from)
}

/// Renders the page of a call with one part of it changed.
pub(crate) fn page_with<'a>(
    look: &PageContext,
    trace: &'a Trace,
    names: &'a Names,
    change: impl FnOnce(&mut CallPage<'a>),
) -> String {
    let mut page = CallPage {
        enterprise: &trace.enterprise,
        title: Some("june"),
        call: trace.call.as_ref().expect("the call is there"),
        searched: trace.searched,
        troubles: &trace.troubles,
        names,
        may_refresh: true,
        from: 0,
        query: "?token=t",
        list: Some("/calls/0367?token=t"),
        recording: None,
        others: &[],
    };
    change(&mut page);
    call_page(look, &page).into_string()
}

fn page(look: &PageContext, root: &Path, enterprise: &str, id: &str) -> String {
    let trace = trace(root, enterprise, id);
    page_of(look, &trace, &Names::default(), 0)
}

/// Returns what a person reads from the first element with this class to the next mark.
pub(crate) fn text_between(html: &str, begin: &str, end: &str) -> String {
    let from = html.find(begin).unwrap_or_else(|| panic!("no {begin}"));
    let rest = &html[from..];
    let upto = rest.find(end).unwrap_or(rest.len());
    text(&rest[..upto])
}

pub(crate) fn text(html: &str) -> String {
    let tag = Regex::new("<[^>]*>").expect("a constant pattern");
    let space = Regex::new(r"[\s\u{a0}]+").expect("a constant pattern");
    let plain = tag.replace_all(html, " ");
    let plain = plain
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"");
    space
        .replace_all(plain.replace("&amp;", "&").trim(), " ")
        .into_owned()
}

fn first_screen(html: &str) -> String {
    text_between(
        html,
        "<header class=\"head\">",
        "<section class=\"picture\"",
    )
}

pub(crate) fn names() -> Names {
    let mut names = Names::default();
    let mut add = |chat: &str, extension: &str, name: &str| {
        names.chats.insert(chat.to_owned(), name.to_owned());
        names
            .extensions
            .insert(extension.to_owned(), name.to_owned());
    };
    add("100000001", "151", "Анна Сидорова");
    names
        .lines
        .insert("0001363".to_owned(), "Линия 1".to_owned());
    names
        .clients
        .insert("375290001234".to_owned(), "ООО «Ромашка»".to_owned());
    names
}

#[test]
fn the_first_screen_says_who_whom_how_long_and_who_picked_up() {
    let trace = trace(&sample(), "0367", "1764666900.61");
    let html = page_of(&long_after(Language::Russian), &trace, &names(), 0);
    expect_test::expect!["june · 0367 · Входящий звонок · Линия 1 (0001363) 2 декабря 2025, 12:15:00 (Europe/Minsk, UTC+03:00) ✓ Принят Клиент ООО «Ромашка» ( +375 29 000-12-34 ) дозвонился: отвечает Анна Сидорова (151) через 9 с; разговор 1 мин 51 с. Ожидание 9 с Разговор 1 мин 51 с Весь звонок 2 мин 4 с ☎ Позвонить: +375 29 000-12-34 Текст для пересылки june (0367), 2 декабря 2025, 12:15. Принят. Клиент ООО «Ромашка» (+375 29 000-12-34) дозвонился: отвечает Анна Сидорова (151) через 9 с; разговор 1 мин 51 с."].assert_eq(&first_screen(&html));
    let html = page_of(&long_after(Language::English), &trace, &Names::default(), 0);
    expect_test::expect!["june · 0367 · Incoming call · line 0001363 2 December 2025, 12:15:00 (Europe/Minsk, UTC+03:00) ✓ Answered The client +375 29 000-12-34 got through: answered by 151 after 9 s; talk 1 min 51 s. Waiting 9 s Talk 1 min 51 s In all 2 min 4 s ☎ Call: +375 29 000-12-34 Text to pass on june (0367), 2 December 2025, 12:15. Answered. The client +375 29 000-12-34 got through: answered by 151 after 9 s; talk 1 min 51 s."].assert_eq(&first_screen(&html));
}

#[test]
fn a_missed_call_says_whom_it_rang_and_for_how_long() {
    let html = page(
        &long_after(Language::Russian),
        &sample(),
        "0367",
        "1764668410.88",
    );
    expect_test::expect!["june · 0367 · Входящий звонок · линия 0001363 2 декабря 2025, 12:40:10 (Europe/Minsk, UTC+03:00) ✕ Пропущен Клиент +375 29 000-56-78 не дозвонился: вызывали 150, 151, за 24 с нет ответа. Ожидание 24 с Весь звонок 24 с ☎ Позвонить: +375 29 000-56-78 Текст для пересылки june (0367), 2 декабря 2025, 12:40. Пропущен. Клиент +375 29 000-56-78 не дозвонился: вызывали 150, 151, за 24 с нет ответа."].assert_eq(&first_screen(&html));
}

#[test]
fn a_call_with_no_end_in_the_log_says_so() {
    let html = page(
        &long_after(Language::English),
        &sample(),
        "0367",
        "1764678600.215",
    );
    expect_test::expect!["june · 0367 · Outgoing call · line 0001363 2 December 2025, 15:30:00 (Europe/Minsk, UTC+03:00) ? No end logged 152 calls the client +375 29 000-46-80 : how it ended is not in the log. In all 0.0 s ☎ Call: +375 29 000-46-80 ! 1 warning Text to pass on june (0367), 2 December 2025, 15:30. No end logged. 152 calls the client +375 29 000-46-80: how it ended is not in the log."].assert_eq(&first_screen(&html));
    assert!(
        !html.contains("http-equiv"),
        "a call that is lost is not waited for"
    );
}

#[test]
fn a_transfer_names_the_person_it_led_to() {
    let html = page(
        &long_after(Language::English),
        &sample(),
        "0367",
        "1764514800.140",
    );
    let first = first_screen(&html);
    let talks = "talk 1 min 56 s (150 — 23 s, 151 — 31 s, 152 — 1 min); on hold 37 s.";
    assert!(first.contains(talks), "{first}");
    let story = text_between(&html, "<section class=\"story\"", "</section>");
    for step in ["Transferred: 150 → 151", "Transferred: 151 → 152"] {
        assert!(story.contains(step), "{story}");
    }
}

#[test]
fn a_message_to_two_chats_is_one_entry_with_the_life_it_had_in_each() {
    let html = page(
        &long_after(Language::Russian),
        &sample(),
        "0367",
        "1764514800.140",
    );
    let entry =
        Regex::new(r#"<li id="r\d+" class="e tg">.*?</li></ul>"#).expect("a constant pattern");
    let first = entry.find(&html).expect("a message").as_str();
    expect_test::expect!["18:00:01 .250 +0,9 с 💬 Отправлено: 2 чата · сообщение о вызове · удалено через 5 с чат 100000001 · сообщение 63052 · прожило 5 с чат 100000002 · сообщение 63053 · прожило 5 с"].assert_eq(&text(first));
}

#[test]
fn a_call_that_goes_on_refreshes_itself_until_it_is_over() {
    let root = tempfile::tempdir().expect("the test's own files");
    let events = "2025-12-02 09:15:00,410|AST|start|1764666900.61|{\"UniqueId\": \"1764666900.61\", \"Phone\": \"375290001234\", \"CallType\": 0, \"Trunk\": \"0001363\"}\n\
        2025-12-02 09:15:01,020|AST|dial|1764666900.61|{\"UniqueId\": \"1764666900.61\", \"Phone\": \"375290001234\", \"Extensions\": [\"150\", \"151\"], \"CallType\": 0}\n";
    tree_with(root.path(), events);
    let at = |now: &str| {
        let look = look(Language::English, now);
        page(&look, root.path(), "0367", "1764666900.61")
    };
    let ringing = at("2025-12-02 09:15:11,000");
    assert!(ringing.contains("<meta http-equiv=\"refresh\" content=\"5\">"));
    assert!(
        first_screen(&ringing).contains("● Ringing now"),
        "{}",
        first_screen(&ringing)
    );
    // Half an hour later no further record is expected.
    let lost = at("2025-12-02 09:50:00,000");
    assert!(!lost.contains("http-equiv"));
    assert!(
        first_screen(&lost).contains("? No end logged"),
        "{}",
        first_screen(&lost)
    );
}

#[test]
fn a_damaged_file_is_named_with_its_day() {
    let root = tempfile::tempdir().expect("the test's own files");
    copy_tree(&sample().join("0367"), &root.path().join("0367"));
    let old = root.path().join("0367/events.log.2025-11-27.gz");
    let whole = fs::read(&old).expect("the test's own files");
    fs::write(&old, &whole[..whole.len() / 2]).expect("the test's own files");
    let html = page(
        &long_after(Language::Russian),
        root.path(),
        "0367",
        // The call continues where the damage begins.
        "1764235820.25",
    );
    let first = first_screen(&html);
    assert!(first.contains("Часть журнала не прочитана"), "{first}");
    assert!(
        first.contains("Файл за 27.11.2025 повреждён после "),
        "{first}"
    );
    assert!(
        !html.contains(&*root.path().to_string_lossy()),
        "a path of the server"
    );
}

#[test]
fn no_page_of_the_sample_tree_holds_a_token() {
    let table = include_str!("../data/calls.tsv");
    let mut pages = 0;
    for row in table.lines().skip(1) {
        let mut cells = row.split('\t');
        let (enterprise, id) = (cells.next().expect("a cell"), cells.nth(1).expect("a cell"));
        let trace = trace(&sample(), enterprise, id);
        let html = page_of(&long_after(Language::Russian), &trace, &Names::default(), 0);
        for line in &trace.call.as_ref().expect("the call is there").lines {
            let line = String::from_utf8_lossy(&line.text);
            let Some((_, rest)) = line.split_once("\"Token\": \"") else {
                continue;
            };
            let token = rest.split('"').next().expect("a cell");
            assert!(!html.contains(token), "{id}: {token}");
        }
        pages += 1;
    }
    assert_eq!(pages, 79);
}

/// Texts that could become more than text, for every place in a log.
const HOSTILE: [&str; 7] = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</pre></style><svg onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "' onmouseover='alert(1)",
    "\u{202e}evil\u{2066}\u{1b}[2J",
    "a\u{2028}b\u{85}c",
];

#[test]
fn hostile_bytes_of_a_log_stay_text_wherever_they_stand() {
    let root = tempfile::tempdir().expect("the test's own files");
    let mut events = String::new();
    for (at, evil) in HOSTILE.iter().enumerate() {
        let json = serde_json::Value::from(*evil);
        let second = at + 1;
        events.push_str(&format!(
            "2025-12-02 09:15:0{second},100|AST|new_callerid|1764666900.61|{{\"UniqueId\": \"1764666900.61\", \"Channel\": {json}, \"CallerIDNum\": {json}, \"CallerIDName\": {json}, \"Trunk\": {json}}}\n\
             2025-12-02 09:15:0{second},200|AST|dial|1764666900.61|{{\"UniqueId\": \"1764666900.61\", \"Phone\": {json}, \"Extensions\": [{json}], \"CallType\": 0, \"Trunk\": {json}}}\n\
             2025-12-02 09:15:0{second},210|AST|bridge|1764666900.61|{{\"UniqueId\": \"1764666900.61\", \"BridgeUniqueid\": {json}, \"Channel\": {json}, \"CallerIDNum\": \"1\"}}\n\
             2025-12-02 09:15:0{second},300|TG|send|{evil}|{evil}|45|1764666900.61|{evil}\n\
             2025-12-02 09:15:0{second},400|HTTP|1764666900.61|{evil}|http://h/{evil}|{evil}|{{\"a\": {json}}}|{{\"b\": {json}}}\n\
             2025-12-02 09:15:0{second},410|HTTP|1764666900.61|GET|http://h/customer-name/0367/375290001234|200|{{}}|{{\"name\": {json}}}\n\
             2025-12-02 09:15:0{second},500|SQL|1764666900.61|{evil}|{evil}|{{\"a\": {json}}}|{{}}\n\
             2025-12-02 09:15:0{second},600|{evil}|1764666900.61|{evil}\n"
        ));
    }
    // It is long enough to be cut where it is shown.
    let big = "<b>".repeat(350_000);
    events.push_str(&format!(
        "2025-12-02 09:15:09,000|HTTP|1764666900.61|GET|http://h/|200|{{}}|{{\"big\": \"{big}\"}}\n"
    ));
    tree_with(root.path(), &events);
    let mut names = names();
    for evil in HOSTILE {
        names.chats.insert(evil.to_owned(), evil.to_owned());
        names.extensions.insert(evil.to_owned(), evil.to_owned());
        names.lines.insert(evil.to_owned(), evil.to_owned());
    }
    let trace = trace(root.path(), "0367", "1764666900.61");
    let html = page_of(&long_after(Language::Russian), &trace, &names, 0);
    assert!(html.len() < 300_000, "{} bytes", html.len());
    for forbidden in [
        "<script",
        "<img",
        "onload=alert(1)>",
        "<b>",
        "<a href='",
        "\u{202e}",
        "\u{2066}",
        "\u{1b}",
        "\u{2028}",
        "\u{85}",
    ] {
        assert!(!html.contains(forbidden), "{forbidden:?}");
    }
    // All links are the page's own.
    let href = Regex::new(r#"href="([^"]*)""#).expect("a constant pattern");
    for link in href.captures_iter(&html) {
        let own = link[1].starts_with('#')
            || link[1].starts_with("tel:+375")
            || link[1].starts_with("?token=t")
            || link[1].starts_with("/calls/")
            || link[1].starts_with("data:image/svg");
        assert!(own, "{}", &link[1]);
    }
    // A quote in a text never ends an attribute, so no tag has a handler.
    let attribute = Regex::new(r#"\s(on\w+)="#).expect("a constant pattern");
    let quoted = Regex::new("\"[^\"]*\"").expect("a constant pattern");
    let tags = Regex::new("<[^>]*>").expect("a constant pattern");
    for tag in tags.find_iter(&html) {
        let unquoted = quoted.replace_all(tag.as_str(), "");
        assert!(!attribute.is_match(&unquoted), "{}", tag.as_str());
    }
    assert!(
        text(&html).contains("<script>alert(1)</script>"),
        "it is shown as what it is"
    );
    assert!(
        text(&html).contains("\\u{202e}evil"),
        "what turns text around is made visible"
    );
}

#[test]
fn a_call_of_sixty_events_fits_into_sixty_kilobytes() {
    let root = tempfile::tempdir().expect("the test's own files");
    let mut events = String::new();
    for n in 0..60 {
        // The records vary as in the field: each has other numbers, names and bodies.
        let (second, phone, ext) = (n % 60, 375_290_000_000_u64 + n * 7919, 100 + n);
        events.push_str(&format!(
            "2025-12-02 09:15:{second:02},100|AST|bridge|1764666900.{}|{{\"Token\": \"375290000000\", \"UniqueId\": \"1764666900.{}\", \"BridgeUniqueid\": \"7f3a{:04}-1c2d-4e5f-8a9b-{:012}\", \"Channel\": \"SIP/{ext}-{:08x}\", \"Exten\": \"{ext}\", \"CallerIDNum\": \"{phone}\", \"CallerIDName\": \"Клиент номер {n}\", \"ConnectedLineNum\": \"{ext}\", \"ConnectedLineName\": \"<unknown>\"}}\n",
            61 + n % 2,
            61 + n % 2,
            n / 12,
            n / 12 * 99_991,
            n * 40_503,
        ));
        events.push_str(&format!(
            "2025-12-02 09:15:{second:02},300|TG|send|10000{n:04}|bridge|{}|1764666900.61|☎️{ext} 📞➡️ 💰+{phone}📞 Клиент номер {n}\n\
             2025-12-02 09:15:{second:02},400|HTTP|1764666900.61|GET|http://localhost:8020/customer-name/0367/{phone}|200|{{\"phone\": \"{phone}\"}}|{{\"name\": \"Клиент номер {n}\"}}\n",
            45_000 + n,
        ));
    }
    tree_with(root.path(), &events);
    let trace = trace(root.path(), "0367", "1764666900.61");
    assert_eq!(
        trace.call.as_ref().expect("the call is there").lines.len(),
        180
    );
    let html = page_of(&long_after(Language::Russian), &trace, &names(), 0);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut packed, html.as_bytes()).expect("the test's own files");
    let bytes = packed.finish().expect("the test's own files").len();
    assert!(bytes < 60_000, "{bytes} bytes packed, {} plain", html.len());
}

#[test]
fn a_call_of_thousands_of_records_is_leafed_through() {
    let root = tempfile::tempdir().expect("the test's own files");
    let mut events = String::new();
    for n in 0..1200 {
        let (minute, second) = (n / 60, n % 60);
        events.push_str(&format!(
            "2025-12-02 09:{minute:02}:{second:02},000|HTTP|1764666900.61|GET|http://h/{n}|200|{{}}|{{}}\n"
        ));
    }
    tree_with(root.path(), &events);
    let trace = trace(root.path(), "0367", "1764666900.61");
    let look = long_after(Language::English);
    let page = |from| page_of(&look, &trace, &Names::default(), from);
    let shown = |html: &str| -> Vec<usize> {
        let url = Regex::new("http://h/([0-9]+)").expect("a constant pattern");
        url.captures_iter(html)
            .map(|n| n[1].parse().expect("a cell"))
            .collect()
    };
    assert_eq!(shown(&page(0)), (0..500).collect::<Vec<_>>());
    assert!(page(0).contains("href=\"?token=t&amp;from=500\""));
    assert_eq!(shown(&page(1000)), (1000..1200).collect::<Vec<_>>());
    assert!(
        page(1000).contains("href=\"?token=t&amp;from=500\""),
        "and back"
    );
    assert_eq!(
        shown(&page(usize::MAX)),
        Vec::<usize>::new(),
        "past the end is no fault"
    );
}

fn tree_with(root: &Path, events: &str) {
    let folder = root.join("0367");
    fs::create_dir_all(&folder).expect("the test's own files");
    fs::write(folder.join("events_2025-12-02.log"), events).expect("the test's own files");
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the test's own files");
    for entry in fs::read_dir(from).expect("the test's own files") {
        let entry = entry.expect("the test's own files");
        if entry.file_type().expect("the test's own files").is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("the test's own files");
        }
    }
}

/// A tree with a call of 0367 that has these lines after its start.
pub(crate) fn call_with(lines: &str) -> (tempfile::TempDir, Trace) {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    let start = "2025-11-30 09:07:35,000|AST|start|1764493655.61|{\"Phone\": \"375290001234\", \
                 \"CallType\": 0, \"Token\": \"s3cretToken77\"}\n";
    fs::write(folder.join("events.log"), format!("{start}{lines}")).expect("written");
    let trace = trace(dir.path(), "0367", "1764493655.61");
    (dir, trace)
}

#[test]
fn one_record_of_another_time_is_another_call_and_makes_no_large_page() {
    let hangup = |time: &str| {
        format!(
            "{time}|AST|hangup|1764493655.61|{{\"Phone\": \"375290001234\", \"CallStatus\": 2}}\n"
        )
    };
    let (_dir, usual) = call_with(&hangup("2025-11-30 09:08:00,000"));
    let usual = page_of(&long_after(Language::English), &usual, &Names::default(), 0);
    for far in ["9999-12-31 23:59:59,000", "1970-01-01 00:00:05,000"] {
        let both = hangup("2025-11-30 09:08:00,000") + &hangup(far);
        let (_dir, odd) = call_with(&both);
        let page = page_of(&long_after(Language::English), &odd, &Names::default(), 0);
        assert!(
            page.len() < usual.len() + 5000,
            "{far}: {} bytes",
            page.len()
        );
        let call = odd.call.as_ref().expect("there is one");
        assert_eq!(call.others.len(), 1, "{far}: of another day");
        let ticks = page.matches("class=\"tick\"").count();
        assert!((1..=12).contains(&ticks), "{far}: {ticks} ticks");
    }
}

#[test]
fn a_message_that_a_loop_sends_makes_no_large_page() {
    use std::fmt::Write as _;
    let mut lines = String::new();
    for n in 0..30_000 {
        let (second, milli) = (n / 1000, n % 1000);
        let _ = writeln!(
            lines,
            "2025-11-30 09:08:{second:02},{milli:03}|TG|send|100000001|dial|{n}|1764493655.61|hello"
        );
    }
    let (_dir, trace) = call_with(&lines);
    let page = page_of(&long_after(Language::English), &trace, &Names::default(), 0);
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
    assert!(
        page.contains("There are too many records"),
        "what is left out is said"
    );
    assert!(
        page.contains(" more"),
        "so are the chats that are not named"
    );
}
