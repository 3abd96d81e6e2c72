//! How many calls ended how.

use crate::call::Outcome;

/// Calls by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes([usize; Outcome::ALL.len()]);

impl Outcomes {
    /// Counts one more.
    pub fn add(&mut self, outcome: Outcome) {
        self.0[outcome as usize] += 1;
    }

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
