//! From which day the age of a file counts.
//!
//! The day of its last record counts, as long as the writer's clock was right. A host without a battery for its
//! clock begins at 1970 after each start, and its files would be removed on the day they are written. So only
//! records up to one day ahead of the clock count, and before a file is removed, other signs are checked. **A sign
//! that is more than seven days later counts instead**:
//!
//! 1. the day in the file's name, unless it is more than one day ahead of the clock;
//! 2. the creation of the youngest call with an id in the first or last 64 KiB, under the same condition: ids begin
//!    with a second of the telephony host's own clock;
//! 3. if the last record is of before 2010, when no such log was written: the file's modification time.
//!
//! Less than seven days prove nothing: a file may be named after the day that follows its records. The file of an
//! idle enterprise may be named weeks after its last record; it is kept that much longer.

use chrono::NaiveDate;

use super::context::{OpenLog, RotationContext};
use crate::survey::times::day_of;
use calltrace_model::record::{Stamp, id};

/// Records of an earlier year come from a clock that was never set.
const YEAR_MIN: i32 = 2010;

/// A clock that was never set is off by more than this (days).
const DAYS_OFF_MIN: i64 = 7;

/// How much of either end of the content is searched for ids (bytes).
const END_BYTES: usize = 64 << 10;

/// The time of the last record, or of the file's modification if the record's is impossible.
pub(super) fn believed(last: Option<Stamp>, modified: Stamp) -> Stamp {
    match last {
        Some(last) if !is_impossible(last) => last,
        _ => modified,
    }
}

fn is_impossible(at: Stamp) -> bool {
    is_unset(day_of(at))
}

/// Whether a day is that of a clock that was never set.
fn is_unset(day: NaiveDate) -> bool {
    use chrono::Datelike as _;
    day.year() < YEAR_MIN
}

/// Whether a record's day is plausible: neither in the future nor of a clock that was never set.
pub(super) fn is_believed(day: NaiveDate, today: NaiveDate) -> bool {
    !is_unset(day) && day <= today
}

/// The day from which the age of a file with the last record `last` counts. Signs later than `limit` are ignored.
/// Other signs are checked only if the last record's day is before `kept_since`.
pub(super) fn counts_from(
    context: &RotationContext<'_>,
    opened: &OpenLog,
    last: Stamp,
    limit: Stamp,
    kept_since: NaiveDate,
) -> NaiveDate {
    let day = day_of(last);
    if day >= kept_since {
        return day;
    }
    let named = opened.log().name.day();
    let named = named.filter(|named| *named <= day_of(limit));
    let changed = || {
        let changed = opened.metadata.modified().ok()?;
        Some(day_of(context.zone.stamp(changed.into())))
    };
    let changed = if is_impossible(last) { changed() } else { None };
    let born = youngest(context, opened, limit).map(day_of);
    let later = [named, changed, born].into_iter().flatten().max();
    let is_off = |later: &NaiveDate| (*later - day).num_days() > DAYS_OFF_MIN;
    later.filter(is_off).unwrap_or(day)
}

/// The creation of the youngest call with an id at either end.
fn youngest(context: &RotationContext<'_>, opened: &OpenLog, limit: Stamp) -> Option<Stamp> {
    let source = &opened.source;
    // Unreadable content gives no sign.
    let begin = source.text_at(0, END_BYTES);
    let mut youngest = latest_birth(context, &begin, limit);
    if source.is_seekable()
        && let Some(total) = source.content_bytes()
        && total > END_BYTES as u64
    {
        let end = source.text_at(total - END_BYTES as u64, END_BYTES);
        youngest = youngest.max(latest_birth(context, &end, limit));
    }
    youngest
}

fn latest_birth(context: &RotationContext<'_>, text: &[u8], limit: Stamp) -> Option<Stamp> {
    let words = text.split(|&b| !id::is_id_byte(b));
    let births = words.filter_map(|word| {
        let seconds = id::epoch_seconds(word)?;
        let born = chrono::DateTime::from_timestamp(seconds, 0)?;
        Some(context.zone.stamp(born))
    });
    births.filter(|born| *born <= limit).max()
}
