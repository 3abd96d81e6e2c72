//! Record timestamps and the zone in which they are written.

use std::cmp::Ordering;

use super::zone::Zone;
use chrono::{DateTime, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};

/// The time of a record as written: milliseconds of wall clock since 1970-01-01 00:00:00 in the zone of the
/// log (see [`LogZone`]). Stamps can be ordered and subtracted without knowing that zone.
///
/// In a call during a clock change, the records after the change have the time of a clock that was not
/// changed ([`LogZone::continued`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp(pub i64);

/// The offset that marks the time of a clock that was not changed. It is beyond the year 9999, and a whole
/// number of quarter hours.
const CONTINUED: i64 = 1_300_000_000 * 900_000;

/// An upper bound for the times of records: a little more than the last millisecond of the year 9999.
const MILLIS_MAX: i64 = 255_000_000_000_000;

/// The most by which clocks are set back.
const PUT_BACK_MAX: TimeDelta = TimeDelta::hours(1);

/// Longer than any call lasts after a clock change.
const DAY: TimeDelta = TimeDelta::days(1);

impl Ord for Stamp {
    #[inline]
    fn cmp(&self, other: &Stamp) -> Ordering {
        let by_time = self.millis().cmp(&other.millis());
        by_time.then(self.0.cmp(&other.0))
    }
}

impl PartialOrd for Stamp {
    #[inline]
    fn partial_cmp(&self, other: &Stamp) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Stamp {
    /// The length of a written timestamp, `YYYY-MM-DD HH:MM:SS,mmm` (bytes).
    pub const BYTES: usize = 23;

    /// Reads the timestamp at the start of `text`. `None` unless all 23 bytes are there and form a real day
    /// (years 1970 to 9999, proleptic Gregorian) and time (no leap second).
    ///
    /// ```
    /// use calltrace_model::record::Stamp;
    ///
    /// let at = Stamp::parse_prefix(b"2025-12-02 09:15:00,410|AST|start|...").unwrap();
    /// assert_eq!(at.to_record_text(), "2025-12-02 09:15:00,410");
    /// assert_eq!(Stamp::parse_prefix(b"2025-02-29 00:00:00,000"), None);
    /// ```
    pub fn parse_prefix(text: &[u8]) -> Option<Stamp> {
        let t: &[u8; Self::BYTES] = text.first_chunk()?;
        if (t[4], t[7], t[10], t[13], t[16], t[19]) != (b'-', b'-', b' ', b':', b':', b',') {
            return None;
        }
        // One comparison at the end shows whether all bytes were digits.
        let mut largest = 0;
        let mut digit = |at: usize| {
            let digit = t[at].wrapping_sub(b'0');
            largest = digit.max(largest);
            i64::from(digit)
        };
        let mut two = |at: usize| digit(at) * 10 + digit(at + 1);
        let year = two(0) * 100 + two(2);
        let (month, day) = (two(5), two(8));
        let (hour, minute, second) = (two(11), two(14), two(17));
        let milli = two(20) * 10 + digit(22);
        let real = largest <= 9
            && year >= 1970
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        if !real {
            return None;
        }
        let seconds =
            days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
        Some(Stamp(seconds * 1000 + milli))
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is later.
    pub fn since(self, earlier: Stamp) -> i64 {
        self.millis() - earlier.millis()
    }

    #[inline]
    fn is_continued(self) -> bool {
        (CONTINUED..CONTINUED + MILLIS_MAX).contains(&self.0)
    }

    /// The time without the mark.
    #[inline]
    fn millis(self) -> i64 {
        match self.is_continued() {
            true => self.0 - CONTINUED,
            false => self.0,
        }
    }

    /// This time moved by `millis`.
    pub fn plus_millis(self, millis: i64) -> Stamp {
        Stamp(self.0.saturating_add(millis))
    }

    /// The wall clock time; `None` outside the years that chrono supports.
    pub fn naive(self) -> Option<NaiveDateTime> {
        DateTime::from_timestamp_millis(self.millis()).map(|utc| utc.naive_utc())
    }

    /// The text of this time in a record: `2025-12-02 09:15:00,410`.
    pub fn to_record_text(self) -> String {
        self.naive()
            .map(|t| t.format("%Y-%m-%d %H:%M:%S,%3f").to_string())
            .unwrap_or_default()
    }
}

/// The times of records, from the beginning of 1970 to the end of 9999 (milliseconds).
const YEARS_WRITTEN: std::ops::Range<i64> = 0..253_402_300_800_000;

/// The zone in which record timestamps are written (setting `log_timezone`, default UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogZone(pub Zone);

impl Default for LogZone {
    fn default() -> Self {
        LogZone(Zone::UTC)
    }
}

impl LogZone {
    /// The moment at which a record was written. If a clock change repeats the wall clock time, this is the
    /// earlier moment; if a clock change skips it, the time is taken as UTC.
    pub fn moment(self, at: Stamp) -> DateTime<Utc> {
        if at.is_continued() {
            let wall = DateTime::from_timestamp_millis(at.millis()).unwrap_or_default();
            return wall - self.offset(wall - DAY);
        }
        let naive = at.naive().unwrap_or_default();
        self.0
            .from_local_datetime(&naive)
            .earliest()
            .map_or_else(|| naive.and_utc(), |local| local.with_timezone(&Utc))
    }

    /// The moment of a wall clock time. If a clock change repeats that time and the earlier moment is before
    /// `least` (milliseconds since 1970 UTC), this is the later moment; otherwise the same as
    /// [`LogZone::moment`].
    pub fn moment_after(self, at: Stamp, least: Option<i64>) -> DateTime<Utc> {
        let earliest = self.moment(at);
        let local = self.0.from_local_datetime(&at.naive().unwrap_or_default());
        match local.latest() {
            Some(latest) if least.is_some_and(|least| earliest.timestamp_millis() < least) => {
                latest.with_timezone(&Utc)
            }
            _ => earliest,
        }
    }

    /// The time of a clock that was not changed in the day before `moment`: the same as [`LogZone::stamp`]
    /// unless the clocks of the zone were changed in that day.
    pub fn continued(self, moment: DateTime<Utc>) -> Stamp {
        let before = self.offset(moment - DAY);
        let millis = (moment + before).timestamp_millis();
        match self.offset(moment) == before {
            true => Stamp(millis),
            false => Stamp(CONTINUED + millis),
        }
    }

    /// Whether clocks are not changed between two times, and neither of the two times is repeated.
    pub fn is_steady(self, first: Stamp, last: Stamp) -> bool {
        let offset_later = |at: Stamp, by: TimeDelta| self.offset(self.moment(at) + by);
        self.0 == Zone::UTC
            || offset_later(first, TimeDelta::zero()) == offset_later(last, PUT_BACK_MAX)
    }

    /// The time up to which all records have been written once a record of `at` was written. It is earlier
    /// than `at` if the clocks are about to be set back and repeat that time.
    pub fn written_until(self, at: Stamp) -> Stamp {
        match self.is_steady(at, at) {
            true => at,
            false => at.plus_millis(-PUT_BACK_MAX.num_milliseconds()),
        }
    }

    fn offset(self, moment: DateTime<Utc>) -> TimeDelta {
        let offset = self.0.offset_from_utc_datetime(&moment.naive_utc());
        TimeDelta::seconds(offset.fix().local_minus_utc().into())
    }

    /// The timestamp of a record that is written this many milliseconds after the beginning of 1970 in UTC;
    /// `None` outside the years that chrono supports.
    pub fn stamp_of_millis(self, millis: i64) -> Option<Stamp> {
        match self.0 == Zone::UTC && YEARS_WRITTEN.contains(&millis) {
            true => Some(Stamp(millis)),
            false => Some(self.stamp(DateTime::from_timestamp_millis(millis)?)),
        }
    }

    /// The timestamp of a record that is written at `moment`.
    pub fn stamp(self, moment: DateTime<Utc>) -> Stamp {
        let local = moment.with_timezone(&self.0).naive_local();
        Stamp(local.and_utc().timestamp_millis())
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days from 1970-01-01 to a Gregorian date (Howard Hinnant, "chrono-compatible low-level date
/// algorithms", `days_from_civil`). It is written out because the checked path of chrono costs a scan four
/// times as much.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let year_of_era = y.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_agrees_with_chrono() {
        let mut day = chrono::NaiveDate::from_ymd_opt(1970, 1, 1).expect("a real day");
        for _ in 0..146_097 {
            let text = format!("{day} 23:59:59,999");
            let want = day
                .and_hms_milli_opt(23, 59, 59, 999)
                .expect("a real time")
                .and_utc()
                .timestamp_millis();
            assert_eq!(Stamp::parse_prefix(text.as_bytes()), Some(Stamp(want)));
            assert_eq!(Stamp(want).to_record_text(), text);
            day = day.succ_opt().expect("far from chrono's last day");
        }
    }

    #[test]
    fn an_impossible_time_is_not_parsed() {
        for text in [
            "2025-02-29 00:00:00,000",
            "2025-11-31 00:00:00,000",
            "2025-00-01 00:00:00,000",
            "2025-01-01 24:00:00,000",
            "2025-01-01 00:00:00.000",
            "2025-01-01T00:00:00,000",
            "2025-01-01 00:00:00,00",
            "2025-01-01 00:00:00,00x",
            "2025-01-01 00:00:0/,000",
            "202:-01-01 00:00:00,000",
        ] {
            assert_eq!(Stamp::parse_prefix(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn continued_times_identify_each_moment_and_are_in_order() {
        for (zone, day) in [
            (
                Zone::named("Europe/Berlin").expect("a zone"),
                "2025-10-26T00:00:00Z",
            ),
            (
                Zone::named("Europe/Berlin").expect("a zone"),
                "2025-03-30T00:00:00Z",
            ),
            (
                Zone::named("America/New_York").expect("a zone"),
                "2025-11-02T05:00:00Z",
            ),
            (
                Zone::named("Australia/Lord_Howe").expect("a zone"),
                "2025-04-05T14:00:00Z",
            ),
            (
                Zone::named("Europe/Minsk").expect("a zone"),
                "2025-10-26T00:00:00Z",
            ),
        ] {
            let zone = LogZone(zone);
            let from: DateTime<Utc> = day.parse().expect("a time");
            let moments = (0..180).map(|minute| from + TimeDelta::minutes(minute));
            let stamps: Vec<Stamp> = moments.clone().map(|at| zone.continued(at)).collect();
            for (pair, at) in stamps.windows(2).zip(moments) {
                assert_eq!(zone.moment(pair[0]), at, "{zone:?}");
                assert_eq!(pair[1].since(pair[0]), 60_000, "{zone:?} {at}");
                assert!(pair[0] < pair[1], "{zone:?} {at}");
            }
        }
    }

    #[test]
    fn log_zone_round_trips() {
        let minsk = LogZone(Zone::named("Europe/Minsk").expect("a zone"));
        let at = Stamp::parse_prefix(b"2025-12-02 12:15:00,410").expect("a time");
        assert_eq!(
            minsk.moment(at).to_rfc3339(),
            "2025-12-02T09:15:00.410+00:00"
        );
        assert_eq!(minsk.stamp(minsk.moment(at)), at);
    }
}
