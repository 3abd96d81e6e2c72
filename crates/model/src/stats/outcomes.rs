//! Counts calls by outcome.

use crate::call::Outcome;

/// Numbers of calls by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes([usize; Outcome::ALL.len()]);

impl Outcomes {
    /// Counts one more call.
    pub fn add(&mut self, outcome: Outcome) {
        self.0[outcome as usize] += 1;
    }

    /// The number of calls with this outcome.
    pub fn of(self, outcome: Outcome) -> usize {
        self.0[outcome as usize]
    }

    /// The number of all calls.
    pub fn all(self) -> usize {
        self.0.iter().sum()
    }

    /// The sum of both.
    pub fn plus(self, other: Outcomes) -> Outcomes {
        Outcomes(std::array::from_fn(|at| self.0[at] + other.0[at]))
    }
}
