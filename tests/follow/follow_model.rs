//! Following compared with a model: files are written, renamed, truncated, collapsed, copied, deleted and created
//! again at random, also between any two requests of the follower. The output must be exactly what was written, each
//! line once, in the order of its file.
//!
//! The limit: a line may be missing only if it was in a file when the file was truncated, or in a file that came and
//! went before it could be opened.
//! `FOLLOW_SEEDS=5000 cargo test --profile torture --test follow follow_model` tries more.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use calltrace_follow::{Arrival, EnterpriseSelection, Tracker};
use calltrace_model::filter::RecordFilter;

use crate::model::{DiskOps, Model, Shared};

/// Steps of a run: between two of them the follower makes a round.
const STEPS: usize = 300;

fn seeds() -> u64 {
    let more = std::env::var("FOLLOW_SEEDS")
        .ok()
        .and_then(|n| n.parse().ok());
    more.unwrap_or(150)
}

/// Follows one run of the model and checks the output.
fn follow(seed: u64, ops: DiskOps) {
    let model = Rc::new(RefCell::new(Model::new(seed, ops)));
    let mut tracker = Tracker::new(
        Shared(Rc::clone(&model)),
        EnterpriseSelection::All,
        RecordFilter::default(),
    );
    let begin = Instant::now();
    let mut printed: Vec<(Vec<u8>, bool)> = Vec::new();
    // Lines that are found in a separate archive may come after those that the file holds now.
    let taken = |line: Arrival<'_>| (line.text.to_vec(), line.file.ends_with(".gz"));
    let mut messages = Vec::new();
    for step in 0..STEPS + 60 {
        if step < STEPS {
            for _ in 0..step % 7 {
                model.borrow_mut().act();
            }
            model.borrow_mut().alive = step % 3 != 0;
        } else {
            model.borrow_mut().settle();
        }
        // At the end time passes faster, because some decisions take a second.
        let millis = 10 * step.min(STEPS) + 200 * step.saturating_sub(STEPS);
        let now = begin + Duration::from_millis(millis as u64);
        let wall = SystemTime::UNIX_EPOCH;
        if step % 4 == 0 || step >= STEPS {
            tracker.anything_changed();
            tracker.sweep(now);
        }
        tracker.round(now, wall);
        model.borrow_mut().alive = false;
        let batch = tracker.take(now);
        printed.extend(batch.lines().map(taken));
        messages.extend(batch.news);
    }
    let rest = tracker.take_all();
    printed.extend(rest.lines().map(taken));

    let model = model.borrow();
    let fail = |what: &str, line: &[u8]| -> ! {
        panic!(
            "seed {seed}: {what}: {}\ndone: {:#?}\nsaid: {messages:#?}",
            String::from_utf8_lossy(&line[..line.len().min(60)]),
            model.done
        )
    };
    let mut times: HashMap<&[u8], usize> = HashMap::new();
    let mut places: HashMap<u64, usize> = HashMap::new();
    for (line, of_archive) in &printed {
        let Some(written) = model.written.get(line) else {
            fail(&format!("never written ({} bytes)", line.len()), line);
        };
        *times.entry(line).or_default() += 1;
        if times[line.as_slice()] > 1 {
            fail("printed twice", line);
        }
        if *of_archive {
            continue;
        }
        let last = places.insert(written.content, written.place);
        if last.is_some_and(|last| last >= written.place) {
            fail("out of the order of its file", line);
        }
    }
    let mut lines: Vec<&Vec<u8>> = model.written.keys().collect();
    lines.sort();
    for line in lines {
        if !times.contains_key(line.as_slice()) && !model.may_be_lost.contains(line) {
            fail("lost", line);
        }
    }
    assert!(printed.len() > STEPS, "seed {seed}: the run wrote little");
}

#[test]
fn renames_deletions_and_new_files_lose_and_repeat_nothing() {
    for seed in 0..seeds() {
        let ops = DiskOps {
            truncations: false,
            collapses: false,
            copies: false,
        };
        follow(seed, ops);
    }
}

#[test]
fn collapses_lose_and_repeat_nothing() {
    for seed in 0..seeds() {
        let ops = DiskOps {
            truncations: false,
            collapses: true,
            copies: false,
        };
        follow(1_000_000 + seed, ops);
    }
}

#[test]
fn truncations_lose_at_most_what_they_cut_off() {
    for seed in 0..seeds() {
        let ops = DiskOps {
            truncations: true,
            collapses: true,
            copies: false,
        };
        follow(2_000_000 + seed, ops);
    }
}

#[test]
fn copies_and_truncations_lose_at_most_what_was_not_copied() {
    for seed in 0..seeds() {
        let ops = DiskOps {
            truncations: false,
            collapses: false,
            copies: true,
        };
        follow(3_000_000 + seed, ops);
    }
}
