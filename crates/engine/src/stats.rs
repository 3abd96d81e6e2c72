//! Statistics of calls, and what became of missed ones.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::Engine;
use super::figures::Sums;
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
    /// Which calls; the limit does not count.
    pub search: SearchQuestion,
    /// What they are put together by.
    pub by: Option<GroupBy>,
    /// What the same calls are put together by besides.
    pub also: Vec<GroupBy>,
    /// Within which time a missed call is returned (milliseconds).
    pub within_millis: i64,
}

/// Which calls return a missed one.
#[derive(Debug, Clone, Copy)]
pub struct Within {
    /// Those that begin no later than so long after it (milliseconds).
    pub millis: i64,
    /// The time of day, in which a call may be in progress and a missed one may still be returned.
    pub now: Option<Stamp>,
    /// Calls are joined by ids alone.
    pub strict: bool,
}

impl Within {
    /// After every time, where no time of day is given.
    fn time_of_day(self) -> Stamp {
        self.now.unwrap_or(Stamp(i64::MAX))
    }
}

/// What was counted.
#[derive(Debug)]
pub struct Statistics {
    /// The figures.
    pub stats: Stats,
    /// Those by what was asked for besides, in its order.
    pub also: Vec<Stats>,
    /// What each enterprise answered, without calls.
    pub found: EachFound,
    /// The same of the search for calls that return the missed ones; empty where one search told both.
    pub later: EachFound,
}

/// A missed call, to ask what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedCall {
    /// The place of its enterprise among those asked.
    pub enterprise: usize,
    /// The client's number.
    pub client: String,
    /// When it began.
    pub first: Stamp,
}

/// Sums in the making.
struct Making<F> {
    counting: Counting<F>,
    /// How many were counted, by the place of the enterprise.
    counts: Vec<usize>,
    /// The missed ones, where another search must tell what became of them.
    missed: Vec<MissedCall>,
}

impl Engine {
    /// Counts the calls that are asked for, and looks for those that return the missed ones among them, also
    /// where these are not asked for or began later. `local` turns a time into the hour in the zone that is shown.
    pub fn statistics(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        question: &StatsQuestion,
        local: impl Fn(Stamp) -> LocalHour + Sync,
    ) -> Statistics {
        let mut search = question.search.clone();
        let until = search.criteria.until;
        // Where only time narrows the question, one search is enough.
        let is_of_all = search.criteria.is_of_all() && search.filter.is_empty();
        if is_of_all {
            search.criteria.until = until.map(|until| end_of(until, question.within_millis));
        }
        let by = question.by.iter().chain(&question.also).copied();
        let start = || Making {
            counting: Counting::new(by.clone(), &local),
            counts: vec![0; enterprises.len()],
            missed: Vec::new(),
        };
        let add = |making: &mut Making<_>, enterprise: usize, call: &StatsCall<'_>| {
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
        let join = |making: &mut Making<_>, other: Making<_>| {
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
            counting.finish_each(within.millis, within.time_of_day())
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

    /// Tells what became of missed calls of these enterprises, and what each enterprise answered.
    pub fn returns(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        missed: &[MissedCall],
        within: Within,
    ) -> (Returns, EachFound) {
        let (contacts, found) = self.contacts_after(tree, enterprises, missed, within);
        let settle = || contacts.settle(within.millis, within.time_of_day());
        (self.pool.install(settle), found)
    }

    /// Every call that may be one of the clients of these missed calls and began within the time.
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

    /// Sums up the figures of all calls that are asked for, whatever the limit: `add` adds a call of the enterprise
    /// at this place to a sum, `join` one sum to another. Calls come in any order and on several threads, each to one
    /// of several sums. Also what the search of each enterprise answers, in their order, without calls.
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
            let sums = Sums::new(&start, |sum: &mut A, call: &StatsCall<'_>| {
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
