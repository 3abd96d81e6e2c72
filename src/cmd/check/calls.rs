//! Reads recent calls from the engine and judges the checks about them. A few enterprises are read at a time: their
//! calls are dropped before the next ones are read.

use std::collections::BTreeMap;

use calltrace_alerts::{
    AlertState, Check, CheckVerdict, EnterpriseFigures, EnterpriseView, History, HourCount,
    KEPT_DAYS, RuleKind, UnjudgedReason, count_by_hour, hour_of, lookback,
};
use calltrace_engine::{CallTally, FoundCalls, SearchQuestion};
use calltrace_model::call::{Criteria, Direction, Outcome};
use calltrace_model::record::LogZone;
use calltrace_store::tree::EnterpriseName;
use chrono::{DateTime, TimeDelta, Utc};

use super::{Question, Seen};
use crate::cmd::App;

/// Enterprises of which calls are in memory at one time.
const AT_ONCE: usize = 8;

/// Judges the checks about calls.
pub(super) fn look(app: &App, asked: &Question<'_>, state: &mut AlertState, seen: &mut Seen) {
    let (checks, enterprises, now) = (asked.checks, asked.enterprises, asked.now);
    let of_calls = || checks.iter().filter(|check| check.kind.is_of_calls());
    if of_calls().next().is_none() {
        return;
    }
    let since = hour_of(now - TimeDelta::milliseconds(lookback(of_calls())));
    count_earlier(app, enterprises, since, state, seen);
    let zone = app.engine.zone();
    let question = SearchQuestion {
        criteria: Criteria {
            since: Some(zone.stamp(since)),
            now: Some(zone.stamp(now)),
            ..Criteria::default()
        },
        // Faults are read from the texts of records, which takes longer.
        digests: of_calls().any(|check| check.kind == RuleKind::CallFaults),
        ..SearchQuestion::default()
    };
    let progress = app.progress();
    for some in enterprises.chunks(AT_ONCE) {
        let answers = app.engine.search_each(&app.tree, some, &question);
        for (enterprise, answer) in some.iter().zip(answers) {
            let found = seen.missing.answer(answer);
            judge(checks, enterprise, found, (since, now), zone, state, seen);
        }
    }
    drop(progress);
}

/// Judges one enterprise; `found` is `None` if its logs could not be read.
fn judge(
    checks: &[Check],
    enterprise: &EnterpriseName,
    found: Option<FoundCalls>,
    (since, now): (DateTime<Utc>, DateTime<Utc>),
    log: LogZone,
    state: &mut AlertState,
    seen: &mut Seen,
) {
    let own = || {
        let of_calls =
            |(_, check): &(usize, &Check)| check.kind.is_of_calls() && check.is_of(enterprise);
        checks.iter().enumerate().filter(of_calls)
    };
    let Some(found) = found else {
        let failed = own().map(|(at, _)| {
            (
                at,
                Some(enterprise.clone()),
                CheckVerdict::Silent(UnjudgedReason::Failed),
            )
        });
        seen.verdicts.extend(failed);
        return;
    };
    let is_damaged = found.troubles.iter().any(|trouble| trouble.matters);
    seen.missing.add(&found.troubles);
    let counts = count_by_hour(&found.calls, log);
    let history = state.history.entry(enterprise.clone()).or_default();
    history.replace(since, hour_of(now) + TimeDelta::hours(1), counts);
    let view = EnterpriseView {
        enterprise,
        calls: &found.calls,
        since,
        history: &state.history[enterprise],
        now,
        at: log.stamp(now),
        log,
    };
    let verdict = |check: &Check| match check.kind {
        // What can't be read may be calls.
        RuleKind::Silent if is_damaged => CheckVerdict::Silent(UnjudgedReason::Failed),
        _ => check.judge(&view, |scope| state.is_firing(check, scope)),
    };
    let verdicts: Vec<(usize, CheckVerdict)> =
        own().map(|(at, check)| (at, verdict(check))).collect();
    let of_checks: Vec<(&Check, &CheckVerdict)> = verdicts
        .iter()
        .map(|(at, verdict)| (&checks[*at], verdict))
        .collect();
    let figures = EnterpriseFigures::of(&of_checks, &view);
    state.figures.insert(enterprise.clone(), figures);
    let verdicts = verdicts.into_iter();
    seen.verdicts
        .extend(verdicts.map(|(at, verdict)| (at, Some(enterprise.clone()), verdict)));
}

/// Counts the hours before `since` that no earlier run has counted: all that the logs still have at the first run, and
/// those of a pause.
fn count_earlier(
    app: &App,
    enterprises: &[EnterpriseName],
    since: DateTime<Utc>,
    state: &mut AlertState,
    seen: &mut Seen,
) {
    let oldest = since - TimeDelta::days(KEPT_DAYS as i64);
    let mut due: BTreeMap<DateTime<Utc>, Vec<EnterpriseName>> = BTreeMap::new();
    for enterprise in enterprises {
        let counted = state.history.get(enterprise).and_then(History::until);
        // The last hours before a pause were counted while their calls were not over.
        let from = counted.map_or(oldest, |until| until - TimeDelta::hours(12));
        if counted.is_none_or(|until| until < since) {
            due.entry(from.max(oldest))
                .or_default()
                .push(enterprise.clone());
        }
    }
    let zone = app.engine.zone();
    for (from, enterprises) in due {
        let question = SearchQuestion {
            criteria: Criteria {
                direction: Some(Direction::Incoming),
                since: Some(zone.stamp(from)),
                until: Some(zone.stamp(since)),
                now: Some(app.now_stamp()),
                ..Criteria::default()
            },
            count_only: true,
            tally: true,
            ..SearchQuestion::default()
        };
        let answers = app.engine.search_each(&app.tree, &enterprises, &question);
        for (enterprise, answer) in enterprises.into_iter().zip(answers) {
            let Some(found) = seen.missing.answer(answer) else {
                continue;
            };
            let counts = hours_of(&found.tally, zone);
            // Before the first call nothing is known: the logs may have expired.
            let first = counts.keys().next().copied();
            let history = state.history.entry(enterprise).or_default();
            let known = history.until().is_some();
            if let Some(from) = if known { Some(from) } else { first } {
                history.replace(from, since, counts);
            }
        }
    }
}

fn hours_of(tally: &CallTally, zone: LogZone) -> BTreeMap<DateTime<Utc>, HourCount> {
    let mut hours: BTreeMap<DateTime<Utc>, HourCount> = BTreeMap::new();
    for (quarter, outcomes) in tally.quarters() {
        let number = |outcome| u32::try_from(outcomes.of(outcome)).unwrap_or(u32::MAX);
        let missed = number(Outcome::Missed);
        let hour = hours.entry(hour_of(zone.moment(quarter))).or_default();
        hour.calls += number(Outcome::Answered) + missed;
        hour.missed += missed;
    }
    hours
}
