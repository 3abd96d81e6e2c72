//! Each fault, planted into a call that has none.

use std::fs;

use calltrace_model::call::FaultCode;

use crate::stories::{faults, names, traced};

const ID: &str = "1764493655.61";

/// A call without faults about which two people get messages.
fn clean() -> Vec<(&'static str, String)> {
    let ast = |event: &str, uid: &str, body: &str| {
        format!("AST|{event}|{uid}|{{\"UniqueId\": \"{uid}\", {body}}}")
    };
    let side = r#""BridgeUniqueid": "b1", "Channel": "SIP/151-00000033", "CallerIDNum": "151""#;
    let client = r#""BridgeUniqueid": "b1", "Channel": "SIP/0001363-00000032", "CallerIDNum": "375290001234""#;
    let call = r#""Phone": "375290001234", "CallType": 0, "Trunk": "0001363""#;
    let mut lines = vec![
        ("09:07:35,000", ast("start", ID, call)),
        (
            "09:07:36,000",
            ast(
                "dial",
                ID,
                &format!("{call}, \"Extensions\": [\"150\", \"151\"]"),
            ),
        ),
        (
            "09:07:36,500",
            format!(
                "HTTP|{ID}|GET|http://localhost:8020/customer-name/0367/375290001234|200|{{}}|{{\"name\": \"A\"}}"
            ),
        ),
        (
            "09:07:36,600",
            format!(
                "HTTP|{ID}|POST|http://localhost:8020/dispatch/call-event|200|{{}}|{{\"status\": \"ok\"}}"
            ),
        ),
        ("09:07:46,000", ast("bridge", "1764493656.63", side)),
        ("09:07:46,040", ast("bridge", ID, client)),
        ("09:09:46,040", ast("bridge_leave", "1764493656.63", side)),
        ("09:09:46,060", ast("bridge_leave", ID, client)),
        (
            "09:09:47,000",
            ast(
                "hangup",
                ID,
                &format!("{call}, \"Extensions\": [\"151\"], \"CallStatus\": \"2\""),
            ),
        ),
    ];
    for (chat, message) in [("100000001", 10), ("100000002", 20)] {
        lines.extend([
            ("09:07:37,000", format!("TG|send|{chat}|dial|{message}|{ID}|💰+375290001234 ➡️ Доб.150,151 📡Линия 1")),
            ("09:07:47,000", format!("TG|delete|{chat}|dial|{message}|{ID}|")),
            ("09:07:47,100", format!("TG|send|{chat}|bridge|{}|{ID}|☎️151 📞➡️ 💰+375290001234📞", message + 1)),
            ("09:09:48,000", format!("TG|delete|{chat}|bridge|{}|{ID}|", message + 1)),
            ("09:09:48,100", format!("TG|send|{chat}|hangup|{}|{ID}|✅ Успешный входящий звонок 💰+375290001234 ☎️151 ⌛ Длительность: 02:00", message + 2)),
        ]);
    }
    lines.sort();
    lines
}

/// The codes of the call with each line put through `change`, and how many records show each.
fn planted(
    change: impl Fn(&str) -> Option<String>,
    more: &[(&'static str, String)],
) -> Vec<(&'static str, usize)> {
    let (root, _) = tree(change, more);
    let call = traced(root.path(), "0367", ID);
    let found = faults(&call);
    names(&found)
        .into_iter()
        .zip(found.iter().map(|fault| fault.records.len()))
        .collect()
}

fn tree(
    change: impl Fn(&str) -> Option<String>,
    more: &[(&'static str, String)],
) -> (tempfile::TempDir, String) {
    let mut lines: Vec<(&str, String)> = clean();
    lines.extend(more.iter().cloned());
    lines.sort();
    let text: String = lines
        .iter()
        .filter_map(|(time, line)| Some(format!("2025-11-30 {time}|{}\n", change(line)?)))
        .collect();
    let root = tempfile::tempdir().expect("a folder");
    fs::create_dir(root.path().join("0367")).expect("a folder");
    fs::write(root.path().join("0367/events.log"), &text).expect("a file");
    (root, text)
}

fn same(line: &str) -> Option<String> {
    Some(line.to_owned())
}

fn replaced(from: &str, to: &str) -> impl Fn(&str) -> Option<String> {
    let (from, to) = (from.to_owned(), to.to_owned());
    move |line| Some(line.replace(&from, &to))
}

fn without(part: &str) -> impl Fn(&str) -> Option<String> {
    let part = part.to_owned();
    move |line| (!line.contains(&part)).then(|| line.to_owned())
}

#[test]
fn a_call_with_nothing_wrong_has_no_fault() {
    assert_eq!(planted(same, &[]), []);
}

#[test]
fn each_fault_is_named_with_its_code() {
    let twice = (
        "09:07:37,500",
        format!("TG|send|100000001|dial|15|{ID}|💰+375290001234"),
    );
    let gone = ("09:07:47,200", format!("TG|delete|100000001|dial|15|{ID}|"));
    assert_eq!(planted(same, &[twice, gone]), [("message_repeated", 2)]);
    assert_eq!(
        planted(without("TG|delete|100000002|bridge|"), &[]),
        [("message_left_standing", 1)]
    );
    assert_eq!(
        planted(without("TG|send|100000002|hangup|"), &[]),
        [("message_not_sent", 2)]
    );
    assert_eq!(
        planted(
            replaced("➡️ 💰+375290001234📞", "➡️ 💰+375290001235📞"),
            &[]
        ),
        [("wrong_number", 2)]
    );
    assert_eq!(
        planted(replaced("☎️151 📞➡️", "☎️153 📞➡️"), &[]),
        [("wrong_number", 2)]
    );
    assert_eq!(
        planted(replaced("02:00", "03:00"), &[]),
        [("wrong_duration", 2)]
    );
    assert_eq!(
        planted(replaced("/375290001234|200|", "/375290001234|500|"), &[]),
        [("name_lookup_failed", 1)]
    );
    assert_eq!(
        planted(replaced("\"A\"", "null"), &[]),
        [("name_lookup_empty", 1)]
    );
    assert_eq!(
        planted(replaced("call-event|200|", "call-event|Timeout|"), &[]),
        [("request_failed", 1)]
    );
    let without_end = |line: &str| {
        let is_end = line.contains("hangup|") || line.contains("bridge");
        (!is_end && !line.starts_with("TG")).then(|| line.to_owned())
    };
    assert_eq!(planted(without_end, &[]), [("no_end", 1)]);
    for chars in [200, 1000] {
        let long = (
            "09:09:49,000",
            format!("TG|edit|100000001|hangup|12|{ID}|{}", "ж".repeat(chars)),
        );
        assert_eq!(planted(same, &[long]), [("text_cut", 1)]);
    }
    let cut = format!("|200|{{}}|{{\"name\": \"{}...", "ж".repeat(490));
    assert_eq!(
        planted(replaced("|200|{}|{\"name\": \"A\"}", &cut), &[]),
        [("response_cut", 1)]
    );
}

#[test]
fn what_only_looks_like_a_fault_is_none() {
    // The same number in other forms; the message of the end made by an edit; a text one sign short.
    assert_eq!(
        planted(replaced("💰+375290001234📞", "💰80290001234📞"), &[]),
        []
    );
    let edited = |line: &str| {
        let line = line.replace("TG|send|100000001|hangup|12", "TG|edit|100000001|hangup|11");
        (!line.starts_with("TG|delete|100000001|bridge|11")).then_some(line)
    };
    assert_eq!(planted(edited, &[]), []);
    let short = (
        "09:09:49,000",
        format!("TG|edit|100000001|hangup|12|{ID}|{}", "ж".repeat(199)),
    );
    assert_eq!(planted(same, &[short]), []);
    // A message is sent again after the one before was taken back.
    let again = (
        "09:07:39,000",
        format!("TG|send|100000001|dial|15|{ID}|💰+375290001234"),
    );
    let taken = ("09:07:38,000", format!("TG|delete|100000001|dial|10|{ID}|"));
    let gone = ("09:07:47,200", format!("TG|delete|100000001|dial|15|{ID}|"));
    let first_is_gone = without("none of them");
    assert_eq!(planted(first_is_gone, &[taken, again, gone]), []);
}

#[test]
fn what_an_integration_posts_is_good_failed_or_unknown() {
    let posted = |status: &str| {
        vec![(
            "09:09:50,000",
            format!("HTTP|{ID}|POST|https://crm|{status}|{{\"_integration\": \"crm\"}}|{{}}"),
        )]
    };
    for (status, codes) in [
        ("success", vec![]),
        ("ok", vec![]),
        ("201", vec![]),
        ("error", vec![("request_failed", 1)]),
        ("queued", vec![]),
    ] {
        assert_eq!(planted(same, &posted(status)), codes, "{status}");
    }
}

#[test]
fn nothing_is_missing_in_the_first_minute_after_the_end() {
    let (root, _) = tree(without("|hangup|12|"), &[]);
    let call = traced(root.path(), "0367", ID);
    let over = call.summary.last;
    let at = |seconds: i64| {
        let now = over.plus_millis(seconds * 1000);
        names(&calltrace_model::call::Fault::all(
            &call.facts,
            &call.summary,
            now,
        ))
    };
    assert_eq!(at(30), [""; 0]);
    assert_eq!(at(90), ["message_not_sent"]);
}

#[test]
fn search_finds_the_calls_with_a_fault_by_scan_and_by_seed() {
    let (root, _) = tree(replaced("call-event|200|", "call-event|500|"), &[]);
    let found = |args: &[&str]| {
        let all = [&["search", "0367", "--count"], args].concat();
        testing::out(&testing::run(root.path(), &all))
            .trim()
            .to_owned()
    };
    assert_eq!(found(&["--fault", "request_failed"]), "1");
    assert_eq!(
        found(&["--fault", "request-failed", "--phone", "375290001234"]),
        "1"
    );
    for code in FaultCode::ALL
        .into_iter()
        .filter(|code| *code != FaultCode::RequestFailed)
    {
        assert_eq!(found(&["--fault", code.name()]), "0", "{}", code.name());
    }
    assert_eq!(
        found(&["--fault", "text_cut", "--phone", "375290001234"]),
        "0"
    );
}
