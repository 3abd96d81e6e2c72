//! An index must never name too few blocks, change an answer, or be used when it is wrong.

use crate::indexing;
use std::fs::{self, File, FileTimes};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use calltrace_engine::{Engine, LinesQuestion, SearchQuestion, TraceQuestion};
use calltrace_model::call::{Criteria, Fact};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_model::record::{LogZone, Place, Record, Stamp};
use calltrace_store::error::Trouble;
use calltrace_store::index::{self, Index, IndexKey, IndexState};
use calltrace_store::scan::Tuning;
use calltrace_store::source::{Packer, Source};
use calltrace_store::tree::{EnterpriseName, Tree};
use testing::generator::{Plan, read_truth, write_tree};

/// A generated tree with its folder of one enterprise.
struct Logs {
    dir: tempfile::TempDir,
    ids: Vec<String>,
}

impl Logs {
    fn new() -> Logs {
        let dir = tempfile::tempdir().expect("a folder");
        let plan = Plan {
            seed: 5,
            days: 3,
            calls_per_day: 150,
            mess: true,
            ..Plan::default()
        };
        write_tree(&plan, &dir.path().join("logs")).expect("written");
        let calls = read_truth(&dir.path().join("logs")).expect("the truth");
        let ids = calls
            .step_by(9)
            .map(|call| call.expect("a row").uids.pop().expect("an id"))
            .collect();
        Logs { dir, ids }
    }

    fn root(&self) -> PathBuf {
        self.dir.path().join("logs")
    }

    fn folder(&self) -> PathBuf {
        self.root().join("0367")
    }

    /// Everything that is asked, as text.
    fn answers(&self) -> String {
        let engine = Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine");
        let tree = Tree::open(&self.root()).expect("a tree");
        let name = EnterpriseName::new("0367").expect("a name");
        let mut text = String::new();
        for id in &self.ids {
            let question = TraceQuestion {
                id: id.clone(),
                strict: false,
                every_file: false,
                since: None,
            };
            let trace = engine.trace(&tree, &name, &question).expect("traced");
            let call = trace.call.expect("found");
            text += &format!("{:?}\n{:?}\n", call.lines, call.closure.joins());
            text += &texts_of(&trace.troubles);
        }
        for phone in ["375290000001", "375290000123", "0000007"] {
            let phone = PhoneQuery::parse(phone).ok();
            let criteria = Criteria {
                phone: phone.clone(),
                ..Criteria::default()
            };
            let question = SearchQuestion {
                criteria,
                ..SearchQuestion::default()
            };
            let found = engine.search(&tree, &name, &question).expect("searched");
            text += &format!("{:?} {:?}\n", found.calls, found.searched);
            text += &texts_of(&found.troubles);
            let question = LinesQuestion {
                filter: RecordFilter {
                    phone,
                    ..RecordFilter::default()
                },
                ..LinesQuestion::default()
            };
            let found = engine.lines(&tree, &name, &question).expect("searched");
            text += &format!("{:?}\n", found.lines);
        }
        text
    }

    fn notes(&self) -> Vec<String> {
        let engine = Engine::new(1, Tuning::default(), LogZone::default()).expect("an engine");
        let tree = Tree::open(&self.root()).expect("a tree");
        let name = EnterpriseName::new("0367").expect("a name");
        let question = TraceQuestion {
            id: self.ids[0].clone(),
            strict: false,
            every_file: false,
            since: None,
        };
        engine.trace(&tree, &name, &question).expect("traced").notes
    }

    fn index_files(&self) -> Vec<PathBuf> {
        let folder = self.folder().join(index::FOLDER);
        let mut files: Vec<PathBuf> = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|e| e == "idx"))
            .collect();
        files.sort();
        files
    }
}

/// Panics at the first line that differs.
fn same(a: &str, b: &str, why: &str) {
    for (n, (a, b)) in a.lines().zip(b.lines()).enumerate() {
        assert!(a == b, "{why}: line {n}\n- {a:.3000}\n+ {b:.3000}");
    }
    assert_eq!(a.lines().count(), b.lines().count(), "{why}");
}

/// The texts of the troubles, without the names of the files.
fn texts_of(troubles: &[Trouble]) -> String {
    let whats: Vec<&str> = troubles
        .iter()
        .map(|trouble| trouble.what.as_str())
        .collect();
    format!("{whats:?}\n")
}

#[test]
fn every_name_and_number_of_every_line_leads_to_its_block() {
    let logs = Logs::new();
    let mut text = fs::read(logs.folder().join("events.log")).expect("read");
    text.extend_from_slice(b"2025-11-30 23:59:59,999|junk\0\0\0\0\0 1764493655.61 375291112233\n");
    fs::write(logs.folder().join("events.log"), text).expect("written");
    for seal in [indexing::index_all, indexing::seal_all] {
        seal(&logs.folder());
        for log in indexing::logs(&logs.folder()) {
            let index = Index::open(&log).expect("sound").expect("there");
            let blocks = index.blocks().expect("a table");
            let source = Source::open(Arc::clone(&log)).expect("readable");
            let mut content = Vec::new();
            std::io::Read::read_to_end(&mut source.content(), &mut content).expect("read");
            let mut offset = 0;
            for line in content.split(|&b| b == b'\n') {
                let of = blocks.partition_point(|b| b.span.end <= offset);
                let leads = |key: IndexKey| {
                    let found = index.candidates(&[key]).expect("postings");
                    assert!(
                        found.contains(&(of as u32)),
                        "{key:?}: {}",
                        line.escape_ascii()
                    );
                };
                let record = Record::parse(line);
                if let Some(at) = record.at {
                    let (first, last) = blocks[of].times.expect("times");
                    assert!(first <= at && at <= last);
                }
                let place = Place { source: 0, offset };
                let fact = Fact::of(&record, Stamp(0), place);
                fact.edges().map(IndexKey::of_edge).for_each(leads);
                let text = String::from_utf8_lossy(line);
                for word in text.split(|c: char| !c.is_ascii_digit()) {
                    PhoneQuery::parse(word)
                        .ok()
                        .and_then(|n| IndexKey::of_phone(&n))
                        .into_iter()
                        .for_each(leads);
                }
                offset += line.len() as u64 + 1;
            }
        }
    }
}

#[test]
fn an_index_that_is_cut_garbled_or_of_another_version_changes_no_answer() {
    let logs = Logs::new();
    let plain = logs.answers();
    indexing::seal_all(&logs.folder());
    assert!(logs.notes().is_empty());
    same(&plain, &logs.answers(), "with an index");
    for file in logs.index_files() {
        let sound = fs::read(&file).expect("read");
        let mut state = 77u64;
        let mut random = |below: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % below
        };
        let mut cases: Vec<Vec<u8>> = vec![Vec::new(), b"CTINDEX\x01".to_vec()];
        cases.extend((0..6).map(|_| sound[..random(sound.len())].to_vec()));
        cases.extend((0..24).map(|i| {
            let mut garbled = sound.clone();
            let position = random(sound.len());
            garbled[position] ^= 1 << (i % 8);
            garbled
        }));
        for case in cases {
            fs::write(&file, &case).expect("written");
            same(
                &plain,
                &logs.answers(),
                &format!("{} garbled", file.display()),
            );
        }
        let mut newer = sound.clone();
        *newer.last_mut().expect("bytes") = 2;
        fs::write(&file, &newer).expect("written");
        assert!(logs.notes()[0].contains("is of version 2; the file is scanned"));
        fs::write(&file, &sound).expect("written");
    }
    // The catalog as well.
    let catalog = index::catalog::path(&logs.folder());
    let sound = fs::read(&catalog).expect("read");
    for at in 0..sound.len().min(400) {
        let mut garbled = sound.clone();
        let from_end = sound.len() - 1 - at;
        garbled[from_end] ^= 0x55;
        fs::write(&catalog, &garbled).expect("written");
        if at % 16 == 0 {
            same(&plain, &logs.answers(), "with a garbled catalog");
        }
    }
}

#[test]
fn an_index_of_another_file_is_not_believed() {
    let logs = Logs::new();
    indexing::seal_all(&logs.folder());
    let files = logs.index_files();
    let sound = logs.answers();
    let (a, b) = (
        fs::read(&files[1]).expect("read"),
        fs::read(&files[2]).expect("read"),
    );
    fs::write(&files[1], &b).expect("written");
    fs::write(&files[2], &a).expect("written");
    same(&sound, &logs.answers(), "with indexes exchanged");
    assert_eq!(logs.notes().len(), 2);
}

#[test]
fn a_file_that_changed_in_place_is_read_again() {
    let logs = Logs::new();
    indexing::index_all(&logs.folder());
    let log = indexing::logs(&logs.folder()).remove(0);
    assert!(matches!(index::state(&log), IndexState::Fresh { .. }));
    let mut text = fs::read(&log.path).expect("read");
    let position = text.len() / 2;
    text[position] = b'#';
    fs::write(&log.path, &text).expect("written");
    let later = SystemTime::from(testing::now());
    let file = File::options().write(true).open(&log.path).expect("open");
    file.set_times(FileTimes::new().set_modified(later))
        .expect("set");
    let log = indexing::logs(&logs.folder()).remove(0);
    assert!(matches!(index::state(&log), IndexState::Stale(_)));
    // One that was cut and has grown over its old length begins or ends otherwise.
    let live = indexing::logs(&logs.folder()).pop().expect("a live file");
    assert!(matches!(index::state(&live), IndexState::Fresh { .. }));
    let text = fs::read(&live.path).expect("read");
    fs::write(&live.path, [&text[text.len() / 3..], &text].concat()).expect("written");
    let live = indexing::logs(&logs.folder()).pop().expect("a live file");
    assert!(matches!(index::state(&live), IndexState::Stale(_)));
}

#[test]
fn a_live_file_that_grew_is_indexed_up_to_where_it_was() {
    let logs = Logs::new();
    let plain = logs.answers();
    indexing::index_halves(&logs.folder());
    same(&plain, &logs.answers(), "half indexed");
    let live = indexing::logs(&logs.folder()).pop().expect("a live file");
    let covered = Index::open(&live).expect("sound").expect("there").covered();
    assert!(covered > 0 && covered < live.bytes);
}

#[test]
fn check_finds_what_is_wrong() {
    let logs = Logs::new();
    indexing::seal_all(&logs.folder());
    let zone = LogZone::default();
    for log in indexing::logs(&logs.folder()) {
        let bytes = index::check(&log, zone).expect("right").expect("there");
        assert_eq!(
            bytes,
            fs::metadata(index::path_of(&log.path))
                .expect("a file")
                .len()
        );
    }
    // The index of a live file that grew since is right up to where it ends.
    let live = indexing::logs(&logs.folder()).pop().expect("a live file");
    let text = fs::read(&live.path).expect("read");
    std::io::Write::write_all(
        &mut File::options().append(true).open(&live.path).expect("open"),
        &text,
    )
    .expect("grown");
    let live = indexing::logs(&logs.folder()).pop().expect("a live file");
    assert!(index::check(&live, zone).is_ok());
    // An index with right checksums that names too few blocks: that of a file with one line less.
    let log = indexing::logs(&logs.folder()).remove(0);
    let path = index::path_of(&log.path);
    let mut bytes = fs::read(&path).expect("read");
    bytes[12] ^= 1;
    fs::write(&path, &bytes).expect("written");
    let wrong = index::check(&log, zone).expect_err("wrong");
    assert!(
        wrong.contains("differs from the file at its byte 12"),
        "{wrong}"
    );
    fs::remove_file(&path).expect("removed");
    assert_eq!(index::check(&log, zone), Ok(None));
}

#[test]
fn a_line_of_which_only_a_part_is_kept_does_not_keep_its_file_from_being_indexed() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut text = b"2025-11-29 09:00:00,000|AST|start|1764406800.1|{}\n".to_vec();
    text.resize(text.len() + (40 << 20), b'x');
    text.extend_from_slice(b"\n2025-11-29 09:00:01,000|AST|hangup|1764406800.1|{}\n");
    fs::write(dir.path().join("events.log.2025-11-29"), &text).expect("written");
    indexing::seal_all(dir.path());
    let log = indexing::logs(dir.path()).remove(0);
    let IndexState::Fresh { content, .. } = index::state(&log) else {
        panic!("no index");
    };
    assert_eq!((content.bytes, content.lines), (text.len() as u64, 3));
    assert_eq!(content.crc, crc32fast::hash(&text));
    assert!(index::check(&log, LogZone::default()).is_ok());
}

#[test]
fn long_lines_and_half_lines_are_named_with_an_index_as_without() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    let long = format!(
        "2025-11-29 10:00:00,000|AST|x|1764410400.1|{}\n",
        "y".repeat(3 << 20)
    );
    let text = format!(
        "2025-11-29 09:00:00,000|AST|start|1764406800.1|{{}}\n{long}2025-11-29 11:00:00,000|half"
    );
    let archive = folder.join("events.log.2025-11-29.gz");
    let mut packer = Packer::new(File::create(archive).expect("made"));
    packer.part(&mut text.as_bytes()).expect("packed");
    packer.finish().expect("written");
    let ask = || {
        let engine = Engine::new(1, Tuning::default(), LogZone::default()).expect("an engine");
        let tree = Tree::open(dir.path()).expect("a tree");
        let name = EnterpriseName::new("0367").expect("a name");
        let question = TraceQuestion {
            id: "1764406800.1".to_owned(),
            strict: false,
            every_file: false,
            since: None,
        };
        engine
            .trace(&tree, &name, &question)
            .expect("traced")
            .troubles
    };
    let without = ask();
    assert_eq!(without.len(), 2, "{without:?}");
    indexing::index_all(&folder);
    assert_eq!(ask(), without);
    assert!(Path::new(&index::path_of(&folder.join("events.log.2025-11-29.gz"))).exists());
}
