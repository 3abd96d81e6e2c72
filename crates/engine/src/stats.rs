//! Statistics of calls, and whether missed ones were returned.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::Engine;
use super::figures::PartialSums;
use super::search::{EachFound, SearchQuestion};
use calltrace_model::call::Outcome;
use calltrace_model::record::Stamp;
use calltrace_model::stats::{
    Contacts, Counting, GroupBy, LocalHour, Returns, Stats, StatsCall, criteria_after, end_of,
};
use calltrace_store::tree::{EnterpriseName, Tree};

/// What to count.
#[derive(Debug, Clone, Default)]
pub struct StatsQuestion {
    /// Which calls to count; its limit is ignored.
    pub search: SearchQuestion,
    /// What to group the calls by.
    pub by: Option<GroupBy>,
    /// Further groupings of the same calls.
    pub also: Vec<GroupBy>,
    /// A missed call counts as returned if that happens within this time (milliseconds).
    pub within_millis: i64,
}

/// Which calls count as the return of a missed one.
#[derive(Debug, Clone, Copy)]
pub struct Within {
    /// A returning call begins at most this long after the missed one (milliseconds).
    pub millis: i64,
    /// The present time: calls may be in progress then, and missed ones may still be returned.
    pub now: Option<Stamp>,
    /// Only joins that ids prove.
    pub strict: bool,
}

impl Within {
    /// The present time; a time after all records if none is given.
    fn present_time(self) -> Stamp {
        self.now.unwrap_or(Stamp(i64::MAX))
    }
}

/// The result of counting.
#[derive(Debug)]
pub struct Statistics {
    pub stats: Stats,
    /// The further groupings, in the order of the question.
    pub also: Vec<Stats>,
    /// What each enterprise answered, without calls.
    pub found: EachFound,
    /// What each enterprise answered to the search for calls that return the missed ones; empty if one
    /// search found both.
    pub later: EachFound,
}

/// A missed call; calls that return it are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedCall {
    /// The position of its enterprise among those asked.
    pub enterprise: usize,
    pub client: String,
    /// When it began.
    pub first: Stamp,
}

/// Sums that are being computed.
struct PartialStats<F> {
    counting: Counting<F>,
    /// Number of calls counted, by the position of the enterprise.
    counts: Vec<usize>,
    /// The missed calls for which another search must look for a return.
    missed: Vec<MissedCall>,
}

impl Engine {
    /// Counts the calls that are asked for, and looks for the calls that return the missed ones, even if
    /// those are not asked for or began later. `local` converts a time to the hour in the displayed zone.
    pub fn statistics(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        question: &StatsQuestion,
        local: impl Fn(Stamp) -> LocalHour + Sync,
    ) -> Statistics {
        let mut search = question.search.clone();
        let until = search.criteria.until;
        // If the question restricts only the time, one search is enough.
        let is_of_all = search.criteria.is_of_all() && search.filter.is_empty();
        if is_of_all {
            search.criteria.until = until.map(|until| end_of(until, question.within_millis));
        }
        let by = question.by.iter().chain(&question.also).copied();
        let start = || PartialStats {
            counting: Counting::new(by.clone(), &local),
            counts: vec![0; enterprises.len()],
            missed: Vec::new(),
        };
        let add = |making: &mut PartialStats<_>, enterprise: usize, call: &StatsCall<'_>| {
            if until.is_some_and(|until| call.first >= until) {
                making.counting.add_contact(enterprise, call);
                return;
            }
            if call.outcome == Outcome::Missed && !is_of_all {
                making.missed.push(MissedCall {
                    enterprise,
                    client: call.client.to_owned(),
                    first: call.first,
                });
            }
            making.counts[enterprise] += 1;
            making.counting.add(enterprise, call);
        };
        let join = |making: &mut PartialStats<_>, other: PartialStats<_>| {
            making.counting.join(other.counting);
            making.missed.extend(other.missed);
            let counts = making.counts.iter_mut().zip(other.counts);
            counts.for_each(|(own, its)| *own += its);
        };
        let (mut making, mut found) = self.sum_calls(tree, enterprises, &search, start, add, join);
        for (found, count) in found.iter_mut().zip(&making.counts) {
            if let Ok(found) = found {
                found.count = *count;
            }
        }
        let within = Within {
            millis: question.within_millis,
            now: search.criteria.now,
            strict: search.strict,
        };
        let (contacts, later) = self.contacts_after(tree, enterprises, &making.missed, within);
        making.counting.join_contacts(contacts);
        let finish = || {
            let counting = making.counting;
            counting.finish_each(within.millis, within.present_time())
        };
        let (mut stats, groups) = self.pool.install(finish);
        let mut also: Vec<Stats> = by
            .zip(groups)
            .map(|(by, groups)| Stats {
                by: Some(by),
                groups,
                ..stats.clone()
            })
            .collect();
        if question.by.is_some() {
            stats = also.remove(0);
        }
        Statistics {
            stats,
            also,
            found,
            later,
        }
    }

    /// Finds out whether missed calls of these enterprises were returned. Also returns what each enterprise
    /// answered.
    pub fn returns(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        missed: &[MissedCall],
        within: Within,
    ) -> (Returns, EachFound) {
        let (contacts, found) = self.contacts_after(tree, enterprises, missed, within);
        let settle = || contacts.settle(within.millis, within.present_time());
        (self.pool.install(settle), found)
    }

    /// Every call that may involve a client of these missed calls and began within the time.
    fn contacts_after(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        missed: &[MissedCall],
        within: Within,
    ) -> (Contacts, EachFound) {
        let calls = missed.iter().map(|call| (call.client.as_str(), call.first));
        let Some(criteria) = criteria_after(calls, within.millis, within.now) else {
            return (Contacts::default(), Vec::new());
        };
        let search = SearchQuestion {
            criteria,
            strict: within.strict,
            ..SearchQuestion::default()
        };
        let add = |contacts: &mut Contacts, enterprise: usize, call: &StatsCall<'_>| {
            contacts.add(enterprise, call);
        };
        self.sum_calls(
            tree,
            enterprises,
            &search,
            Contacts::default,
            add,
            Contacts::join,
        )
    }

    /// Sums the figures of all calls that are asked for, regardless of the limit. `add` adds a call of the
    /// enterprise at a position to a sum, `join` adds one sum to another. Calls come in any order and on
    /// several threads, each to one of several sums. Also returns the answer about each enterprise, in their
    /// order, without calls.
    fn sum_calls<A: Send>(
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
            let sums = PartialSums::new(&start, |sum: &mut A, call: &StatsCall<'_>| {
                add(sum, at, call);
            });
            let found = self.search_into(tree, enterprise, &question, Some(&sums));
            if found.is_ok() {
                let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
                total.extend(sums.into_all());
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
