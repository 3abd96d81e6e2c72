//! File names of all generations, and the order they are read in.

use chrono::NaiveDate;

/// How a log file is named. The date is a hint for ordering and for people, never trusted: a
/// dated file can hold the next day's records.
///
/// The order of variants and values is the reading order: older first, the live file last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Generation {
    /// `events.log.N` of logrotate; the higher, the older (kept negated, so that order is time).
    Numbered(std::cmp::Reverse<u32>),
    /// Named after a day.
    Dated(NaiveDate, Origin),
    /// `events.log`.
    Live,
}

/// Who adds lines to a file that is named after a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// The writers of the tree, as they go, in one of three ways to name a day.
    Written,
    /// `calltrace sync`, afterwards and in no order: events that a host sent and that never arrived. The name is
    /// outside `events*`, so that programs which read all of those meet no line that they did not write.
    Recovered,
}

/// A log file's name, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName {
    /// Which generation.
    pub generation: Generation,
    /// The name without `.gz`: the same for a file and its compressed twin.
    pub stem: String,
    /// Ends in `.gz`. Says nothing of the content.
    pub gz: bool,
}

impl FileName {
    /// Reads a name: `events.log`, `events.log.YYYY-MM-DD`, `events_YYYY-MM-DD.log`,
    /// `events.log.N`, `events.log-YYYYMMDD`, `recovered_YYYY-MM-DD.log`, each also with `.gz`. `None` for
    /// any other.
    pub fn parse(name: &str) -> Option<FileName> {
        let (stem, gz) = match name.strip_suffix(".gz") {
            Some(stem) => (stem, true),
            None => (name, false),
        };
        let generation = if stem == "events.log" {
            Generation::Live
        } else if let Some(rest) = stem.strip_prefix("events.log.") {
            match rest.parse::<u32>() {
                Ok(n) if rest == n.to_string() => Generation::Numbered(std::cmp::Reverse(n)),
                _ => written(day(rest, "%Y-%m-%d", 10)?),
            }
        } else if let Some(rest) = stem.strip_prefix("events.log-") {
            written(day(rest, "%Y%m%d", 8)?)
        } else {
            let (name, rest) = stem.strip_suffix(".log")?.split_once('_')?;
            let day = day(rest, "%Y-%m-%d", 10)?;
            match name {
                "events" => written(day),
                RECOVERED => Generation::Dated(day, Origin::Recovered),
                _ => return None,
            }
        };
        Some(FileName {
            generation,
            stem: stem.to_owned(),
            gz,
        })
    }

    /// The file of lines that were recovered for a day.
    pub fn recovered(day: NaiveDate) -> FileName {
        FileName {
            generation: Generation::Dated(day, Origin::Recovered),
            stem: format!("{RECOVERED}_{}.log", day.format("%Y-%m-%d")),
            gz: false,
        }
    }

    /// The day in it.
    pub fn day(&self) -> Option<NaiveDate> {
        match self.generation {
            Generation::Dated(day, _) => Some(day),
            _ => None,
        }
    }

    /// Whether its lines were recovered, so that no writer of the tree is at it.
    pub fn is_recovered(&self) -> bool {
        matches!(self.generation, Generation::Dated(_, Origin::Recovered))
    }

    /// The name as it stands in the folder.
    pub fn full(&self) -> String {
        if self.gz {
            format!("{}.gz", self.stem)
        } else {
            self.stem.clone()
        }
    }
}

/// What the names of recovered lines begin with.
const RECOVERED: &str = "recovered";

fn written(day: NaiveDate) -> Generation {
    Generation::Dated(day, Origin::Written)
}

/// chrono takes `2025-1-5` for a date as well; a file name has all its digits.
fn day(text: &str, format: &str, bytes: usize) -> Option<NaiveDate> {
    if text.len() != bytes {
        return None;
    }
    NaiveDate::parse_from_str(text, format).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_generation_is_known_and_nothing_else() {
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
            "events.log-2025-11-29",
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
    fn a_recovered_days_name_is_read_as_what_it_is() {
        let day = NaiveDate::from_ymd_opt(2025, 11, 29).expect("a day");
        let name = FileName::recovered(day);
        assert!(name.is_recovered() && !name.stem.starts_with("events"));
        assert_eq!(FileName::parse(&name.full()), Some(name));
        let written = FileName::parse("events_2025-11-29.log").expect("a log");
        assert!(!written.is_recovered());
    }
}
