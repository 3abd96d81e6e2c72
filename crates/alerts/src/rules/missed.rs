//! The share of missed calls is far above that of the same hours of past weeks.

use chrono::{DateTime, TimeDelta, Utc};

use super::certain::{at_least, at_most, share};
use super::{
    Check, CheckVerdict, EnterpriseView, FigureValue, Found, SHARE_HOURS, Scope, UnjudgedReason,
    newest,
};
use crate::history::{COMPARABLE_DAYS_MIN, History, HourCount, hour_of};
use calltrace_model::call::{Outcome, Summary};

/// The least difference to the usual share that is worth telling.
const RISE_MIN: f64 = 0.1;

/// A day with less than this part of the calls that a finding needs is not comparable: a holiday.
const FEWER_CALLS: u32 = 4;

/// The hours up to now that are judged, and what they usually are.
pub(crate) struct MissedHours {
    /// When they begin.
    pub(crate) begin: DateTime<Utc>,
    pub(crate) seen: HourCount,
    pub(crate) usual: HourCount,
    /// The number of comparable days.
    pub(crate) days: usize,
}

pub(super) fn judge(
    check: &Check,
    view: &EnterpriseView<'_>,
    is_firing: impl Fn(&Scope) -> bool,
) -> CheckVerdict {
    let scope = view.scope(None);
    let enough = check.limits.calls;
    let windows: Vec<MissedHours> = (1..=SHARE_HOURS)
        .map(|hours| MissedHours::of(check, view, hours))
        .filter(|hours| hours.seen.calls >= enough)
        .collect();
    // The shortest stretch is the newest; whether it is over is seen there first.
    let Some(newest_hours) = windows.first() else {
        return CheckVerdict::Judged(Vec::new());
    };
    if !newest_hours.is_comparable() {
        return CheckVerdict::Silent(UnjudgedReason::FewDays);
    }
    let times = check.limits.times;
    // A longer stretch may be high because of what is over.
    let is_high_now = newest_hours.is_still_high(times);
    let broken = match is_firing(&scope) {
        true => Some(newest_hours),
        false => windows.iter().find(|hours| hours.is_high(times)),
    };
    let broken = broken.filter(|_| is_high_now);
    let found = broken.map(|hours| hours.found(check, view, scope));
    CheckVerdict::Judged(found.into_iter().collect())
}

impl MissedHours {
    /// The current hour and those before it, `hours` in all.
    pub(crate) fn of(check: &Check, view: &EnterpriseView<'_>, hours: i64) -> MissedHours {
        let last = hour_of(view.now);
        let begin = last - TimeDelta::hours(hours - 1);
        let sum = |from: DateTime<Utc>, part: f64| {
            let each = (0..hours).map(|hour| {
                let count = view.history.hour(from + TimeDelta::hours(hour))?;
                // Only a part of the current hour has passed, and only that part of it is compared.
                let part = if hour == hours - 1 { part } else { 1.0 };
                Some(count.times(part))
            });
            each.sum::<Option<HourCount>>()
        };
        let passed = (view.now - last).num_seconds() as f64 / 3600.0;
        let fewest = (check.limits.calls / FEWER_CALLS).max(1);
        let past = History::same_times(begin, check.zone)
            .filter_map(|from| sum(hour_of(from), passed))
            .filter(|count| count.calls >= fewest);
        let (mut usual, mut days) = (HourCount::default(), 0);
        for count in past {
            usual = usual.plus(count);
            days += 1;
        }
        MissedHours {
            begin,
            seen: sum(begin, 1.0).unwrap_or_default(),
            usual,
            days,
        }
    }

    /// The shortest of the judged stretches with enough calls; else the longest one.
    pub(crate) fn shown(check: &Check, view: &EnterpriseView<'_>) -> MissedHours {
        let mut stretches = (1..=SHARE_HOURS).map(|hours| MissedHours::of(check, view, hours));
        let enough = stretches.find(|hours| hours.seen.calls >= check.limits.calls);
        enough.unwrap_or_else(|| MissedHours::of(check, view, SHARE_HOURS))
    }

    /// Whether there are enough comparable days.
    pub(crate) fn is_comparable(&self) -> bool {
        self.days >= COMPARABLE_DAYS_MIN
    }

    fn share(&self) -> f64 {
        self.seen.share()
    }

    fn is_high(&self, times: u32) -> bool {
        let usual = self.usual.share();
        self.is_comparable()
            && self.share() >= f64::from(times) * usual
            && self.share() >= usual + RISE_MIN
            && at_least(self.seen.missed, self.seen.calls)
                > at_most(self.usual.missed, self.usual.calls)
    }

    /// Whether it is still more than half as high above the usual as it takes to be told.
    fn is_still_high(&self, times: u32) -> bool {
        let usual = self.usual.share();
        let rise = (f64::from(times) * usual).max(usual + RISE_MIN) - usual;
        self.share() > usual + rise / 2.0
    }

    fn found(&self, check: &Check, view: &EnterpriseView<'_>, scope: Scope) -> Found {
        let begin = self.begin;
        let is_missed =
            |call: &&Summary| call.outcome == Outcome::Missed && view.began(call) >= begin;
        let usual = self.usual.share();
        let mut figures = vec![
            ("missed", FigureValue::Count(self.seen.missed.into())),
            ("calls", FigureValue::Count(self.seen.calls.into())),
            ("share", FigureValue::Share(self.share())),
            ("usual_share", FigureValue::Share(usual)),
        ];
        if usual > 0.0 {
            figures.push(("times_usual", FigureValue::Factor(self.share() / usual)));
        }
        figures.push(("days", FigureValue::Count(self.days as u64)));
        Found {
            finding: check.finding(scope, begin, figures),
            calls: newest(view.calls.iter().filter(is_missed)),
        }
    }
}

impl HourCount {
    /// The sum of both.
    pub fn plus(self, other: HourCount) -> HourCount {
        HourCount {
            calls: self.calls + other.calls,
            missed: self.missed + other.missed,
        }
    }

    /// A part of it, rounded.
    fn times(self, part: f64) -> HourCount {
        let of = |count: u32| (f64::from(count) * part).round() as u32;
        HourCount {
            calls: of(self.calls),
            missed: of(self.missed),
        }
    }

    /// The share of missed calls, 0 to 1; 0 without calls.
    pub fn share(self) -> f64 {
        share(self.missed, self.calls)
    }
}

impl std::iter::Sum for HourCount {
    fn sum<I: Iterator<Item = HourCount>>(counts: I) -> HourCount {
        counts.fold(HourCount::default(), HourCount::plus)
    }
}
