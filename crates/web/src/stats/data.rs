//! The data of statistics: asks bounded questions of the engine that also answers lists, off the threads that
//! serve connections.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};

use crate::days::day_begin;
use crate::list::RETURNED_WITHIN_MILLIS;
use crate::pages::StatsSpan;
use crate::site::Site;
use calltrace_engine::{FoundCalls, SearchQuestion, StatsQuestion};
use calltrace_model::call::{Criteria, Outcome, Summary};
use calltrace_model::record::{Stamp, phone};
use calltrace_model::stats::{GroupBy, Stats, UnreturnedCall};
use calltrace_store::error::{Error, Trouble};
use calltrace_store::tree::EnterpriseName;

/// The largest number of listed missed calls that were not returned.
const UNRETURNED_MAX: usize = 20;

/// The largest number of missed calls that are searched to find the listed ones.
const MISSED_MAX: usize = 5_000;

/// The time range that is counted, bounded on both sides.
#[derive(Debug, Clone, Copy)]
pub(super) struct CountedDays {
    pub(super) since: Option<Stamp>,
    pub(super) until: Option<Stamp>,
}

impl CountedDays {
    /// Returns the range of the days of `span` up to `date`, inclusive.
    pub(super) fn of(site: &Site, span: StatsSpan, date: NaiveDate) -> CountedDays {
        CountedDays {
            since: day_begin(&site.clock, span.first(date)),
            until: day_begin(&site.clock, date + Days::new(1)),
        }
    }
}

/// The data of the page.
pub(super) struct StatsData {
    pub(super) days: Stats,
    pub(super) persons: Stats,
    pub(super) lines: Stats,
    /// The missed calls that were not returned, newest first, each with a flag: its client called again.
    pub(super) unreturned: Vec<(Summary, bool)>,
    pub(super) troubles: Vec<Trouble>,
}

/// Counts for the page; returns nothing without a time range.
///
/// # Errors
/// Returns an error when the enterprise's folder can't be listed.
pub(super) fn counted(
    site: &Site,
    enterprise: &EnterpriseName,
    period: Option<CountedDays>,
    now: Stamp,
) -> Result<StatsData, Error> {
    let by = [GroupBy::Day, GroupBy::Person, GroupBy::Line];
    let ([days, persons, lines], found) = statistics(site, enterprise, (period, by), now)?;
    Ok(StatsData {
        unreturned: unreturned(site, enterprise, &days, now),
        persons,
        lines,
        troubles: found.map_or_else(Vec::new, |found| found.troubles),
        days,
    })
}

/// Counts the same calls by each of these keys, and returns what was read for it. Returns nothing without a
/// time range, and if nothing was ever logged.
///
/// # Errors
/// Returns an error when the enterprise's folder can't be listed.
pub(super) fn statistics<const N: usize>(
    site: &Site,
    enterprise: &EnterpriseName,
    (period, by): (Option<CountedDays>, [GroupBy; N]),
    now: Stamp,
) -> Result<([Stats; N], Option<FoundCalls>), Error> {
    let period = period.filter(|_| !site.has_no_logs_of(enterprise));
    let enterprises = period.map_or(&[][..], |_| std::slice::from_ref(enterprise));
    let question = StatsQuestion {
        search: SearchQuestion {
            criteria: Criteria {
                since: period.and_then(|period| period.since),
                until: period.and_then(|period| period.until),
                now: Some(now),
                ..Criteria::default()
            },
            ..SearchQuestion::default()
        },
        by: by.first().copied(),
        also: by.iter().skip(1).copied().collect(),
        within_millis: RETURNED_WITHIN_MILLIS,
    };
    let local = |at| site.clock.local_hour(at);
    let counted = site
        .lister()
        .statistics(&site.tree, enterprises, &question, local);
    let found = counted.found.into_iter().next().transpose()?;
    let stats: Vec<Stats> = [counted.stats].into_iter().chain(counted.also).collect();
    Ok((stats.try_into().expect("there is one of each"), found))
}

/// Returns the newest of the calls that were not returned. If they can't be read, the page shows only their
/// number.
fn unreturned(
    site: &Site,
    enterprise: &EnterpriseName,
    stats: &Stats,
    now: Stamp,
) -> Vec<(Summary, bool)> {
    let mut wanted: Vec<&UnreturnedCall> = stats.not_returned.iter().collect();
    wanted.sort_by_key(|call| std::cmp::Reverse(call.first));
    wanted.truncate(UNRETURNED_MAX);
    let (Some(newest), Some(oldest)) = (wanted.first(), wanted.last()) else {
        return Vec::new();
    };
    let question = SearchQuestion {
        criteria: Criteria {
            outcome: Some(Outcome::Missed),
            since: Some(oldest.first),
            until: Some(newest.first.plus_millis(1)),
            now: Some(now),
            ..Criteria::default()
        },
        limit: Some(MISSED_MAX),
        ..SearchQuestion::default()
    };
    let found = site.lister().search(&site.tree, enterprise, &question);
    let found = found.inspect_err(|error| tracing::warn!(%error, "missed calls can't be searched"));
    let calls = found.map(|found| found.calls).unwrap_or_default();
    let wanted: HashMap<_, _> = wanted
        .into_iter()
        .map(|call| ((call.first, call.number), call.rang_again))
        .collect();
    let known = |call: &Summary| {
        let number = phone::key(call.client.as_bytes())?;
        wanted.get(&(call.first, number)).copied()
    };
    let rows = calls
        .into_iter()
        .filter_map(|call| known(&call).map(|again| (call, again)));
    rows.collect()
}
