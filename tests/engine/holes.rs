//! A hole that a truncation left under a writer without O_APPEND adds nothing to an answer and hides no line behind it,
//! in every form of the file and for every size of segments.

use std::fs;

use calltrace_engine::{Engine, LinesQuestion, TraceQuestion};
use calltrace_model::record::LogZone;
use calltrace_store::scan::{Line, Tuning};
use calltrace_store::tree::{EnterpriseName, Tree};

use crate::indexing;

/// Longer than the buffers grow for a line, and than a span.
const HOLE_BYTES: usize = 3 << 20;

fn record(second: usize) -> String {
    let uid = format!("1764406800.{second}");
    format!("2025-11-29 09:00:{second:02},000|AST|hangup|{uid}|{{\"UniqueId\": \"{uid}\"}}")
}

#[test]
fn lines_before_between_and_behind_holes_are_found() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("0367");
    fs::create_dir(&folder).expect("made");
    let mut text = Vec::new();
    for second in 0..6 {
        text.extend_from_slice(record(second).as_bytes());
        text.push(b'\n');
        text.resize(text.len() + second % 3 * HOLE_BYTES, 0);
    }
    fs::write(folder.join("events.log.2025-11-29"), text).expect("written");
    let tree = Tree::open(dir.path()).expect("a tree");
    let name = EnterpriseName::new("0367").expect("a name");
    let tiny = Tuning {
        span_bytes: 1 << 20,
        block_bytes: 700,
    };
    let engines = [(1, tiny), (2, Tuning::default())]
        .map(|(threads, tuning)| Engine::new(threads, tuning, LogZone::default()));
    let text = |line: &Line| String::from_utf8_lossy(&line.text).into_owned();
    let wanted: Vec<String> = (0..6).map(record).collect();
    for form in [
        |_: &std::path::Path| {},
        indexing::index_all,
        indexing::seal_all,
    ] {
        form(&folder);
        for engine in &engines {
            let engine = engine.as_ref().expect("an engine");
            let found = engine.lines(&tree, &name, &LinesQuestion::default());
            let found = found.expect("searched");
            let lines: Vec<String> = found.lines.iter().map(|found| text(&found.line)).collect();
            // Nothing is behind the last hole.
            assert_eq!(lines, wanted);
            assert_eq!(found.troubles.len(), 1, "{:?}", found.troubles);
            for (second, wanted) in wanted.iter().enumerate().step_by(2) {
                let question = TraceQuestion {
                    id: format!("1764406800.{second}"),
                    strict: false,
                    every_file: false,
                    since: None,
                };
                let call = engine.trace(&tree, &name, &question).expect("traced").call;
                let lines: Vec<String> = call.expect("found").lines.iter().map(text).collect();
                assert_eq!(lines, std::slice::from_ref(wanted));
            }
        }
    }
}
