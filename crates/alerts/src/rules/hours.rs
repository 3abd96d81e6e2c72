//! When a check is made: weekdays and a time of day.

use chrono::{Datelike as _, NaiveDateTime, NaiveTime};

/// Weekdays and a time of day, by the clock of the check's zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckHours {
    /// Monday first.
    days: [bool; 7],
    from: NaiveTime,
    /// Exclusive; midnight stands for the end of the day.
    until: NaiveTime,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl CheckHours {
    /// Reads `09:00-18:00`, `mon-fri 09:00-18:00` or `sat,sun 10:00-14:00`. Hours that end before they begin last until
    /// the next day, which counts as the day on which they began.
    ///
    /// # Errors
    /// A hint on the form.
    pub fn parse(text: &str) -> Result<CheckHours, String> {
        CheckHours::read(text)
            .ok_or_else(|| "hours are like 09:00-18:00 or mon-fri 09:00-18:00".to_owned())
    }

    fn read(text: &str) -> Option<CheckHours> {
        let (days, times) = match text.trim().split_once(' ') {
            Some((days, times)) => (days_of(days)?, times),
            None => ([true; 7], text),
        };
        let (from, until) = times.trim().split_once('-')?;
        let (from, until) = (time(from)?, time(until)?);
        (from != until || from == NaiveTime::MIN).then_some(CheckHours { days, from, until })
    }

    /// Whether the hours hold this time of the local clock.
    pub fn hold(&self, local: NaiveDateTime) -> bool {
        let (time, today) = (
            local.time(),
            local.weekday().num_days_from_monday() as usize,
        );
        let yesterday = (today + 6) % 7;
        if self.from < self.until || self.until == NaiveTime::MIN {
            let ends = self.until == NaiveTime::MIN || time < self.until;
            return self.days[today] && time >= self.from && ends;
        }
        self.days[today] && time >= self.from || self.days[yesterday] && time < self.until
    }
}

fn days_of(text: &str) -> Option<[bool; 7]> {
    let place = |name: &str| DAYS.iter().position(|day| name.eq_ignore_ascii_case(day));
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (place(first)?, place(last)?);
        let count = (last + 7 - first) % 7;
        (0..=count).for_each(|day| days[(first + day) % 7] = true);
    }
    Some(days)
}

/// `09:00`; `24:00` is midnight.
fn time(text: &str) -> Option<NaiveTime> {
    let text = text.trim();
    match text {
        "24:00" => Some(NaiveTime::MIN),
        _ => NaiveTime::parse_from_str(text, "%H:%M").ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_hold_their_days_and_times() {
        let hold = |hours: &str, at: &str| {
            let hours = CheckHours::parse(hours).expect(hours);
            hours.hold(at.parse().expect("a time"))
        };
        // A Monday, a Friday, a Saturday.
        let (monday, friday, saturday) = ("2025-12-01", "2025-12-05", "2025-12-06");
        for (hours, day, time, is_held) in [
            ("09:00-18:00", monday, "09:00:00", true),
            ("09:00-18:00", monday, "18:00:00", false),
            ("09:00-18:00", saturday, "08:59:59", false),
            ("mon-fri 09:00-18:00", saturday, "12:00:00", false),
            ("Mon-Fri 09:00-18:00", friday, "12:00:00", true),
            ("sat,sun 10:00-24:00", saturday, "23:59:59", true),
            ("fri-mon 00:00-24:00", saturday, "00:00:00", true),
            ("fri 22:00-02:00", saturday, "01:59:00", true),
            ("fri 22:00-02:00", saturday, "22:30:00", false),
            ("fri 22:00-02:00", friday, "01:00:00", false),
        ] {
            assert_eq!(
                hold(hours, &format!("{day}T{time}")),
                is_held,
                "{hours} {day} {time}"
            );
        }
        for wrong in [
            "",
            "9",
            "09:00",
            "09:00-09:00",
            "mo-fr 09:00-18:00",
            "09:00-25:00",
        ] {
            assert!(CheckHours::parse(wrong).is_err(), "{wrong}");
        }
    }
}
