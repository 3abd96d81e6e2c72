//! Answers while rotations run: each has every line that was written before it was asked for, none
//! twice.
//!
//! `CALLTRACE_ANSWERS=5000 cargo test --profile torture --test upkeep rotate_answers` asks as often (else 400).

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use calltrace_engine::{Engine, LinesQuestion, SearchQuestion, TraceQuestion};
use calltrace_model::call::Criteria;
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::LogZone;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};
use chrono::{Days, NaiveDate, NaiveDateTime, NaiveTime};
use testing::ending::RaisedAtEnd;

/// Lines of a call, and calls of a day.
const CALL_LINES: usize = 8;
const DAY_CALLS: usize = 120;

/// The kinds of writer, and the mode that is safe with each.
const WRITERS: [(&str, &str); 3] = [
    ("opens", "rename"),
    ("holds", "collapse"),
    ("rotates", "archive"),
];

fn midnight(call: usize) -> NaiveDateTime {
    let first = NaiveDate::from_ymd_opt(2024, 1, 1).expect("a day");
    let day = first + Days::new((call / DAY_CALLS) as u64);
    day.and_time(NaiveTime::MIN)
}

fn day(call: usize) -> String {
    midnight(call).format("%Y-%m-%d").to_string()
}

fn id(call: usize) -> String {
    let seconds = midnight(call).and_utc().timestamp();
    format!(
        "{}.{call}",
        seconds + 36_000 + (call % DAY_CALLS * 60) as i64
    )
}

fn phone(call: usize) -> String {
    format!("37529{:07}", 1_000_000 + call)
}

fn line(number: usize) -> String {
    let (call, step) = (number / CALL_LINES, number % CALL_LINES);
    let minute = call % DAY_CALLS;
    let event = match step {
        0 => "start",
        1 => "dial",
        7 => "hangup",
        _ => "new_callerid",
    };
    format!(
        "{} {:02}:{:02}:{step:02},000|AST|{event}|{}|{{\"n\": {number}, \"Phone\": \"{}\", \"CallType\": 0, \"x\": \"{}\"}}\n",
        day(call),
        10 + minute / 60,
        minute % 60,
        id(call),
        phone(call),
        "y".repeat(150),
    )
}

/// Writes as one of the three kinds of writer does, until it is told to stop.
struct Writer {
    folder: PathBuf,
    written: Arc<AtomicUsize>,
}

impl Writer {
    fn run(&self, kind: &str, stop: &AtomicBool) {
        let live = self.folder.join("events.log");
        let mut held = append(&live);
        for number in 0.. {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let turns = number % (CALL_LINES * DAY_CALLS) == 0 && number > 0;
            match kind {
                "opens" => held = append(&live),
                "rotates" if turns => {
                    let finished = day(number / CALL_LINES - 1);
                    let to = self.folder.join(format!("events.log.{finished}"));
                    fs::rename(&live, to).expect("renamed");
                    held = append(&live);
                }
                _ => {}
            }
            held.write_all(line(number).as_bytes()).expect("written");
            self.written.store(number + 1, Ordering::SeqCst);
            if number % 4 == 0 {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

fn append(path: &Path) -> File {
    let mut options = OpenOptions::new();
    options.create(true).append(true).open(path).expect("open")
}

fn rotate(root: &Path, stop: &AtomicBool) -> usize {
    let mut runs = 0;
    while !stop.load(Ordering::Relaxed) {
        for (kind, mode) in WRITERS {
            let status = testing::command(root)
                .args([
                    "rotate", "--keep", "36500d", "--force", "--mode", mode, kind,
                ])
                .stdout(Stdio::null())
                .status()
                .expect("rotate runs");
            assert!(status.success(), "rotate {kind} failed");
            runs += 1;
        }
    }
    runs
}

/// How often each line's number is among some lines.
fn numbers<'l>(lines: impl Iterator<Item = &'l [u8]>) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let text = String::from_utf8_lossy(line);
        let position = text.find("\"n\": ").expect("a whole line") + 5;
        let digits: String = text[position..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        *counts.entry(digits.parse().expect("a number")).or_default() += 1;
    }
    counts
}

/// Asks in one of three ways for a call of which at least the first lines are there.
fn ask(
    engine: &Engine,
    tree: &Tree,
    kind: &str,
    turn: usize,
    call: usize,
) -> BTreeMap<usize, usize> {
    let name = EnterpriseName::new(kind).expect("a name");
    let lines: Vec<Vec<u8>> = match turn % 3 {
        0 => {
            let question = TraceQuestion {
                id: id(call),
                strict: false,
                every_file: false,
                since: None,
            };
            let trace = engine.trace(tree, &name, &question).expect("traced");
            let call = trace.call.map(|call| call.lines).unwrap_or_default();
            call.into_iter().map(|line| line.text.into_vec()).collect()
        }
        1 => {
            let phone = PhoneQuery::parse(&phone(call)).ok();
            let question = SearchQuestion {
                criteria: Criteria {
                    phone,
                    ..Criteria::default()
                },
                ..SearchQuestion::default()
            };
            let found = engine.search(tree, &name, &question).expect("searched");
            let calls: Vec<_> = found.calls.iter().collect();
            let lines = engine
                .lines_of_calls(tree, &name, &calls, false)
                .expect("lines");
            lines
                .into_iter()
                .flatten()
                .map(|line| line.text.into_vec())
                .collect()
        }
        _ => {
            let question = LinesQuestion {
                filter: RecordFilter {
                    text: Some(id(call)),
                    ..RecordFilter::default()
                },
                ..LinesQuestion::default()
            };
            let found = engine.lines(tree, &name, &question).expect("searched");
            found
                .lines
                .into_iter()
                .map(|line| line.line.text.into_vec())
                .collect()
        }
    };
    numbers(lines.iter().map(Vec::as_slice))
}

#[test]
fn no_answer_misses_or_doubles_a_line_while_every_mode_rotates() {
    let answers = std::env::var("CALLTRACE_ANSWERS").ok();
    let answers: usize = answers.map_or(400, |n| n.parse().expect("a number"));
    let dir = tempfile::tempdir().expect("a folder");
    let tree_root = dir.path().to_owned();
    let stop = AtomicBool::new(false);
    let written: Vec<Arc<AtomicUsize>> = WRITERS.iter().map(|_| Arc::default()).collect();
    for (kind, _) in WRITERS {
        fs::create_dir(tree_root.join(kind)).expect("made");
    }
    thread::scope(|scope| {
        let stop = &stop;
        for ((kind, _), written) in WRITERS.into_iter().zip(&written) {
            let writer = Writer {
                folder: tree_root.join(kind),
                written: Arc::clone(written),
            };
            scope.spawn(move || writer.run(kind, stop));
        }
        let rotator = scope.spawn(|| rotate(&tree_root, stop));
        let reader = scope.spawn(|| {
            let _stop = RaisedAtEnd(stop);
            let engine = Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine");
            let tree = Tree::open(&tree_root).expect("a tree");
            let mut random = 7u64;
            for turn in 0..answers {
                let which = turn % WRITERS.len();
                let before = loop {
                    match written[which].load(Ordering::SeqCst) {
                        0 => thread::sleep(Duration::from_millis(1)),
                        n => break n,
                    }
                };
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(99);
                // Mostly the newest calls, which are on the move.
                let calls = before.div_ceil(CALL_LINES);
                let back =
                    (random >> 33) as usize % if turn % 2 == 0 { calls } else { calls.min(20) };
                let call = calls - 1 - back;
                let kind = WRITERS[which].0;
                let counts = ask(&engine, &tree, kind, turn / WRITERS.len(), call);
                let first = call * CALL_LINES;
                let wanted = first..(first + CALL_LINES).min(before);
                let missing: Vec<usize> = wanted.filter(|n| !counts.contains_key(n)).collect();
                assert!(
                    missing.is_empty(),
                    "{kind}, answer {turn}: call {call} misses lines {missing:?}, has {counts:?}"
                );
                let twice: Vec<_> = counts.iter().filter(|(_, n)| **n > 1).collect();
                assert!(
                    twice.is_empty(),
                    "{kind}, answer {turn}: call {call} has lines twice: {twice:?}"
                );
            }
        });
        reader.join().expect("every answer is right");
        let runs = rotator.join().expect("rotations succeed");
        assert!(runs >= WRITERS.len(), "too few rotations: {runs}");
    });
}
