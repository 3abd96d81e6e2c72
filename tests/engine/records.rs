//! Lines over arbitrary bytes: never a panic, never a lost byte; what is written reads back.

use std::fs;
use std::sync::Arc;

use calltrace_model::call::Fact;
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{Ast, Body, Http, Place, Record, Sql, Stamp, Tg, write};
use calltrace_store::fsx::Folder;
use calltrace_store::scan::{Scanner, Tuning};
use calltrace_store::source::Source;
use calltrace_store::tree::{EnterpriseName, Snapshot};
use proptest::collection::vec;
use proptest::prelude::*;

/// Text that is likely to hurt: separators, quotes, marks of kinds, controls, any Unicode.
fn nasty() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z0-9.]{0,6}",
        1 => Just("|".to_owned()),
        1 => Just("\"".to_owned()),
        1 => Just("\\".to_owned()),
        1 => Just("{}".to_owned()),
        1 => Just("|200|{}|".to_owned()),
        1 => Just("AST|".to_owned()),
        1 => Just("\r".to_owned()),
        1 => Just("\n".to_owned()),
        1 => Just("\0".to_owned()),
        1 => ".{0,3}",
    ];
    vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn json() -> impl Strategy<Value = String> {
    vec((nasty(), nasty()), 0..4).prop_map(|fields| {
        let object: serde_json::Map<String, serde_json::Value> = fields
            .into_iter()
            .map(|(key, value)| (key, serde_json::Value::String(value)))
            .collect();
        serde_json::Value::Object(object).to_string()
    })
}

/// Writes the fields and reads them back. Refusing them or reading them back unchanged are both right.
fn round_trip(at: Stamp, body: &Body<'_>) -> Result<bool, TestCaseError> {
    let mut line = b"before".to_vec();
    match write::line(at, body, &mut line) {
        Err(_) => {
            prop_assert_eq!(line, b"before");
            Ok(false)
        }
        Ok(()) => {
            let text = line[b"before".len()..]
                .strip_suffix(b"\n")
                .expect("a whole line");
            prop_assert!(!text.contains(&b'\n'));
            let read = Record::parse(text);
            prop_assert_eq!(read.at, Some(at));
            prop_assert_eq!(read.body, *body);
            Ok(true)
        }
    }
}

proptest! {
    #[test]
    fn no_line_makes_parsing_panic(line in vec(any::<u8>(), 0..300)) {
        let record = Record::parse(&line);
        prop_assert_eq!(record.line, &line[..]);
        let place = Place { source: 0, offset: 0 };
        let fact = Fact::of(&record, Stamp(0), place);
        fact.edges().count();
        RecordFilter::default().matches(&record, None);
    }

    #[test]
    fn no_line_that_begins_like_a_record_makes_parsing_panic(rest in nasty(), kind in 0..5usize) {
        let mark = ["AST|", "TG|", "HTTP|", "SQL|", ""][kind];
        let line = format!("2025-12-02 09:15:00,410|{mark}{rest}");
        let record = Record::parse(line.as_bytes());
        let place = Place { source: 0, offset: 0 };
        Fact::of(&record, Stamp(0), place).edges().count();
        calltrace_model::redact::text(&line);
    }

    #[test]
    fn asterisk_events_read_back(ms in 0..4_000_000_000_000i64, event in nasty(), uid in nasty(), json in json(), legacy: bool) {
        let ast = Ast { legacy, event: event.as_bytes(), uid: uid.as_bytes(), json: json.as_bytes() };
        round_trip(Stamp(ms), &Body::Ast(ast))?;
    }

    #[test]
    fn telegram_records_read_back(ms in 0..4_000_000_000_000i64, fields in vec("[a-zA-Z0-9_.-]{0,12}", 5), text in nasty()) {
        let [action, chat, msg_type, msg_id, uid] = [0, 1, 2, 3, 4].map(|i| fields[i].as_bytes());
        let text = write::flatten(&text);
        let tg = Tg { action, chat, msg_type, msg_id, uid, text: text.as_bytes() };
        prop_assert!(round_trip(Stamp(ms), &Body::Tg(tg))?, "flattened text can always be written");
    }

    #[test]
    fn requests_read_back(url in nasty(), status in "[0-9]{3}|None", request in json(), response in nasty()) {
        let http = Http {
            uid: b"1764666900.61",
            method: b"GET",
            url: url.as_bytes(),
            status: status.as_bytes(),
            request: request.as_bytes(),
            response: response.as_bytes(),
        };
        round_trip(Stamp(0), &Body::Http(http))?;
    }

    #[test]
    fn an_ordinary_request_can_always_be_written(path in "[a-z0-9/|?=&]{0,20}", request in json(), response in json()) {
        let url = format!("http://localhost:8020/{path}");
        let http = Http {
            uid: b"1764666900.61",
            method: b"POST",
            url: url.as_bytes(),
            status: b"200",
            request: request.as_bytes(),
            response: response.as_bytes(),
        };
        prop_assert!(round_trip(Stamp(0), &Body::Http(http))?);
    }

    #[test]
    fn queries_read_back(table in nasty(), params in json(), result in nasty()) {
        let sql = Sql {
            uid: b"1764666900.61",
            query_type: b"SELECT",
            table: table.as_bytes(),
            params: params.as_bytes(),
            result: result.as_bytes(),
        };
        round_trip(Stamp(0), &Body::Sql(sql))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// However a file is cut into spans and blocks, its lines come out once each, in order.
    #[test]
    fn no_cut_loses_or_doubles_a_byte(
        lines in vec(vec(any::<u8>().prop_filter("no newline", |b| *b != b'\n'), 0..60), 0..80),
        last_newline: bool,
        span_bytes in 1..400u64,
        block_bytes in 1..200usize,
    ) {
        let mut content = lines.join(&b'\n');
        if last_newline && !lines.is_empty() {
            content.push(b'\n');
        }
        // Gzip's mark would make it another format.
        prop_assume!(!content.starts_with(&[0x1f, 0x8b]));
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("events.log"), &content).expect("written");
        let name = EnterpriseName::new("0367").expect("a name");
        let folder = Folder::open(dir.path()).expect("opened");
        let snapshot = Snapshot::open(&name, &folder).expect("listed");
        let mut sources = Source::open_all(&snapshot, |_| None, &mut Vec::new());
        let scanner = Scanner::new(Tuning { span_bytes, block_bytes });
        let tasks = scanner.tasks(&[(0, Arc::new(sources.remove(0)))]);
        let read = scanner.run(&tasks, |_, blocks| {
            let mut all = Vec::new();
            while let Some(block) = blocks.next_block() {
                for (at, line) in block.lines() {
                    all.push((block.offset + at as u64, line.to_vec()));
                }
            }
            all
        });
        let mut want = Vec::new();
        let mut at = 0;
        for line in content.split_inclusive(|b| *b == b'\n') {
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            want.push((at, text.to_vec()));
            at += line.len() as u64;
        }
        let got: Vec<_> = read.into_iter().flat_map(|(lines, _)| lines).collect();
        prop_assert_eq!(got, want);
    }
}
