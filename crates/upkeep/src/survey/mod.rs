//! What rotation and doctor both read of an enterprise's folder: its entries, and what can be known of a log file
//! without reading all of it.
//!
//! Each adds its own part (`more`). `rotate` finds out which processes may still write to a file and what its
//! archive holds, one file at a time, because it takes leases. `doctor` reads samples of text and looks for secrets
//! and foreign names; it takes no lease and reads files in parallel.

pub(crate) mod listing;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod names;
pub(crate) mod shipped;
pub(crate) mod times;

use std::io::{self, ErrorKind};
use std::path::Path;

use calltrace_store::error::Trouble;
use calltrace_store::fsx::Folder;
use calltrace_store::source::ContentFormat;
use calltrace_store::tree::{FileName, Generation};

use log::LogStat;
use memory::RotationMemory;
use times::day_of;

/// A writer that rotates at midnight does so with the first line of the day, which comes within this time
/// (milliseconds).
const ROTATED_MILLIS: i64 = 3_600_000;

/// The state of an enterprise's folder.
#[derive(Debug, Clone)]
pub(crate) struct Survey<P, F> {
    /// The log files, in reading order.
    pub(crate) files: Vec<SurveyedFile<F>>,
    pub(crate) memory: RotationMemory,
    /// Logs that no longer exist and still have an index.
    pub(crate) orphans: Vec<FileName>,
    /// What could not be read.
    pub(crate) troubles: Vec<Trouble>,
    /// What only `rotate` or only `doctor` knows of the folder.
    pub(crate) more: P,
}

/// A log file of a survey.
#[derive(Debug, Clone)]
pub(crate) struct SurveyedFile<F> {
    pub(crate) log: LogStat,
    /// What only `rotate` or only `doctor` knows of the file.
    pub(crate) more: F,
}

impl<P, F> Survey<P, F> {
    /// A survey without files.
    pub(crate) fn new(more: P) -> Survey<P, F> {
        Survey {
            files: Vec::new(),
            memory: RotationMemory::default(),
            orphans: Vec::new(),
            troubles: Vec::new(),
            more,
        }
    }

    /// Notes what could not be done with a file or folder, as in "can't `operation`".
    pub(crate) fn cant(&mut self, path: &Path, op: &str, error: &io::Error) {
        self.troubles.push(Trouble::cant(path, op, error));
    }

    /// Reads what rotations remember of the folder.
    pub(crate) fn remember(&mut self, folder: &Folder) {
        match RotationMemory::of(folder) {
            Ok(memory) => self.memory = memory,
            Err(trouble) => self.troubles.push(trouble),
        }
    }

    /// Adds a log file that was read. A file that was renamed or removed since it was listed is left out; any other
    /// error is noted, as in "can't `op`".
    pub(crate) fn add(
        &mut self,
        folder: &Folder,
        name: &FileName,
        op: &str,
        looked: io::Result<SurveyedFile<F>>,
    ) {
        match looked {
            Ok(seen) => self.files.push(seen),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => self.cant(&folder.path_of(&name.full()), op, &error),
        }
    }

    /// `events.log`.
    pub(crate) fn live(&self) -> Option<&SurveyedFile<F>> {
        self.files.iter().find(|seen| seen.is_events_log())
    }

    /// Whether a log file has the name that a writer gives `events.log` at midnight, and rotation did not give it.
    pub(crate) fn is_by_writer(&self, seen: &SurveyedFile<F>) -> bool {
        let log = &seen.log;
        let is_ours = self.memory.renamed.contains(&log.name);
        let is_dated = log.name.day().is_some() && log.name.stem.starts_with("events.log.");
        is_dated && !is_ours && !log.is_live_too
    }

    /// Whether the writer of the live file rotates it: there are, or once were, dated files that rotation did not
    /// make. Old signs do not count if the live file goes on over midnight.
    pub(crate) fn rotates_itself(&self) -> bool {
        let has_dated = |form| {
            let mut files = self.files.iter();
            files.any(|seen| seen.log.form == form && self.is_by_writer(seen))
        };
        if has_dated(ContentFormat::Plain) {
            return true;
        }
        let times = self
            .live()
            .and_then(|live| live.log.first.zip(live.log.last));
        let goes_over_midnight = times.is_some_and(|(first, last)| {
            day_of(first) < day_of(last)
                && day_of(first) < day_of(last.plus_millis(-ROTATED_MILLIS))
        });
        (self.memory.rotates_itself || has_dated(ContentFormat::Gzip)) && !goes_over_midnight
    }
}

impl<F> SurveyedFile<F> {
    pub(crate) fn is_events_log(&self) -> bool {
        self.log.name.generation == Generation::Live && !self.log.name.gz
    }
}
