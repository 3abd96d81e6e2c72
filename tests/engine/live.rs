//! The memory of a growing file holds all that the file holds, within its bounds, and nothing of another file.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::changing_folder::{self, Actor, Script};
use crate::indexing;
use calltrace_engine::{Engine, LinesQuestion, MemoryLimits};
use calltrace_model::call::Fact;
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_model::record::{LogZone, Place, Record, Stamp};
use calltrace_store::index::{Index, IndexKey, IndexMemory};
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};

pub(crate) fn small() -> MemoryLimits {
    MemoryLimits {
        worth_bytes: 2_000,
        lag_bytes: 0,
        block_bytes: 1_000,
        ..MemoryLimits::default()
    }
}

fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    (dir, folder)
}

fn append(path: &Path, text: &[u8]) {
    let open = OpenOptions::new().append(true).create(true).open(path);
    open.expect("open").write_all(text).expect("written");
}

/// Asks for the index of the only file.
fn recall(memory: &IndexMemory, folder: &Path) -> Option<Index> {
    let log = indexing::logs(folder).remove(0);
    memory.open(&log).expect("nothing is torn")
}

/// Every key of every line covered leads to its block, and its time is the block's.
fn assert_leads_everywhere(index: &Index, text: &[u8]) {
    let blocks = index.blocks().expect("blocks");
    let mut offset = 0;
    for line in text.split_inclusive(|&b| b == b'\n') {
        if offset >= index.covered() {
            break;
        }
        let of = blocks.partition_point(|block| block.span.end <= offset);
        let leads = |key: IndexKey| {
            let found = index.candidates(&[key]).expect("postings");
            assert!(found.contains(&(of as u32)), "{}", line.escape_ascii());
        };
        let record = Record::parse(line.strip_suffix(b"\n").unwrap_or(line));
        if let Some(at) = record.at {
            let (first, last) = blocks[of].times.expect("times");
            assert!(first <= at && at <= last);
        }
        let place = Place { source: 0, offset };
        let fact = Fact::of(&record, Stamp(0), place);
        fact.edges().map(IndexKey::of_edge).for_each(leads);
        IndexKey::of_text(line).into_iter().for_each(leads);
        for word in String::from_utf8_lossy(line).split(|c: char| !c.is_ascii_digit()) {
            let key = PhoneQuery::parse(word)
                .ok()
                .and_then(|n| IndexKey::of_phone(&n));
            key.into_iter().for_each(leads);
        }
        offset += line.len() as u64;
    }
}

#[test]
fn every_name_and_number_of_what_was_appended_leads_to_its_block() {
    let script = Script::new(60);
    for on_disk in [false, true] {
        let (_dir, folder) = folder();
        let live = folder.join("events.log");
        let memory = IndexMemory::new(small());
        let mut text = Vec::new();
        for (nth, lines) in script.lines.chunks(23).take(60).enumerate() {
            append(&live, &lines.concat());
            text.extend(lines.concat());
            if nth == 20 && on_disk {
                indexing::index_all(&folder);
            }
            if nth < 21 {
                continue;
            }
            let index = recall(&memory, &folder).expect("remembered");
            assert_eq!(index.covered(), text.len() as u64);
            if nth.is_multiple_of(7) {
                assert_leads_everywhere(&index, &text);
            }
        }
    }
}

#[test]
fn half_a_line_is_never_in_the_memory() {
    let script = Script::new(20);
    let (_dir, folder) = folder();
    let live = folder.join("events.log");
    let memory = IndexMemory::new(small());
    append(&live, &script.lines[..50].concat());
    let whole = fs::metadata(&live).expect("there").len();
    append(&live, &script.lines[50][..20]);
    let index = recall(&memory, &folder).expect("remembered");
    assert_eq!(index.covered(), whole);
    append(&live, &script.lines[50][20..]);
    let index = recall(&memory, &folder).expect("remembered");
    assert_eq!(index.covered(), whole + script.lines[50].len() as u64);
}

#[test]
fn a_question_that_opened_its_file_earlier_sees_no_more_than_was_there() {
    let script = Script::new(20);
    let (_dir, folder) = folder();
    let live = folder.join("events.log");
    let memory = IndexMemory::new(small());
    append(&live, &script.lines[..60].concat());
    let earlier = indexing::logs(&folder).remove(0);
    append(&live, &script.lines[60..90].concat());
    let later = recall(&memory, &folder).expect("remembered");
    let index = memory.open(&earlier).expect("sound").expect("remembered");
    assert!(index.covered() <= earlier.bytes && earlier.bytes < later.covered());
    let blocks = index.blocks().expect("blocks");
    assert_eq!(blocks.last().expect("one").span.end, index.covered());
    let every = |digits: u32| IndexKey::of_text(format!("{digits}.1").as_bytes());
    let second = 1_764_000_000..1_764_002_000;
    let keys: Vec<IndexKey> = second.filter_map(every).collect();
    let found = index.candidates(&keys).expect("postings");
    assert!(found.iter().all(|block| (*block as usize) < blocks.len()));
}

#[test]
fn a_file_that_shrank_changed_or_went_is_forgotten() {
    let script = Script::new(20);
    let (_dir, folder) = folder();
    let live = folder.join("events.log");
    let memory = IndexMemory::new(small());
    let text = script.lines[..90].concat();
    let ops: [fn(&Path, &[u8]); 4] = [
        |path, text| fs::write(path, &text[..text.len() / 3 - 7]).expect("truncated"),
        |path, text| {
            // Another call's id in place of one: as long, and at neither end of the file.
            let at = text.len() / 2
                + changing_folder::second_in(&text[text.len() / 2..]).expect("an id");
            let file = OpenOptions::new().write(true).open(path).expect("open");
            file.write_all_at(b"1700000000", at as u64)
                .expect("changed");
        },
        |path, text| {
            fs::write(path, &text[text.len() / 3..]).expect("written");
            append(path, text);
        },
        |path, text| {
            let other = path.with_file_name("other");
            fs::write(&other, &text[10..]).expect("written");
            fs::rename(other, path).expect("renamed");
        },
    ];
    for (nth, op) in ops.into_iter().enumerate() {
        fs::write(&live, &text).expect("written");
        recall(&memory, &folder).expect("remembered");
        op(&live, &text);
        let index = recall(&memory, &folder).expect("worth remembering again");
        let now = fs::read(&live).expect("read");
        assert!(index.covered() <= now.len() as u64, "op {nth}");
        assert_leads_everywhere(&index, &now);
    }
    memory.forget_gone(&folder, &[]);
    assert_eq!(memory.size().0, 0);
}

#[test]
fn a_renamed_file_keeps_its_memory() {
    let script = Script::new(20);
    let (_dir, folder) = folder();
    let live = folder.join("events.log");
    let memory = IndexMemory::new(MemoryLimits {
        step_bytes: 1_000,
        ..small()
    });
    append(&live, &script.lines[..90].concat());
    let before = recall(&memory, &folder).expect("remembered").covered();
    fs::rename(&live, folder.join("events.log.2025-11-28")).expect("renamed");
    let logs = indexing::logs(&folder);
    memory.forget_gone(&folder, &logs);
    let index = memory.open(&logs[0]).expect("sound").expect("remembered");
    assert!(index.covered() > before, "it went on from {before}");
}

#[test]
fn what_was_not_asked_about_for_longest_goes_first_and_all_stays_within_its_bound() {
    let script = Script::new(60);
    let text = script.lines[..400].concat();
    let folders: Vec<_> = (0..5).map(|_| folder()).collect();
    let one = {
        let memory = IndexMemory::new(small());
        append(&folders[0].1.join("events.log"), &text);
        recall(&memory, &folders[0].1).expect("remembered");
        memory.size().1
    };
    let limits = MemoryLimits {
        bytes: one * 5 / 2,
        ..small()
    };
    let memory = IndexMemory::new(limits);
    for (_, folder) in &folders {
        fs::write(folder.join("events.log"), &text).expect("written");
        recall(&memory, folder).expect("remembered");
        let (files, bytes) = memory.size();
        assert!(files <= 2 && bytes <= limits.bytes, "{files}, {bytes}");
    }
    // A part of a file that is too large for the memory is remembered.
    let memory = IndexMemory::new(MemoryLimits {
        bytes: one / 2,
        step_bytes: text.len() as u64 / 10,
        ..small()
    });
    let covered: Vec<u64> = (0..12)
        .map(|_| recall(&memory, &folders[0].1).map_or(0, |index| index.covered()))
        .collect();
    assert!(
        covered[11] > 0 && covered[11] < text.len() as u64,
        "{covered:?}"
    );
    assert_eq!(covered[10], covered[11]);
    assert!(memory.size().1 <= one / 2);
}

#[test]
fn the_index_of_an_archive_stays_open_until_the_archive_changes() {
    let script = Script::new(20);
    let (_dir, folder) = folder();
    fs::write(
        folder.join("events.log.2025-11-28"),
        script.lines[..90].concat(),
    )
    .expect("written");
    indexing::seal_all(&folder);
    let memory = IndexMemory::new(small());
    recall(&memory, &folder).expect("there");
    let archive = indexing::logs(&folder).remove(0).path.clone();
    fs::remove_dir_all(folder.join(calltrace_store::index::FOLDER)).expect("removed");
    assert!(recall(&memory, &folder).is_some(), "open already");
    assert_eq!(memory.open_indexes(), 1);
    let bytes = fs::read(&archive).expect("read");
    fs::write(&archive, bytes).expect("written over");
    assert!(recall(&memory, &folder).is_none(), "another time of change");
    assert_eq!(memory.open_indexes(), 0);
}

/// A line of a call of its own, numbered.
fn numbered(at: usize) -> String {
    format!(
        "2025-12-02 09:{:02}:{:02},{:03}|AST|hangup|1764666000.{at}|{{\"Phone\": \"375290000000\", \"CallStatus\": \"0\"}}\n",
        at / 60_000,
        at / 1000 % 60,
        at % 1000
    )
}

#[test]
fn eight_readers_miss_no_line_and_see_none_twice_while_one_writer_appends() {
    let (dir, folder) = folder();
    let live = folder.join("events.log");
    let engine = Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine");
    let engine = engine.remembering(small());
    let tree = Tree::open(dir.path()).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    let written = AtomicUsize::new(0);
    let end = Instant::now() + Duration::from_secs(4);
    let ask = || {
        let question = LinesQuestion {
            filter: RecordFilter {
                phone: PhoneQuery::parse("375290000000").ok(),
                ..RecordFilter::default()
            },
            ..LinesQuestion::default()
        };
        while Instant::now() < end {
            let before = written.load(Ordering::SeqCst);
            let found = engine.lines(&tree, &name, &question).expect("searched");
            assert!(
                found.lines.len() >= before,
                "{} of {before}",
                found.lines.len()
            );
            for (at, line) in found.lines.iter().enumerate() {
                assert_eq!(*line.line.text, *numbered(at).trim_end().as_bytes());
            }
            assert_eq!(found.troubles, []);
        }
    };
    append(&live, numbered(0).as_bytes());
    written.store(1, Ordering::SeqCst);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(ask);
        }
        for at in 1..4_000 {
            append(&live, numbered(at).as_bytes());
            written.store(at + 1, Ordering::SeqCst);
            if at % 4 == 0 {
                thread::sleep(Duration::from_millis(2));
            }
        }
    });
    assert_eq!(engine.remembered().0, 1);
}

#[test]
fn a_day_that_is_appended_to_at_random_is_remembered_whole() {
    let script = Script::new(60);
    let (_dir, folder) = folder();
    let mut actor = Actor::new(&folder, &script, 3);
    let memory = IndexMemory::new(MemoryLimits {
        lag_bytes: 3_000,
        ..small()
    });
    for _ in 0..80 {
        actor.append();
        if let Some(index) = recall(&memory, &folder) {
            let text = fs::read(actor.live()).expect("read");
            assert!(index.covered() + 3_000 >= text.len() as u64);
            assert_leads_everywhere(&index, &text);
        }
    }
}
