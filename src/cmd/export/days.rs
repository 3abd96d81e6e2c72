//! The days of a period in the shown time zone, oldest first. Long gaps without calls are skipped.

use chrono::{DateTime, NaiveDate, Utc};

use super::super::calls::UtcPeriod;
use crate::cli::start_of;
use calltrace_model::record::{Stamp, Zone};
use calltrace_output::Clock;

/// After this many days without calls, several days are tried at once if no file may hold calls of them.
const EMPTY_DAYS: u64 = 3;

/// After this many days, several are tried even if a file may hold calls of them: one line of a wrong clock makes a
/// file seem to span years.
const EMPTY_DAYS_LONG: u64 = 32;

/// Maximum number of days tried at once.
const STRIDE_MAX: u64 = 4096;

/// One day, or the part of it that is in the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    pub(super) date: NaiveDate,
    /// Its beginning; `None` for the first day of a period without a beginning, which includes everything older.
    pub(super) from: Option<Stamp>,
    /// Its end, exclusive; `None` for the last day of a period without an end.
    pub(super) to: Option<Stamp>,
}

/// The days that are left to export.
#[derive(Debug)]
pub(super) struct ExportDays {
    clock: Clock,
    since: Option<Stamp>,
    until: Option<Stamp>,
    first: NaiveDate,
    next: NaiveDate,
    last: NaiveDate,
    /// Number of days without calls before the next one; several days tried at once count as one.
    empty: u64,
    /// ExportDays tried at once: doubled after each try without calls, then halved after each try with calls, down to the
    /// end of the gap.
    stride: u64,
    is_narrowing: bool,
}

impl ExportDays {
    /// The days of `period`. An open period begins at the day of `earliest` and ends at the day of `now`.
    pub(super) fn new(
        clock: &Clock,
        (since, until): UtcPeriod,
        earliest: Option<Stamp>,
        now: DateTime<Utc>,
    ) -> ExportDays {
        let date = |moment: DateTime<Utc>| moment.with_timezone(&clock.shown).date_naive();
        let last = date(until.map_or(now, before));
        let earliest = earliest.map(|at| clock.moment(at).date_naive());
        let first = since.map(date).or(earliest).unwrap_or(last);
        let stamp = |moment| clock.log.stamp(moment);
        ExportDays {
            clock: *clock,
            since: since.map(stamp),
            until: until.map(stamp),
            first,
            next: first,
            // Records of the future belong to the last day, which then has no end.
            last: if until.is_none() {
                last.max(first)
            } else {
                last
            },
            empty: 0,
            stride: 2,
            is_narrowing: false,
        }
    }

    /// The number of days that are left.
    pub(super) fn left(&self) -> u64 {
        let days = (self.last - self.next).num_days() + 1;
        u64::try_from(days).unwrap_or(0)
    }

    /// The next day. `may_hold` quickly says whether a file may hold calls of a period; `is_empty` searches whether
    /// there are none.
    pub(super) fn next(
        &mut self,
        may_hold: impl Fn(Option<Stamp>, Option<Stamp>) -> bool,
        mut is_empty: impl FnMut(Option<Stamp>, Option<Stamp>) -> bool,
    ) -> Option<Day> {
        while self.empty >= EMPTY_DAYS {
            let days = self.stride.min(self.left());
            if days < 2 {
                break;
            }
            let end = self.next + chrono::Days::new(days - 1);
            let (from, to) = (self.begin(self.next), self.end(end));
            let is_worth = self.empty >= EMPTY_DAYS_LONG || !may_hold(from, to);
            if is_worth && is_empty(from, to) {
                self.next = end.succ_opt()?;
                self.empty += 1;
                if !self.is_narrowing {
                    self.stride = (self.stride * 2).min(STRIDE_MAX);
                }
            } else {
                self.stride = days / 2;
                self.is_narrowing = true;
            }
        }
        let date = self.next;
        if date > self.last {
            return None;
        }
        self.next = date.succ_opt()?;
        Some(Day {
            date,
            from: self.begin(date),
            to: self.end(date),
        })
    }

    /// Notes the number of calls of the last returned day.
    pub(super) fn had(&mut self, calls: usize) {
        self.empty = if calls == 0 { self.empty + 1 } else { 0 };
        if calls > 0 || self.empty == EMPTY_DAYS_LONG {
            (self.stride, self.is_narrowing) = (2, false);
        }
    }

    fn begin(&self, date: NaiveDate) -> Option<Stamp> {
        match date == self.first {
            true => self.since,
            false => Some(self.clock.log.stamp(start_of(date, self.clock.shown))),
        }
    }

    fn end(&self, date: NaiveDate) -> Option<Stamp> {
        match date == self.last {
            true => self.until,
            false => Some(self.clock.log.stamp(end_of(date, self.clock.shown))),
        }
    }
}

/// The end of a day.
pub(super) fn end_of(date: NaiveDate, zone: Zone) -> DateTime<Utc> {
    start_of(date.succ_opt().unwrap_or(date), zone)
}

/// The period, extended to whole days.
pub(super) fn whole((since, until): UtcPeriod, zone: Zone) -> UtcPeriod {
    let date = |moment: DateTime<Utc>| moment.with_timezone(&zone).date_naive();
    let since = since.map(|since| start_of(date(since), zone));
    (since, until.map(|until| end_of(date(before(until)), zone)))
}

/// The last millisecond before an exclusive end.
fn before(end: DateTime<Utc>) -> DateTime<Utc> {
    end - chrono::Duration::milliseconds(1)
}

#[cfg(test)]
mod tests {
    use calltrace_model::record::LogZone;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("RFC 3339")
    }

    fn clock(zone: &str) -> Clock {
        Clock {
            log: LogZone::default(),
            shown: Zone::named(zone).expect("a zone"),
        }
    }

    #[test]
    fn days_are_those_of_the_zone_and_meet_over_a_change_of_clocks() {
        let clock = clock("Europe/Berlin");
        let typed = (
            Some(at("2025-03-29T12:00:00Z")),
            Some(at("2025-03-31T10:00:00Z")),
        );
        let period = whole(typed, clock.shown);
        let mut days = ExportDays::new(&clock, period, None, at("2025-12-03T15:00:00Z"));
        let mut all = Vec::new();
        while let Some(day) = days.next(|_, _| true, |_, _| false) {
            all.push(day);
            days.had(1);
        }
        let hours = |day: &Day| {
            day.to
                .zip(day.from)
                .map(|(to, from)| to.since(from) / 3_600_000)
        };
        let hours: Vec<_> = all.iter().map(hours).collect();
        assert_eq!(hours, [Some(24), Some(23), Some(24)]);
        assert!(all.windows(2).all(|pair| pair[0].to == pair[1].from));
        assert_eq!(
            all[0].from,
            Some(clock.log.stamp(at("2025-03-28T23:00:00Z")))
        );
    }

    #[test]
    fn an_open_period_has_open_ends_and_a_long_gap_is_passed_over() {
        let clock = clock("UTC");
        let early = clock.log.stamp(at("1970-01-02T00:00:00Z"));
        let busy = clock.log.stamp(at("2025-11-20T12:00:00Z"));
        let holds = |from: Option<Stamp>, to: Option<Stamp>| {
            from.is_none_or(|from| from <= busy) && to.is_none_or(|to| busy < to)
        };
        // If nothing is known of the files, there are some more questions.
        for (is_known, asked_max) in [(true, 40), (false, 150)] {
            let now = at("2025-12-03T15:00:00Z");
            let mut days = ExportDays::new(&clock, (None, None), Some(early), now);
            let (mut asked, mut vain, mut seen) = (0, 0, Vec::new());
            while let Some(day) = days.next(
                |from, to| !is_known || holds(from, to),
                |from, to| {
                    asked += 1;
                    vain += usize::from(holds(from, to));
                    !holds(from, to)
                },
            ) {
                let has = holds(day.from, day.to);
                seen.push((day, has));
                days.had(usize::from(has));
            }
            let found = seen.iter().filter(|(_, has)| *has);
            let found: Vec<_> = found.map(|(day, _)| day.date).collect();
            assert_eq!(
                found,
                [NaiveDate::from_ymd_opt(2025, 11, 20).expect("a day")]
            );
            assert!(
                seen.len() + asked < asked_max,
                "{} days, {asked} stretches",
                seen.len()
            );
            assert!(vain < if is_known { 1 } else { 15 }, "{vain}");
            assert_eq!(seen[0].0.from, None);
            assert!(seen.iter().skip(1).all(|(day, _)| day.from.is_some()));
        }
    }
}
