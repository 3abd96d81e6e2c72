//! Figures of calls, summed on several threads at once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use calltrace_model::stats::StatsCall;

/// The function that each call is handed to.
pub(super) type Add<'a> = dyn FnMut(&StatsCall<'_>) + 'a;

/// Takes figures of calls from several threads.
pub(super) trait FiguresSink: Sync {
    /// Discards all sums.
    fn begin(&self);

    /// Runs `hand_out`, which hands calls to the function it is given.
    fn take(&self, hand_out: &mut dyn FnMut(&mut Add<'_>));
}

/// Partial sums, one for each thread that adds at the same time.
pub(super) struct PartialSums<S, A, F> {
    idle: Mutex<Vec<S>>,
    start: A,
    add: F,
}

impl<S, A, F> PartialSums<S, A, F>
where
    A: Fn() -> S,
    F: Fn(&mut S, &StatsCall<'_>),
{
    /// Each partial sum begins as `start`, and `add` adds a call to it.
    pub(super) fn new(start: A, add: F) -> PartialSums<S, A, F> {
        PartialSums {
            idle: Mutex::new(Vec::new()),
            start,
            add,
        }
    }

    /// All partial sums.
    pub(super) fn into_all(self) -> Vec<S> {
        self.idle
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread that panicked has taken its sum out of the list, so the sums in the list are
    /// complete.
    fn lock(&self) -> MutexGuard<'_, Vec<S>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, A, F> FiguresSink for PartialSums<S, A, F>
where
    S: Send,
    A: Fn() -> S + Sync,
    F: Fn(&mut S, &StatsCall<'_>) + Sync,
{
    fn begin(&self) {
        self.lock().clear();
    }

    fn take(&self, hand_out: &mut dyn FnMut(&mut Add<'_>)) {
        let idle = self.lock().pop();
        let mut sum = idle.unwrap_or_else(&self.start);
        hand_out(&mut |call| (self.add)(&mut sum, call));
        self.lock().push(sum);
    }
}
