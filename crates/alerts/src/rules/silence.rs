//! An enterprise from which calls usually come at this hour has none.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Check, CheckVerdict, EnterpriseView, FigureValue, Found, Scope, UnjudgedReason, WATCHED_MILLIS,
};
use crate::history::{COMPARABLE_DAYS_MIN, History, hour_of};

/// A comparable day on which less than this part of the usual number of calls came may have been a holiday. One such day
/// is passed over.
const FEW: f64 = 4.0;

pub(super) fn judge(
    check: &Check,
    view: &EnterpriseView<'_>,
    is_firing: impl Fn(&Scope) -> bool,
) -> CheckVerdict {
    let scope = view.scope(None);
    let last = view.calls.iter().map(|call| view.began(call)).max();
    let since = last.unwrap_or(view.since);
    let firing = is_firing(&scope);
    let silent = (view.now - since).num_milliseconds();
    if silent < check.limits.after_millis {
        return CheckVerdict::Judged(Vec::new());
    }
    // Calls may come again only tomorrow; until one comes it is not over.
    if firing {
        return CheckVerdict::Judged(vec![found(check, view, scope, since, None)]);
    }
    let from = since.max(view.now - TimeDelta::milliseconds(WATCHED_MILLIS));
    let past: Vec<f64> = History::same_times(view.now, check.zone)
        .filter_map(|now| calls_between(view.history, now - (view.now - from), now))
        .collect();
    if past.len() < COMPARABLE_DAYS_MIN {
        return CheckVerdict::Silent(UnjudgedReason::FewDays);
    }
    let usual = past.iter().sum::<f64>() / past.len() as f64;
    let few = past.iter().filter(|calls| **calls < usual / FEW).count();
    let is_odd = usual >= f64::from(check.limits.calls) && few <= 1;
    CheckVerdict::Judged(match is_odd {
        true => vec![found(check, view, scope, since, Some(usual))],
        false => Vec::new(),
    })
}

fn found(
    check: &Check,
    view: &EnterpriseView<'_>,
    scope: Scope,
    since: DateTime<Utc>,
    usual: Option<f64>,
) -> Found {
    let silent = (view.now - since).num_milliseconds();
    let usual = usual.map(|usual| ("usual_calls", FigureValue::Count(usual.round() as u64)));
    let figures = [("silent", FigureValue::Millis(silent))]
        .into_iter()
        .chain(usual);
    Found {
        finding: check.finding(scope, since, figures),
        calls: Vec::new(),
    }
}

/// The calls that came from `from` to `until`, those of an hour spread evenly over it; `None` if an hour was not counted.
fn calls_between(history: &History, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<f64> {
    let mut hour = hour_of(from);
    let mut calls = 0.0;
    while hour < until {
        let end = hour + TimeDelta::hours(1);
        let part = (until.min(end) - from.max(hour)).num_seconds() as f64 / 3600.0;
        calls += part * f64::from(history.hour(hour)?.calls);
        hour = end;
    }
    Some(calls)
}
