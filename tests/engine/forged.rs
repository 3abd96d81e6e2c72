//! Indexes with right checksums and wrong numbers: none of them is used.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;
use std::sync::Arc;

use calltrace_engine::{Engine, TraceQuestion};
use calltrace_model::record::LogZone;
use calltrace_store::index::{self, IndexState};
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, LogFile, Tree};

use crate::indexing;

const ID: &str = "1763632800.1";

/// Offsets of numbers in a footer; see `index/layout.rs`.
const FILE_BYTES: usize = 20;
const COVERED: usize = 28;
const CONTENT_BYTES: usize = 52;
const CONTENT_LINES: usize = 60;
const PROBED_FIRST: usize = 72;
const FINDINGS: usize = 112;
const SEGMENTS: usize = 116;
const SEGMENT_BLOCKS: usize = 120;
const TABLE_AT: usize = 124;
const TABLE_BYTES: usize = 132;

/// An enterprise with a sealed day and a live one.
fn logs() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    let line = |day: u32, n: u32| {
        format!(
            "2025-11-{day} 10:00:{:02},000|AST|start|17636328{:02}.{n}|{{\"Phone\": \"375290001234\"}}\n",
            n % 60,
            n / 100
        )
    };
    for day in [20, 21] {
        let text: String = (1..2000).map(|n| line(day, n)).collect();
        let name = format!("events.log.2025-11-{day}");
        fs::write(folder.join(name), text).expect("written");
    }
    fs::rename(
        folder.join("events.log.2025-11-21"),
        folder.join("events.log"),
    )
    .expect("renamed");
    indexing::seal_all(&folder);
    dir
}

fn answer(root: &Path) -> String {
    let engine = Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine");
    let tree = Tree::open(root).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    let question = TraceQuestion {
        id: ID.to_owned(),
        strict: false,
        every_file: false,
        since: None,
    };
    let trace = engine.trace(&tree, &name, &question).expect("traced");
    format!("{:?}", trace.call.expect("found").lines)
}

/// Writes numbers into the footer of a file's index, with the right checksum.
fn forge(log: &LogFile, changes: &[(usize, &[u8])]) {
    let path = index::path_of(&log.path);
    let mut bytes = fs::read(&path).expect("read");
    let tail = bytes.len() - 16;
    let length = u32::from_le_bytes(bytes[tail..tail + 4].try_into().expect("four"));
    let footer = tail - length as usize;
    for (at, with) in changes {
        bytes[footer + at..footer + at + with.len()].copy_from_slice(with);
    }
    let crc = crc32fast::hash(&bytes[footer..tail]);
    bytes[tail + 4..tail + 8].copy_from_slice(&crc.to_le_bytes());
    fs::write(&path, bytes).expect("written");
}

#[test]
fn an_index_that_says_what_its_file_can_not_hold_is_not_used() {
    let dir = logs();
    let plain = answer(dir.path());
    let logs: Vec<Arc<LogFile>> = indexing::logs(&dir.path().join("0367"));
    assert_eq!(logs.len(), 2);
    let huge = (17u64 << 40).to_le_bytes();
    /// The name of the forgery, and the bytes to put at each offset.
    type Forgery<'b> = (&'b str, Vec<(usize, &'b [u8])>);
    let forgeries: [Forgery<'_>; 9] = [
        ("content", vec![(CONTENT_BYTES, &huge)]),
        (
            "content and what is covered",
            vec![(CONTENT_BYTES, &huge), (COVERED, &huge)],
        ),
        (
            "all lengths",
            vec![
                (CONTENT_BYTES, &huge),
                (COVERED, &huge),
                (FILE_BYTES, &huge),
            ],
        ),
        ("lines", vec![(CONTENT_LINES, &huge)]),
        (
            "a time that no record can have",
            vec![(PROBED_FIRST, &[0xff; 8])],
        ),
        ("findings", vec![(FINDINGS, &[0xff; 4])]),
        ("segments", vec![(SEGMENTS, &[0xff; 4])]),
        ("blocks", vec![(SEGMENT_BLOCKS, &[0xff; 4])]),
        (
            "a table",
            vec![
                (TABLE_AT, &[0; 8]),
                (TABLE_BYTES, &[0xff, 0xff, 0xff, 0x0f]),
            ],
        ),
    ];
    for log in &logs {
        let path = index::path_of(&log.path);
        let sound = fs::read(&path).expect("read");
        assert!(
            matches!(index::state(log), IndexState::Fresh { .. }),
            "{:?}",
            log.name
        );
        for (what, changes) in &forgeries {
            forge(log, changes);
            let state = index::state(log);
            assert!(
                matches!(state, IndexState::Stale(_)),
                "{what} of {:?}: {state:?}",
                log.name
            );
            assert_eq!(answer(dir.path()), plain, "{what}");
            fs::write(&path, &sound).expect("written");
        }
    }
}

#[test]
fn an_index_of_another_owner_is_not_used() {
    let dir = logs();
    let plain = answer(dir.path());
    let log = indexing::logs(&dir.path().join("0367")).swap_remove(0);
    let path = index::path_of(&log.path);
    let stranger = fs::metadata(&log.path).expect("there").uid() + 4711;
    if chown(&path, Some(stranger), None).is_err() {
        testing::skipped("only root can give a file away");
        return;
    }
    let why = "is owned by neither root nor the owner of its file";
    assert_eq!(index::state(&log), IndexState::Stale(why.to_owned()));
    assert_eq!(answer(dir.path()), plain);
    // The owner of the log is as good as root.
    chown(&log.path, Some(stranger), None).expect("given away");
    assert!(matches!(index::state(&log), IndexState::Fresh { .. }));
}
