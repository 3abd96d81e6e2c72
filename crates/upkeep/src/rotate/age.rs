//! From which day the age of a file counts.
//!
//! Its last record tells, as long as the writer's clock was right. A host without a battery for its
//! clock begins at 1970 after each start, and its files would be removed on the day they are written.
//! So the last record counts that is at most one day ahead of the clock, and before a file is removed,
//! other signs are asked. **One that is more than seven days later counts instead**:
//!
//! 1. the day in the file's name, unless it is more than one day ahead of the clock;
//! 2. the birth of the youngest call whose id stands in the first or last 64 KiB, under the same
//!    condition: ids begin with a second of the telephony host's own clock;
//! 3. where the last record is of before 2010, when no such log was written: the file's last change.
//!
//! Less than seven days prove nothing: a name may be that of the day after its records. Of a quiet
//! enterprise a file may be named weeks after its last record; it is kept so much longer.

use chrono::NaiveDate;

use super::site::{Opened, Site};
use crate::survey::times::day_of;
use calltrace_model::record::{Stamp, id};

/// Records of an earlier year come from a clock that was never set.
const YEAR_MIN: i32 = 2010;

/// What a clock that was never set is off by, at least (days).
const DAYS_OFF_MIN: i64 = 7;

/// Looked through for ids at either end of the content (bytes).
const END_BYTES: usize = 64 << 10;

/// The time of a record, or of the file's last change where the record's can't be.
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

/// Whether a record's day can be right by the clock: it is no day to come, nor one of a clock that was
/// never set.
pub(super) fn is_believed(day: NaiveDate, today: NaiveDate) -> bool {
    !is_unset(day) && day <= today
}

/// The day that the age of a file counts from whose last record is of `last`; nothing later than
/// `limit` is believed. Other signs are looked for only if that day is before `kept_since`.
pub(super) fn counts_from(
    site: &Site<'_>,
    opened: &Opened,
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
        Some(day_of(site.zone.stamp(changed.into())))
    };
    let changed = if is_impossible(last) { changed() } else { None };
    let born = youngest(site, opened, limit).map(day_of);
    let later = [named, changed, born].into_iter().flatten().max();
    let is_off = |later: &NaiveDate| (*later - day).num_days() > DAYS_OFF_MIN;
    later.filter(is_off).unwrap_or(day)
}

/// The birth of the youngest call that is named at either end.
fn youngest(site: &Site<'_>, opened: &Opened, limit: Stamp) -> Option<Stamp> {
    let source = &opened.source;
    // What can't be read says nothing.
    let begin = source.text_at(0, END_BYTES);
    let mut youngest = latest_birth(site, &begin, limit);
    if source.is_seekable()
        && let Some(total) = source.content_bytes()
        && total > END_BYTES as u64
    {
        let end = source.text_at(total - END_BYTES as u64, END_BYTES);
        youngest = youngest.max(latest_birth(site, &end, limit));
    }
    youngest
}

fn latest_birth(site: &Site<'_>, text: &[u8], limit: Stamp) -> Option<Stamp> {
    let words = text.split(|&b| !id::is_id_byte(b));
    let births = words.filter_map(|word| {
        let seconds = id::epoch_seconds(word)?;
        let born = chrono::DateTime::from_timestamp(seconds, 0)?;
        Some(site.zone.stamp(born))
    });
    births.filter(|born| *born <= limit).max()
}
