//! Where a call stands while it goes on, for whoever watches it.

use super::fact::{Event, Fact};
use super::main_leg::main_hangup;
use super::reach;
use super::summary::{Direction, Outcome, Summary};
use crate::record::Stamp;

/// After everybody has left, a call whose hangup is not logged counts as ended when nothing comes for
/// this long (milliseconds): who is transferred blindly is in no bridge while the next phone rings,
/// and few let it ring for longer. If somebody picks up after all, the call is told of again.
const LEFT_MILLIS: i64 = 60_000;

/// The channel that a blind transfer leaves behind dials within a second of the hangup of the one who
/// transferred, and the host's script, which polls five times a second, logs that dial up to this much later
/// (milliseconds).
const HANDED_ON_MILLIS: i64 = 3_000;

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It came in; nobody is rung yet.
    Arriving,
    /// Somebody is rung.
    Ringing,
    /// Two talk.
    Answered,
    /// The client was given other people to talk to.
    Transferred,
    /// It is over, and there was a talk.
    Ended,
    /// It is over, and nobody picked up.
    Missed,
    /// Nothing more can come of it, and no end was logged.
    Lost,
}

/// Where a call stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallState {
    /// How far it has come.
    pub phase: Phase,
    /// Who is rung; who answered (nobody where it was the client); whom it was transferred to; of a
    /// call that ended who talked, one after the other. Empty in the other phases.
    pub who: Vec<String>,
    /// How long it rang, of one that was answered or missed, or was talked, of one that ended
    /// (milliseconds); `None` in the other phases and where nothing says.
    pub millis: Option<i64>,
}

impl CallState {
    /// The state that some records, in order of time, and their summary show. `None` while no record
    /// speaks of a call: two channels in a bridge may be a part of one.
    pub fn of(facts: &[Fact], summary: &Summary) -> Option<CallState> {
        if !facts.iter().any(Fact::is_call_event) {
            return None;
        }
        let outgoing = summary.direction == Direction::Outgoing;
        let answered_by = summary.answered_by.iter().cloned();
        let state = |phase, who, millis| Some(CallState { phase, who, millis });
        if reach::is_over(facts) {
            return match summary.outcome {
                Outcome::Answered => Some(CallState::ended(summary)),
                _ => state(Phase::Missed, Vec::new(), summary.ring_millis),
            };
        }
        if let Some(to) = summary.transferred_to.last() {
            return state(Phase::Transferred, vec![to.clone()], None);
        }
        // Two channels of a call from outside may meet a moment before it shows who picked up.
        let is_known = outgoing || summary.answered_by.is_some();
        if summary.outcome == Outcome::Answered && is_known {
            let by = answered_by.filter(|_| !outgoing).collect();
            return state(Phase::Answered, by, summary.ring_millis);
        }
        let rung: Vec<String> = match outgoing {
            true => vec![summary.client.clone()],
            false => summary.rang.clone(),
        };
        match rung.is_empty() {
            true => state(Phase::Arriving, rung, None),
            false => state(Phase::Ringing, rung, None),
        }
    }

    /// The state of a call that everybody has left, should nothing more come of it for so long
    /// (milliseconds), where a transfer may still follow; `None` for any other.
    pub fn left(facts: &[Fact], summary: &Summary) -> Option<(CallState, i64)> {
        let (may_go_on, waits) = match reach::is_over(facts) {
            true => (!is_gone(facts, summary), HANDED_ON_MILLIS),
            false => (reach::is_left(facts), LEFT_MILLIS),
        };
        let is_left = summary.outcome == Outcome::Answered && may_go_on;
        is_left.then(|| (CallState::ended(summary), waits))
    }

    fn ended(summary: &Summary) -> CallState {
        let answered_by = summary.answered_by.iter();
        CallState {
            phase: Phase::Ended,
            who: answered_by
                .chain(&summary.transferred_to)
                .cloned()
                .collect(),
            millis: summary.talk_millis,
        }
    }

    /// The state of a call that is forgotten before its end was seen.
    pub fn lost() -> CallState {
        CallState {
            phase: Phase::Lost,
            who: Vec::new(),
            millis: None,
        }
    }

    /// The state that records (in order of time) have led to, and since when it has lasted.
    pub fn latest(facts: &[Fact]) -> Option<(CallState, Stamp)> {
        let mut latest: Option<(CallState, Stamp)> = None;
        for (i, fact) in facts.iter().enumerate().filter(|(_, f)| f.is_asterisk()) {
            let known = &facts[..=i];
            let now = Summary::of(known).and_then(|summary| CallState::of(known, &summary));
            if let Some(now) = now {
                latest = match latest {
                    Some((before, since)) if before.is_like(&now) => Some((now, since)),
                    _ => Some((now, fact.at)),
                };
            }
        }
        latest
    }

    /// Whether two states are one, as far as they are worth telling: lengths of time may still
    /// change by a record that comes late.
    pub fn is_like(&self, other: &CallState) -> bool {
        (self.phase, &self.who) == (other.phase, &other.who)
    }

    /// Whether nothing more is to be expected of it but messages.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended | Phase::Missed | Phase::Lost)
    }
}

/// Whether nobody is left to be handed on: the client who called hung up, or all who talked.
fn is_gone(facts: &[Fact], summary: &Summary) -> bool {
    let hung_up = |uid: &[u8]| main_hangup(facts, uid).is_some();
    let mut entered = facts.iter().filter(|f| f.event == Event::Bridge);
    let client_called = summary.direction == Direction::Incoming;
    client_called && hung_up(summary.main_uid.as_bytes()) || entered.all(|f| hung_up(f.uid()))
}
