//! Captured calls (`tests/data/real-asterisk`), played into a watcher as they were written.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::*;
use calltrace_model::call::Phase;

/// The expected states of a captured call, and the reported ones with the time of each report.
struct Replayed {
    truth: Value,
    reported: Vec<(Stamp, String, CallState)>,
}

/// How often the watcher looks at the clock (milliseconds).
const STEP_MILLIS: i64 = 250;

/// After an answer its records are written in one round of the host's script or the next
/// (milliseconds).
const WRITTEN_MILLIS: i64 = 500;

/// People who dial into a conference one by one have a call each, and one conversation.
const CONFERENCES: [&str; 3] = ["conference", "conference_twice", "page"];

fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/real-asterisk/16");
    let entries = fs::read_dir(folder).expect("the captures are there");
    let mut all: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| !CONFERENCES.iter().any(|name| path.ends_with(name)))
        .collect();
    all.sort();
    all
}

fn replay(scenario: &Path, mode: &str) -> Replayed {
    let read = |name: &str| fs::read_to_string(scenario.join(name)).expect("it can be read");
    let text = read(&format!("{mode}.log"));
    let mut calls = tests::made_up_calls();
    let mut reported = Vec::new();
    let mut now = Stamp::parse_prefix(text.as_bytes()).expect("a time");
    let settle = |calls: &mut EnterpriseCalls, now: Stamp, reported: &mut Vec<_>| {
        let mut tell = |news: &ReportedCall| {
            reported.push((now, news.summary.main_uid.clone(), news.state.clone()));
        };
        calls.settle(now, &mut tell);
    };
    for line in text.lines() {
        let at = Stamp::parse_prefix(line.as_bytes()).expect("a time");
        while now.plus_millis(STEP_MILLIS) < at {
            now = now.plus_millis(STEP_MILLIS);
            if calls.waits() {
                settle(&mut calls, now, &mut reported);
            } else {
                now = at;
            }
        }
        now = now.max(at);
        let arrival = Arrival {
            enterprise: &calls.enterprise.clone(),
            file: "events.log",
            offset: 0,
            at,
            text: line.as_bytes(),
        };
        calls.take(&arrival, now, &mut |news| {
            reported.push((now, news.summary.main_uid.clone(), news.state.clone()));
        });
    }
    for _ in 0..2 {
        now = now.plus_millis(61_000);
        settle(&mut calls, now, &mut reported);
    }
    let truth = serde_json::from_str(&read("truth.json")).expect("JSON");
    Replayed { truth, reported }
}

#[test]
fn a_captured_call_is_reported_answered_at_once_and_ended_once() {
    let mut wrong = Vec::new();
    for mode in ["host", "full", "linked"] {
        let log = format!("{mode}.log");
        for scenario in scenarios().iter().filter(|path| path.join(&log).exists()) {
            let name = scenario.file_name().expect("a name").to_string_lossy();
            let Replayed { truth, reported } = replay(scenario, mode);
            let calls = truth["calls"].as_array().expect("a list");
            for (i, call) in calls.iter().enumerate() {
                let own = reported
                    .iter()
                    .filter(|(_, uid, _)| call["channels"].get(uid).is_some());
                let own: Vec<_> = own.collect();
                let (Some(expect), Some(strict)) = (truth["expect"].get(i), truth["strict"].get(i))
                else {
                    continue;
                };
                let phases: Vec<Phase> = own.iter().map(|(_, _, state)| state.phase).collect();
                let over = own.iter().filter(|(_, _, state)| state.is_over()).count();
                if over != 1 || !own.last().is_some_and(|(_, _, state)| state.is_over()) {
                    wrong.push(format!("{mode} {name}: over {over} times: {phases:?}"));
                }
                let talked = |phase: &Phase| matches!(phase, Phase::Answered | Phase::Transferred);
                let answer = own.iter().find(|(_, _, state)| talked(&state.phase));
                let Some(answered_at) = strict["answered_at"].as_f64() else {
                    if answer.is_some() {
                        wrong.push(format!("{mode} {name}: {expect} {phases:?}"));
                    }
                    continue;
                };
                let Some((at, ..)) = answer else {
                    wrong.push(format!("{mode} {name}: not answered: {phases:?}"));
                    continue;
                };
                let late = at.since(Stamp((answered_at * 1000.0) as i64));
                if late > SETTLED_MILLIS + STEP_MILLIS + WRITTEN_MILLIS {
                    wrong.push(format!(
                        "{mode} {name}: answered {late} ms late: {phases:?}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
