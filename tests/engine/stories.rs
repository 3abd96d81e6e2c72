//! Stories and faults of calls, compared with the truth of the captures and of the sample tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use calltrace_engine::{Engine, Trace, TraceQuestion, TracedCall};
use calltrace_model::call::{
    Fault, RingOutcome, Step, StepEvent, Story, TransferKind, TransferResult,
};
use calltrace_model::record::{LogZone, Stamp};
use calltrace_store::scan::Tuning;
use calltrace_store::tree::{EnterpriseName, Tree};
use serde_json::Value;

const HOUR_MILLIS: i64 = 3_600_000;

/// A call long after its last record.
pub(crate) fn traced(root: &Path, enterprise: &str, id: &str) -> TracedCall {
    let (_, call) = trace(root, enterprise, id);
    call
}

pub(crate) fn trace(root: &Path, enterprise: &str, id: &str) -> (Trace, TracedCall) {
    let tree = Tree::open(root).expect("a tree");
    let engine = Engine::new(1, Tuning::default(), LogZone::default()).expect("an engine");
    let question = TraceQuestion {
        id: id.to_owned(),
        strict: false,
        every_file: false,
        since: None,
    };
    let name = EnterpriseName::new(enterprise).expect("a name");
    let mut trace = engine.trace(&tree, &name, &question).expect("a trace");
    let mut call = trace.call.take().expect("the call is there");
    let later = later_than(&call);
    call.summary.settle(&call.facts, later);
    (trace, call)
}

/// The time after which a call cannot change any more.
pub(crate) fn later_than(call: &TracedCall) -> Stamp {
    call.summary.last.plus_millis(5 * HOUR_MILLIS)
}

fn story(call: &TracedCall) -> Story {
    Story::of(&call.facts, &call.summary)
}

pub(crate) fn faults(call: &TracedCall) -> Vec<Fault> {
    Fault::all(&call.facts, &call.summary, later_than(call))
}

pub(crate) fn names(faults: &[Fault]) -> Vec<&'static str> {
    faults.iter().map(|fault| fault.code.name()).collect()
}

/// Numbers as the truth writes them: `9375290009012` is dialled with a prefix.
fn party(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Conferences that people join one by one, and a bridge that another party joins: one call each by Asterisk's id,
/// but one conversation.
const NOT_COMPARED: [&str; 3] = ["conference", "conference_twice", "page"];

#[test]
fn a_story_names_what_happened() {
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (scenario, mode) in scenarios() {
        if NOT_COMPARED.contains(&scenario.as_str()) {
            continue;
        }
        for ((_, call), truth) in calls_of(&scenario, mode) {
            compared += 1;
            let steps = story(&call).steps;
            let found = differences(&steps, &truth);
            wrong.extend(
                found
                    .into_iter()
                    .map(|what| format!("{scenario} {mode}: {what}")),
            );
        }
    }
    assert!(compared > 200, "{compared}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The differences between the steps and the truth of a call.
fn differences(steps: &[Step], truth: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut differ = |what: &str, is: String, was: String| {
        if is != was {
            wrong.push(format!("{what}: {is}, was {was}"));
        }
    };
    let expect = &truth["expect"];
    let mut rung: BTreeMap<&str, bool> = BTreeMap::new();
    let mut transfers = Vec::new();
    let mut consulted = false;
    for step in steps {
        let rings = match &step.event {
            StepEvent::Called { rings, from, .. } => {
                let caller = match expect["direction"] == "outgoing" {
                    true => from.clone(),
                    false => party(&expect["client"]),
                };
                differ("caller", from.clone(), caller);
                rings
            }
            StepEvent::Rang { who, .. } => who,
            StepEvent::Held { calls, .. } => calls,
            StepEvent::HandedOver { to, .. } => to,
            StepEvent::Answered { by, .. } => {
                let who = match expect["direction"] == "outgoing" {
                    true => &expect["client"],
                    false => &expect["answered_by"],
                };
                if !who.is_null() {
                    differ("answered", by.join(","), party(who));
                }
                continue;
            }
            StepEvent::Transferred {
                kind, result, to, ..
            } => {
                transfers.push(format!("{kind:?} {result:?} {to}"));
                continue;
            }
            StepEvent::Consulted { .. } => {
                consulted = true;
                continue;
            }
            _ => continue,
        };
        for ring in rings {
            let answered = ring.outcome == RingOutcome::Answered;
            *rung.entry(&ring.party).or_default() |= answered;
        }
    }
    for (phone, outcome) in truth["phones"].as_object().into_iter().flatten() {
        // A host may log no dial for a telephone that a Local channel rings.
        if let (Some(answered), Some(outcome)) = (rung.get(phone.as_str()), outcome.as_str()) {
            let was = (outcome == "answered").to_string();
            differ(phone, answered.to_string(), was);
        }
    }
    let handed_on = truth["transfers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|t| {
            let kind = match t["kind"] == "blind" {
                true => TransferKind::Blind,
                false => TransferKind::Attended,
            };
            let result = match t["result"].as_str() {
                Some("completed") => TransferResult::Completed,
                Some("refused") => TransferResult::Refused,
                _ => TransferResult::NotAnswered,
            };
            format!("{kind:?} {result:?} {}", party(&t["to"]))
        });
    let handed_on: Vec<String> = handed_on.collect();
    let attended = handed_on.iter().any(|t| t.starts_with("Attended"));
    differ("transfers", transfers.join("; "), handed_on.join("; "));
    differ(
        "a consultation",
        consulted.to_string(),
        (consulted || attended).to_string(),
    );
    let held: i64 = steps.iter().filter_map(hold_of).sum();
    compare_length(&mut differ, "hold by its steps", Some(held), &truth["hold"]);
    let answered = steps
        .iter()
        .find(|s| matches!(s.event, StepEvent::Answered { .. }));
    let is_answered = answered.is_some();
    differ(
        "answered",
        is_answered.to_string(),
        (truth["result"] == "answered").to_string(),
    );
    match steps
        .iter()
        .map(|step| &step.event)
        .find(|e| matches!(e, StepEvent::Ended { .. }))
    {
        Some(StepEvent::Ended {
            by, talked, held, ..
        }) => {
            compare_length(&mut differ, "talk", *talked, &truth["talk"]);
            compare_length(&mut differ, "hold", Some(held.unwrap_or(0)), &truth["hold"]);
            // For a call that reached no phone or waited at its end, no record shows whether the caller or the
            // dialplan gave up.
            if let Some(by) = by {
                differ("hung up", by.clone(), party(&truth["hung_up"]));
            }
            let talks_to_the_end = is_answered && !waits_at_the_end(steps);
            if talks_to_the_end {
                differ(
                    "knows who hung up",
                    by.is_some().to_string(),
                    "true".to_owned(),
                );
            }
        }
        _ => differ("an end", "none".to_owned(), "one".to_owned()),
    }
    wrong
}

fn hold_of(step: &Step) -> Option<i64> {
    match &step.event {
        StepEvent::Held { lasted, .. } | StepEvent::HandedOver { lasted, .. } => *lasted,
        _ => None,
    }
}

fn waits_at_the_end(steps: &[Step]) -> bool {
    let last = steps.iter().rposition(|step| hold_of(step).is_some());
    let heard = steps.iter().rposition(|step| {
        matches!(
            &step.event,
            StepEvent::Transferred {
                result: TransferResult::Completed,
                ..
            } | StepEvent::Resumed { .. }
                | StepEvent::Answered { .. }
        )
    });
    last > heard
}

/// Durations agree to a second.
fn compare_length(
    differ: &mut impl FnMut(&str, String, String),
    what: &str,
    is: Option<i64>,
    was: &Value,
) {
    let was = was.as_f64().map(|seconds| (seconds * 1000.0) as i64);
    let agrees = match (is, was) {
        (Some(is), Some(was)) => (is - was).abs() <= 1000,
        (Some(is), None) => is == 0,
        (None, was) => was.is_none(),
    };
    if !agrees {
        differ(what, format!("{is:?}"), format!("{was:?}"));
    }
}

#[test]
fn calls_of_a_real_asterisk_have_no_fault() {
    for (scenario, mode) in scenarios() {
        for ((_, call), _) in calls_of(&scenario, mode) {
            assert_eq!(names(&faults(&call)), [""; 0], "{scenario} {mode}");
        }
    }
}

/// The faults in calls of the sample tree, as its README says. All others have none.
const ODD: [(&str, &[&str]); 6] = [
    // A text of 200 characters, and no message after that.
    ("1764231300.11", &["message_not_sent", "text_cut"]),
    (
        "1764507600.130",
        &["message_not_sent", "message_left_standing"],
    ),
    (
        "1764612000.401",
        &["message_not_sent", "message_left_standing", "response_cut"],
    ),
    // A request that took too long; a text of 1,000 characters.
    ("1764676800.201", &["request_failed", "text_cut"]),
    ("1764676980.207", &["response_cut"]),
    ("1764678600.215", &["no_end"]),
];

#[test]
fn faults_are_named_for_the_odd_calls_of_the_sample_tree_and_for_no_other() {
    let rows = fs::read_to_string(testing::project().join("tests/data/calls.tsv")).expect("rows");
    let mut odd = 0;
    for row in rows.lines().skip(1) {
        let fields: Vec<&str> = row.split('\t').collect();
        let known = ODD
            .iter()
            .find(|(id, _)| *id == fields[2])
            .map(|(_, codes)| *codes);
        let call = traced(&testing::sample(), fields[0], fields[2]);
        assert_eq!(names(&faults(&call)), known.unwrap_or_default(), "{row}");
        odd += usize::from(known.is_some());
    }
    assert_eq!(odd, ODD.len());
}

fn captures() -> PathBuf {
    testing::project().join("tests/data/real-asterisk/16")
}

/// Every scenario with each way of logging.
pub(crate) fn scenarios() -> Vec<(String, &'static str)> {
    let all = fs::read_dir(captures()).expect("the captures");
    let mut names: Vec<String> = all
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    names.sort();
    let modes = ["host", "full", "linked"];
    let each = names
        .iter()
        .flat_map(|name| modes.map(|mode| (name.clone(), mode)));
    each.filter(|(name, mode)| captures().join(name).join(format!("{mode}.log")).exists())
        .collect()
}

/// The calls of a scenario, each with what happened in it.
pub(crate) fn calls_of(scenario: &str, mode: &str) -> Vec<((Trace, TracedCall), Value)> {
    let folder = captures().join(scenario);
    let log = fs::read_to_string(folder.join(format!("{mode}.log"))).expect("a log");
    let truth = fs::read_to_string(folder.join("truth.json")).expect("a truth");
    let truth: Value = serde_json::from_str(&truth).expect("JSON");
    let root = tempfile::tempdir().expect("a folder");
    fs::create_dir(root.path().join("0367")).expect("a folder");
    fs::write(root.path().join("0367/events.log"), &log).expect("a file");
    let mut calls = Vec::new();
    for (at, strict) in truth["strict"].as_array().into_iter().flatten().enumerate() {
        let channels = truth["calls"][at]["channels"]
            .as_object()
            .expect("channels");
        let uids = log.lines().filter_map(|line| line.split('|').nth(3));
        let first = uids.into_iter().find(|uid| channels.contains_key(*uid));
        let Some(first) = first else { continue };
        let mut strict_truth = strict.clone();
        strict_truth["expect"] = truth["expect"][at].clone();
        calls.push((trace(root.path(), "0367", first), strict_truth));
    }
    calls
}
