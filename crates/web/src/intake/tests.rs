//! Appended lines, torn ends, missing files, and logs that can't be written to.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use calltrace_model::record::{Body, Record};

fn tree() -> (tempfile::TempDir, Intake, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let tree = Tree::open(dir.path()).expect("a tree");
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_763_200);
    let clock = WallClock::new(move || noon);
    let intake = Intake::new(tree, LogZone::default(), clock);
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    (dir, intake, folder)
}

fn name() -> EnterpriseName {
    EnterpriseName::new("0367").expect("a name")
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn entry(unique_id: &str, what: EntryKind) -> Entry {
    Entry {
        unique_id: unique_id.to_owned(),
        what,
        more: Vec::new(),
    }
}

fn event(unique_id: &str, event: &str) -> Entry {
    let (event, data) = (event.to_owned(), Map::new());
    entry(unique_id, EntryKind::Event { event, data })
}

fn request(method: &str, url: &str, status: Option<&str>) -> Entry {
    let what = EntryKind::Request {
        method: method.to_owned(),
        url: url.to_owned(),
        status: status.map(str::to_owned),
        request: Map::new(),
        response: Value::Null,
    };
    entry("1.5", what)
}

fn message(unique_id: &str, action: &str, kind: &str, text: &str) -> Entry {
    let what = EntryKind::Message {
        action: action.to_owned(),
        chat: 0,
        kind: kind.to_owned(),
        message: None,
        text: text.to_owned(),
    };
    entry(unique_id, what)
}

fn line(number: usize) -> EntryLine {
    event(&format!("1764666900.{number}"), "dial")
        .line(Stamp(1_764_666_900_000))
        .expect("it fits")
}

fn text_of(number: usize) -> String {
    format!("2025-12-02 09:15:00,000|AST|dial|1764666900.{number}|{{}}\n")
}

/// The file of the day at which lines are written.
const TODAY: &str = "events_2025-12-03.log";

#[test]
fn a_line_goes_into_the_file_that_is_current() {
    let (_dir, intake, folder) = tree();
    let dated = folder.join(TODAY);
    intake.append(&name(), &line(1), soon()).expect("appended");
    assert_eq!(
        fs::read_to_string(folder.join("events.log")).expect("it works"),
        text_of(1)
    );
    fs::write(&dated, "").expect("it works");
    intake.append(&name(), &line(2), soon()).expect("appended");
    assert_eq!(fs::read_to_string(&dated).expect("it works"), text_of(2));
    fs::rename(&dated, folder.join("events.log.1")).expect("it works");
    intake.append(&name(), &line(3), soon()).expect("appended");
    assert_eq!(
        fs::read_to_string(folder.join("events.log")).expect("it works"),
        text_of(1) + &text_of(3)
    );
    assert!(intake.lanes.lock().expect("it works").is_empty());
}

#[test]
fn a_file_that_is_made_is_like_the_others_of_its_folder() {
    let (dir, intake, folder) = tree();
    let old = folder.join("events_2025-01-01.log");
    fs::write(&old, "x\n").expect("it works");
    fs::set_permissions(&old, fs::Permissions::from_mode(0o660)).expect("it works");
    intake.append(&name(), &line(1), soon()).expect("appended");
    let made = fs::metadata(folder.join(TODAY)).expect("as the folder's writers name them");
    assert_eq!(made.permissions().mode() & 0o777, 0o660);
    assert_eq!(fs::read_to_string(&old).expect("it works"), "x\n");
    let other = EnterpriseName::new("0999").expect("a name");
    intake.append(&other, &line(1), soon()).expect("appended");
    assert!(dir.path().join("0999/events.log").is_file());
}

#[test]
fn a_torn_end_does_not_swallow_the_next_line() {
    let (_dir, intake, folder) = tree();
    let log = folder.join("events.log");
    fs::write(&log, "2025-12-02 09:15:00,000|AST|dial|1.").expect("it works");
    intake.append(&name(), &line(1), soon()).expect("appended");
    intake.append(&name(), &line(2), soon()).expect("appended");
    let expected = format!(
        "2025-12-02 09:15:00,000|AST|dial|1.\n{}{}",
        text_of(1),
        text_of(2)
    );
    assert_eq!(fs::read_to_string(&log).expect("it works"), expected);
}

#[test]
fn a_writer_in_the_middle_of_its_line_is_waited_for() {
    let (_dir, intake, folder) = tree();
    let log = folder.join("events.log");
    let mut other = OpenOptions::new()
        .append(true)
        .create(true)
        .open(&log)
        .expect("it works");
    other.write_all(b"half").expect("it works");
    let finishes = thread::spawn(move || {
        thread::sleep(Duration::from_millis(2));
        other.write_all(b" and whole\n").expect("it works");
    });
    intake.append(&name(), &line(1), soon()).expect("appended");
    finishes.join().expect("it works");
    let text = fs::read_to_string(&log).expect("it works");
    // On a busy machine the other writer may come too late; then the line is still a separate one.
    assert!(text.contains(&format!("\n{}", text_of(1))), "{text:?}");
    assert!(!text.contains("\n\n"), "{text:?}");
}

fn full(_: &File, _: &[u8]) -> io::Result<usize> {
    Err(io::ErrorKind::StorageFull.into())
}

/// Writes ten bytes of a line, then nothing more.
fn fills_up(file: &File, bytes: &[u8]) -> io::Result<usize> {
    match bytes.len() > 40 {
        true => append::system(file, &bytes[..10]),
        false => full(file, bytes),
    }
}

/// Writes seven bytes at a time.
fn by_bits(file: &File, bytes: &[u8]) -> io::Result<usize> {
    append::system(file, &bytes[..bytes.len().min(7)])
}

/// Writes half a line, after which another writer writes.
fn with_another(file: &File, bytes: &[u8]) -> io::Result<usize> {
    if bytes[0] == b'\n' || bytes.len() < 40 {
        return append::system(file, bytes);
    }
    let half = append::system(file, &bytes[..20])?;
    let path = PathBuf::from(format!(
        "/proc/self/fd/{}",
        std::os::fd::AsRawFd::as_raw_fd(file)
    ));
    let mut other = OpenOptions::new().append(true).open(path)?;
    other.write_all(b"other")?;
    Ok(half)
}

fn opened(folder: &std::path::Path) -> (PathBuf, File) {
    let log = folder.join("events.log");
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(&log);
    (log, file.expect("it works"))
}

#[test]
fn a_disk_that_fills_up_in_a_line_refuses_it_and_keeps_those_before_and_after() {
    let (_dir, _, folder) = tree();
    let (log, file) = opened(&folder);
    append::append(&file, line(1).bytes(), append::system).expect("appended");
    let refused = append::append(&file, line(2).bytes(), full);
    assert_eq!(refused, Err(AppendError::Full));
    assert_eq!(
        fs::read_to_string(&log).expect("it works"),
        text_of(1),
        "nothing was written"
    );
    let long = message("1.5", "send", "dial", &"x".repeat(10));
    let long = long.line(Stamp(0)).expect("it fits");
    let refused = append::append(&file, long.bytes(), fills_up);
    assert_eq!(refused, Err(AppendError::Full));
    append::append(&file, line(3).bytes(), append::system).expect("appended");
    let text = fs::read_to_string(&log).expect("it works");
    assert!(text.starts_with(&text_of(1)), "{text:?}");
    assert!(text.ends_with(&format!("\n{}", text_of(3))), "{text:?}");
    assert_eq!(text.lines().count(), 3, "{text:?}");
}

#[test]
fn a_line_that_is_taken_bit_by_bit_is_one_line() {
    let (_dir, _, folder) = tree();
    let (log, file) = opened(&folder);
    append::append(&file, line(1).bytes(), by_bits).expect("appended");
    assert_eq!(fs::read_to_string(log).expect("it works"), text_of(1));
}

#[test]
fn a_line_that_another_writer_split_is_written_again() {
    let (_dir, _, folder) = tree();
    let (log, file) = opened(&folder);
    append::append(&file, line(1).bytes(), with_another).expect("appended");
    let text = fs::read_to_string(log).expect("it works");
    assert!(
        text.ends_with(&format!("other\n{}", text_of(1))),
        "{text:?}"
    );
}

#[test]
fn a_log_that_is_not_a_regular_file_is_not_written() {
    let (dir, intake, folder) = tree();
    let (log, outside) = (folder.join("events.log"), dir.path().join("outside"));
    let append = || intake.append(&name(), &line(1), soon());
    fs::write(&outside, "").expect("it works");
    symlink(&outside, &log).expect("it works");
    assert_eq!(append(), Err(AppendError::NotAFile));
    fs::remove_file(&log).expect("it works");
    fs::create_dir(&log).expect("it works");
    assert_eq!(append(), Err(AppendError::NotAFile));
    fs::remove_dir(&log).expect("it works");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &log,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .expect("it works");
    assert_eq!(append(), Err(AppendError::NotAFile));
    assert_eq!(fs::read(&outside).expect("it works"), b"");
}

#[test]
fn a_missing_tree_and_a_turn_after_the_deadline_are_errors() {
    let (dir, intake, folder) = tree();
    let past = Instant::now();
    let late = intake.append(&name(), &line(1), past);
    assert_eq!(late, Err(AppendError::Late));
    let log = folder.join("events.log");
    assert_eq!(fs::read(&log).unwrap_or_default(), b"");
    drop(dir);
    let refused = intake.append(&name(), &line(1), soon());
    assert_eq!(refused, Err(AppendError::NoTree));
}

#[test]
fn a_log_that_can_not_be_opened_in_time_is_refused_and_stays_unchanged() {
    let (_dir, intake, folder) = tree();
    let log = folder.join("events.log");
    fs::write(&log, text_of(1)).expect("it works");
    let reader = File::open(&log).expect("it works");
    let Ok(_lease) = calltrace_store::fsx::Lease::take(std::os::fd::AsFd::as_fd(&reader)) else {
        return testing::skipped(testing::NO_LEASES);
    };
    let begin = Instant::now();
    let refused = intake.append(&name(), &line(2), begin + Duration::from_millis(40));
    assert_eq!(refused, Err(AppendError::Late));
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(fs::read_to_string(&log).expect("it works"), text_of(1));
}

#[test]
fn an_opener_outlasts_a_lease_and_never_writes_into_a_file_without_a_name() {
    let (_dir, intake, folder) = tree();
    let log = folder.join("events.log");
    fs::write(&log, text_of(1)).expect("it works");
    let reader = File::open(&log).expect("it works");
    let Ok(lease) = calltrace_store::fsx::Lease::take(std::os::fd::AsFd::as_fd(&reader)) else {
        return testing::skipped(testing::NO_LEASES);
    };
    let removes = thread::spawn({
        let log = log.clone();
        move || {
            thread::sleep(Duration::from_millis(30));
            fs::remove_file(log).expect("it works");
            drop(lease);
        }
    });
    intake.append(&name(), &line(2), soon()).expect("appended");
    removes.join().expect("it works");
    assert_eq!(fs::read_to_string(&log).expect("it works"), text_of(2));
}

#[test]
fn lines_of_many_threads_are_whole() {
    let (_dir, intake, folder) = tree();
    thread::scope(|scope| {
        for writer in 0..8 {
            let intake = &intake;
            scope.spawn(move || {
                for n in 0..100 {
                    intake
                        .append(&name(), &line(writer * 1000 + n), soon())
                        .expect("it works");
                }
            });
        }
    });
    let text = fs::read_to_string(folder.join("events.log")).expect("it works");
    let mut lines: Vec<_> = text.lines().map(|line| format!("{line}\n")).collect();
    lines.sort();
    let mut wanted: Vec<_> = (0..8)
        .flat_map(|w| (0..100).map(move |n| text_of(w * 1000 + n)))
        .collect();
    wanted.sort();
    assert_eq!(lines, wanted);
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = "(\\PC|[|\n\r\"\\\\{}\u{0}\u{85}\u{2028}]){0,12}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text, inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-zA-Z|\"\n]{1,8}", any_json(), 0..4)
        .prop_map(|fields| fields.into_iter().collect())
}

/// Reads a line back; no other part of it may be wrong.
fn read_back(entry: &Entry, check: impl FnOnce(&Body<'_>)) -> Result<(), EntryError> {
    let at = Stamp(1_764_666_900_123);
    let line = entry.line(at)?;
    let bytes = line
        .bytes()
        .strip_suffix(b"\n")
        .expect("a newline at its end");
    assert!(!bytes.contains(&b'\n'));
    let record = Record::parse(bytes);
    assert_eq!(record.at, Some(at));
    assert_eq!(record.uid(), entry.unique_id.as_bytes());
    check(&record.body);
    Ok(())
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("whole JSON")
}

proptest! {
    #[test]
    fn an_event_is_read_back_as_it_was(data in any_object(), chat in any::<i64>()) {
        let more = vec![("chat_id", json!(chat))];
        let (event, unique_id) = ("dial".to_owned(), "1.5".to_owned());
        let mut wanted = data.clone();
        wanted.insert("_chat_id".to_owned(), json!(chat));
        let entry = Entry { unique_id, what: EntryKind::Event { event, data }, more };
        read_back(&entry, |body| match body {
            Body::Ast(ast) => assert_eq!(json_of(ast.json), Value::Object(wanted)),
            other => panic!("{other:?}"),
        }).expect("it fits");
    }

    #[test]
    fn a_request_is_read_back_as_it_was(
        request in any_object(),
        response in any_json(),
        url in "(http://h/)?[a-z|{}\"?=&% 0-9]{1,30}",
    ) {
        let what = EntryKind::Request {
            method: "GET".to_owned(),
            url: url.clone(),
            status: Some("200".to_owned()),
            request: request.clone(),
            response: response.clone(),
        };
        let entry = entry("1.5", what);
        let read = read_back(&entry, |body| match body {
            Body::Http(http) => {
                assert_eq!(http.url, url.trim().replace('|', "%7C").as_bytes());
                assert_eq!(http.status, b"200");
                assert_eq!(json_of(http.request), Value::Object(request));
                let read = json_of(http.response);
                assert!(read == response || read == json!({}));
            }
            other => panic!("{other:?}"),
        });
        prop_assert!(read.is_ok() || url.trim().is_empty(), "{:?}", read);
    }

    #[test]
    fn a_query_is_read_back_as_it_was(parameters in any_json(), result in any_json(), query in "(\\PC|[|\n']){0,40}") {
        let what = EntryKind::Query {
            query: query.clone(),
            parameters,
            result,
        };
        let mut entry = entry("1.5", what);
        entry.more = vec![("duration_ms", json!(12.5))];
        read_back(&entry, |body| match body {
            Body::Sql(sql) => {
                let params = json_of(sql.params);
                assert_eq!(params["_query"], json!(query));
                assert_eq!(params["_duration_ms"].to_string(), "12.5");
            }
            other => panic!("{other:?}"),
        }).expect("it fits");
    }

    #[test]
    fn a_message_is_read_back_flat(text in "(\\PC|[|\n\r]){0,30}", chat in any::<i64>(), number in any::<Option<i64>>()) {
        let what = EntryKind::Message {
            action: "edit".to_owned(),
            chat,
            kind: "dial".to_owned(),
            message: number,
            text: text.clone(),
        };
        let entry = entry("1.5", what);
        read_back(&entry, |body| match body {
            Body::Tg(tg) => {
                assert_eq!(tg.text, text.replace('\n', " ").replace('\r', "").as_bytes());
                assert_eq!(tg.chat, chat.to_string().as_bytes());
            }
            other => panic!("{other:?}"),
        }).expect("it fits");
    }

    #[test]
    fn no_field_forges_a_line(field in "(\\PC|[|\n\r\u{0}\u{2028}]){0,12}") {
        let (text, ok) = (field.as_str(), "1.5");
        let entries = [
            event(text, "dial"),
            event(ok, text),
            request(text, "u", None),
            request("GET", text, None),
            request("GET", "u", Some(text)),
            message(ok, text, "dial", ""),
            message(ok, "send", text, ""),
        ];
        for entry in &entries {
            if let Ok(line) = entry.line(Stamp(0)) {
                let line = String::from_utf8(line.bytes().to_vec()).expect("text");
                prop_assert!(!line.trim_end_matches('\n').contains(['\n', '\r', '\0', '\u{2028}']), "{line:?}");
            }
        }
    }
}

#[test]
fn an_event_of_a_bridge_needs_no_id_and_any_other_does() {
    let event = |name: &str| event("", name);
    assert!(event("bridge_create").line(Stamp(0)).is_ok());
    assert!(event("bridge_destroy").line(Stamp(0)).is_ok());
    assert!(matches!(
        event("bridge").line(Stamp(0)),
        Err(EntryError::Field("unique_id", _))
    ));
}

#[test]
fn a_text_is_cut_before_it_is_flattened() {
    let text = format!("{}{}", "\r".repeat(999), "ж".repeat(10));
    let entry = message("1.5", "send", "dial", &text);
    let line = entry.line(Stamp(0)).expect("it fits");
    assert!(line.bytes().ends_with("|1.5|ж\n".as_bytes()));
}
