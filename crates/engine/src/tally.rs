//! Counts calls by time and outcome.

use std::collections::BTreeMap;

use calltrace_model::call::Outcome;
use calltrace_model::record::Stamp;
use calltrace_model::stats::{Outcomes, QUARTER_MILLIS};

/// How many calls began in each quarter of an hour of the log's zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallTally {
    quarters: BTreeMap<i64, Outcomes>,
}

impl CallTally {
    pub(super) fn add(&mut self, first: Stamp, outcome: Outcome) {
        let quarter = first.0.div_euclid(QUARTER_MILLIS);
        self.quarters.entry(quarter).or_default().add(outcome);
    }

    /// Adds the calls of another tally.
    pub fn extend(&mut self, other: &CallTally) {
        for (quarter, outcomes) in &other.quarters {
            let sum = self.quarters.entry(*quarter).or_default();
            *sum = sum.plus(*outcomes);
        }
    }

    /// Each quarter of an hour with calls, by its beginning, in order of time.
    pub fn quarters(&self) -> impl Iterator<Item = (Stamp, Outcomes)> {
        let quarters = self.quarters.iter();
        quarters.map(|(quarter, outcomes)| (Stamp(quarter * QUARTER_MILLIS), *outcomes))
    }

    /// The sum of all quarters.
    pub fn total(&self) -> Outcomes {
        let all = self.quarters.values();
        all.fold(Outcomes::default(), |sum, outcomes| sum.plus(*outcomes))
    }
}
