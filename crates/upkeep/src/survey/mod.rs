//! One look at an enterprise's folder, for rotation and for the doctor: what lies there by its name, and what can
//! be told of a log file without reading all of it.
//!
//! Here is what both want to know. Each adds its own (`more`): who may still add to a file and what its archive
//! holds, `rotate` finds out, a file at a time, as it takes leases; samples of text, secrets and names of others,
//! `doctor`, which takes none and looks at files side by side.

pub(crate) mod listing;
pub(crate) mod log;
pub(crate) mod memory;
pub(crate) mod names;
pub(crate) mod times;

use std::io::{self, ErrorKind};
use std::path::Path;

use calltrace_store::error::Trouble;
use calltrace_store::fsx::Folder;
use calltrace_store::source::ContentFormat;
use calltrace_store::tree::{FileName, Generation};

use log::Log;
use memory::Memory;
use times::day_of;

/// A writer that rotates at midnight has done so by then (milliseconds): it does it with the first
/// line of the day.
const ROTATED_MILLIS: i64 = 3_600_000;

/// What there is in an enterprise's folder.
#[derive(Debug, Clone)]
pub(crate) struct Survey<P, F> {
    /// The log files, in reading order.
    pub(crate) files: Vec<Seen<F>>,
    pub(crate) memory: Memory,
    /// Logs that are gone and still have an index.
    pub(crate) orphans: Vec<FileName>,
    /// What could not be looked at.
    pub(crate) troubles: Vec<Trouble>,
    /// What only the one who looks wants to know of the folder.
    pub(crate) more: P,
}

/// A log file as it was found.
#[derive(Debug, Clone)]
pub(crate) struct Seen<F> {
    pub(crate) log: Log,
    /// What only the one who looks wants to know of the file.
    pub(crate) more: F,
}

impl<P, F> Survey<P, F> {
    /// A survey that knows of no file yet.
    pub(crate) fn new(more: P) -> Survey<P, F> {
        Survey {
            files: Vec::new(),
            memory: Memory::default(),
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
        match Memory::of(folder) {
            Ok(memory) => self.memory = memory,
            Err(trouble) => self.troubles.push(trouble),
        }
    }

    /// Takes in a log file that was looked at. One that was renamed or removed by somebody since it was
    /// listed is passed over; what could not be done with any other is said as in "can't `operation`".
    pub(crate) fn add(
        &mut self,
        folder: &Folder,
        name: &FileName,
        op: &str,
        looked: io::Result<Seen<F>>,
    ) {
        match looked {
            Ok(seen) => self.files.push(seen),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => self.cant(&folder.path_of(&name.full()), op, &error),
        }
    }

    /// `events.log`.
    pub(crate) fn live(&self) -> Option<&Seen<F>> {
        self.files.iter().find(|seen| seen.is_events_log())
    }

    /// Whether a log file bears the name that a writer gives `events.log` at midnight, and not from us.
    pub(crate) fn is_by_writer(&self, seen: &Seen<F>) -> bool {
        let log = &seen.log;
        let is_ours = self.memory.renamed.contains(&log.name);
        let is_dated = log.name.day().is_some() && log.name.stem.starts_with("events.log.");
        is_dated && !is_ours && !log.is_live_too
    }

    /// Whether the writer of the live file rotates it: there are dated files that nobody here made, or
    /// were once. Of what is long past, a live file that goes on over midnight proves the opposite.
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

impl<F> Seen<F> {
    pub(crate) fn is_events_log(&self) -> bool {
        self.log.name.generation == Generation::Live && !self.log.name.gz
    }
}
