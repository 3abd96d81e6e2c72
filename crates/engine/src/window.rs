//! Windows of time: the calls that began in one are found together.
//!
//! The requested time is cut where files begin (about days), so that fifty missed calls cost one day, not
//! fifteen, and each day may have a table.

use calltrace_model::call::{Criteria, reach};
use calltrace_model::record::{LogZone, Stamp, id};
use calltrace_store::source::TimeBounds;

/// A piece shorter than this (milliseconds) is swept together with the next.
const WINDOW_MILLIS_MIN: i64 = 6 * 3_600_000;

/// A time before every record.
pub(crate) const EARLIEST: Stamp = Stamp(i64::MIN / 4);
/// A time after every record.
pub(crate) const LATEST: Stamp = Stamp(i64::MAX / 4);

/// A window of time, end exclusive. It owns the calls that began in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeWindow {
    pub start: Stamp,
    pub end: Stamp,
}

impl TimeWindow {
    /// All times.
    pub(crate) const ALL: TimeWindow = TimeWindow {
        start: EARLIEST,
        end: LATEST,
    };

    /// The time that a question asks about.
    pub(crate) fn asked(criteria: &Criteria) -> TimeWindow {
        TimeWindow {
            start: criteria.since.unwrap_or(EARLIEST),
            end: criteria.until.unwrap_or(LATEST),
        }
    }

    /// The window with so much more time (milliseconds) at either end.
    pub(crate) fn widened(self, millis: i64) -> TimeWindow {
        TimeWindow {
            start: self.start.plus_millis(-millis),
            end: self.end.plus_millis(millis),
        }
    }

    /// The time from which on records are read.
    pub(crate) fn reads_from(self) -> Stamp {
        self.start.plus_millis(-reach::QUIET_MILLIS)
    }

    /// Whether a time is in the window.
    pub(crate) fn holds(self, at: Stamp) -> bool {
        at >= self.start && at < self.end
    }
}

/// The second (since 1970) from which on records are read for a window. A channel born later is in no call
/// that another window shows as well.
pub(crate) fn first_second(zone: LogZone, window: TimeWindow) -> i64 {
    match window.start > EARLIEST {
        true => zone.moment(window.reads_from()).timestamp(),
        false => i64::MIN,
    }
}

/// Whether an id says that its channel was born in that second or later.
pub(crate) fn is_born_since(uid: &str, second: i64) -> bool {
    id::epoch_seconds(uid.as_bytes()).is_some_and(|born| born >= second)
}

/// How far a table covers a source; later records must not change that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableCoverage {
    /// Records of an earlier time would have belonged to the table.
    pub before: Stamp,
    /// Later records are after this many bytes of the content.
    pub bytes: u64,
}

/// Whether a source may hold records of calls that began in the window.
pub(crate) fn touches(bounds: TimeBounds, window: TimeWindow) -> bool {
    let beyond = window.end.plus_millis(reach::HORIZON_MILLIS);
    bounds.first.is_none_or(|first| first < beyond)
        && bounds.last.is_none_or(|last| last >= window.reads_from())
}

/// Cuts the requested time at `starts`, where files begin; newest first.
pub(crate) fn windows(starts: impl Iterator<Item = Stamp>, asked: TimeWindow) -> Vec<TimeWindow> {
    let mut starts: Vec<Stamp> = starts.collect();
    // Nothing precedes the first of all records.
    let first = starts.iter().min().copied();
    starts.retain(|start| *start > asked.start && *start < asked.end && Some(*start) != first);
    starts.sort();
    let mut windows = Vec::new();
    let mut end = asked.end;
    for start in starts.into_iter().rev() {
        if end.since(start) >= WINDOW_MILLIS_MIN {
            windows.push(TimeWindow { start, end });
            end = start;
        }
    }
    let start = asked.start;
    windows.push(TimeWindow { start, end });
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_the_time_asked_for_once() {
        let starts = [24, 0, 48, 49].into_iter();
        let starts = starts.map(|hours: i64| Stamp(hours * 3_600_000));
        let asked = TimeWindow {
            end: Stamp(60 * 3_600_000),
            ..TimeWindow::ALL
        };
        let found = windows(starts, asked);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0].end, Stamp(60 * 3_600_000));
        assert_eq!(found.last().map(|s| s.start), Some(EARLIEST));
        for pair in found.windows(2) {
            assert_eq!(pair[0].start, pair[1].end);
        }
    }
}
