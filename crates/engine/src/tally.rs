//! How many calls there are, by time and outcome.

use std::collections::BTreeMap;

use calltrace_model::call::{Outcome, Summary};
use calltrace_model::record::Stamp;

/// A quarter of an hour (milliseconds): hours of every zone begin at one.
pub const QUARTER_MILLIS: i64 = 15 * 60_000;

/// Calls by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Somebody talked.
    pub answered: usize,
    /// Calls from outside that no person picked up.
    pub missed: usize,
    /// Other calls that no person picked up.
    pub not_reached: usize,
    /// Others that found the other side busy.
    pub busy: usize,
    /// Those that go on, as far as records and time tell.
    pub in_progress: usize,
    /// No end was ever logged, and no person was reached.
    pub unknown: usize,
}

impl Outcomes {
    /// All of them.
    pub fn all(self) -> usize {
        self.answered + self.missed + self.not_reached + self.busy + self.in_progress + self.unknown
    }

    /// These and those.
    pub fn plus(self, other: Outcomes) -> Outcomes {
        Outcomes {
            answered: self.answered + other.answered,
            missed: self.missed + other.missed,
            not_reached: self.not_reached + other.not_reached,
            busy: self.busy + other.busy,
            in_progress: self.in_progress + other.in_progress,
            unknown: self.unknown + other.unknown,
        }
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
        match summary.outcome {
            Outcome::Answered => outcomes.answered += 1,
            Outcome::Missed => outcomes.missed += 1,
            Outcome::NotReached => outcomes.not_reached += 1,
            Outcome::Busy => outcomes.busy += 1,
            Outcome::InProgress => outcomes.in_progress += 1,
            Outcome::Unknown => outcomes.unknown += 1,
        }
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
