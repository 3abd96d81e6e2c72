//! Many generated calls: what is counted is what was written, and a call is the same however it is
//! found.
//!
//! A long run: `CALLTRACE_CALLS=450000 cargo test --release --test engine long_run -- --nocapture`; it
//! takes 1.4 GB of disk.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{self, Write as _};
use std::time::Instant;

use calltrace_engine::{Engine, SearchQuestion, TraceQuestion};
use calltrace_model::call::{Criteria, Summary};
use calltrace_model::record::{LogZone, Stamp};
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};
use testing::generator::{Compress, Plan, read_truth, write_tree};

use crate::indexing;

const DAY_MILLIS: i64 = 24 * 3_600_000;

/// Calls that are traced of many; of few a tenth of these.
const SAMPLES: usize = 2_000;

#[test]
fn calls_are_counted_as_they_were_written_and_traced_as_they_are_listed() {
    let calls: u32 = env::var("CALLTRACE_CALLS").map_or(900, |n| n.parse().expect("a number"));
    let (days, samples) = match calls {
        ..100_000 => (3, SAMPLES / 10),
        _ => (15, SAMPLES),
    };
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("call_tracer");
    let plan = Plan {
        seed: 17,
        days,
        calls_per_day: calls / days,
        compress: Compress::Bgzf,
        mess: true,
        ..Plan::default()
    };
    let written = write_tree(&plan, &root).expect("written");
    let every = usize::try_from(written.calls)
        .expect("it fits")
        .div_ceil(samples);
    let mut expected: BTreeMap<i64, usize> = BTreeMap::new();
    let mut sampled = BTreeMap::new();
    for (i, call) in read_truth(&root).expect("the truth").enumerate() {
        let call = call.expect("a row");
        *expected
            .entry(call.start_ms.div_euclid(DAY_MILLIS))
            .or_default() += 1;
        if i % every == 0 {
            sampled.insert(call.uids[0].clone(), call);
        }
    }
    // Two thousand traces would unpack most of it each.
    indexing::index_all(&root.join("0367"));
    let engine = Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine");
    let tree = Tree::open(&root).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    let began = Instant::now();
    let all = SearchQuestion {
        count_only: true,
        ..SearchQuestion::default()
    };
    let counted = engine.search(&tree, &name, &all).expect("searched").count;
    assert_eq!(counted as u64, written.calls, "the count of a search");
    // The question of the list: the newest rows of a day, and the number of its calls.
    let mut rows: BTreeMap<String, Summary> = BTreeMap::new();
    for (day, number) in &expected {
        let question = SearchQuestion {
            criteria: Criteria {
                since: Some(Stamp(day * DAY_MILLIS)),
                until: Some(Stamp((day + 1) * DAY_MILLIS)),
                ..Criteria::default()
            },
            tally: true,
            ..SearchQuestion::default()
        };
        let found = engine.search(&tree, &name, &question).expect("searched");
        assert_eq!(found.tally.total().all(), *number, "the list of day {day}");
        let of_sample = found
            .calls
            .into_iter()
            .filter(|call| sampled.contains_key(&call.main_uid));
        rows.extend(of_sample.map(|call| (call.main_uid.clone(), call)));
    }
    let mut wrong = Vec::new();
    for (i, (main, call)) in sampled.iter().enumerate() {
        let question = TraceQuestion {
            id: call.uids[i % call.uids.len()].clone(),
            strict: false,
            every_file: false,
            since: None,
        };
        let traced = engine
            .trace(&tree, &name, &question)
            .expect("traced")
            .call
            .expect("there");
        let place = |line: &calltrace_store::scan::Line| {
            (
                traced.files[line.place.source as usize].clone(),
                line.place.offset,
            )
        };
        let lines: BTreeSet<(String, u64)> = traced.lines.iter().map(place).collect();
        let truth = call
            .lines
            .iter()
            .map(|line| (line.file.clone(), line.offset))
            .collect();
        // Rows don't show legs.
        let row = Summary {
            legs: Vec::new(),
            ..traced.summary.clone()
        };
        if lines != truth || rows.get(main) != Some(&row) {
            wrong.push(format!(
                "{} {main}: {row:?}\n  row {:?}",
                call.pattern,
                rows.get(main)
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}: {}",
        wrong.len(),
        sampled.len(),
        wrong[0]
    );
    let _ = writeln!(
        io::stderr(),
        "{counted} calls in {} lines counted by search and day by day, {} of them traced, in {:.1} s",
        written.lines,
        sampled.len(),
        began.elapsed().as_secs_f64()
    );
}
