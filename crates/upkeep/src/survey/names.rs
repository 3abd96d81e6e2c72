//! Names that a rotation gives: of archives, of the live file's days, and of what it has under way. The last are no
//! log's: no reader and no other program's `events*` meets them.

use calltrace_store::tree::{FileName, Generation, LineOrigin};

const PREFIX: &str = ".calltrace-";
/// Not finished: of no worth to anybody.
const TEMPORARY: &str = ".tmp";
/// A log on its way out: whole until it is gone.
const LEAVING: &str = ".gone";

/// What an unfinished file of this name is called.
pub(crate) fn temporary(name: &FileName) -> String {
    format!("{PREFIX}{}{TEMPORARY}", name.full())
}

/// What a log that is about to be removed is called.
pub(crate) fn leaving(name: &FileName) -> String {
    format!("{PREFIX}{}{LEAVING}", name.full())
}

/// What a name in the folder says of a run that died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// What was to become the file of this name.
    Temporary(FileName),
    /// The log of this name, not removed yet.
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

    /// The name that says it.
    pub(crate) fn name(&self) -> String {
        match self {
            Leftover::Temporary(log) => temporary(log),
            Leftover::Leaving(log) => leaving(log),
        }
    }
}

/// The archive of a log.
pub(crate) fn archive_of(name: &FileName) -> FileName {
    FileName {
        gz: true,
        ..name.clone()
    }
}

/// What the live file of a day is renamed to.
pub(crate) fn of_day(day: chrono::NaiveDate) -> FileName {
    FileName {
        generation: Generation::Dated(day, LineOrigin::Written),
        stem: format!("events.log.{}", day.format("%Y-%m-%d")),
        gz: false,
    }
}

/// The live file.
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
    fn what_is_under_way_is_no_log_and_is_known_again() {
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
    fn made_names_are_read_as_what_they_are() {
        let day = chrono::NaiveDate::from_ymd_opt(2025, 11, 29).expect("a day");
        for name in [of_day(day), live()] {
            assert_eq!(FileName::parse(&name.full()), Some(name));
        }
    }
}
