//! What each leg did, and when, of calls of the sample tree.

use std::path::Path;

use calltrace::call::{Doing, Lanes};
use calltrace::engine::{Engine, TraceQuestion, TracedCall};
use calltrace::record::LogZone;
use calltrace::scan::Tuning;
use calltrace::tree::{EnterpriseName, Tree};

fn call(enterprise: &str, id: &str) -> TracedCall {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/call_tracer");
    let tree = Tree::open(&root).expect("the sample tree");
    let engine = Engine::new(1, Tuning::default(), LogZone::default()).expect("an engine");
    let question = TraceQuestion {
        id: id.to_owned(),
        strict: false,
        every_file: false,
        since: None,
    };
    let name = EnterpriseName::new(enterprise).expect("a name");
    let trace = engine.trace(&tree, &name, &question).expect("a trace");
    trace.call.expect("the call is in the sample tree")
}

/// `label: what(milliseconds from the first event..to) ...`, a line a lane.
fn drawn(call: &TracedCall) -> String {
    let lanes = Lanes::of(&call.facts, &call.summary, None).expect("it has events");
    let mut text = String::new();
    for lane in &lanes.lanes {
        text.push_str(&format!("{}:", lane.label));
        for span in &lane.spans {
            let what = match span.doing {
                Doing::Present => "present".to_owned(),
                Doing::Ringing => "ringing".to_owned(),
                Doing::Alone(n) => format!("alone-{n}"),
                Doing::Talking(n) => format!("talking-{n}"),
            };
            let from = span.from.since(lanes.first);
            let to = span.to.since(lanes.first);
            text.push_str(&format!(" {what}({from}..{to})"));
        }
        text.push('\n');
    }
    text
}

#[test]
fn an_answered_call_rings_then_talks_and_who_did_not_pick_up_only_rang() {
    expect_test::expect![[r#"
        375290001234: present(0..610) ringing(610..9770) talking-0(9770..121600) alone-0(121600..121620)
        151: ringing(610..9730) alone-0(9730..9770) talking-0(9770..121600)
        150: ringing(610..9770)
        152: ringing(610..9770)
    "#]].assert_eq(&drawn(&call("0367", "1764666900.61")));
}

#[test]
fn a_missed_call_rings_until_it_is_hung_up() {
    expect_test::expect![[r#"
        375290005678: present(0..600) ringing(600..24900)
        150: ringing(600..24900)
        151: ringing(600..24900)
    "#]]
    .assert_eq(&drawn(&call("0367", "1764668410.88")));
}

#[test]
fn an_outgoing_call_nobody_answered_rings_at_the_client() {
    expect_test::expect![[r#"
        151: ringing(0..31500)
        375290009012: ringing(0..31500)
    "#]]
    .assert_eq(&drawn(&call("0367", "1764235820.25")));
}

#[test]
fn transfers_are_seen_as_one_lane_going_on_in_another_bridge() {
    expect_test::expect![[r#"
        375290008899: present(0..600) ringing(600..5780) talking-0(5780..29700) alone-0(29700..47800) talking-1(47900..159700)
        150: ringing(600..5740) alone-0(5740..5780) talking-0(5780..29700) talking-1(30040..47700)
        Local: alone-1(30000..30040) talking-1(30040..47700) alone-1(47700..47900) talking-1(47900..159700) alone-1(159700..159720)
        151: alone-2(35700..35740) talking-2(35740..79700) talking-3(80040..98700)
        Local: talking-2(35740..79700) alone-2(79700..98800) talking-3(98900..159800)
        Local: alone-3(80000..80040) talking-3(80040..98700) alone-3(98700..98900) talking-3(98900..159800) alone-3(159800..159820)
        152: alone-4(85700..85740) talking-4(85740..159900) alone-4(159900..159920)
        Local: talking-4(85740..159900)
    "#]].assert_eq(&drawn(&call("0367", "1764514800.140")));
}

#[test]
fn a_call_from_the_crm_talks_in_the_two_bridges_that_are_its_halves() {
    expect_test::expect![[r#"
        152: ringing(700..13100) present(13100..68500)
        152: alone-0(40..13100) talking-0(13100..67700) alone-0(67700..68900)
        375290004455: ringing(1600..13100) talking-1(13100..67700)
    "#]]
    .assert_eq(&drawn(&call("0367", "1764496803.103")));
}

#[test]
fn spans_never_overlap_and_lie_within_the_call() {
    let table = include_str!("../data/calls.tsv");
    let mut calls = 0;
    for row in table.lines().skip(1) {
        let mut cells = row.split('\t');
        let (enterprise, id) = (cells.next().expect("a cell"), cells.nth(1).expect("a cell"));
        let call = call(enterprise, id);
        let lanes = Lanes::of(&call.facts, &call.summary, None).expect("it has events");
        calls += 1;
        assert!(
            lanes.lanes.len() >= call.summary.legs.len(),
            "{id}: a leg has no lane"
        );
        for lane in &lanes.lanes {
            for span in &lane.spans {
                assert!(span.from < span.to, "{id}: {span:?}");
                assert!(
                    span.from >= lanes.first && span.to <= lanes.last,
                    "{id}: {span:?}"
                );
            }
            for pair in lane.spans.windows(2) {
                assert!(pair[0].to <= pair[1].from, "{id}: {pair:?}");
            }
        }
    }
    assert_eq!(calls, 79);
}
