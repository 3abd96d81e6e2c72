//! The reported calls of an enterprise, found by their legs.
//!
//! Ended calls stay for as long as something may join them, which may be hours with thousands of calls. So neither a
//! record nor an update of the screen may iterate over all of them.

use std::collections::{BTreeSet, HashMap};

use super::board::ReportedCall;
use calltrace_model::record::Stamp;

/// Calls with their last reported states. No two calls share a leg.
#[derive(Default)]
pub(super) struct KnownCalls {
    /// By numbers that grow in the order of the reports.
    calls: HashMap<u64, ReportedCall>,
    of_leg: HashMap<String, u64>,
    /// Calls in progress.
    going: BTreeSet<u64>,
    /// Calls in progress that all participants have left, each with the time at which it counts as ended.
    left: BTreeSet<(Stamp, u64)>,
    numbers: u64,
}

impl KnownCalls {
    /// Adds a call. Calls with the same legs must have been taken out before.
    pub(super) fn put(&mut self, call: ReportedCall) -> &ReportedCall {
        self.numbers += 1;
        for leg in &call.summary.legs {
            self.of_leg.insert(leg.uid.clone(), self.numbers);
        }
        if !call.state.is_over() {
            self.going.insert(self.numbers);
            let left = call.left.as_ref();
            self.left.extend(left.map(|(_, due)| (*due, self.numbers)));
        }
        self.calls.entry(self.numbers).or_insert(call)
    }

    /// Takes out the calls that have one of these legs, in the order of the reports.
    pub(super) fn take<U: AsRef<str>>(
        &mut self,
        legs: impl Iterator<Item = U>,
    ) -> Vec<ReportedCall> {
        let numbers = legs.filter_map(|uid| self.of_leg.get(uid.as_ref()).copied());
        let numbers: BTreeSet<u64> = numbers.collect();
        let mut taken = Vec::new();
        for number in numbers {
            self.going.remove(&number);
            taken.extend(self.calls.remove(&number));
            if let Some((_, due)) = taken.last().and_then(|call| call.left.as_ref()) {
                self.left.remove(&(*due, number));
            }
        }
        for leg in taken.iter().flat_map(|call| &call.summary.legs) {
            self.of_leg.remove(&leg.uid);
        }
        taken
    }

    /// The calls in progress.
    pub(super) fn going_on(&self) -> impl Iterator<Item = &ReportedCall> {
        self.going
            .iter()
            .filter_map(|number| self.calls.get(number))
    }

    /// Ends the calls that all participants left long enough ago, and reports them.
    pub(super) fn end_left(&mut self, now: Stamp, report: &mut dyn FnMut(&ReportedCall)) {
        while let Some(&(due, number)) = self.left.first()
            && due <= now
        {
            self.left.pop_first();
            self.going.remove(&number);
            if let Some(call) = self.calls.get_mut(&number)
                && let Some((left, _)) = call.left.clone()
            {
                (call.state, call.since) = (left, call.summary.last);
                report(call);
            }
        }
    }

    /// Whether a call waits to be reported as ended.
    pub(super) fn waits(&self) -> bool {
        !self.left.is_empty()
    }
}
