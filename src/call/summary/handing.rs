//! Calls that are handed on, as far as dials show it.

use super::{main_hangup, main_uid, text};
use crate::call::fact::{Event, Fact};
use crate::call::talk::{Talk, Transfer, TransferKind, TransferResult};
use crate::record::{Place, Stamp};

/// Whether another leg dials on after the main one hung up: the one who was called is handed on to another
/// extension, which is being rung.
pub(in crate::call) fn rings_on(facts: &[Fact]) -> bool {
    // Most calls have no dial after a hangup.
    let at = |f: &Fact| (f.at, f.place);
    let of = |event: Event| facts.iter().filter(move |f| f.event == event).map(at);
    let last_dial = of(Event::Dial).max();
    if last_dial.is_none_or(|dial| !of(Event::Hangup).any(|hangup| hangup < dial)) {
        return false;
    }
    let Some(gone) = main_uid(facts).and_then(|main| main_hangup(facts, main)) else {
        return false;
    };
    let after = |f: &Fact, at: (Stamp, Place)| (f.at, f.place) > at;
    let mut dials = facts.iter().filter(|f| f.event == Event::Dial);
    dials.any(|dial| {
        dial.uid() != gone.uid()
            && after(dial, (gone.at, gone.place))
            && !facts.iter().any(|f| {
                f.event == Event::Hangup && f.uid() == dial.uid() && after(f, (dial.at, dial.place))
            })
    })
}

/// A transfer that was not picked up: the other side was let go, a further dial rang, and no one
/// was heard after it.
pub(super) fn unanswered_transfer(
    facts: &[Fact],
    followed: &[u8],
    talk: &Talk,
) -> Option<Transfer> {
    let last = talk.heard.last()?;
    let left = last.to?;
    let by = last.with.first()?.clone();
    let dial = facts
        .iter()
        .find(|f| f.event == Event::Dial && f.uid() == followed && f.at >= left)?;
    let to = dial.extensions().next().map(text)?;
    Some(Transfer {
        kind: TransferKind::Blind,
        result: TransferResult::NotAnswered,
        by,
        to,
        at: dial.at,
    })
}
