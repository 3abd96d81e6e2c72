//! The calls of an enterprise that were told of, found by their legs.
//!
//! Those that have ended stay for as long as something may join them, hours in which thousands end:
//! neither a record nor a redrawn screen may look at all of them.

use std::collections::{BTreeSet, HashMap};

use super::board::Told;
use crate::record::Stamp;

/// After everybody has left, a call whose hangup is not logged counts as ended when nothing comes for
/// this long (milliseconds): who is transferred blindly is in no bridge while the next phone rings,
/// and few let it ring for longer. If somebody picks up after all, the call is told of again.
const LEFT_MILLIS: i64 = 60_000;

/// Calls as they were told last. No two of them share a leg.
#[derive(Default)]
pub(super) struct Known {
    /// By numbers that grow in the order of telling.
    calls: HashMap<u64, Told>,
    of_leg: HashMap<String, u64>,
    /// Those that are not over.
    going: BTreeSet<u64>,
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

    /// Ends the calls that everybody left some time ago, and tells of them.
    pub(super) fn end_left(&mut self, now: Stamp, tell: &mut dyn FnMut(&Told)) {
        let calls = &mut self.calls;
        self.going.retain(|number| {
            let Some(told) = calls.get_mut(number) else {
                return false;
            };
            let is_due = now.since(told.summary.last) >= LEFT_MILLIS;
            let Some(left) = told.left.clone().filter(|_| is_due) else {
                return true;
            };
            (told.state, told.since) = (left, told.summary.last);
            tell(told);
            false
        });
    }
}
