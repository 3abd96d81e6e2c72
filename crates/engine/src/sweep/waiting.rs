//! Records of several files, put in order of time.

use std::collections::VecDeque;

use super::Parsed;
use calltrace_model::call::Fact;
use calltrace_model::record::Stamp;

/// What was parsed of some files while others have not come as far: records are joined in order of time,
/// whatever the files and chunks they come in, since who is in a bridge depends on it.
#[derive(Default)]
pub(super) struct Waiting {
    /// In order of time, from the first that waits.
    facts: VecDeque<Fact>,
    /// What was parsed besides facts.
    rest: Parsed,
}

impl Waiting {
    /// Takes in what was parsed; what is no later than `until` of all that waits.
    pub(super) fn pass(&mut self, mut parsed: Parsed, until: Stamp) -> Parsed {
        if !self.facts.is_empty() {
            parsed.facts.insert(0, self.facts.drain(..).collect());
        }
        let order = |f: &Fact| (f.at, f.place);
        if !parsed.facts.iter().flatten().is_sorted_by_key(order) {
            self.sort_in(parsed);
            return self.take_until(until);
        }
        // One file in order is passed on as it is, but for its end.
        for list in parsed.facts.iter_mut().rev() {
            let passed = list.partition_point(|f| f.at <= until);
            for fact in list.drain(passed..).rev() {
                self.facts.push_front(fact);
            }
            if passed > 0 {
                break;
            }
        }
        parsed
    }

    /// Takes in what is known to be in no order.
    fn sort_in(&mut self, mut parsed: Parsed) {
        self.rest.take_rest(&mut parsed);
        self.facts.extend(parsed.facts.into_iter().flatten());
        let facts = self.facts.make_contiguous();
        facts.sort_by_key(|f| (f.at, f.place));
    }

    /// What is no later than `until`.
    pub(super) fn take_until(&mut self, until: Stamp) -> Parsed {
        let count = self.facts.partition_point(|f| f.at <= until);
        Parsed {
            facts: vec![self.facts.drain(..count).collect()],
            ..std::mem::take(&mut self.rest)
        }
    }

    pub(super) fn first(&self) -> Option<Stamp> {
        self.facts.front().map(|f| f.at)
    }
}
