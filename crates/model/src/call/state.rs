//! The state of a call in progress, for programs that watch it.

use super::fact::{Event, Fact};
use super::main_leg::main_hangup;
use super::reach;
use super::summary::{Direction, Outcome, Summary};
use crate::record::Stamp;

/// After all channels have left, a call without a logged hangup counts as ended when no record comes for this
/// long (milliseconds). A party in a blind transfer is in no bridge while the next telephone rings, and few
/// let it ring for longer. If a person picks up after all, the call is reported again.
const LEFT_MILLIS: i64 = 60_000;

/// After a blind transfer, the remaining channel dials within a second of the hangup of the party that
/// transferred it. The host's script, which polls five times per second, logs that dial up to this much later
/// (milliseconds).
const HANDED_ON_MILLIS: i64 = 3_000;

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The call came in; no party is rung yet.
    Arriving,
    /// A party is rung.
    Ringing,
    /// Two parties talk.
    Answered,
    /// The client was transferred to other people.
    Transferred,
    /// The call is over, and there was a talk.
    Ended,
    /// The call is over, and no person picked up.
    Missed,
    /// No more records can come, and no end was logged.
    Lost,
}

/// The state of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallState {
    pub phase: Phase,
    /// The parties, by phase: who is rung; who answered (empty when the client did); to whom the call was
    /// transferred; for an ended call, who talked, one after the other. Empty in the other phases.
    pub who: Vec<String>,
    /// How long an answered or missed call rang, or how long an ended call was talked (milliseconds). `None`
    /// in the other phases and if the records do not show it.
    pub millis: Option<i64>,
}

impl CallState {
    /// The state that the records, in order of time, and their summary show. `None` while there is no start,
    /// dial or hangup: two channels in a bridge may be a part of another call.
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
        // Two channels of a call from outside may meet a moment before the records show who picked up.
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

    /// The state that a call will have if no record comes for the returned time (milliseconds). It is given
    /// for a call that all channels have left and that may still be transferred; `None` for any other call.
    pub fn left(facts: &[Fact], summary: &Summary) -> Option<(CallState, i64)> {
        let (may_go_on, waits) = match reach::is_over(facts) {
            true => (!is_gone(facts, summary), HANDED_ON_MILLIS),
            false => (reach::have_all_left(facts), LEFT_MILLIS),
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

    /// The state of a call that is dropped before its end was seen.
    pub fn lost() -> CallState {
        CallState {
            phase: Phase::Lost,
            who: Vec::new(),
            millis: None,
        }
    }

    /// The latest state that the records (in order of time) show, and since when it lasts.
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

    /// Whether two states are equal except for lengths of time, which a late record may still change.
    pub fn is_like(&self, other: &CallState) -> bool {
        (self.phase, &self.who) == (other.phase, &other.who)
    }

    /// Whether no more records are expected except messages.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Ended | Phase::Missed | Phase::Lost)
    }
}

/// Whether no party is left that could be transferred: the client who called hung up, or all who talked hung
/// up.
fn is_gone(facts: &[Fact], summary: &Summary) -> bool {
    let hung_up = |uid: &[u8]| main_hangup(facts, uid).is_some();
    let mut entered = facts.iter().filter(|f| f.event == Event::Bridge);
    let client_called = summary.direction == Direction::Incoming;
    client_called && hung_up(summary.main_uid.as_bytes()) || entered.all(|f| hung_up(f.uid()))
}
