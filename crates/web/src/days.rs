//! Days in the zone that is shown: how a link names one, and when it and its hours begin. Pure.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};

use calltrace_model::record::Stamp;
use calltrace_model::stats::QUARTER_MILLIS;
use calltrace_output::Clock;

/// `2025-11-30`; `None` for any other text, and for days that no log has and whose neighbours no calendar has.
pub(super) fn day_named(text: &str) -> Option<NaiveDate> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (1970..=9000).contains(&date.year()).then_some(date)
}

/// The day that a call began on.
pub(super) fn day_of(clock: &Clock, at: Stamp) -> NaiveDate {
    clock.moment(at).date_naive()
}

/// The first moment of a day; where clocks are put forward at midnight, the first that there is; where a whole
/// day was left out, that of the next.
pub(super) fn day_begin(clock: &Clock, day: NaiveDate) -> Option<Stamp> {
    let midnight = day.and_time(NaiveTime::MIN);
    let hours = (0..=24).map(|hour| midnight + TimeDelta::hours(hour));
    let mut moments = hours.filter_map(|time| clock.shown.from_local_datetime(&time).earliest());
    let moment: DateTime<Utc> = moments.next()?.with_timezone(&Utc);
    Some(clock.log.stamp(moment))
}

/// The moment of the day that begins then at which the shown clocks have this hour (0 to 24), or the first after
/// it; the day's beginning where they never have.
pub(super) fn hour_begin(clock: &Clock, day: Stamp, hour: u32) -> Stamp {
    let quarters = (0..=26 * 4).map(|quarter| day.plus_millis(quarter * QUARTER_MILLIS));
    let date = day_of(clock, day);
    let passed = |at: &Stamp| {
        let moment = clock.moment(*at);
        moment.date_naive() > date || moment.hour() >= hour
    };
    quarters.clone().find(passed).unwrap_or(day)
}
