//! Points in time as typed: `2025-11-30`, `2025-11-30 09:00`, RFC 3339, `-3h`, `yesterday`.

use calltrace_model::record::Zone;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};

use crate::settings::values::millis;

const FORMS: &str =
    "write 2025-11-30, '2025-11-30 09:00', 2025-11-30T09:00:00Z, 09:00, -3h, today or yesterday";

/// A typed point in time: a whole day has two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Its first moment.
    pub begin: DateTime<Utc>,
    /// Its end, exclusive: a day later for a day, the moment itself for a moment.
    pub end: DateTime<Utc>,
}

impl Moment {
    /// Reads what was typed. Clock times are of `zone`; a wall clock that a zone change repeats is
    /// the earlier one, one that it skips is an error.
    ///
    /// # Errors
    /// A sentence that says which forms there are.
    pub fn parse(typed: &str, zone: Zone, now: DateTime<Utc>) -> Result<Moment, String> {
        let text = typed.trim();
        let today = now.with_timezone(&zone).date_naive();
        let lower = text.to_lowercase();
        let day = match lower.as_str() {
            "today" => Some(today),
            "yesterday" => today.checked_sub_days(Days::new(1)),
            _ => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
        };
        if let Some(day) = day {
            let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
            return Ok(Moment {
                begin: start_of(day, zone),
                end: start_of(next, zone),
            });
        }
        if lower == "now" {
            return Ok(at(now));
        }
        if let Some(ago) = lower.strip_prefix('-') {
            let back = millis(ago).filter(|_| !ago.bytes().all(|b| b.is_ascii_digit()));
            return back
                .and_then(|ms| now.checked_sub_signed(chrono::Duration::milliseconds(ms)))
                .map(at)
                .ok_or_else(|| format!("{typed:?} is no length of time; write -3h, -90m or -2d"));
        }
        if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            return Ok(at(moment.with_timezone(&Utc)));
        }
        let of_today = format!("{today} {text}");
        let read = |text: &str, form| NaiveDateTime::parse_from_str(text, form).ok();
        let wall = [
            "%Y-%m-%d %H:%M:%S",
            "%Y-%m-%d %H:%M",
            "%Y-%m-%dT%H:%M:%S",
            "%Y-%m-%dT%H:%M",
        ]
        .iter()
        .find_map(|form| read(text, form).or_else(|| read(&of_today, form)));
        let Some(wall) = wall else {
            return Err(format!("{typed:?} is no point in time; {FORMS}"));
        };
        zone.from_local_datetime(&wall)
            .earliest()
            .map(|local| at(local.with_timezone(&Utc)))
            .ok_or_else(|| {
                format!(
                    "{typed:?} does not exist in {}: the clocks skip it",
                    zone.name()
                )
            })
    }
}

fn at(moment: DateTime<Utc>) -> Moment {
    Moment {
        begin: moment,
        end: moment,
    }
}

/// The first moment of a day; where the clocks skip midnight, the first moment after it.
pub fn start_of(day: NaiveDate, zone: Zone) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=4)
        .find_map(|half_hours| {
            let wall = midnight + chrono::Duration::minutes(30 * half_hours);
            zone.from_local_datetime(&wall).earliest()
        })
        .map_or_else(|| midnight.and_utc(), |local| local.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<(String, String), String> {
        let now = DateTime::parse_from_rfc3339("2025-12-02T10:00:00Z").expect("a time");
        Moment::parse(
            text,
            Zone::named("Europe/Minsk").expect("a zone"),
            now.with_timezone(&Utc),
        )
        .map(|m| {
            let show = |t: DateTime<Utc>| t.format("%m-%dT%H:%M").to_string();
            (show(m.begin), show(m.end))
        })
    }

    #[test]
    fn every_form_is_read_in_the_zone() {
        for (typed, begin, end) in [
            ("2025-11-30", "11-29T21:00", "11-30T21:00"),
            ("yesterday", "11-30T21:00", "12-01T21:00"),
            ("today", "12-01T21:00", "12-02T21:00"),
            ("now", "12-02T10:00", "12-02T10:00"),
            ("2025-11-30 09:00", "11-30T06:00", "11-30T06:00"),
            ("2025-11-30T09:00:00Z", "11-30T09:00", "11-30T09:00"),
            ("2025-11-30T09:00:00+01:00", "11-30T08:00", "11-30T08:00"),
            ("09:30", "12-02T06:30", "12-02T06:30"),
            ("-3h", "12-02T07:00", "12-02T07:00"),
            ("-1d", "12-01T10:00", "12-01T10:00"),
        ] {
            assert_eq!(parse(typed), Ok((begin.into(), end.into())), "{typed}");
        }
    }

    #[test]
    fn what_is_no_time_names_the_forms() {
        for typed in ["", "soon", "2025-11-31", "-3", "-x", "25:00", "2025-11"] {
            assert!(parse(typed).is_err(), "{typed}");
        }
    }
}
