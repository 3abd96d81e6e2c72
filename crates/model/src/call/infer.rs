//! Joins parts of a call that share no id. Such joins are marked as inferred wherever they are shown.
//!
//! Four circumstances are known. Each needs more evidence than the same phone number within a minute:
//! - **CRM**: for a call started from the CRM, the host drops the events of the Local channel. So the leg
//!   that dials and hangs up is in no bridge, and two bridges (of the manager and of the line) have no dial.
//!   They are joined by the same number (or the dialled extension, if both have the host's mark) and the same
//!   Token, during the life of the dialling leg.
//! - **Forwarding**: a leg dials a mobile *for* a client, and an incoming call of that client rings that
//!   mobile at the same moment.
//! - **Consultation**: an internal hangup with no other record, of an extension that is in a bridged call at
//!   that moment.
//! - **Rung**: Asterisk gives each telephone that it rings, and each half of a Local channel, its own id,
//!   and a host logs it before anyone picks up. Such a leg (no bridge, no start, no dial of its own unless a
//!   Local channel created it) belongs to the call that dials at that moment for a number that the leg shows.

mod rung;

use super::channels::{endpoint, is_extension};
use super::fact::{CallType, Event, Fact, local_target};
use super::summary::{Direction, Summary};
use crate::record::phone::{is_outside, same_number};
use crate::record::{Stamp, id};

/// The leg of a manager is bridged up to this long before the number is dialled (milliseconds).
const MANAGER_LEAD_MILLIS: i64 = 60_000;

/// Records of one moment are written at most this far apart (milliseconds).
const SLACK_MILLIS: i64 = 5_000;

/// A leg that only rang is at most this far from the dial that rang it (milliseconds).
pub const RUNG_MILLIS: i64 = rung::DIAL_LATE_MILLIS + rung::RINGS_ON_MILLIS;

/// The properties of a group that matter to these joins. They are updated record by record: sorting a stream
/// compares thousands of groups again and again, so anything that rules a pair out is known before the pair
/// is compared.
#[derive(Debug, Default, Clone, Copy)]
pub struct Profile {
    /// Times of the first and last Asterisk event.
    times: Option<(Stamp, Stamp)>,
    facts: usize,
    crm: bool,
    token: Option<u64>,
    has_call_events: bool,
    has_bridge: bool,
    /// A start, dial or hangup of an outgoing leg.
    outgoing: bool,
    /// An outgoing leg dials for an outside number.
    forwards: bool,
    /// An incoming call rings an outside number.
    rings_outside: bool,
    internal_hangup: bool,
    /// A start event: the call came from outside and was not created by a dial.
    start: bool,
    /// A hangup that says "answered".
    answered_hangup: bool,
    /// A dial of its own, not on behalf of another leg.
    own_dial: bool,
    dial: bool,
    /// The first channel is a Local channel, which another leg always creates.
    local_born: Option<bool>,
    /// Time of the last hangup of a leg that dialled.
    over: Option<Stamp>,
    /// A record has no Linkedid; with one on every line there is nothing to infer.
    unlinked: bool,
}

impl Profile {
    /// Whether the call came in from outside.
    pub fn has_start(&self) -> bool {
        self.start
    }

    /// Whether the group may be a part, or may own parts other than legs that only rang and consultations:
    /// such parts can be a minute away.
    pub fn has_far_parts(&self) -> bool {
        let owns = [PartKind::Crm, PartKind::Forwarded].map(|kind| self.may_own_parts(kind));
        owns.contains(&true) || self.kinds().next().is_some()
    }

    /// Adds a record of the group.
    pub fn add(&mut self, fact: &Fact) {
        self.facts += 1;
        if !fact.is_asterisk() {
            return;
        }
        let (first, last) = self.times.unwrap_or((fact.at, fact.at));
        self.times = Some((first.min(fact.at), last.max(fact.at)));
        self.crm |= fact.crm;
        self.token = self.token.or(fact.token);
        self.has_bridge |= !fact.bridge().is_empty();
        self.unlinked |= !fact.uid().is_empty() && fact.linked().is_empty();
        if self.local_born.is_none() && !fact.channel().is_empty() {
            self.local_born = Some(local_target(fact.channel()).is_some());
        }
        if !fact.is_call_event() {
            return;
        }
        self.has_call_events = true;
        match fact.event {
            Event::Start => self.start = true,
            Event::Dial => {
                self.dial = true;
                self.own_dial |= !is_for_another(fact);
            }
            _ => {
                self.answered_hangup |= fact.call_status == Some(b'2');
                self.over = self.over.max(Some(fact.at));
            }
        }
        match fact.call_type {
            Some(CallType::Outgoing) => {
                self.outgoing = true;
                self.forwards = self.forwards || fact.extensions().any(is_outside);
            }
            Some(CallType::Incoming) if fact.event == Event::Dial => {
                self.rings_outside = self.rings_outside || fact.extensions().any(is_outside);
            }
            Some(CallType::Internal) => self.internal_hangup |= fact.event == Event::Hangup,
            _ => {}
        }
    }

    /// Time of the first Asterisk event.
    pub fn first(&self) -> Option<Stamp> {
        self.times.map(|(first, _)| first)
    }

    /// The kinds of part that the group can be, the most certain first.
    fn kinds(&self) -> impl Iterator<Item = PartKind> {
        [self.part(), self.is_rung().then_some(PartKind::Rung)]
            .into_iter()
            .flatten()
    }

    /// Whether nothing shows that a person picked it up or that it is a separate call.
    fn is_rung(&self) -> bool {
        let is_local = self.local_born == Some(true);
        self.unlinked
            && self.times.is_some()
            && !self.has_bridge
            && !self.start
            && !self.answered_hangup
            && (!self.own_dial || is_local)
    }

    fn part(&self) -> Option<PartKind> {
        if self.has_bridge && !self.has_call_events {
            Some(PartKind::Crm)
        } else if self.forwards && !self.rings_outside {
            Some(PartKind::Forwarded)
        } else if self.internal_hangup && self.facts == 1 {
            Some(PartKind::Consultation)
        } else {
            None
        }
    }

    /// Whether the group can be the main group of parts of this kind.
    fn may_own_parts(&self, kind: PartKind) -> bool {
        match kind {
            PartKind::Crm => self.has_call_events && self.outgoing && !self.has_bridge,
            PartKind::Forwarded => self.rings_outside,
            // In a long talk, the dial and the hangup may be too far away for a trace to have read them.
            PartKind::Consultation => self.has_bridge,
            PartKind::Rung => self.dial,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PartKind {
    /// Bridges without start, dial or hangup.
    Crm,
    /// A leg that dials for an outside number.
    Forwarded,
    /// A single internal hangup.
    Consultation,
    /// A leg that only rang.
    Rung,
}

/// Whether a dial is made on behalf of a caller in another leg: to a mobile for a client, or to an extension
/// by a Local channel that carries the client's number.
fn is_for_another(fact: &Fact) -> bool {
    match fact.call_type {
        Some(CallType::Outgoing) => fact.extensions().any(is_outside),
        Some(CallType::Internal) => is_outside(fact.phone()),
        _ => false,
    }
}

/// The records of a group, with their profile.
#[derive(Clone, Copy)]
pub struct RecordGroup<'f> {
    /// The records in any order.
    pub facts: &'f [Fact],
    /// The profile of the same records.
    pub profile: &'f Profile,
}

/// Finds the groups that belong together, as (main group, part, circumstance). A group is the records that
/// ids join, within one enterprise and one period. A part is given to at most one main group.
pub fn joins(groups: &[RecordGroup<'_>]) -> Vec<(usize, usize, String)> {
    let mains = |kind: PartKind| -> Vec<usize> {
        let of_kind = |i: &usize| groups[*i].profile.may_own_parts(kind);
        (0..groups.len()).filter(of_kind).collect()
    };
    // Most groups can be the main group for some kind of part, but few can be a part.
    let mut mains_of: [Option<Vec<usize>>; 4] = Default::default();
    let mut found = Vec::new();
    for (part, p) in groups.iter().enumerate() {
        for kind in p.profile.kinds() {
            let mains = mains_of[kind as usize].get_or_insert_with(|| mains(kind));
            let others = mains.iter().filter(|main| **main != part);
            let others = others.map(|&main| (main, groups[main]));
            if let Some((main, why)) = main_of_kind(kind, p, others) {
                found.push((main, part, why));
                break;
            }
        }
    }
    found
}

/// Finds the group that a part belongs to among others, each with a key. Returns its key and the
/// circumstance.
pub fn main_of<'f, K: Ord>(
    part: &RecordGroup<'_>,
    others: &(impl Iterator<Item = (K, RecordGroup<'f>)> + Clone),
) -> Option<(K, String)> {
    part.profile
        .kinds()
        .find_map(|kind| main_of_kind(kind, part, others.clone()))
}

fn main_of_kind<'f, K: Ord>(
    kind: PartKind,
    part: &RecordGroup<'_>,
    others: impl Iterator<Item = (K, RecordGroup<'f>)>,
) -> Option<(K, String)> {
    let first = part.first()?;
    if kind == PartKind::Rung {
        return rung::rung_by(part, others);
    }
    let (_, _, _, main, why) = others
        .filter(|(_, m)| m.profile.may_own_parts(kind) && m.is_near(part))
        .filter_map(|(main, m)| {
            let (rank, why) = match kind {
                PartKind::Crm => crm(&m, part)?,
                PartKind::Forwarded => (0, forwarded(&m, part)?),
                PartKind::Consultation => (0, consulted(&m, part)?),
                PartKind::Rung => return None,
            };
            // If there are several groups, the one that began last before the part is taken: a client who is
            // called twice in a minute has two calls.
            let lead = m.first()?.since(first);
            Some((rank, lead > SLACK_MILLIS, lead.abs(), main, why))
        })
        .min()?;
    Some((main, why))
}

impl RecordGroup<'_> {
    /// Whether the group can be a part of another group.
    pub fn may_be_part(&self) -> bool {
        self.profile.kinds().next().is_some()
    }

    fn first(&self) -> Option<Stamp> {
        self.profile.first()
    }

    fn has_token_of(&self, part: &RecordGroup<'_>) -> bool {
        let (m, p) = (self.profile, part.profile);
        m.token == p.token || m.token.is_none() || p.token.is_none()
    }

    /// When the oldest leg was created: the second and the counter of Asterisk.
    fn born(&self) -> Option<(i64, u64)> {
        self.facts.iter().filter_map(|f| id::birth(f.uid())).min()
    }

    /// Whether the group can have created the part: its first channel is not younger. Without this rule, two
    /// parts could each belong to the other.
    fn rings_before(&self, part: &RecordGroup<'_>) -> bool {
        match (self.born(), part.born()) {
            (Some(own), Some(born)) => own <= born,
            _ => true,
        }
    }

    /// Whether the group can be the main group of a part, by Token and time.
    fn is_near(&self, part: &RecordGroup<'_>) -> bool {
        let (m, p) = (self.profile, part.profile);
        let (Some((m_first, m_last)), Some((p_first, _))) = (m.times, p.times) else {
            return false;
        };
        m_first.since(p_first) <= MANAGER_LEAD_MILLIS
            && p_first.since(m_last) <= SLACK_MILLIS
            && self.has_token_of(part)
    }

    fn dials(&self) -> impl Iterator<Item = &Fact> {
        self.facts
            .iter()
            .filter(|f| matches!(f.event, Event::Dial | Event::Hangup))
    }

    /// Whether any channel of the group shows this outside number.
    fn shows_number(&self, number: &[u8]) -> bool {
        self.facts.iter().any(|f| {
            same_number(f.caller(), number)
                || same_number(f.connected(), number)
                || same_number(f.exten(), number)
        })
    }

    /// Whether a channel of the group names this extension as its other side.
    fn is_connected_to(&self, extension: &[u8]) -> bool {
        is_extension(extension) && self.facts.iter().any(|f| f.connected() == extension)
    }

    /// Whether a channel of the group belongs to this extension.
    fn has_extension(&self, extension: &[u8]) -> bool {
        is_extension(extension)
            && self
                .facts
                .iter()
                .any(|f| !f.bridge().is_empty() && endpoint(f.channel()) == extension)
    }

    /// Whether the extension takes part at that moment: it is in a bridge, or moves from one to the next.
    /// Later records do not matter, so a stream can be judged while it arrives.
    fn is_in_call(&self, extension: &[u8], at: Stamp) -> bool {
        let moves = || {
            let own = self.facts.iter().filter(|f| !f.bridge().is_empty());
            own.filter(|f| endpoint(f.channel()) == extension)
        };
        let inside = moves()
            .filter(|f| f.at <= at)
            .max_by_key(|f| (f.at, f.place))
            .is_some_and(|f| f.event == Event::Bridge);
        is_extension(extension) && (inside || moves().any(|f| at.since(f.at).abs() <= SLACK_MILLIS))
    }

    fn has_any_extension(&self) -> bool {
        self.facts
            .iter()
            .any(|f| is_extension(endpoint(f.channel())))
    }
}

/// How certain it is that a part belongs to a call that was started from the CRM (a lower rank is more
/// certain), and why. Two managers may call one client: the extension distinguishes the calls.
fn crm(main: &RecordGroup<'_>, part: &RecordGroup<'_>) -> Option<(u8, String)> {
    let lead = if part.has_any_extension() {
        MANAGER_LEAD_MILLIS
    } else {
        SLACK_MILLIS
    };
    if main.first()?.since(part.first()?) > lead {
        return None;
    }
    let outgoing = |f: &&Fact| f.call_type == Some(CallType::Outgoing);
    main.dials().filter(outgoing).find_map(|dial| {
        let own = dial.extensions().any(|e| part.has_extension(e));
        let connected = || dial.extensions().any(|e| part.is_connected_to(e));
        if part.shows_number(dial.phone()) {
            let rank = if own || connected() { 0 } else { 2 };
            let why = "same number as the call dialled from the CRM, within its time";
            Some((rank, why.to_owned()))
        } else if main.profile.crm && part.profile.crm && own {
            let why = "the extension that the CRM called, within the call's time";
            Some((1, why.to_owned()))
        } else {
            None
        }
    })
}

fn forwarded(main: &RecordGroup<'_>, part: &RecordGroup<'_>) -> Option<String> {
    let rings = |mobile: &[u8], client: &[u8], at: Stamp| {
        main.facts.iter().any(|f| {
            f.event == Event::Dial
                && f.call_type == Some(CallType::Incoming)
                && at.since(f.at) >= -SLACK_MILLIS
                && same_number(f.phone(), client)
                && f.extensions().any(|e| same_number(e, mobile))
        })
    };
    let first = part.first()?;
    let forwards = part.dials().any(|f| {
        f.call_type == Some(CallType::Outgoing)
            && f.extensions().any(|client| rings(f.phone(), client, first))
    });
    forwards.then(|| "rings a mobile for the client while the call rings it".to_owned())
}

fn consulted(main: &RecordGroup<'_>, part: &RecordGroup<'_>) -> Option<String> {
    let [only] = part.facts else { return None };
    main.is_in_call(only.phone(), only.at)
        .then(|| "an internal leg of an extension that is in this call at that moment".to_owned())
}

/// Whether parts that share no id, other than a single hangup, may belong to these records.
pub fn wants_parts(facts: &[Fact]) -> bool {
    let bridged = |uid: &[u8]| {
        facts
            .iter()
            .any(|f| !f.bridge().is_empty() && f.uid() == uid)
    };
    let calls = || facts.iter().filter(|f| f.is_call_event());
    let only_bridges = calls().next().is_none() && facts.iter().any(|f| !f.bridge().is_empty());
    let unbridged = calls().any(|f| f.call_type == Some(CallType::Outgoing) && !bridged(f.uid()));
    let lone = matches!(facts, [only] if only.event == Event::Hangup);
    only_bridges || unbridged || lone || calls().any(|f| f.extensions().any(is_outside))
}

/// Whether records that ids join, with this summary, are likely to be a part of a call: a leg that rings a
/// mobile for the client, or the only record of a consultation.
pub fn is_likely_part(facts: &[Fact], summary: &Summary) -> bool {
    match summary.direction {
        Direction::Outgoing => summary.rang.iter().any(|e| is_outside(e.as_bytes())),
        Direction::Internal => matches!(facts, [only] if only.event == Event::Hangup),
        Direction::Incoming | Direction::Unknown => false,
    }
}

/// Whether a hangup can be the only record of a consultation by one of the call's extensions.
pub fn may_be_consultation(hangup: &Fact, facts: &[Fact]) -> bool {
    hangup.call_type == Some(CallType::Internal)
        && is_extension(hangup.phone())
        && bridged_endpoints(facts).any(|endpoint| endpoint == hangup.phone())
}

/// The endpoints that are in a bridge; an internal hangup of one of them may be a consultation.
pub fn bridged_endpoints(facts: &[Fact]) -> impl Iterator<Item = &[u8]> {
    let bridged = facts.iter().filter(|f| !f.bridge().is_empty());
    bridged.map(|f| endpoint(f.channel()))
}
