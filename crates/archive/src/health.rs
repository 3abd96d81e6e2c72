//! Whether the store answers. If an operation failed because the store did not answer, the next operations fail at
//! once for a while: a query over many objects must not wait for the time limit of each.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::StoreFault;

/// For how long no request is sent after a failure.
const REST: Duration = Duration::from_secs(3);

#[derive(Debug, Default)]
pub(crate) struct Health {
    state: Mutex<HealthState>,
}

#[derive(Debug, Default)]
struct HealthState {
    answered: Option<Instant>,
    failed: Option<(Instant, StoreFault)>,
}

impl Health {
    /// Why no request is sent to the store now.
    pub(crate) fn check(&self) -> Result<(), StoreFault> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.failed {
            Some((at, fault)) if at.elapsed() < REST => Err(fault.clone()),
            _ => Ok(()),
        }
    }

    /// Remembers the end of an operation that began at `begin`. If another operation was answered after
    /// `begin`, a failure of this one says nothing about the store.
    pub(crate) fn note<T>(&self, begin: Instant, result: &Result<T, StoreFault>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Err(fault) if fault.is_of_store() => {
                if state.answered.is_none_or(|answered| answered < begin) {
                    state.failed = Some((Instant::now(), fault.clone()));
                }
            }
            _ => {
                state.answered = Some(Instant::now());
                state.failed = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_does_not_answer_is_left_alone_for_a_while() {
        let health = Health::default();
        let down = || Err::<(), _>(StoreFault::Unreachable("connection refused".to_owned()));
        assert!(health.check().is_ok());
        health.note(Instant::now(), &down());
        assert_eq!(health.check(), down());
        health.note(Instant::now(), &Err::<(), _>(StoreFault::Missing));
        assert!(health.check().is_ok(), "it has answered");
        let begin = Instant::now();
        health.note(begin, &Ok(()));
        health.note(begin, &down());
        assert!(
            health.check().is_ok(),
            "another operation was answered meanwhile"
        );
    }
}
