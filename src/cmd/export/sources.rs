//! The log files that an export reads, and the time of their last change.

use super::super::App;
use calltrace_engine::Corpus;
use calltrace_model::record::Stamp;
use calltrace_store::error::Trouble;
use calltrace_store::tree::EnterpriseName;

/// All log files of an export, examined before they are read.
#[derive(Debug, Default)]
pub(super) struct LogSources {
    files: Vec<LogSource>,
    /// Some file could not be examined.
    is_blind: bool,
}

/// A log file with the times of its first and last record, if they are known.
#[derive(Debug)]
struct LogSource {
    first: Option<Stamp>,
    last: Option<Stamp>,
    /// The inode change time (nanoseconds of Unix time). Unlike the modification time it can't be set, so a log that
    /// is restored with its old time counts as changed.
    changed: i64,
}

impl LogSources {
    pub(super) fn look(app: &App, enterprises: &[EnterpriseName]) -> LogSources {
        let mut sources = LogSources::default();
        for enterprise in enterprises {
            let Ok(corpus) = Corpus::open(&app.tree, enterprise, &app.engine) else {
                sources.is_blind = true;
                continue;
            };
            sources.is_blind |= Trouble::any_matters(&corpus.troubles);
            for (source, bounds) in corpus.sources.iter().zip(&corpus.bounds) {
                match source.log.file.state() {
                    Ok(state) if state.bytes > 0 => sources.files.push(LogSource {
                        first: bounds.first,
                        last: bounds.last,
                        changed: state.changed,
                    }),
                    Ok(_) => {}
                    Err(_) => sources.is_blind = true,
                }
            }
        }
        sources
    }

    /// The earliest known time of a record.
    pub(super) fn first(&self) -> Option<Stamp> {
        self.files.iter().filter_map(|source| source.first).min()
    }

    /// Whether a file may hold calls of this period; true if that is not known.
    pub(super) fn may_hold(&self, from: Option<Stamp>, to: Option<Stamp>) -> bool {
        self.changed(from, to) != Some(0)
    }

    /// The last change of a file that may hold calls of this period (nanoseconds of Unix time; 0 without such a file).
    /// A removed file is not a change. `None` if a file could not be examined.
    pub(super) fn changed(&self, from: Option<Stamp>, to: Option<Stamp>) -> Option<i64> {
        let may_hold = |source: &&LogSource| {
            let begins_later = source.first.zip(to).is_some_and(|(first, to)| first >= to);
            let ends_before = source
                .last
                .zip(from)
                .is_some_and(|(last, from)| last < from);
            !begins_later && !ends_before
        };
        let changed = self
            .files
            .iter()
            .filter(may_hold)
            .map(|source| source.changed);
        (!self.is_blind).then(|| changed.max().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_that_may_hold_a_time_count() {
        let source = |first: i64, last: i64, changed| LogSource {
            first: (first > 0).then_some(Stamp(first)),
            last: (last > 0).then_some(Stamp(last)),
            changed,
        };
        let mut sources = LogSources {
            files: vec![source(10, 20, 1), source(20, 30, 2), source(30, 0, 3)],
            is_blind: false,
        };
        let changed =
            |sources: &LogSources, from, to| sources.changed(Some(Stamp(from)), Some(Stamp(to)));
        assert_eq!(changed(&sources, 10, 20), Some(1));
        assert_eq!(changed(&sources, 20, 30), Some(2));
        assert_eq!(changed(&sources, 25, 31), Some(3));
        assert_eq!(changed(&sources, 1, 5), Some(0));
        assert_eq!(sources.changed(None, None), Some(3));
        assert_eq!(sources.first(), Some(Stamp(10)));
        sources.files.push(source(0, 5, 9));
        assert_eq!(changed(&sources, 10, 20), Some(1));
        assert_eq!(changed(&sources, 1, 2), Some(9));
        sources.is_blind = true;
        assert_eq!(sources.changed(None, None), None);
    }
}
