//! Finds who talked to whom while the followed party did not hear them.

use crate::call::channels::{follow, may_move, pairs_without, same_party};
use crate::call::fact::Fact;
use crate::call::summary::Summary;
use crate::call::talk::SWAP_MILLIS;
use crate::record::Stamp;

/// The largest number of legs among which meetings are searched, since each record checks all pairs.
const LEGS_MAX: usize = 64;

/// A conversation of two of our parties that the other side does not hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meeting {
    /// The two parties, sorted.
    pub(super) pair: (String, String),
    pub(super) from: Stamp,
    /// The end; `None` while it lasts.
    pub(super) to: Option<Stamp>,
}

impl Meeting {
    /// The party that met `party`; `None` when `party` was not in the meeting.
    pub(super) fn other(&self, party: &str) -> Option<&str> {
        match &self.pair {
            (a, b) if a == party => Some(b),
            (a, b) if b == party => Some(a),
            _ => None,
        }
    }
}

/// The meetings of a call, in order of time.
pub(super) fn meetings(facts: &[Fact], summary: &Summary) -> Vec<Meeting> {
    // Two parties and the other side need three legs; with too many legs, it is not a conversation.
    if !(3..=LEGS_MAX).contains(&summary.legs.len()) {
        return Vec::new();
    }
    let followed = summary.followed(facts);
    let mut channels = Vec::new();
    let mut meetings: Vec<Meeting> = Vec::new();
    for fact in facts.iter().filter(|f| may_move(f)) {
        if !follow(&mut channels, fact) {
            continue;
        }
        let is_client = |party: &str| same_party(party, &summary.client);
        let now = pairs_without(&channels, followed, is_client);
        for meeting in meetings.iter_mut().filter(|m| m.to.is_none()) {
            if !now.contains(&meeting.pair) {
                meeting.to = Some(fact.at);
            }
        }
        for pair in now {
            let swapped = |m: &&mut Meeting| {
                m.pair == pair && m.to.is_none_or(|to| fact.at.since(to) <= SWAP_MILLIS)
            };
            match meetings.iter_mut().rev().find(swapped) {
                Some(meeting) => meeting.to = None,
                None => meetings.push(Meeting {
                    pair,
                    from: fact.at,
                    to: None,
                }),
            }
        }
    }
    meetings
}
