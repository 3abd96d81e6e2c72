//! `trace --format raw --limit 0` gives exactly the records of the call that every other answer gives.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use calltrace_engine::{Engine, TraceQuestion};
use calltrace_model::record::{LogZone, Record};
use calltrace_store::scan::{Line, Tuning};
use calltrace_store::tree::{EnterpriseName, Tree};

/// The ids of some lines.
fn ids(text: &[u8]) -> BTreeSet<String> {
    let uid = |line: &[u8]| String::from_utf8_lossy(Record::parse(line).uid()).into_owned();
    let ids = text.split(|&b| b == b'\n').map(uid);
    ids.filter(|id| !id.is_empty()).collect()
}

fn texts(lines: &[Line]) -> Vec<String> {
    let text = |line: &Line| String::from_utf8_lossy(&line.text).into_owned();
    lines.iter().map(text).collect()
}

/// Traces a few ids of each scenario both ways.
fn compare(scenarios: &Path, is_wanted: impl Fn(&str) -> bool) {
    let engine = Engine::new(2, Tuning::default(), LogZone::default()).expect("an engine");
    let name = EnterpriseName::new("0367").expect("a name");
    let dir = tempfile::tempdir().expect("a folder");
    let log = dir.path().join("0367/events.log");
    fs::create_dir(dir.path().join("0367")).expect("made");
    let tree = Tree::open(dir.path()).expect("a tree");
    let mut traced = 0;
    for entry in fs::read_dir(scenarios).expect("listed") {
        let scenario = entry.expect("an entry").path();
        if !is_wanted(&scenario.file_name().expect("a name").to_string_lossy()) {
            continue;
        }
        for mode in ["host.log", "full.log", "linked.log"] {
            let Ok(text) = fs::read(scenario.join(mode)) else {
                continue;
            };
            fs::write(&log, &text).expect("written");
            let ids = ids(&text);
            for id in ids.iter().step_by(ids.len() / 6 + 1) {
                let question = TraceQuestion {
                    id: id.clone(),
                    strict: false,
                    every_file: false,
                    since: None,
                };
                let call = engine.trace(&tree, &name, &question).expect("traced").call;
                let kept = call.map(|call| texts(&call.lines)).unwrap_or_default();
                let mut all = Vec::new();
                let mut each = |lines: &[Line]| {
                    all.extend(texts(lines));
                    Ok(())
                };
                let troubles = engine.each_record(&tree, &name, &question, &mut each);
                assert!(troubles.expect("read").is_empty());
                assert_eq!(all, kept, "{id} of {} {mode}", scenario.display());
                traced += 1;
            }
        }
    }
    assert!(traced > 10, "only {traced} calls");
}

#[test]
fn a_parked_call_has_no_lines_of_others_in_the_lot() {
    compare(
        &testing::project().join("tests/data/real-asterisk/16"),
        |name| name.starts_with("parking"),
    );
}

#[test]
fn calls_of_all_kinds_are_handed_out_whole() {
    compare(
        &testing::project().join("tests/data/real-asterisk/16"),
        |name| !name.starts_with("parking"),
    );
}
