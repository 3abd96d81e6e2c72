//! Figures of calls, summed up on several threads at once.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::Engine;
use super::search::{EachFound, SearchQuestion};
use calltrace_model::stats::StatsCall;
use calltrace_store::tree::{EnterpriseName, Tree};

/// Takes figures of calls from several threads.
pub(super) trait FiguresSink: Sync {
    /// Forgets what was taken.
    fn begin(&self);

    /// Takes the calls that `hand_out` hands to what it is given.
    fn take(&self, hand_out: &mut dyn FnMut(&mut dyn FnMut(&StatsCall<'_>)));
}

/// Sums, as many as there are threads that add to one at the same time.
struct Sums<'s, A> {
    idle: Mutex<Vec<A>>,
    start: &'s (dyn Fn() -> A + Sync),
    add: &'s (dyn Fn(&mut A, &StatsCall<'_>) + Sync),
}

impl<A: Send> FiguresSink for Sums<'_, A> {
    fn begin(&self) {
        self.lock().clear();
    }

    fn take(&self, hand_out: &mut dyn FnMut(&mut dyn FnMut(&StatsCall<'_>))) {
        let idle = self.lock().pop();
        let mut sum = idle.unwrap_or_else(self.start);
        hand_out(&mut |call| (self.add)(&mut sum, call));
        self.lock().push(sum);
    }
}

impl<A> Sums<'_, A> {
    /// A thread that panicked has taken its sum with it; the others are whole.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<A>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Sums up the figures of all calls that are asked for, whatever the limit: `add` adds a call of the enterprise
    /// at this place to a sum, `join` one sum to another. Calls come in any order and on several threads, each to one
    /// of several sums. Also what the search of each enterprise answers, in their order, without calls.
    pub fn sum_calls<A: Send>(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        question: &SearchQuestion,
        start: impl Fn() -> A + Sync,
        add: impl Fn(&mut A, usize, &StatsCall<'_>) + Sync,
        join: impl Fn(&mut A, A) + Sync,
    ) -> (A, EachFound) {
        let question = SearchQuestion {
            limit: None,
            ..question.clone()
        };
        let total = Mutex::new(Vec::new());
        let one = |(at, enterprise): (usize, &EnterpriseName)| {
            let sums = Sums {
                idle: Mutex::new(Vec::new()),
                start: &start,
                add: &|sum: &mut A, call: &StatsCall<'_>| add(sum, at, call),
            };
            let found = self.search_into(tree, enterprise, &question, Some(&sums));
            if found.is_ok() {
                let sums = sums
                    .idle
                    .into_inner()
                    .unwrap_or_else(PoisonError::into_inner);
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                total.extend(sums);
            }
            found
        };
        let found = self
            .pool
            .install(|| enterprises.par_iter().enumerate().map(one).collect());
        let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut sums = total.into_iter();
        let mut sum = sums.next().unwrap_or_else(&start);
        sums.for_each(|other| join(&mut sum, other));
        (sum, found)
    }
}
