//! The records that belong together so far, while a stream of records is joined into calls.

use super::NameHash;
use crate::call::fact::{Event, Fact};
use crate::call::infer::{Profile, RecordGroup};
use crate::call::reach;
use crate::record::Stamp;

/// The room that is first reserved for the records of a call. Few calls have more records, and the room stays
/// under the size (1 KiB) up to which the allocator is quick.
const FACTS_USUAL: usize = 11;

/// The records of one call, as far as ids join them.
#[derive(Debug, Default)]
pub struct Component {
    /// The records in order of arrival, or in order of time after [`super::Joiner::in_order`].
    pub facts: Vec<Fact>,
    /// The properties of the records that matter to joins without ids.
    pub(super) profile: Profile,
    /// The time of the latest record; `None` for an empty slot.
    pub(super) last: Option<Stamp>,
    /// The result of `reach::silence`; `None` after a record was added.
    pub(super) silence: Option<i64>,
    /// The names that lead to this call.
    pub(super) names: Vec<NameHash>,
    /// Legs and bridges of adopted parts; the profile does not count their records.
    pub(super) adopted: Vec<Box<[u8]>>,
    /// The legs of adopted parts, each with the circumstance.
    pub(super) inferred: Vec<(Box<[u8]>, String)>,
    /// The ordinal number of this call in its joiner.
    pub(super) born: u32,
    /// The ordinal numbers of the calls that were merged into this one.
    pub(super) merged: Vec<u32>,
}

impl Component {
    /// Whether the first record is older than this (milliseconds) at the time `now`, up to which all records
    /// have come.
    pub fn is_older_than(&self, millis: i64, now: Stamp) -> bool {
        self.profile
            .first()
            .is_some_and(|first| now.since(first) > millis)
    }

    /// The records in the form that joins without ids use.
    pub fn group(&self) -> RecordGroup<'_> {
        RecordGroup {
            facts: &self.facts,
            profile: &self.profile,
        }
    }

    /// The legs that were joined by circumstance, each with the circumstance.
    pub fn inferred(&self) -> impl Iterator<Item = (&[u8], &str)> {
        self.inferred
            .iter()
            .map(|(uid, why)| (&**uid, why.as_str()))
    }

    /// The ordinal number of this call in its joiner. Another joiner that is given the same records assigns
    /// the same numbers.
    pub fn born(&self) -> u32 {
        self.born
    }

    /// [`Component::born`] of the calls that were merged into it.
    pub fn merged(&self) -> &[u32] {
        &self.merged
    }

    /// Whether no record can be added any more after such a silence (milliseconds).
    pub(super) fn is_over_after(&mut self, silence: i64) -> bool {
        let has_hung_up = || self.facts.iter().any(|fact| fact.event == Event::Hangup);
        // Most calls are silent because people talk, and have no end yet.
        if silence < reach::QUIET_MILLIS || silence < reach::WAITING_MILLIS && !has_hung_up() {
            return false;
        }
        let facts = &self.facts;
        silence >= *self.silence.get_or_insert_with(|| reach::silence(facts))
    }

    fn is_adopted(&self, fact: &Fact) -> bool {
        let known = |name: &[u8]| !name.is_empty() && self.adopted.iter().any(|a| **a == *name);
        !self.adopted.is_empty() && (known(fact.uid()) || known(fact.bridge()))
    }

    pub(super) fn push(&mut self, fact: Fact) {
        self.last = self.last.max(Some(fact.at));
        self.silence = None;
        if !self.is_adopted(&fact) {
            self.profile.add(&fact);
        }
        if self.facts.capacity() == 0 {
            self.facts.reserve(FACTS_USUAL);
        }
        self.facts.push(fact);
    }

    /// Sorts the records and leaves out those above the limit. Returns how many were left out.
    pub(super) fn trim(&mut self, records: usize) -> u64 {
        self.facts.sort_by_key(|fact| (fact.at, fact.place));
        let events = self.facts.iter().filter(|fact| fact.is_asterisk()).count();
        let (first, last) = first_and_last(records);
        let mut events_before = 0;
        let mut others_before = 0;
        let before = self.facts.len();
        self.facts.retain(|fact| {
            let count = match fact.is_asterisk() {
                true => &mut events_before,
                false => &mut others_before,
            };
            let at = std::mem::replace(count, *count + 1);
            match fact.is_asterisk() {
                true => at < first || at + last >= events,
                false => at < records,
            }
        });
        (before - self.facts.len()) as u64
    }
}

/// How many of the first and of the last Asterisk events of a call are kept when `records` are kept in all:
/// the end of a call says as much as its beginning.
pub fn first_and_last(records: usize) -> (usize, usize) {
    let last = records / 10;
    (records - last, last)
}
