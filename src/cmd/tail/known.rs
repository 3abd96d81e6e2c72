//! The calls of an enterprise that were told of, found by their legs.
//!
//! Those that have ended stay for as long as something may join them, hours in which thousands end:
//! neither a record nor a redrawn screen may look at all of them.

use std::collections::{BTreeSet, HashMap};

use super::board::Told;
use calltrace_model::record::Stamp;

/// Calls as they were told last. No two of them share a leg.
#[derive(Default)]
pub(super) struct Known {
    /// By numbers that grow in the order of telling.
    calls: HashMap<u64, Told>,
    of_leg: HashMap<String, u64>,
    /// Those that are not over.
    going: BTreeSet<u64>,
    /// Of those the ones that everybody has left, each with when that is its end.
    left: BTreeSet<(Stamp, u64)>,
    numbers: u64,
}

impl Known {
    /// Adds a call; what was known of its legs must have been taken out.
    pub(super) fn put(&mut self, told: Told) -> &Told {
        self.numbers += 1;
        for leg in &told.summary.legs {
            self.of_leg.insert(leg.uid.clone(), self.numbers);
        }
        if !told.state.is_over() {
            self.going.insert(self.numbers);
            let left = told.left.as_ref();
            self.left.extend(left.map(|(_, due)| (*due, self.numbers)));
        }
        self.calls.entry(self.numbers).or_insert(told)
    }

    /// Takes out the calls that have one of these legs, in the order of telling.
    pub(super) fn take<U: AsRef<str>>(&mut self, legs: impl Iterator<Item = U>) -> Vec<Told> {
        let numbers = legs.filter_map(|uid| self.of_leg.get(uid.as_ref()).copied());
        let numbers: BTreeSet<u64> = numbers.collect();
        let mut taken = Vec::new();
        for number in numbers {
            self.going.remove(&number);
            taken.extend(self.calls.remove(&number));
            if let Some((_, due)) = taken.last().and_then(|told| told.left.as_ref()) {
                self.left.remove(&(*due, number));
            }
        }
        for leg in taken.iter().flat_map(|told| &told.summary.legs) {
            self.of_leg.remove(&leg.uid);
        }
        taken
    }

    /// The calls that are not over.
    pub(super) fn going_on(&self) -> impl Iterator<Item = &Told> {
        self.going
            .iter()
            .filter_map(|number| self.calls.get(number))
    }

    /// Ends the calls that everybody has left for long enough, and tells of them.
    pub(super) fn end_left(&mut self, now: Stamp, tell: &mut dyn FnMut(&Told)) {
        while let Some(&(due, number)) = self.left.first()
            && due <= now
        {
            self.left.pop_first();
            self.going.remove(&number);
            if let Some(told) = self.calls.get_mut(&number)
                && let Some((left, _)) = told.left.clone()
            {
                (told.state, told.since) = (left, told.summary.last);
                tell(told);
            }
        }
    }

    /// Whether a call waits for its end.
    pub(super) fn waits(&self) -> bool {
        !self.left.is_empty()
    }
}
