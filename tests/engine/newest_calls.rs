//! The newest calls of several enterprises together are those that each has alone.

use std::fs;
use std::path::Path;

use calltrace_engine::{EachFound, Engine, FoundCalls, SearchQuestion, newest_first};
use calltrace_model::call::Summary;
use calltrace_store::tree::{EnterpriseName, Tree};
use testing::generator::{Plan, write_tree};

use crate::indexing;
use crate::tables::{engine, own, questions, tables, times};

/// All calls with their enterprises, newest first, and everything else that was found.
fn apart(found: EachFound) -> (Vec<(EnterpriseName, Summary)>, Vec<FoundCalls>) {
    let mut rows = Vec::new();
    let take = |found| {
        let mut found: FoundCalls = found;
        let calls = std::mem::take(&mut found.calls).into_iter();
        rows.extend(calls.map(|call| (found.enterprise.clone(), call)));
        found
    };
    let rest = found
        .into_iter()
        .map(|found| found.expect("searched"))
        .map(take)
        .collect();
    rows.sort_by(|(a_name, a), (b_name, b)| {
        newest_first(
            (a.first, a_name, &a.main_uid),
            (b.first, b_name, &b.main_uid),
        )
    });
    (rows, rest)
}

fn check(engine: &Engine, root: &Path, how: &str) {
    let tree = Tree::open(root).expect("a tree");
    let names = tree.enterprises().expect("listed");
    assert_eq!(names.len(), 3);
    let (first, last) = times(engine, root);
    let mut cut = 0;
    for (what, question) in questions(first, last).into_iter().step_by(3) {
        for limit in [Some(1), Some(30), Some(1_000), None] {
            let question = SearchQuestion {
                limit,
                ..question.clone()
            };
            let (mut rows, rest) = apart(engine.search_each(&tree, &names, &question));
            let (mut newest, newest_rest) = apart(engine.search_newest(&tree, &names, &question));
            cut += usize::from(newest.len() < rows.len());
            let limit = limit.unwrap_or(usize::MAX);
            rows.truncate(limit);
            newest.truncate(limit);
            assert_eq!(rows, newest, "{what}, {limit}, {how}");
            let text = |all: &[FoundCalls]| format!("{all:#?}");
            assert_eq!(text(&rest), text(&newest_rest), "{what}, {limit}, {how}");
        }
    }
    assert!(cut > 5, "{cut} times calls were left out, {how}");
}

#[test]
fn the_newest_calls_of_all_are_those_of_each() {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path().join("call_tracer");
    let plan = |number: &str, seed| Plan {
        seed,
        enterprises: vec![number.to_owned()],
        days: 3,
        calls_per_day: 60,
        mess: true,
        ..Plan::default()
    };
    write_tree(&plan("0367", 7), &root).expect("written");
    write_tree(&plan("0400", 8), &root).expect("written");
    indexing::seal_all(&root.join("0367"));
    let engine = engine();
    let (held, _) = indexing::tables(&engine, &root);
    assert_eq!(held.len(), 3);
    // Another of which each call began when one of the first did.
    for folder in ["0368", "0368/.calltrace"] {
        fs::create_dir_all(root.join(folder)).expect("made");
        let from = root.join(folder.replace("0368", "0367"));
        for entry in fs::read_dir(from).expect("listed") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let to = root.join(folder).join(path.file_name().expect("a name"));
                fs::copy(&path, to).expect("copied");
            }
        }
    }
    check(&engine, &root, "with tables");
    // Rows that can't be read are found out when the table is asked.
    for table in tables(&root) {
        let mut bytes = fs::read(&table).expect("read");
        bytes[200] ^= 1;
        fs::write(&table, bytes).expect("written");
    }
    check(
        &engine,
        &root,
        "with tables of which one enterprise's are torn",
    );
    fs::remove_dir_all(own(&root)).expect("removed");
    check(&engine, &root, "with tables of one enterprise");
}
