//! Names that a rotation gives to archives, to the live file's days and to unfinished files. The last are no log
//! names: no reader and no other program's `events*` matches them.

use calltrace_store::tree::{FileName, Generation, LineOrigin};

const PREFIX: &str = ".calltrace-";
/// Ends the name of an unfinished file, which may be removed.
const TEMPORARY: &str = ".tmp";
/// Ends the name of a log that is being removed. The log is complete until it is unlinked.
const LEAVING: &str = ".gone";

/// The temporary name of a file that is to get this name.
pub(crate) fn temporary(name: &FileName) -> String {
    format!("{PREFIX}{}{TEMPORARY}", name.full())
}

/// The name of this log while it is being removed.
pub(crate) fn leaving(name: &FileName) -> String {
    format!("{PREFIX}{}{LEAVING}", name.full())
}

/// A file that an interrupted run left, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// An unfinished file that was to get this name.
    Temporary(FileName),
    /// A log of this name that was being removed.
    Leaving(FileName),
}

impl Leftover {
    /// `None` for a name that no run gives.
    pub(crate) fn parse(name: &str) -> Option<Leftover> {
        let ours = name.strip_prefix(PREFIX)?;
        if let Some(log) = ours.strip_suffix(TEMPORARY) {
            return FileName::parse(log).map(Leftover::Temporary);
        }
        FileName::parse(ours.strip_suffix(LEAVING)?).map(Leftover::Leaving)
    }

    /// The name of the leftover.
    pub(crate) fn name(&self) -> String {
        match self {
            Leftover::Temporary(log) => temporary(log),
            Leftover::Leaving(log) => leaving(log),
        }
    }
}

/// The name of a log's archive.
pub(crate) fn archive_of(name: &FileName) -> FileName {
    FileName {
        gz: true,
        ..name.clone()
    }
}

/// The name that the live file of a day gets.
pub(crate) fn of_day(day: chrono::NaiveDate) -> FileName {
    FileName {
        generation: Generation::Dated(day, LineOrigin::Written),
        stem: format!("events.log.{}", day.format("%Y-%m-%d")),
        gz: false,
    }
}

/// The name of the live file.
pub(crate) fn live() -> FileName {
    FileName {
        generation: Generation::Live,
        stem: "events.log".to_owned(),
        gz: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_file_is_not_a_log_and_is_recognised() {
        let name = FileName::parse("events.log.2025-11-29.gz").expect("a log");
        for ours in [temporary(&name), leaving(&name)] {
            assert_eq!(FileName::parse(&ours), None);
            assert!(!ours.starts_with("events"));
        }
        assert_eq!(
            Leftover::parse(&temporary(&name)),
            Some(Leftover::Temporary(name.clone()))
        );
        assert_eq!(
            Leftover::parse(&leaving(&name)),
            Some(Leftover::Leaving(name))
        );
        for foreign in [".calltrace", ".calltrace-notes.tmp", "events.log.tmp"] {
            assert_eq!(Leftover::parse(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn names_that_rotations_make_are_parsed() {
        let day = chrono::NaiveDate::from_ymd_opt(2025, 11, 29).expect("a day");
        for name in [of_day(day), live()] {
            assert_eq!(FileName::parse(&name.full()), Some(name));
        }
    }
}
