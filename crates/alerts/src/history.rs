//! How many calls came in each hour of the last 60 days, and how many of them were missed. The usual figures of a
//! check come from here.
//!
//! Hours are hours of UTC. An hour of another zone is compared with the hour of UTC in which it begins.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike as _, Days, NaiveDate, TimeDelta, TimeZone as _, Utc, Weekday};

use calltrace_model::call::{Direction, Outcome, Summary};
use calltrace_model::record::{LogZone, Zone};
use calltrace_model::stats::QUARTER_MILLIS;

/// How long counts are kept (days).
pub const KEPT_DAYS: u64 = 60;

/// With fewer comparable days, nothing is usual.
pub(crate) const COMPARABLE_DAYS_MIN: usize = 7;

/// The calls from outside that began in an hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HourCount {
    /// All that are over.
    pub calls: u32,
    /// The part of them that was missed.
    pub missed: u32,
}

/// The counts of one enterprise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// The first hour that was counted; `None` if none was.
    from: Option<DateTime<Utc>>,
    /// The end of the last hour that was counted.
    until: Option<DateTime<Utc>>,
    days: BTreeMap<NaiveDate, [HourCount; 24]>,
}

/// The beginning of the hour of UTC in which a moment lies.
pub fn hour_of(at: DateTime<Utc>) -> DateTime<Utc> {
    let past = at.timestamp().rem_euclid(3600);
    at - TimeDelta::seconds(past) - TimeDelta::nanoseconds(i64::from(at.timestamp_subsec_nanos()))
}

/// The hours in which these calls began. Calls that are not over, and those without a known end, do not count.
pub fn count_by_hour<'c>(
    calls: impl IntoIterator<Item = &'c Summary>,
    log: LogZone,
) -> BTreeMap<DateTime<Utc>, HourCount> {
    let mut hours: BTreeMap<DateTime<Utc>, HourCount> = BTreeMap::new();
    let of_outside = |call: &&Summary| call.direction == Direction::Incoming;
    // Neighbours are mostly of the same quarter of an hour, which lies in one hour of every zone.
    let mut known: Option<(i64, DateTime<Utc>)> = None;
    for call in calls.into_iter().filter(of_outside) {
        if let Outcome::Answered | Outcome::Missed = call.outcome {
            let quarter = call.first.0.div_euclid(QUARTER_MILLIS);
            let hour = match known {
                Some((of, hour)) if of == quarter => hour,
                _ => hour_of(log.moment(call.first)),
            };
            known = Some((quarter, hour));
            let hour = hours.entry(hour).or_default();
            hour.calls += 1;
            hour.missed += u32::from(call.outcome == Outcome::Missed);
        }
    }
    hours
}

impl History {
    /// The end of the last hour that was counted; `None` if none was.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        self.until
    }

    /// Replaces the counts of the hours from `from` up to `until` (exclusive; both are beginnings of hours), and drops
    /// what is older than 60 days. Hours in between that were never counted stay unknown only if they lie before all
    /// others.
    pub fn replace(
        &mut self,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        counts: impl IntoIterator<Item = (DateTime<Utc>, HourCount)>,
    ) {
        let oldest = until - TimeDelta::days(KEPT_DAYS as i64);
        let mut hour = from.max(oldest);
        while hour < until {
            if let Some(day) = self.days.get_mut(&hour.date_naive()) {
                day[place(hour)] = HourCount::default();
            }
            hour += TimeDelta::hours(1);
        }
        for (hour, count) in counts {
            if hour >= from.max(oldest) && hour < until {
                self.add(hour, count);
            }
        }
        self.from = Some(self.from.map_or(from, |known| known.min(from)).max(oldest));
        self.until = self.until.max(Some(until));
        self.days.retain(|day, _| *day >= oldest.date_naive());
    }

    fn add(&mut self, hour: DateTime<Utc>, count: HourCount) {
        let day = self.days.entry(hour.date_naive()).or_default();
        let known = &mut day[place(hour)];
        known.calls += count.calls;
        known.missed += count.missed;
    }

    /// The counts of the hour that begins then; `None` if it was not counted.
    pub fn hour(&self, hour: DateTime<Utc>) -> Option<HourCount> {
        if self.from.is_none_or(|from| hour < from) || self.until.is_none_or(|until| hour >= until)
        {
            return None;
        }
        let day = self.days.get(&hour.date_naive());
        Some(day.map_or(HourCount::default(), |day| day[place(hour)]))
    }

    /// Moments at the same time of day on comparable days before `at`, the newest first: a working day is compared with
    /// working days, a Saturday or a Sunday with the same weekday.
    pub fn same_times(at: DateTime<Utc>, zone: Zone) -> impl Iterator<Item = DateTime<Utc>> {
        let local = at.with_timezone(&zone).naive_local();
        let kind = DayKind::of(local.date());
        (1..=KEPT_DAYS)
            .filter_map(move |days| local.checked_sub_days(Days::new(days)))
            .filter(move |other| DayKind::of(other.date()) == kind)
            // A time that the zone skips or repeats on that day is left out.
            .filter_map(move |other| zone.from_local_datetime(&other).single())
            .map(|other| other.with_timezone(&Utc))
    }

    /// Each counted hour with calls, in order of time.
    pub fn hours(&self) -> impl Iterator<Item = (DateTime<Utc>, HourCount)> {
        self.days.iter().flat_map(|(day, hours)| {
            let begin = day
                .and_hms_opt(0, 0, 0)
                .expect("each day has a midnight of UTC");
            let hours = (0..).zip(hours).filter(|(_, count)| count.calls > 0);
            hours.map(move |(hour, count)| (begin.and_utc() + TimeDelta::hours(hour), *count))
        })
    }

    /// The first counted hour and the end of the last one; `None` if none was counted.
    pub fn span(&self) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        self.from.zip(self.until)
    }
}

/// The days that are compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DayKind {
    Working,
    Saturday,
    Sunday,
}

impl DayKind {
    fn of(day: NaiveDate) -> DayKind {
        match day.weekday() {
            Weekday::Sat => DayKind::Saturday,
            Weekday::Sun => DayKind::Sunday,
            _ => DayKind::Working,
        }
    }
}

fn place(hour: DateTime<Utc>) -> usize {
    let seconds = hour.timestamp().rem_euclid(86_400);
    usize::try_from(seconds / 3600).expect("it is less than 24")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn count(calls: u32, missed: u32) -> HourCount {
        HourCount { calls, missed }
    }

    #[test]
    fn an_hour_that_is_counted_again_is_replaced_and_old_ones_are_dropped() {
        let mut history = History::default();
        let (from, until) = (at("2025-11-01T00:00:00Z"), at("2025-11-03T00:00:00Z"));
        let nine = at("2025-11-01T09:00:00Z");
        history.replace(from, until, [(nine, count(5, 1))]);
        assert_eq!(history.hour(nine), Some(count(5, 1)));
        assert_eq!(history.hour(at("2025-11-02T09:00:00Z")), Some(count(0, 0)));
        assert_eq!(history.hour(until), None);
        assert_eq!(history.hour(at("2025-10-31T23:00:00Z")), None);
        history.replace(nine, at("2025-11-01T10:00:00Z"), [(nine, count(7, 2))]);
        assert_eq!(history.hour(nine), Some(count(7, 2)));
        assert_eq!(history.until(), Some(until));
        history.replace(at("2026-01-01T00:00:00Z"), at("2026-01-01T10:00:00Z"), []);
        assert_eq!(history.hour(nine), None);
        assert_eq!(history.hours().count(), 0);
    }

    #[test]
    fn working_days_are_compared_with_working_days_through_a_change_of_the_clock() {
        let zone = Zone::named("Europe/Berlin").expect("a zone");
        // A Monday; clocks were set back on 26 October.
        let times: Vec<_> = History::same_times(at("2025-11-03T09:30:00Z"), zone).collect();
        assert_eq!(times[0], at("2025-10-31T09:30:00Z"));
        assert_eq!(times[5], at("2025-10-24T08:30:00Z"));
        let sundays = History::same_times(at("2025-11-30T09:00:00Z"), zone);
        assert_eq!(sundays.count(), 8);
    }
}
