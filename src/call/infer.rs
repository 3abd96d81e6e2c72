//! Joins between parts of a call that share no id. Marked as inferred wherever they show.
//!
//! Three circumstances are known, each needs more than a phone number and a minute:
//! - **CRM**: for a call started from the CRM the host drops the Local channel's events, so the leg
//!   that dials and hangs up is in no bridge, and two bridges (the manager's, the line's) have no
//!   dial. Same number (or the dialled extension, if the host's mark is on both), same Token,
//!   within the dialling leg's life.
//! - **Forwarding**: a leg dials a mobile *for* a client, and an incoming call of that client rings
//!   that mobile at that moment.
//! - **Consultation**: an internal hangup with nothing else, of an extension that is in a bridged
//!   call at that moment.

use std::collections::BTreeSet;

use super::fact::{CallType, Event, Fact};
use super::talk::{endpoint, is_extension};
use crate::record::{Stamp, phone};

/// A manager's leg is bridged before the number is dialled: up to this long (milliseconds).
const MANAGER_LEAD_MILLIS: i64 = 60_000;

/// Records of one moment are written within this time of each other (milliseconds).
const SLACK_MILLIS: i64 = 5_000;

/// Two groups that are one call, by circumstance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inference {
    /// The group that speaks of the call: dial or start.
    pub main: usize,
    /// The group that belongs to it.
    pub part: usize,
    /// The circumstance, for people.
    pub why: String,
}

/// What of a group matters here.
struct Profile<'f> {
    first: Stamp,
    last: Stamp,
    facts: &'f [Fact],
    has_call_events: bool,
    has_bridge: bool,
    crm: bool,
    tokens: BTreeSet<u64>,
}

/// Finds the groups (each the records that ids join, of one enterprise and one stretch of time)
/// that belong together. A part is given to one main group at most.
pub fn joins(groups: &[&[Fact]]) -> Vec<Inference> {
    let profiles: Vec<Option<Profile<'_>>> = groups.iter().map(|facts| profile(facts)).collect();
    let known = || {
        profiles
            .iter()
            .enumerate()
            .filter_map(|(i, p)| Some((i, p.as_ref()?)))
    };
    let mut found = Vec::new();
    for (part, p) in known() {
        let best = known()
            .filter(|(main, m)| *main != part && m.tokens_agree(p))
            .filter_map(|(main, m)| {
                let why = crm(m, p).or_else(|| forwarded(m, p)).or_else(|| consulted(m, p))?;
                // Of several the one that began last before the part: a client who is called twice
                // in a minute has two calls.
                let late = m.first.since(p.first) > SLACK_MILLIS;
                Some((late, m.first.since(p.first).abs(), main, why))
            })
            .min();
        if let Some((_, _, main, why)) = best {
            found.push(Inference { main, part, why });
        }
    }
    found
}

fn profile(facts: &[Fact]) -> Option<Profile<'_>> {
    Some(Profile {
        first: facts.iter().filter(|f| f.is_asterisk()).map(|f| f.at).min()?,
        last: facts.iter().filter(|f| f.is_asterisk()).map(|f| f.at).max()?,
        facts,
        has_call_events: facts.iter().any(Fact::is_call_event),
        has_bridge: facts.iter().any(|f| !f.bridge().is_empty()),
        crm: facts.iter().any(|f| f.crm),
        tokens: facts.iter().filter_map(|f| f.token).collect(),
    })
}

impl Profile<'_> {
    fn tokens_agree(&self, other: &Profile<'_>) -> bool {
        self.tokens.is_empty()
            || other.tokens.is_empty()
            || !self.tokens.is_disjoint(&other.tokens)
    }

    fn dials(&self) -> impl Iterator<Item = &Fact> {
        self.facts
            .iter()
            .filter(|f| matches!(f.event, Event::Dial | Event::Hangup))
    }

    /// Whether any channel of the group shows this outside number.
    fn shows_number(&self, number: &[u8]) -> bool {
        self.facts.iter().any(|f| {
            phone::same_number(f.caller(), number)
                || phone::same_number(f.connected(), number)
                || phone::same_number(f.exten(), number)
        })
    }

    /// Whether a channel of the group is this extension's.
    fn has_extension(&self, extension: &[u8]) -> bool {
        is_extension(extension)
            && self
                .facts
                .iter()
                .any(|f| !f.bridge().is_empty() && endpoint(f.channel()) == extension)
    }

    /// Whether the extension takes part at that moment: it entered a bridge before, and does so or
    /// leaves one after.
    fn is_in_call(&self, extension: &[u8], at: Stamp) -> bool {
        let times = || {
            let own = self.facts.iter().filter(|f| !f.bridge().is_empty());
            own.filter(|f| endpoint(f.channel()) == extension).map(|f| f.at)
        };
        is_extension(extension)
            && times().any(|t| t <= at)
            && times().any(|t| at.since(t) <= SLACK_MILLIS)
    }

    fn has_any_extension(&self) -> bool {
        self.facts.iter().any(|f| is_extension(endpoint(f.channel())))
    }
}

fn crm(main: &Profile<'_>, part: &Profile<'_>) -> Option<String> {
    if main.has_bridge || !main.has_call_events || part.has_call_events || !part.has_bridge {
        return None;
    }
    let lead = if part.has_any_extension() {
        MANAGER_LEAD_MILLIS
    } else {
        SLACK_MILLIS
    };
    let before = main.first.since(part.first) <= lead;
    let within = part.first.since(main.last) <= SLACK_MILLIS;
    if !before || !within {
        return None;
    }
    let outgoing = |f: &&Fact| f.call_type == Some(CallType::Outgoing);
    main.dials().filter(outgoing).find_map(|dial| {
        if part.shows_number(dial.phone()) {
            Some("same number as the call dialled from the CRM, within its time".to_owned())
        } else if main.crm && part.crm && dial.extensions().any(|e| part.has_extension(e)) {
            Some("the extension that the CRM called, within the call's time".to_owned())
        } else {
            None
        }
    })
}

fn forwarded(main: &Profile<'_>, part: &Profile<'_>) -> Option<String> {
    let rings = |mobile: &[u8], client: &[u8], at: Stamp| {
        main.facts.iter().any(|f| {
            f.event == Event::Dial
                && f.call_type == Some(CallType::Incoming)
                && at.since(f.at) >= -SLACK_MILLIS
                && at.since(main.last) <= SLACK_MILLIS
                && phone::same_number(f.phone(), client)
                && f.extensions().any(|e| phone::same_number(e, mobile))
        })
    };
    let forwards = part.dials().any(|f| {
        f.call_type == Some(CallType::Outgoing)
            && f.extensions().any(|client| rings(f.phone(), client, part.first))
    });
    forwards.then(|| "rings a mobile for the client while the call rings it".to_owned())
}

fn consulted(main: &Profile<'_>, part: &Profile<'_>) -> Option<String> {
    let [only] = part.facts else { return None };
    let lone = only.event == Event::Hangup && only.call_type == Some(CallType::Internal);
    (lone && main.has_call_events && main.is_in_call(only.phone(), only.at))
        .then(|| "an internal leg of an extension that is in this call at that moment".to_owned())
}

/// Whether parts that share no id may belong to these records, other than a lone hangup.
pub fn wants_parts(facts: &[Fact]) -> bool {
    let outside = |e: &[u8]| phone::is_external(phone::digits_of(e));
    let bridged = |uid: &[u8]| facts.iter().any(|f| !f.bridge().is_empty() && f.uid() == uid);
    let calls = || facts.iter().filter(|f| f.is_call_event());
    let only_bridges = calls().next().is_none() && facts.iter().any(|f| !f.bridge().is_empty());
    let unbridged = calls().any(|f| f.call_type == Some(CallType::Outgoing) && !bridged(f.uid()));
    let lone = matches!(facts, [only] if only.event == Event::Hangup);
    only_bridges || unbridged || lone || calls().any(|f| f.extensions().any(outside))
}

/// Whether a hangup can be all that is left of a consultation by one of the call's extensions.
pub fn may_be_consultation(hangup: &Fact, facts: &[Fact]) -> bool {
    hangup.call_type == Some(CallType::Internal)
        && is_extension(hangup.phone())
        && facts
            .iter()
            .any(|f| !f.bridge().is_empty() && endpoint(f.channel()) == hangup.phone())
}
