//! An engine that remembers gives the same answers as one that doesn't, byte for byte, whatever happens
//! to the files between two questions.
//!
//! `LIVE_SEEDS=500 cargo test --profile torture --test engine live_model` tries more.

use std::fmt::Write as _;

use crate::changing_folder::{Actor, Script};
use calltrace_engine::{
    AfterAnswer, Engine, LinesQuestion, MemoryLimits, SearchQuestion, TraceQuestion,
};
use calltrace_model::call::{Criteria, Outcome};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::phone::PhoneQuery;
use calltrace_model::record::{KindName, LogZone};
use calltrace_store::error::Trouble;
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};
use rayon::prelude::*;

/// DiskOps of a run.
const STEPS: usize = 80;

fn seeds() -> u64 {
    let more = std::env::var("LIVE_SEEDS")
        .ok()
        .and_then(|n| n.parse().ok());
    more.unwrap_or(4)
}

/// A scan samples times block by block: only where each line is a block of its own it knows them all,
/// as an index does, however late a line is.
const EXACT: Tuning = Tuning {
    span_bytes: 100,
    block_bytes: 64,
};

fn engine() -> Engine {
    Engine::new(2, EXACT, LogZone::default()).expect("an engine")
}

/// Small enough that a run grows, merges, is behind and forgets.
fn limits(seed: u64) -> MemoryLimits {
    MemoryLimits {
        bytes: if seed % 3 == 2 { 60_000 } else { 64 << 20 },
        worth_bytes: 2_000,
        lag_bytes: [0, 1_000, 5_000][seed as usize % 3],
        step_bytes: [1_000, 20_000, 16 << 20][seed as usize / 2 % 3],
        block_bytes: [300, 1_000, 4_096][seed as usize / 3 % 3],
        open_indexes: [128, 2][seed as usize % 2],
    }
}

fn name() -> EnterpriseName {
    EnterpriseName::new("0367").expect("a name")
}

/// The questions of one moment.
struct Questions {
    ids: Vec<String>,
    phone: String,
    text: String,
    all: bool,
}

impl Questions {
    fn draw(actor: &mut Actor<'_>, script: &Script, step: usize) -> Questions {
        let near = actor.next * script.ids.len() / script.lines.len();
        let ids = (0..2).map(|_| {
            let back = actor.below(60);
            let call = &script.ids[(near + 5).saturating_sub(back) % script.ids.len()];
            call[back % call.len()].clone()
        });
        let ids: Vec<String> = ids.collect();
        let line = actor.next.saturating_sub(actor.below(400)) % script.phones.len();
        Questions {
            text: ids[0].clone(),
            ids,
            phone: script.phones[line].clone(),
            all: step.is_multiple_of(5),
        }
    }
}

fn answers(engine: &Engine, tree: &Tree, questions: &Questions) -> String {
    let mut text = String::new();
    for id in &questions.ids {
        trace(engine, tree, id, &mut text);
    }
    let phone = PhoneQuery::parse(&questions.phone).ok();
    let by_phone = Criteria {
        phone: phone.clone(),
        ..Criteria::default()
    };
    search(engine, tree, by_phone, &mut text);
    let of_phone = RecordFilter {
        phone,
        ..RecordFilter::default()
    };
    lines(engine, tree, of_phone, 1, &mut text);
    let of_text = RecordFilter {
        text: Some(questions.text.clone()),
        ..RecordFilter::default()
    };
    lines(engine, tree, of_text, 0, &mut text);
    if questions.all {
        let missed = Criteria {
            outcome: Some(Outcome::Missed),
            ..Criteria::default()
        };
        search(engine, tree, missed, &mut text);
        let messages = RecordFilter {
            kinds: vec![KindName::Tg],
            ..RecordFilter::default()
        };
        lines(engine, tree, messages, 0, &mut text);
    }
    text
}

fn trace(engine: &Engine, tree: &Tree, id: &str, text: &mut String) {
    let question = TraceQuestion {
        id: id.to_owned(),
        strict: false,
        every_file: false,
        since: None,
    };
    let trace = engine.trace(tree, &name(), &question).expect("traced");
    let _ = writeln!(text, "trace {id}: {:?} {:?}", trace.near, trace.searched);
    write_troubles(&trace.troubles, text);
    if let Some(call) = trace.call {
        for line in &call.lines {
            let _ = writeln!(text, "{line:?}");
        }
        let _ = writeln!(text, "{:?} {:?}", call.closure.joins(), call.summary);
    }
    let now = engine
        .trace_up_to_now(tree, &[name()], &question, AfterAnswer::Follow)
        .remove(0);
    let now = now.expect("a folder");
    let lines = now.answer.call.map(|call| call.lines);
    let _ = writeln!(text, "up to now: {lines:?} {:?}", now.newest);
}

fn search(engine: &Engine, tree: &Tree, criteria: Criteria, text: &mut String) {
    let question = SearchQuestion {
        criteria,
        ..SearchQuestion::default()
    };
    let found = engine.search(tree, &name(), &question).expect("searched");
    let _ = writeln!(text, "search: {:?} {:?}", found.calls, found.searched);
    write_troubles(&found.troubles, text);
}

fn lines(engine: &Engine, tree: &Tree, filter: RecordFilter, around: usize, text: &mut String) {
    let question = LinesQuestion {
        filter,
        before: around,
        after: around,
        ..LinesQuestion::default()
    };
    let found = engine.lines(tree, &name(), &question).expect("searched");
    for line in &found.lines {
        let _ = writeln!(text, "{line:?}");
    }
    let _ = writeln!(text, "lines: {} {:?}", found.count, found.searched);
    write_troubles(&found.troubles, text);
}

fn write_troubles(troubles: &[Trouble], text: &mut String) {
    let _ = writeln!(text, "troubles: {troubles:?}");
}

fn difference(a: &str, b: &str) -> String {
    match a.lines().zip(b.lines()).find(|(a, b)| a != b) {
        Some((a, b)) => format!("- {a:.3000}\n+ {b:.3000}"),
        None => format!("{} lines, then {}", a.lines().count(), b.lines().count()),
    }
}

/// How often an answer used the memory.
fn run(seed: u64, script: &Script) -> usize {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    std::fs::create_dir(&folder).expect("made");
    let tree = Tree::open(dir.path()).expect("a tree");
    let mut actor = Actor::new(&folder, script, seed);
    let limits = limits(seed);
    let (with, without) = (engine().remembering(limits), engine());
    let mut used = 0;
    for step in 0..STEPS {
        actor.act();
        let questions = Questions::draw(&mut actor, script, step);
        let plain = answers(&without, &tree, &questions);
        let remembered = answers(&with, &tree, &questions);
        assert!(
            plain == remembered,
            "seed {seed}, step {step}: {:#?}\n{}",
            &actor.done,
            difference(&plain, &remembered)
        );
        let (files, bytes) = with.remembered();
        assert!(bytes <= limits.bytes, "seed {seed}: {bytes} bytes");
        used += usize::from(files > 0);
    }
    used
}

#[test]
fn a_memory_changes_no_answer_whatever_happens_to_the_files() {
    let script = Script::new(120);
    (0..seeds()).into_par_iter().for_each(|seed| {
        let used = run(seed, &script);
        assert!(used > STEPS / 4, "seed {seed}: used {used} times");
    });
}
