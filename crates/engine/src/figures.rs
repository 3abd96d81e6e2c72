//! Figures of calls, summed up on several threads at once.

use std::sync::{Mutex, MutexGuard, PoisonError};

use calltrace_model::stats::StatsCall;

/// What a call is handed to.
pub(super) type Add<'a> = dyn FnMut(&StatsCall<'_>) + 'a;

/// Takes figures of calls from several threads.
pub(super) trait FiguresSink: Sync {
    /// Forgets what was taken.
    fn begin(&self);

    /// Takes the calls that `hand_out` hands to what it is given.
    fn take(&self, hand_out: &mut dyn FnMut(&mut Add<'_>));
}

/// Sums, as many as there are threads that add to one at the same time.
pub(super) struct Sums<S, A, F> {
    idle: Mutex<Vec<S>>,
    start: A,
    add: F,
}

impl<S, A, F> Sums<S, A, F>
where
    A: Fn() -> S,
    F: Fn(&mut S, &StatsCall<'_>),
{
    /// A sum begins as `start` says, and `add` adds a call to it.
    pub(super) fn new(start: A, add: F) -> Sums<S, A, F> {
        Sums {
            idle: Mutex::new(Vec::new()),
            start,
            add,
        }
    }

    /// All sums.
    pub(super) fn into_all(self) -> Vec<S> {
        self.idle
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread that panicked has taken its sum with it; the others are whole.
    fn lock(&self) -> MutexGuard<'_, Vec<S>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S, A, F> FiguresSink for Sums<S, A, F>
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
