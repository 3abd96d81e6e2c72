//! Days in the zone that is shown: their names in links, and the moments at which they and their hours begin.
//! Pure.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};

use calltrace_model::record::Stamp;
use calltrace_model::stats::QUARTER_MILLIS;
use calltrace_output::Clock;

/// Reads `2025-11-30`; returns `None` for any other text, and for days that are out of range or next to the
/// range's end.
pub(super) fn day_named(text: &str) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (1970..=9000).contains(&date.year()).then_some(date)
}

/// Returns the day on which a call began.
pub(super) fn day_of(clock: &Clock, at: Stamp) -> NaiveDate {
    clock.moment(at).date_naive()
}

/// Returns the first moment of a day: if the clocks go forward at midnight, the first one after the gap; if
/// the whole day was skipped, the first one of the next day.
pub(super) fn day_begin(clock: &Clock, day: NaiveDate) -> Option<Stamp> {
    let midnight = day.and_time(NaiveTime::MIN);
    let hours = (0..=24).map(|hour| midnight + TimeDelta::hours(hour));
    let mut moments = hours.filter_map(|time| clock.shown.from_local_datetime(&time).earliest());
    let moment: DateTime<Utc> = moments.next()?.with_timezone(&Utc);
    Some(clock.log.stamp(moment))
}

/// Returns the moment at which the shown clocks reach this hour (0 to 24) of the day that begins at `day`, or
/// the first moment after it; the beginning of the day if the clocks never show the hour.
pub(super) fn hour_begin(clock: &Clock, day: Stamp, hour: u32) -> Stamp {
    let quarters = (0..=26 * 4).map(|quarter| day.plus_millis(quarter * QUARTER_MILLIS));
    let date = day_of(clock, day);
    let passed = |at: &Stamp| {
        let moment = clock.moment(*at);
        moment.date_naive() > date || moment.hour() >= hour
    };
    quarters.clone().find(passed).unwrap_or(day)
}
