//! Finds who was rung, and how each ringing ended.

use super::text;
use crate::call::channels::party as party_of;
use crate::call::fact::{CallType, Event, Fact};
use crate::call::talk::TalkSpan;
use crate::record::{Stamp, phone};

/// How the ringing of one party ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RingOutcome {
    Answered,
    /// Another party picked up.
    Elsewhere,
    /// No one picked up.
    NotAnswered,
}

impl RingOutcome {
    pub const ALL: [RingOutcome; 3] = [
        RingOutcome::Answered,
        RingOutcome::Elsewhere,
        RingOutcome::NotAnswered,
    ];

    /// The word for programs.
    pub fn name(self) -> &'static str {
        match self {
            RingOutcome::Answered => "answered",
            RingOutcome::Elsewhere => "answered_elsewhere",
            RingOutcome::NotAnswered => "not_answered",
        }
    }
}

/// A period in which a party was rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ringing {
    /// The extension or number.
    pub party: String,
    /// The time of the dial.
    pub from: Stamp,
    /// When it was picked up or given up; `None` while it rings.
    pub to: Option<Stamp>,
    pub outcome: RingOutcome,
}

/// The ringings that the dials show.
pub(super) fn ringing(facts: &[Fact], heard_ones: &[TalkSpan]) -> Vec<Ringing> {
    let mut ringing: Vec<Ringing> = Vec::new();
    for dial in facts.iter().filter(|f| f.event == Event::Dial) {
        let outside = |e: &[u8]| phone::is_external(phone::digits_of(e));
        // An outgoing dial names the caller as its extension.
        let rung: Vec<&[u8]> = match dial.call_type {
            Some(CallType::Outgoing) => vec![dial.phone()],
            Some(CallType::Internal) if outside(dial.phone()) => Vec::new(),
            _ => dial.extensions().filter(|e| *e != dial.phone()).collect(),
        };
        let hangup = facts
            .iter()
            .find(|f| f.event == Event::Hangup && f.uid() == dial.uid());
        let heard = heard_ones.iter().find(|heard| heard.from >= dial.at);
        for party in rung {
            let entered = facts.iter().find(|f| {
                let label = || party_of(f.channel(), f.caller());
                f.event == Event::Bridge
                    && f.at >= dial.at
                    && label().is_some_and(|label| {
                        label.as_bytes() == party || phone::same_number(label.as_bytes(), party)
                    })
            });
            let (to, outcome) = match (entered, heard, hangup) {
                (Some(f), _, hangup) if hangup.is_none_or(|h| f.at <= h.at) => {
                    (Some(f.at), RingOutcome::Answered)
                }
                (_, Some(heard), _) => (Some(heard.from), RingOutcome::Elsewhere),
                (_, None, hangup) => (hangup.map(|f| f.at), RingOutcome::NotAnswered),
            };
            let party = text(party);
            // The group and the leg that rings a mobile both dial it.
            let known = ringing.iter().any(|known| {
                known.party == party
                    && known.to.is_none_or(|end| end > dial.at)
                    && known.from <= dial.at
            });
            if !known {
                ringing.push(Ringing {
                    party,
                    from: dial.at,
                    to,
                    outcome,
                });
            }
        }
    }
    ringing
}
