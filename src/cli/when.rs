//! Points in time on the command line: `2025-11-30`, `2025-11-30 09:00`, `30.11.2025`, RFC 3339, `3h`, `09:00`,
//! `yesterday`, `monday`, and the notation of the log.

use calltrace_model::record::Zone;
use calltrace_output::Clock;
use chrono::{
    DateTime, Datelike, Days, Duration, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc, Weekday,
};

use crate::settings::values::millis;

const FORMS: &str = "write 2025-11-30, '2025-11-30 09:00', 30.11.2025, 2025-11-30T09:00:00Z, 09:00, 3h, \
                     today, yesterday or monday";

/// A typed point in time. A day has a beginning and an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Its first moment.
    pub begin: DateTime<Utc>,
    /// Its end, exclusive: the end of a day, or the moment itself.
    pub end: DateTime<Utc>,
}

impl Moment {
    /// Parses a point in time. Dates and times of day are in the zone that `clock` shows; with a comma before the
    /// milliseconds, as in records, they are in the zone of the log. If a zone change repeats a wall clock time, the
    /// earlier moment is taken; if it skips the time, that is an error.
    ///
    /// A time of day alone means the last such time before `now`; if that is not after `after`, it means the next
    /// day's. A day without a year is the last one up to today, a weekday the last one before today.
    ///
    /// # Errors
    /// A message that lists the accepted forms.
    pub fn parse(
        typed: &str,
        clock: &Clock,
        now: DateTime<Utc>,
        after: Option<DateTime<Utc>>,
    ) -> Result<Moment, String> {
        let text = typed.trim();
        let lower = text.to_lowercase();
        if lower == "now" {
            return Ok(at(now));
        }
        if let Some(moment) = ago(text, now)? {
            return Ok(at(moment));
        }
        if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
            return Ok(at(moment.with_timezone(&Utc)));
        }
        let (text, zone) = match text.contains(',') {
            true => (text.replacen(',', ".", 1), clock.log.0),
            false => (text.to_owned(), clock.shown),
        };
        let today = now.with_timezone(&zone).date_naive();
        if let Some(day) = named_day(&lower, today).or_else(|| date(&text, today)) {
            let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
            return Ok(Moment {
                begin: start_of(day, zone),
                end: start_of(next, zone),
            });
        }
        if let Some(moment) = text.strip_prefix('@').and_then(unix_seconds) {
            return Ok(at(moment));
        }
        let of = |day: NaiveDate, time| wall(day.and_time(time), zone, typed);
        if let Some(time) = time_of_day(&text) {
            let is_to_come = now.with_timezone(&zone).time() < time;
            let day = today - Days::new(is_to_come.into());
            let moment = of(day, time)?;
            return match after.is_some_and(|after| moment <= after) {
                true => of(day + Days::new(1), time).map(at),
                false => Ok(at(moment)),
            };
        }
        let parts = text.split_once([' ', 'T']);
        if let Some((day, time)) = parts
            && is_end_of_day(time)
            && let Some(day) = date(day, today).and_then(|day| day.checked_add_days(Days::new(1)))
        {
            return Ok(at(start_of(day, zone)));
        }
        let parts = parts.and_then(|(day, time)| Some((date(day, today)?, time_of_day(time)?)));
        match parts {
            Some((day, time)) => of(day, time).map(at),
            None => Err(format!("{typed:?} is not a point in time; {FORMS}")),
        }
    }
}

/// `3h`, `-3h`, `1h30m`: this long before `now`. `None` for a text that is not a length of time.
fn ago(text: &str, now: DateTime<Utc>) -> Result<Option<DateTime<Utc>>, String> {
    let length = text.strip_prefix('-').unwrap_or(text);
    let mut units = length.split(|c: char| c.is_ascii_digit());
    if length.starts_with(|c: char| c.is_ascii_digit()) && units.any(|unit| unit == "M") {
        return Err(format!(
            "{text:?} may mean minutes or months; write 1min or 30d"
        ));
    }
    let is_bare = length.bytes().all(|b| b.is_ascii_digit());
    let moment = millis(&length.to_lowercase())
        .filter(|_| !is_bare)
        .and_then(|ms| now.checked_sub_signed(Duration::milliseconds(ms)));
    match moment {
        None if text.starts_with('-') => Err(format!(
            "{text:?} is not a length of time; write -3h, -90m or -2d"
        )),
        moment => Ok(moment),
    }
}

fn named_day(name: &str, today: NaiveDate) -> Option<NaiveDate> {
    let back = match name {
        "today" => 0,
        "yesterday" => 1,
        name => {
            let weekday: Weekday = name.parse().ok()?;
            match today.weekday().days_since(weekday) {
                0 => 7,
                days => days,
            }
        }
    };
    today.checked_sub_days(Days::new(back.into()))
}

/// `2025-11-30`; `30.11.2025`, `30.11.25` and `30.11`, day first.
fn date(text: &str, today: NaiveDate) -> Option<NaiveDate> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(day);
    }
    let parts: Vec<&str> = text.split('.').collect();
    let number = |digits: &str| {
        let is_number = digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| digits.parse().ok()).flatten()
    };
    let of = |year: i32, month: &str, day: &str| {
        let day = (day.len() <= 2).then(|| number(day)).flatten()?;
        let month = (month.len() <= 2).then(|| number(month)).flatten()?;
        NaiveDate::from_ymd_opt(year, u32::try_from(month).ok()?, u32::try_from(day).ok()?)
    };
    match parts.as_slice() {
        [day, month] => {
            let years = [today.year(), today.year() - 1];
            let mut days = years.into_iter().filter_map(|year| of(year, month, day));
            days.find(|day| *day <= today)
        }
        [day, month, year] => match year.len() {
            2 => of(2000 + number(year)?, month, day),
            4 => of(number(year)?, month, day),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a time is midnight at the end of a day.
fn is_end_of_day(time: &str) -> bool {
    matches!(time, "24:00" | "24:00:00")
}

/// `15:03`, `15:03:00`, `15:03:00.700`; `24:00` is midnight.
fn time_of_day(text: &str) -> Option<NaiveTime> {
    if is_end_of_day(text) {
        return Some(NaiveTime::MIN);
    }
    let forms = ["%H:%M", "%H:%M:%S%.f"];
    let mut times = forms
        .iter()
        .map(|form| NaiveTime::parse_from_str(text, form));
    times.find_map(Result::ok)
}

/// `1764493655`, `1764493655.2`: seconds of Unix time, as in ids.
fn unix_seconds(text: &str) -> Option<DateTime<Utc>> {
    let (seconds, rest) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(seconds) || !is_number(rest) {
        return None;
    }
    let millis = format!("{rest:0<3}").get(..3)?.parse::<i64>().ok()?;
    let seconds: i64 = seconds.parse().ok()?;
    DateTime::from_timestamp_millis(seconds.checked_mul(1000)?.checked_add(millis)?)
}

/// The moment of a wall clock time.
fn wall(wall: NaiveDateTime, zone: Zone, typed: &str) -> Result<DateTime<Utc>, String> {
    let local = zone.from_local_datetime(&wall).earliest();
    local.map(|local| local.with_timezone(&Utc)).ok_or_else(|| {
        format!(
            "{typed:?} does not exist in {}: the clocks skip it",
            zone.name()
        )
    })
}

fn at(moment: DateTime<Utc>) -> Moment {
    Moment {
        begin: moment,
        end: moment,
    }
}

/// The first moment of a day; if the clocks skip midnight, the first moment after it.
pub fn start_of(day: NaiveDate, zone: Zone) -> DateTime<Utc> {
    let midnight = day.and_time(NaiveTime::MIN);
    (0..=4)
        .find_map(|half_hours| {
            let wall = midnight + Duration::minutes(30 * half_hours);
            zone.from_local_datetime(&wall).earliest()
        })
        .map_or_else(|| midnight.and_utc(), |local| local.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;
    use calltrace_model::record::LogZone;

    /// Parses `text` at 13:00 on a Tuesday in Minsk. The log is written in UTC.
    fn parse_after(text: &str, after: Option<&str>) -> Result<(String, String), String> {
        let utc = |text: &str| text.parse::<DateTime<Utc>>().expect("a time");
        let clock = Clock {
            log: LogZone(Zone::UTC),
            shown: Zone::named("Europe/Minsk").expect("a zone"),
        };
        let now = utc("2025-12-02T10:00:00Z");
        Moment::parse(text, &clock, now, after.map(utc)).map(|m| {
            let show = |t: DateTime<Utc>| t.format("%m-%dT%H:%M").to_string();
            (show(m.begin), show(m.end))
        })
    }

    fn parse(text: &str) -> Result<(String, String), String> {
        parse_after(text, None)
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
            ("1h", "12-02T09:00", "12-02T09:00"),
            ("90m", "12-02T08:30", "12-02T08:30"),
            ("-1min", "12-02T09:59", "12-02T09:59"),
            ("1h30m", "12-02T08:30", "12-02T08:30"),
            ("3d", "11-29T10:00", "11-29T10:00"),
            ("monday", "11-30T21:00", "12-01T21:00"),
            ("Tuesday", "11-24T21:00", "11-25T21:00"),
            ("wed", "11-25T21:00", "11-26T21:00"),
            ("01.12.2025", "11-30T21:00", "12-01T21:00"),
            ("1.12.25", "11-30T21:00", "12-01T21:00"),
            ("2.12", "12-01T21:00", "12-02T21:00"),
            ("1.12 15:00", "12-01T12:00", "12-01T12:00"),
            ("01.12.2025 15:00:30", "12-01T12:00", "12-01T12:00"),
            ("2025-12-02 12:03:00,700", "12-02T12:03", "12-02T12:03"),
            ("2025-12-02 12:03:00.700", "12-02T09:03", "12-02T09:03"),
            ("12:03:00,700", "12-01T12:03", "12-01T12:03"),
            ("13:00", "12-02T10:00", "12-02T10:00"),
            ("13:01", "12-01T10:01", "12-01T10:01"),
            ("15:03:00.700", "12-01T12:03", "12-01T12:03"),
            ("00:10", "12-01T21:10", "12-01T21:10"),
            ("2025-11-30 24:00", "11-30T21:00", "11-30T21:00"),
            ("30.11 24:00:00", "11-30T21:00", "11-30T21:00"),
            ("@1764493655", "11-30T09:07", "11-30T09:07"),
            ("@1764493655.2", "11-30T09:07", "11-30T09:07"),
        ] {
            assert_eq!(parse(typed), Ok((begin.into(), end.into())), "{typed}");
        }
    }

    #[test]
    fn a_day_without_a_year_is_the_last_one() {
        let today = NaiveDate::from_ymd_opt(2028, 2, 28).expect("a day");
        for (typed, day) in [
            ("28.2", Some("2028-02-28")),
            ("1.3", Some("2027-03-01")),
            ("31.12", Some("2027-12-31")),
            ("29.2", None),
            ("12.31", None),
        ] {
            let read = date(typed, today).map(|day| day.to_string());
            assert_eq!(read.as_deref(), day, "{typed}");
        }
    }

    #[test]
    fn a_time_of_day_after_another_is_the_next_one() {
        for (since, until, end) in [
            ("2025-12-02T06:00:00Z", "18:00", "12-02T15:00"),
            ("2025-12-01T12:00:00Z", "16:00", "12-01T13:00"),
            ("2025-12-01T19:00:00Z", "06:00", "12-02T03:00"),
            ("2025-11-27T00:00:00Z", "18:00", "12-01T15:00"),
            ("2025-12-01T15:00:00Z", "24:00", "12-01T21:00"),
        ] {
            let read = parse_after(until, Some(since)).map(|(_, end)| end);
            assert_eq!(read, Ok(end.into()), "{since} .. {until}");
        }
    }

    #[test]
    fn a_text_that_is_not_a_time_gives_an_error() {
        for typed in [
            "",
            "soon",
            "2025-11-31",
            "-3",
            "3",
            "-x",
            "25:00",
            "2025-11",
            "31.11.2025",
            "1.12.225",
            "1.2.3.4",
            "+1.12",
            ".12",
            "1.",
            "12:03,7 x",
            "1.12 1h",
            "2025-11-30 24:01",
            "@",
            "@-1",
            "@1764493655.x",
            "@99999999999999999999",
        ] {
            assert!(parse(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn a_capital_m_may_mean_minutes_or_months_and_is_refused() {
        for typed in ["-1M", "1M", "2h5M"] {
            assert_eq!(
                parse(typed),
                Err(format!(
                    "{typed:?} may mean minutes or months; write 1min or 30d"
                ))
            );
        }
    }
}
