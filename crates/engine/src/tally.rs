//! How many calls there are, by time and outcome.

use std::collections::BTreeMap;

use calltrace_model::call::{Outcome, Summary};
use calltrace_model::record::Stamp;

/// A quarter of an hour (milliseconds): hours of every zone begin at one.
pub const QUARTER_MILLIS: i64 = 15 * 60_000;

/// Calls by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes([usize; Outcome::ALL.len()]);

impl Outcomes {
    /// Those that ended so.
    pub fn of(self, outcome: Outcome) -> usize {
        self.0[outcome as usize]
    }

    /// All of them.
    pub fn all(self) -> usize {
        self.0.iter().sum()
    }

    /// These and those.
    pub fn plus(self, other: Outcomes) -> Outcomes {
        Outcomes(std::array::from_fn(|at| self.0[at] + other.0[at]))
    }
}

/// How many calls began in each quarter of an hour of the log's zone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    quarters: BTreeMap<i64, Outcomes>,
}

impl Tally {
    pub(super) fn add(&mut self, summary: &Summary) {
        let quarter = summary.first.0.div_euclid(QUARTER_MILLIS);
        let outcomes = self.quarters.entry(quarter).or_default();
        outcomes.0[summary.outcome as usize] += 1;
    }

    /// Each quarter that has calls, by its beginning, in order of time.
    pub fn quarters(&self) -> impl Iterator<Item = (Stamp, Outcomes)> {
        let quarters = self.quarters.iter();
        quarters.map(|(quarter, outcomes)| (Stamp(quarter * QUARTER_MILLIS), *outcomes))
    }

    /// All calls.
    pub fn total(&self) -> Outcomes {
        let all = self.quarters.values();
        all.fold(Outcomes::default(), |sum, outcomes| sum.plus(*outcomes))
    }
}
