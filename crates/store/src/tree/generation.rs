//! File names of all generations, and the order they are read in.

use chrono::NaiveDate;

/// The generation of a log file, from its name. The date is a hint for ordering and for people and
/// is never trusted: a dated file can hold the next day's records.
///
/// The order of variants and values is the reading order: older first, the live file last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generation {
    /// `events.log.N` of logrotate; a higher number is older (stored reversed, so that the order is
    /// that of time).
    Numbered(std::cmp::Reverse<u32>),
    Dated(NaiveDate, LineOrigin),
    /// `events.log`.
    Live,
}

/// The writer of a file that is named after a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LineOrigin {
    /// The writers of the tree, which name a day in one of three ways.
    Written,
    /// `calltrace sync`, which later adds the events that a host sent and that never arrived, in no
    /// order. The name is outside `events*`, so that programs which read `events*` see only lines
    /// that the tree's writers wrote.
    Recovered,
}

/// A parsed log file name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    pub generation: Generation,
    /// The name without `.gz`: the same for a file and its compressed copy.
    pub stem: String,
    /// The name ends in `.gz`, which says nothing about the content.
    pub gz: bool,
}

impl FileName {
    /// Parses a name: `events.log`, `events.log.YYYY-MM-DD`, `events_YYYY-MM-DD.log`,
    /// `events.log.N`, `events.log-YYYYMMDD`, `recovered_YYYY-MM-DD.log`, each also with `.gz`. The
    /// day may be followed by the time of day or the number of a rotation more often than daily:
    /// `events.log.2025-11-29_13`, `events.log-2025112913`, `events.log-2025-11-29-1764460800`.
    /// `None` for any other name.
    pub fn parse(name: &str) -> Option<FileName> {
        let (stem, gz) = match name.strip_suffix(".gz") {
            Some(stem) => (stem, true),
            None => (name, false),
        };
        let generation = if stem == "events.log" {
            Generation::Live
        } else if let Some(rest) = stem.strip_prefix("events.log.") {
            match rest.parse::<u32>() {
                Ok(n) if rest == n.to_string() && day(rest).is_none() => {
                    Generation::Numbered(std::cmp::Reverse(n))
                }
                _ => written(day(rest)?),
            }
        } else if let Some(rest) = stem.strip_prefix("events.log-") {
            written(day(rest)?)
        } else {
            let (name, rest) = stem.strip_suffix(".log")?.split_once('_')?;
            match name {
                "events" => written(day(rest)?),
                // Only calltrace makes these, one per whole day.
                RECOVERED if rest.len() == 10 => {
                    Generation::Dated(day(rest)?, LineOrigin::Recovered)
                }
                _ => return None,
            }
        };
        Some(FileName {
            generation,
            stem: stem.to_owned(),
            gz,
        })
    }

    /// The name of the file of lines that were recovered for a day.
    pub fn recovered(day: NaiveDate) -> FileName {
        FileName {
            generation: Generation::Dated(day, LineOrigin::Recovered),
            stem: format!("{RECOVERED}_{}.log", day.format("%Y-%m-%d")),
            gz: false,
        }
    }

    /// The day in the name.
    pub fn day(&self) -> Option<NaiveDate> {
        match self.generation {
            Generation::Dated(day, _) => Some(day),
            _ => None,
        }
    }

    /// Whether its lines were recovered, so that no writer of the tree appends to it.
    pub fn is_recovered(&self) -> bool {
        matches!(self.generation, Generation::Dated(_, LineOrigin::Recovered))
    }

    /// The name in the folder.
    pub fn full(&self) -> String {
        if self.gz {
            format!("{}.gz", self.stem)
        } else {
            self.stem.clone()
        }
    }
}

/// The first part of the names of files of recovered lines.
const RECOVERED: &str = "recovered";

fn written(day: NaiveDate) -> Generation {
    Generation::Dated(day, LineOrigin::Written)
}

/// Longest text after a day: that of `-1764460800`, with one character to spare.
const AFTER_DAY_BYTES_MAX: usize = 12;

/// The day that a text begins with, if only groups of digits follow it.
fn day(text: &str) -> Option<NaiveDate> {
    let (bytes, format) = match text.as_bytes().get(4) {
        Some(b'-') => (10, "%Y-%m-%d"),
        _ => (8, "%Y%m%d"),
    };
    let (day, after) = text.split_at_checked(bytes)?;
    let ends_right = after.is_empty() || after.ends_with(|c: char| c.is_ascii_digit());
    let is_plain = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.' | b'T' | b':');
    if !ends_right || after.len() > AFTER_DAY_BYTES_MAX || !after.bytes().all(is_plain) {
        return None;
    }
    // chrono also accepts `2025-1-5`; a file name has all digits.
    let digits = day.bytes().filter(u8::is_ascii_digit).count();
    (digits == 8).then(|| NaiveDate::parse_from_str(day, format).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_generations_are_parsed() {
        for name in [
            "events.log",
            "events.log.gz",
            "events.log.2025-11-29",
            "events.log.2025-11-29.gz",
            "events_2025-11-29.log",
            "events_2025-11-29.log.gz",
            "events.log.1",
            "events.log.14.gz",
            "events.log-20251129",
            "events.log-20251129.gz",
            "recovered_2025-11-29.log",
            "recovered_2025-11-29.log.gz",
            "events.log-2025-11-29",
            "events.log-2025112913.gz",
            "events.log-2025-11-29-1764460800",
            "events.log.2025-11-29_13",
            "events.log.2025-11-29_13-05-59.gz",
            "events.log.2025-11-29.1",
            "events.log.20251129130559",
        ] {
            assert_eq!(
                FileName::parse(name).map(|n| n.full()).as_deref(),
                Some(name)
            );
        }
        for name in [
            "events.log.bak",
            "events.log.2025-11-31",
            "events.log.2025-1-5",
            "events.log.01",
            "events.log.+1",
            "events.log.2025-11-29.gz.tmp",
            "events.log-20251131",
            "events.log-2025-1129",
            "events.log-2025-11-29-",
            "events.log.2025-11-29-old",
            "events.log.2025-11-29-17644608000000",
            "events.log.2025-11-29.bak",
            "events.logx",
            "xevents.log",
            "events_2025-11-29.txt",
            "recovered.log",
            "recovered_2025-11-31.log",
            "recovered_2025-11-29.log.1",
            "other_2025-11-29.log",
            "_2025-11-29.log",
            ".calltrace",
            "notes.txt",
        ] {
            assert_eq!(FileName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn reading_order_is_oldest_first_and_live_last() {
        let mut names: Vec<FileName> = [
            "events.log",
            "events.log.1",
            "events_2025-11-30.log",
            "events.log.2",
            "recovered_2025-11-29.log",
            "recovered_2025-11-30.log.gz",
            "events.log.2025-11-29.gz",
            "events.log-20251128",
        ]
        .iter()
        .filter_map(|n| FileName::parse(n))
        .collect();
        names.sort();
        let order: Vec<String> = names.iter().map(FileName::full).collect();
        assert_eq!(
            order,
            [
                "events.log.2",
                "events.log.1",
                "events.log-20251128",
                "events.log.2025-11-29.gz",
                "recovered_2025-11-29.log",
                "events_2025-11-30.log",
                "recovered_2025-11-30.log.gz",
                "events.log",
            ]
        );
    }

    #[test]
    fn the_name_of_a_recovered_day_is_parsed() {
        let day = NaiveDate::from_ymd_opt(2025, 11, 29).expect("a day");
        let name = FileName::recovered(day);
        assert!(name.is_recovered() && !name.stem.starts_with("events"));
        assert_eq!(FileName::parse(&name.full()), Some(name));
        let written = FileName::parse("events_2025-11-29.log").expect("a log");
        assert!(!written.is_recovered());
    }
}
