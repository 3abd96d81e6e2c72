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

/// What of a group matters here, and what it can be. Sorting a stream looks at thousands of groups
/// again and again, so everything that rules a pair out is known before a pair is looked at.
struct Profile<'f> {
    first: Stamp,
    last: Stamp,
    facts: &'f [Fact],
    crm: bool,
    token: Option<u64>,
    part: Option<Kind>,
    is_crm_main: bool,
    rings_outside: bool,
    has_bridge: bool,
}

/// The kinds of part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Bridges without a call.
    Crm,
    /// Dials for an outside number.
    Forwarded,
    /// An internal hangup and nothing else.
    Consultation,
}

/// Finds the groups (each the records that ids join, of one enterprise and one stretch of time)
/// that belong together. A part is given to one main group at most.
pub fn joins(groups: &[&[Fact]]) -> Vec<Inference> {
    let profiles: Vec<(usize, Profile<'_>)> = (0..)
        .zip(groups)
        .filter_map(|(i, facts)| Some((i, profile(facts)?)))
        .collect();
    let mut found = Vec::new();
    for (part, p) in profiles.iter().filter(|(_, p)| p.part.is_some()) {
        let best = profiles
            .iter()
            .filter(|(main, m)| main != part && m.may_own(p))
            .filter_map(|(main, m)| {
                let why = match p.part? {
                    Kind::Crm => crm(m, p),
                    Kind::Forwarded => forwarded(m, p),
                    Kind::Consultation => consulted(m, p),
                };
                // Of several the one that began last before the part: a client who is called twice
                // in a minute has two calls.
                let late = m.first.since(p.first) > SLACK_MILLIS;
                Some((late, m.first.since(p.first).abs(), *main, why?))
            })
            .min();
        if let Some((_, _, main, why)) = best {
            found.push(Inference {
                main,
                part: *part,
                why,
            });
        }
    }
    found
}

fn profile(facts: &[Fact]) -> Option<Profile<'_>> {
    let asterisk = || facts.iter().filter(|f| f.is_asterisk());
    let mut profile = Profile {
        first: asterisk().map(|f| f.at).min()?,
        last: asterisk().map(|f| f.at).max()?,
        facts,
        crm: false,
        token: None,
        part: None,
        is_crm_main: false,
        rings_outside: false,
        has_bridge: false,
    };
    let outside = |e: &[u8]| phone::is_external(phone::digits_of(e));
    let (mut calls, mut outgoing, mut forwards) = (false, false, false);
    for f in asterisk() {
        profile.crm |= f.crm;
        profile.token = profile.token.or(f.token);
        profile.has_bridge |= !f.bridge().is_empty();
        if f.is_call_event() {
            calls = true;
            let goes_out = f.call_type == Some(CallType::Outgoing);
            outgoing |= goes_out;
            if f.extensions().any(outside) {
                forwards |= goes_out;
                profile.rings_outside |= f.call_type == Some(CallType::Incoming);
            }
        }
    }
    profile.is_crm_main = calls && outgoing && !profile.has_bridge;
    profile.part = if profile.has_bridge && !calls {
        Some(Kind::Crm)
    } else if forwards && !profile.rings_outside {
        Some(Kind::Forwarded)
    } else if is_lone_internal_hangup(facts) {
        Some(Kind::Consultation)
    } else {
        None
    };
    Some(profile)
}

fn is_lone_internal_hangup(facts: &[Fact]) -> bool {
    matches!(facts, [only] if only.event == Event::Hangup
        && only.call_type == Some(CallType::Internal))
}

impl Profile<'_> {
    /// Whether the group can be the main one of a part, by kind, Token and time.
    fn may_own(&self, part: &Profile<'_>) -> bool {
        let kind = match part.part {
            Some(Kind::Crm) => self.is_crm_main,
            Some(Kind::Forwarded) => self.rings_outside,
            Some(Kind::Consultation) => self.has_bridge && !matches!(self.part, Some(Kind::Crm)),
            None => false,
        };
        kind && self.first.since(part.first) <= MANAGER_LEAD_MILLIS
            && part.first.since(self.last) <= SLACK_MILLIS
            && (self.token == part.token || self.token.is_none() || part.token.is_none())
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
    let lead = if part.has_any_extension() {
        MANAGER_LEAD_MILLIS
    } else {
        SLACK_MILLIS
    };
    if main.first.since(part.first) > lead {
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
    main.is_in_call(only.phone(), only.at)
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
