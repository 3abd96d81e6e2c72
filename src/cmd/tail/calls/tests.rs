//! States of made-up calls, record by record.

use super::*;
use calltrace_model::call::Phase;

const MAIN: &str = "1764666900.61";
const OTHER: &str = "1764666901.63";
const THIRD: &str = "1764666950.70";

/// The calls of one enterprise, and the reported states with the main leg of each call.
struct ReportedStates {
    calls: EnterpriseCalls,
    reported: Vec<(String, CallState)>,
}

/// The calls of an enterprise that nothing is known of yet.
pub(super) fn made_up_calls() -> EnterpriseCalls {
    let enterprise = EnterpriseName::new("0367").expect("a name");
    let joiner = Joiner::keeping(RecordLimits::default().records);
    EnterpriseCalls::new(&enterprise, &RecordFilter::default(), joiner)
}

impl ReportedStates {
    fn new() -> ReportedStates {
        ReportedStates {
            calls: made_up_calls(),
            reported: Vec::new(),
        }
    }

    fn take(&mut self, time: &str, event: &str, uid: &str, fields: &str) {
        let text = format!(
            "2025-12-02 {time},000|AST|{event}|{uid}|{{\"UniqueId\": \"{uid}\", {fields}}}"
        );
        let enterprise = self.calls.enterprise.clone();
        let arrival = Arrival {
            enterprise: &enterprise,
            file: "events.log",
            offset: 0,
            at: stamp(time),
            text: text.as_bytes(),
        };
        let reported = &mut self.reported;
        self.calls.take(&arrival, arrival.at, &mut |news| {
            reported.push((news.summary.main_uid.clone(), news.state.clone()));
        });
    }

    fn moves(&mut self, time: &str, event: &str, uid: &str, bridge: &str, number: &str) {
        let fields = format!(
            "\"BridgeUniqueid\": \"{bridge}\", \"Channel\": \"SIP/{number}-0000002a\", \"CallerIDNum\": \"{number}\""
        );
        self.take(time, event, uid, &fields);
    }

    fn tidy(&mut self, time: &str) {
        let reported = &mut self.reported;
        let mut tell = |news: &ReportedCall| {
            reported.push((news.summary.main_uid.clone(), news.state.clone()));
        };
        self.calls.tidy(stamp(time), &mut tell);
    }

    /// Takes the records of a call in which a client calls, 151 answers, and both leave.
    fn leaves(&mut self) {
        let rings = "\"Phone\": \"375290001234\", \"CallType\": 0, \"Extensions\": [\"151\"]";
        self.take("09:15:00", "dial", MAIN, rings);
        self.moves("09:15:10", "bridge", OTHER, "b1", "151");
        self.moves("09:15:10", "bridge", MAIN, "b1", "0001363");
        self.moves("09:17:02", "bridge_leave", OTHER, "b1", "151");
        self.moves("09:17:02", "bridge_leave", MAIN, "b1", "0001363");
    }

    /// The states reported since the last call: phase, person, milliseconds.
    fn news(&mut self) -> Vec<(Phase, String, Option<i64>)> {
        let reported = std::mem::take(&mut self.reported).into_iter();
        reported
            .map(|(_, state)| (state.phase, state.who.join(" "), state.millis))
            .collect()
    }

    fn going_on(&self) -> usize {
        self.calls.known.going_on().count()
    }
}

fn stamp(time: &str) -> Stamp {
    Stamp::parse_prefix(format!("2025-12-02 {time},000").as_bytes()).expect("a time")
}

fn ended(who: &str, millis: i64) -> (Phase, String, Option<i64>) {
    (Phase::Ended, who.to_owned(), Some(millis))
}

#[test]
fn two_reported_calls_become_one_when_a_record_joins_them() {
    let mut watched = ReportedStates::new();
    let rings = "\"Phone\": \"375290001234\", \"CallType\": 0, \"Extensions\": [\"151\"]";
    watched.take("09:15:00", "dial", MAIN, rings);
    let internal = "\"Phone\": \"151\", \"CallType\": 2, \"Extensions\": [\"152\"]";
    watched.take("09:15:05", "dial", OTHER, internal);
    assert_eq!(watched.going_on(), 2);
    watched.moves("09:15:06", "bridge", MAIN, "b1", "0001363");
    watched.moves("09:15:07", "bridge", OTHER, "b1", "151");
    assert_eq!(watched.going_on(), 1);
    let reported = watched.calls.known.take([OTHER].iter());
    assert_eq!(reported[0].summary.main_uid, MAIN);
    // Neither of its legs leads to a known call now.
    assert!(watched.calls.known.take([MAIN, OTHER].iter()).is_empty());
    assert_eq!(watched.going_on(), 0);
}

#[test]
fn a_call_that_everybody_left_ends_after_a_while_without_a_hangup() {
    let mut watched = ReportedStates::new();
    watched.leaves();
    watched.tidy("09:18:01");
    let phases: Vec<Phase> = watched.news().iter().map(|news| news.0).collect();
    assert_eq!(phases, [Phase::Ringing, Phase::Answered]);
    watched.tidy("09:18:02");
    assert_eq!(watched.news(), [ended("151", 112_000)]);
    assert_eq!(watched.going_on(), 0);
    // Neither these records nor dropping the call report it again.
    watched.moves("09:18:10", "bridge_destroy", MAIN, "b1", "0001363");
    watched.take(
        "09:18:11",
        "hangup",
        MAIN,
        "\"CallStatus\": \"2\", \"CallType\": 0",
    );
    watched.tidy("13:30:00");
    assert_eq!(watched.news(), []);
    assert_eq!(watched.calls.joiner.components().count(), 0);
}

#[test]
fn a_flooded_call_keeps_few_records_and_its_end_is_reported() {
    let mut watched = ReportedStates::new();
    watched.take(
        "09:15:00",
        "dial",
        MAIN,
        "\"Phone\": \"375290001234\", \"CallType\": 0",
    );
    for _ in 0..60_000 {
        watched.take("09:15:01", "new_callerid", MAIN, "\"CallerIDNum\": \"151\"");
    }
    let hangup = "\"Phone\": \"375290001234\", \"CallStatus\": \"1\", \"CallType\": 0";
    watched.take("09:15:02", "hangup", MAIN, hangup);
    watched.tidy("09:15:05");
    let phases: Vec<Phase> = watched.news().iter().map(|news| news.0).collect();
    assert_eq!(phases, [Phase::Arriving, Phase::Missed]);
    let calls = watched.calls.joiner.components();
    let records: Vec<usize> = calls.map(|(_, call)| call.facts.len()).collect();
    assert!(records.iter().all(|count| *count < 25_000), "{records:?}");
}

#[test]
fn a_late_transfer_is_reported_and_the_call_ends_again() {
    let mut watched = ReportedStates::new();
    watched.leaves();
    watched.tidy("09:18:05");
    assert_eq!(watched.news().last(), Some(&ended("151", 112_000)));
    watched.moves("09:18:20", "bridge", THIRD, "b2", "152");
    watched.moves("09:18:20", "bridge", MAIN, "b2", "0001363");
    assert_eq!(
        watched.news(),
        [(Phase::Transferred, "152".to_owned(), None)]
    );
    assert_eq!(watched.going_on(), 1);
    // During the talk, no record is needed to keep the call in progress.
    watched.tidy("09:30:00");
    assert_eq!(watched.news(), []);
    watched.moves("09:30:10", "bridge_leave", THIRD, "b2", "152");
    watched.moves("09:30:10", "bridge_leave", MAIN, "b2", "0001363");
    // The call was unchanged for so long that it is dropped.
    watched.tidy("13:40:00");
    assert_eq!(watched.news(), [ended("151 152", 822_000)]);
}

#[test]
fn an_unanswered_call_without_an_end_is_lost() {
    let mut watched = ReportedStates::new();
    let rings = "\"Phone\": \"375290001234\", \"CallType\": 0, \"Extensions\": [\"151\"]";
    watched.take("09:15:00", "dial", MAIN, rings);
    watched.tidy("09:44:59");
    assert_eq!(watched.going_on(), 1);
    watched.tidy("09:45:00");
    assert_eq!(
        watched.news().last(),
        Some(&(Phase::Lost, String::new(), None))
    );
    assert_eq!(watched.going_on(), 0);
}
