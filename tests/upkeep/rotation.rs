//! Answers while files are renamed, compressed and removed under the reader: no line missed, none
//! twice, never an error half-way.

use std::fs::{self, File, FileTimes};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use calltrace_engine::{AfterAnswer, Engine, LinesQuestion, SearchQuestion, TraceQuestion};
use calltrace_model::record::LogZone;
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};
use flate2::Compression;
use flate2::write::GzEncoder;
use testing::ending::RaisedAtEnd;
use testing::generator::{Plan, read_truth, write_tree};

/// Asked for this long (seconds), at least this often.
const SECONDS: u64 = 4;
const QUESTIONS_MIN: usize = 20;

/// Renames a file back and forth and swaps it with its compressed form, as rotation does: new name
/// complete before the old one goes.
fn rotate(folder: &Path, done: &AtomicBool) {
    let day = folder.join("events.log.2025-11-29");
    let other = folder.join("events_2025-11-29.log");
    let packed = folder.join("events.log.2025-11-29.gz");
    let content = fs::read(&day).expect("a generated day");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&content).expect("into memory");
    let gzip = encoder.finish().expect("into memory");
    while !done.load(Ordering::Relaxed) {
        let temporary = folder.join(".events.tmp");
        fs::write(&temporary, &gzip).expect("written");
        fs::rename(&temporary, &packed).expect("renamed");
        fs::remove_file(&day).expect("removed");
        pause();
        fs::write(&temporary, &content).expect("written");
        fs::rename(&temporary, &day).expect("renamed");
        fs::remove_file(&packed).expect("removed");
        pause();
        fs::rename(&day, &other).expect("renamed");
        pause();
        fs::rename(&other, &day).expect("renamed");
        pause();
    }
}

fn pause() {
    thread::sleep(Duration::from_millis(15));
}

#[test]
fn a_rotation_neither_hides_nor_doubles_a_line() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("call_tracer");
    let plan = Plan {
        seed: 3,
        days: 3,
        calls_per_day: 300,
        ..Plan::default()
    };
    write_tree(&plan, &root).expect("written");
    let calls: Vec<_> = read_truth(&root)
        .expect("the truth")
        .map(|call| call.expect("a row"))
        .filter(|call| call.lines.iter().any(|l| l.file == "events.log.2025-11-29"))
        .collect();
    let all = read_truth(&root).expect("the truth").count();
    let engine = Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine");
    let tree = Tree::open(&root).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    let lines = engine.lines(&tree, &name, &LinesQuestion::default());
    let lines = lines.expect("searched").count;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| rotate(&root.join("0367"), &done));
        let _done = RaisedAtEnd(&done);
        let begin = Instant::now();
        let mut questions = 0;
        while questions < QUESTIONS_MIN || begin.elapsed() < Duration::from_secs(SECONDS) {
            let call = &calls[questions % calls.len()];
            let question = TraceQuestion {
                id: call.uids[0].clone(),
                strict: false,
                every_file: false,
                since: None,
            };
            let trace = engine.trace(&tree, &name, &question).expect("traced");
            let found = trace.call.map_or(0, |call| call.lines.len());
            assert_eq!(
                found,
                call.lines.len(),
                "{} in question {questions}",
                call.uids[0]
            );
            if questions % 10 == 0 {
                let found = engine.search(&tree, &name, &SearchQuestion::default());
                let count = found.expect("searched").count;
                assert_eq!(count, all, "calls in question {questions}");
                let now = engine.lines_up_to_now(
                    &tree,
                    std::slice::from_ref(&name),
                    &LinesQuestion::default(),
                    AfterAnswer::Close,
                );
                let count = now
                    .into_iter()
                    .map(|now| now.expect("searched").answer.count)
                    .sum::<usize>();
                assert_eq!(count, lines, "lines in question {questions}");
            }
            questions += 1;
        }
    });
}

#[test]
fn a_content_under_two_names_counts_once_and_different_contents_both_count() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    let line = |uid: &str| {
        format!(
            "2025-11-29 09:00:00,000|AST|hangup|{uid}|{{\"UniqueId\": \"{uid}\", \"CallStatus\": \"0\"}}\n"
        )
    };
    let (first, second) = (line("1764406800.1"), line("1764406801.2"));
    let pack = |content: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content.as_bytes()).expect("into memory");
        encoder.finish().expect("into memory")
    };
    let engine = Engine::new(1, Tuning::default(), LogZone::default()).expect("an engine");
    let count = |plain: &str, packed: &str| {
        fs::write(folder.join("events.log.2025-11-29"), plain).expect("written");
        fs::write(folder.join("events.log.2025-11-29.gz"), pack(packed)).expect("written");
        let old = FileTimes::new().set_modified(std::time::SystemTime::UNIX_EPOCH);
        File::open(folder.join("events.log.2025-11-29"))
            .expect("open")
            .set_times(old)
            .expect("set");
        let tree = Tree::open(dir.path()).expect("a tree");
        let name = EnterpriseName::new("0367").expect("a name");
        let question = LinesQuestion::default();
        engine
            .lines(&tree, &name, &question)
            .expect("searched")
            .count
    };
    assert_eq!(count(&first, &first), 1, "equal");
    assert_eq!(count(&first, &second), 2, "different");
    let both = format!("{first}{second}");
    assert_eq!(
        count(&both, &first),
        2,
        "the packed one is the beginning of the plain one"
    );
    assert_eq!(
        count(&first, &both),
        2,
        "the plain one is the beginning of the packed one"
    );
    assert_eq!(count("", &both), 2, "an empty one");
}
