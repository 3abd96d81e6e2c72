//! Builds one lane per person with what the person did and when, without channels and bridges.

use std::collections::BTreeMap;

use super::meetings::Meeting;
use crate::call::channels::same_party;
use crate::call::fact::Fact;
use crate::call::summary::{Direction, RingOutcome, Summary};
use crate::call::talk::SWAP_MILLIS;
use crate::record::{Stamp, phone};

/// A participant over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonLane {
    /// Extension or number.
    pub party: String,
    /// Whether this is the other side: the client, or the caller of an internal call.
    pub is_client: bool,
    /// The actions of the participant in order of time. Spans may overlap by some milliseconds if the log
    /// does.
    pub spans: Vec<PersonSpan>,
}

/// A period in a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonSpan {
    pub doing: PersonDoing,
    pub from: Stamp,
    /// The end, exclusive; `None` while it lasts, and if no end was logged.
    pub to: Option<Stamp>,
}

/// What a participant does in a span.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PersonDoing {
    /// Waits for the first person: the client, or the caller of a call to outside.
    Waits,
    /// The telephone rings, with this result.
    Rings(RingOutcome),
    /// Talks with these parties. The client and others talk with each other, so the list of another party
    /// begins with the client.
    Talks(Vec<String>),
    /// The client hears no one after the first person.
    Held,
    /// Talks to this party while the client does not hear them.
    Consults(String),
}

/// The lanes, the client's first.
pub(super) fn people(facts: &[Fact], s: &Summary, meetings: &[Meeting]) -> Vec<PersonLane> {
    let mut lanes = Lanes::default();
    for span in client_spans(facts, s) {
        lanes.add(&s.client, span);
    }
    let own = lanes.at(&s.client);
    lanes.all[own].is_client = true;
    // In a call to outside, the caller waits, and the client's telephone rings.
    if let (Direction::Outgoing, Some(caller)) = (s.direction, s.rang.first())
        && let Some(born) = facts.iter().find(|f| f.is_asterisk()).map(|f| f.at)
    {
        let to = s.heard.first().map(|heard| heard.from);
        let to = to.or_else(|| super::steps::end(facts, s));
        lanes.add(caller, span(PersonDoing::Waits, born, to));
    }
    for ringing in &s.ringing {
        let rings = PersonDoing::Rings(ringing.outcome);
        lanes.add(&ringing.party, span(rings, ringing.from, ringing.to));
    }
    for heard in &s.heard {
        for party in &heard.with {
            let others = heard.with.iter().filter(|other| *other != party);
            let with = [&s.client].into_iter().chain(others).cloned().collect();
            lanes.add_other(party, span(PersonDoing::Talks(with), heard.from, heard.to));
        }
    }
    for meeting in meetings {
        let (a, b) = &meeting.pair;
        for (party, other) in [(a, b), (b, a)] {
            let consults = PersonDoing::Consults(other.clone());
            lanes.add_other(party, span(consults, meeting.from, meeting.to));
        }
    }
    let mut lanes = lanes.all;
    lanes.retain(|lane| !lane.party.is_empty() && !lane.spans.is_empty());
    for lane in &mut lanes {
        lane.spans.sort_by_key(|span| span.from);
    }
    // The client comes first, the others in the order of their first span.
    lanes.sort_by_key(|lane| (!lane.is_client, lane.spans[0].from));
    lanes
}

fn span(doing: PersonDoing, from: Stamp, to: Option<Stamp>) -> PersonSpan {
    PersonSpan { doing, from, to }
}

/// Collects lanes. A flood of records has thousands of parties, so lanes are found through a map.
#[derive(Default)]
struct Lanes {
    all: Vec<PersonLane>,
    known: BTreeMap<Vec<u8>, usize>,
}

impl Lanes {
    fn at(&mut self, party: &str) -> usize {
        let digits = phone::digits_of(party.as_bytes());
        let key = match phone::is_external(digits) {
            true => phone::canonical(digits).into_owned(),
            false => party.as_bytes().to_vec(),
        };
        *self.known.entry(key).or_insert_with(|| {
            self.all.push(PersonLane {
                party: party.to_owned(),
                is_client: false,
                spans: Vec::new(),
            });
            self.all.len() - 1
        })
    }

    fn add(&mut self, party: &str, span: PersonSpan) {
        let at = self.at(party);
        self.all[at].spans.push(span);
    }

    /// Adds a span as `add` does, but not to the client, who already has spans of its own.
    fn add_other(&mut self, party: &str, span: PersonSpan) {
        let at = self.at(party);
        if !self.all[at].is_client {
            self.all[at].spans.push(span);
        }
    }
}

fn client_spans(facts: &[Fact], s: &Summary) -> Vec<PersonSpan> {
    let mut spans = Vec::new();
    let end = super::steps::end(facts, s);
    let rung = s
        .ringing
        .iter()
        .any(|ringing| same_party(&ringing.party, &s.client));
    let born = facts.iter().find(|f| f.is_asterisk()).map(|f| f.at);
    let heard = s.heard.first().map(|heard| heard.from);
    let waits = born.filter(|born| !rung && heard.is_none_or(|heard| *born < heard));
    spans.extend(waits.map(|born| span(PersonDoing::Waits, born, heard.or(end))));
    let mut last_to: Option<Stamp> = None;
    for heard in &s.heard {
        if let Some(to) = last_to.filter(|to| heard.from.since(*to) > SWAP_MILLIS) {
            spans.push(span(PersonDoing::Held, to, Some(heard.from)));
        }
        spans.push(span(
            PersonDoing::Talks(heard.with.clone()),
            heard.from,
            heard.to,
        ));
        last_to = heard.to;
    }
    if let Some((to, rest)) = last_to.zip(super::steps::waited_on(facts, s)) {
        spans.push(span(PersonDoing::Held, to, rest));
    }
    spans
}
