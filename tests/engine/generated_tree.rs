//! The generator's truth: answers about a call must not depend on how its tree is stored.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use calltrace_engine::{Engine, SearchQuestion, TraceQuestion};
use calltrace_model::record::LogZone;
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};
use testing::generator::{Compress, Names, Plan, TruthCall, read_truth, write_tree};

fn engine() -> Engine {
    Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine")
}

/// Traces one id of every call of the truth and compares places; returns what differs.
fn differences(root: &Path, calls: &[TruthCall]) -> Vec<String> {
    let engine = engine();
    let tree = Tree::open(root).expect("a tree");
    let mut wrong = Vec::new();
    for (i, call) in calls.iter().enumerate() {
        let uid = &call.uids[i % call.uids.len()];
        let question = TraceQuestion {
            id: uid.clone(),
            strict: false,
            every_file: i % 2 == 0,
            since: None,
        };
        let name = EnterpriseName::new(&call.enterprise).expect("a name");
        let trace = engine.trace(&tree, &name, &question).expect("traced");
        let found: BTreeSet<(String, u64)> = trace
            .call
            .map(|found| {
                let place = |p: calltrace_model::record::Place| {
                    (found.files[p.source as usize].clone(), p.offset)
                };
                found.lines.iter().map(|line| place(line.place)).collect()
            })
            .unwrap_or_default();
        let want: BTreeSet<(String, u64)> = call
            .lines
            .iter()
            .map(|line| (line.file.clone(), line.offset))
            .collect();
        if found != want {
            wrong.push(format!(
                "{} {uid}: missing {:?}, foreign {:?}",
                call.pattern,
                want.difference(&found).collect::<Vec<_>>(),
                found.difference(&want).collect::<Vec<_>>()
            ));
        }
    }
    wrong
}

fn check(plan: &Plan, most: usize) {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("call_tracer");
    write_tree(plan, &root).expect("written");
    let mut calls: Vec<TruthCall> = read_truth(&root)
        .expect("the truth")
        .map(|call| call.expect("a row"))
        .collect();
    let every = calls.len().div_ceil(most);
    let mut nth = 0;
    calls.retain(|_| {
        nth += 1;
        nth % every == 0
    });
    let wrong = differences(&root, &calls);
    assert!(
        wrong.is_empty(),
        "{} of {} calls differ:\n{}",
        wrong.len(),
        calls.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
}

#[test]
fn every_call_of_a_tidy_tree_is_exactly_its_lines() {
    let plan = Plan {
        days: 3,
        calls_per_day: 400,
        ..Plan::default()
    };
    check(&plan, 1200);
}

#[test]
fn mess_and_mixed_names_and_formats_change_no_call() {
    let plan = Plan {
        seed: 7,
        days: 5,
        calls_per_day: 1500,
        names: Names::Mixed,
        compress: Compress::Mixed,
        mess: true,
        ..Plan::default()
    };
    check(&plan, 800);
}

#[test]
fn a_busy_host_does_not_run_calls_together() {
    let plan = Plan {
        seed: 11,
        days: 2,
        calls_per_day: 12_000,
        mess: true,
        ..Plan::default()
    };
    check(&plan, 1000);
}

#[test]
fn search_lists_every_call_once_with_the_ids_of_the_truth() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("call_tracer");
    let plan = Plan {
        seed: 5,
        days: 4,
        calls_per_day: 800,
        compress: Compress::Mixed,
        mess: true,
        ..Plan::default()
    };
    write_tree(&plan, &root).expect("written");
    let mut pattern_of: BTreeMap<String, String> = BTreeMap::new();
    for call in read_truth(&root).expect("the truth") {
        let call = call.expect("a row");
        pattern_of.insert(call.uids[0].clone(), call.pattern.clone());
    }
    let tree = Tree::open(&root).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    let found = engine()
        .search(&tree, &name, &SearchQuestion::default())
        .expect("searched");
    let got: BTreeSet<String> = found.calls.iter().map(|s| s.main_uid.clone()).collect();
    assert_eq!(got.len(), found.calls.len(), "a call is listed twice");
    let want: BTreeSet<String> = pattern_of.keys().cloned().collect();
    let named = |uid: &String| format!("{uid} {}", pattern_of.get(uid).map_or("?", String::as_str));
    let missing: Vec<String> = want.difference(&got).map(named).collect();
    let foreign: Vec<String> = got.difference(&want).map(named).collect();
    assert!(
        missing.is_empty() && foreign.is_empty(),
        "missing {missing:?}\nforeign {foreign:?}"
    );
}
