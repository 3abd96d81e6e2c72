//! Finds the main leg of a call.

use super::fact::{CallType, Event, Fact};
use crate::record::phone::is_outside;
use crate::record::{Place, Stamp};

/// The main leg of the call: the leg of the start; without one, that of a dial that rings our side (a
/// forwarded leg dials
/// *for* an outside number); without one, that of a hangup; without one, that of any other dial; without one,
/// the first leg.
pub(super) fn main_uid(facts: &[Fact]) -> Option<&[u8]> {
    let forwarded =
        |f: &Fact| f.call_type == Some(CallType::Outgoing) && f.extensions().any(is_outside);
    // A call from the CRM first rings the manager; that leg then dials the client. A host that logs all
    // events logs both as internal dials. A Local channel that a group rings does the same.
    let rings_own_side = |f: &Fact| {
        f.call_type == Some(CallType::Internal)
            && (is_outside(f.phone()) || f.extensions().all(|e| e == f.phone() || is_outside(e)))
    };
    let rank = |f: &Fact| match f.event {
        Event::Start => 0,
        Event::Dial if !forwarded(f) && !rings_own_side(f) => 1,
        Event::Dial => 3,
        // A consultation hangs up as well, in the middle of an outside call.
        Event::Hangup if f.call_type != Some(CallType::Internal) && !forwarded(f) => 2,
        Event::Hangup => 4,
        _ => 5,
    };
    facts
        .iter()
        .filter(|f| !f.uid().is_empty())
        .min_by_key(|f| (rank(f), f.at, f.place))
        .map(Fact::uid)
}

/// The last hangup of a leg, usually of the main leg.
pub(super) fn main_hangup<'f>(facts: &'f [Fact], main: &[u8]) -> Option<&'f Fact> {
    facts
        .iter()
        .rfind(|f| f.event == Event::Hangup && f.uid() == main)
}

/// Whether another leg still dials after the main leg hung up: the called party is transferred to another
/// extension, which is being rung.
pub(super) fn rings_on(facts: &[Fact]) -> bool {
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
