//! One id in every line of a file: answers are bounded, report what they leave out, and are the same in whatever way
//! the file is read.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use calltrace_engine::{Engine, RecordLimits, SearchQuestion, Trace, TraceQuestion};
use calltrace_model::record::LogZone;
use calltrace_store::scan::{Line, Tuning};
use calltrace_store::tree::{EnterpriseName, Tree};

use crate::indexing;

const ID: &str = "1764493655.61";

/// A call of which a program writes `requests` requests before it ends.
fn flood(requests: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    let mut text = format!(
        "2025-11-30 09:07:35,000|AST|start|{ID}|{{\"Phone\": \"375290001234\", \"CallType\": 0}}\n"
    );
    for n in 0..requests {
        let (minute, second, milli) = (8 + n / 20_000, n / 333 % 60, n % 333);
        let _ = writeln!(
            text,
            "2025-11-30 09:{minute:02}:{second:02},{milli:03}|HTTP|{ID}|GET|http://localhost/x/{n}|200|{{\"a\": {n}}}|{{\"text\": \"some answer\"}}"
        );
    }
    let _ = writeln!(
        text,
        "2025-11-30 09:35:00,000|AST|hangup|{ID}|{{\"Phone\": \"375290001234\", \"CallStatus\": 2, \"CallType\": 0}}"
    );
    fs::write(folder.join("events.log"), text).expect("written");
    dir
}

fn question() -> TraceQuestion {
    TraceQuestion {
        id: ID.to_owned(),
        strict: false,
        every_file: false,
        since: None,
    }
}

fn name() -> EnterpriseName {
    EnterpriseName::new("0367").expect("a name")
}

fn trace(root: &Path, engine: &Engine, limits: RecordLimits) -> Trace {
    let tree = Tree::open(root).expect("a tree");
    let traced = engine.trace_within(&tree, &name(), &question(), limits);
    traced.expect("traced")
}

#[test]
fn a_call_keeps_its_earliest_records_and_all_its_events_however_it_is_read() {
    let dir = flood(3000);
    let limits = RecordLimits::of(500);
    let engine = |threads, tuning| Engine::new(threads, tuning, LogZone::default());
    let tiny = Tuning {
        span_bytes: 5000,
        block_bytes: 700,
    };
    let engines = [engine(1, Tuning::default()), engine(4, tiny)];
    let engines = engines.map(|engine| engine.expect("an engine"));
    let mut answers = Vec::new();
    for indexed in [false, true] {
        if indexed {
            indexing::index_all(&dir.path().join("0367"));
        }
        for engine in &engines {
            let call = trace(dir.path(), engine, limits).call.expect("found");
            assert_eq!((call.lines.len(), call.left_out), (502, 2500));
            assert!(call.summary.ended, "the hangup is behind what is left out");
            let urls: Vec<String> = call.lines[1..501].iter().map(url).collect();
            let wanted = (0..500).map(|n| format!("http://localhost/x/{n}"));
            assert_eq!(urls, wanted.collect::<Vec<_>>());
            answers.push(format!("{:?}", call.lines));
        }
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    let all = trace(dir.path(), &engines[0], RecordLimits::of(0));
    let all = all.call.expect("found");
    assert_eq!((all.lines.len(), all.left_out), (3002, 0));
}

fn url(line: &Line) -> String {
    let text = String::from_utf8_lossy(&line.text);
    text.split('|').nth(4).unwrap_or_default().to_owned()
}

#[test]
fn all_records_are_handed_out_in_order_each_once() {
    let dir = flood(3000);
    let engine = Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine");
    let tree = Tree::open(dir.path()).expect("a tree");
    let mut text = Vec::new();
    let mut each = |lines: &[Line]| {
        for line in lines {
            text.extend_from_slice(&line.text);
            text.push(b'\n');
        }
        Ok(())
    };
    let troubles = engine.each_record(&tree, &name(), &question(), &mut each);
    assert!(troubles.expect("read").is_empty());
    let file = fs::read(dir.path().join("0367/events.log")).expect("read");
    assert!(text == file, "{} bytes of {}", text.len(), file.len());
}

/// Every answer shows how a call ended, even if many records of a loop come before its last record.
#[test]
fn a_call_that_is_flooded_with_events_keeps_its_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    let mut text = format!(
        "2025-11-30 09:07:35,000|AST|start|{ID}|{{\"Phone\": \"375290001234\", \"CallType\": 0}}\n"
    );
    for n in 0..60_000 {
        let (minute, second, milli) = (8 + n / 19_980, n / 333 % 60, n % 333);
        let _ = writeln!(
            text,
            "2025-11-30 09:{minute:02}:{second:02},{milli:03}|AST|new_callerid|{ID}|{{\"CallerIDNum\": \"{n}\"}}"
        );
    }
    let _ = writeln!(
        text,
        "2025-11-30 09:12:00,000|AST|hangup|{ID}|{{\"Phone\": \"375290001234\", \"CallStatus\": 1, \"CallType\": 0}}"
    );
    fs::write(folder.join("events.log"), text).expect("written");
    let engine = Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine");
    let tree = Tree::open(dir.path()).expect("a tree");
    let call = trace(dir.path(), &engine, RecordLimits::default()).call;
    let call = call.expect("found");
    assert_eq!((call.lines.len(), call.left_out), (10_000, 50_002));
    assert!(call.summary.ended);
    let number = |line: &Line| {
        let text = String::from_utf8_lossy(&line.text).into_owned();
        let number = text.rsplit('"').nth(1).and_then(|n| n.parse().ok());
        number.unwrap_or(0u32)
    };
    assert_eq!(number(&call.lines[8_999]), 8_998);
    assert_eq!(number(&call.lines[9_000]), 59_001);
    let found = engine.search(&tree, &name(), &SearchQuestion::default());
    let found = found.expect("searched");
    assert_eq!((found.count, found.records_left_out), (1, 50_002));
    let summary = calltrace_model::call::Summary {
        legs: Vec::new(),
        ..call.summary
    };
    assert_eq!(format!("{:?}", found.calls[0]), format!("{summary:?}"));
}

#[test]
fn a_sweep_counts_a_flooded_call_once_and_says_what_it_left_out() {
    let dir = flood(25_000);
    let engine = Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine");
    let tree = Tree::open(dir.path()).expect("a tree");
    let found = engine.search(&tree, &name(), &SearchQuestion::default());
    let found = found.expect("searched");
    assert_eq!(found.count, 1);
    assert!(
        found.records_left_out >= 14_000,
        "{}",
        found.records_left_out
    );
    assert!(found.calls[0].ended);
}

/// Runs the program and gives its greatest resident size (MiB) and what it printed.
fn run(root: &Path, args: &[&str]) -> (u64, Vec<u8>) {
    let mut command = Command::new(testing::program());
    testing::surround(&mut command);
    let out = root.join("out");
    let file = fs::File::create(&out).expect("made");
    let command = command.args(["--root"]).arg(root).args(args);
    let command = command.env("XDG_CONFIG_HOME", root.join("none"));
    let mut child = command
        .stdout(file)
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut most = 0;
    loop {
        // The high-water mark: a look in time before the end is enough.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        most = most.max(kib.unwrap_or(0));
        if let Some(ended) = child.try_wait().expect("it is ours") {
            assert!(ended.success(), "{args:?}: {ended}");
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let printed = fs::read(&out).expect("read");
    (most / 1024, printed)
}

#[test]
fn a_hundred_thousand_lines_of_one_id_take_little_memory() {
    if !Path::new("/proc/self/status").exists() {
        testing::skipped("there is no /proc to see memory in");
        return;
    }
    let dir = flood(100_000);
    for (args, most) in [
        (&["trace", "0367", ID][..], 150),
        (&["trace", "0367", ID, "--format", "json"], 150),
        (
            &["trace", "0367", ID, "--format", "raw", "--limit", "0"],
            150,
        ),
        (&["search", "0367", "--count"], 150),
    ] {
        let (mib, printed) = run(dir.path(), args);
        assert!(mib > 0, "{args:?} was not seen");
        assert!(mib < most, "{args:?} took {mib} MiB");
        assert!(!printed.is_empty(), "{args:?}");
    }
}
