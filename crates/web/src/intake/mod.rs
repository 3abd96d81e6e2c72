//! The only part of the crate that adds lines to logs: one line, into the file that is current at that
//! moment.
//!
//! ```text
//! entry      what can be logged -> an EntryLine, checked field by field (in `model`)
//! current    which file is current; opens it, or makes it
//! append     one write(2) of a whole line, after a newline
//! ```
//!
//! No descriptor is kept: a rotation never waits for this module, and no line goes into a file that is no
//! longer current. [`Intake::append`] returns when the kernel has accepted the line, so the line survives the
//! end of the process; it is not synced, so a power loss may lose it.

mod append;
mod current;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use calltrace_model::record::{LogZone, Stamp};
use calltrace_store::error::reason;
use calltrace_store::fsx::WallClock;
use calltrace_store::tree::{EnterpriseName, Tree};

pub use calltrace_model::entry::{Entry, EntryError, EntryKind, EntryLine, LINE_BYTES_MAX};

/// Lines that wait for one enterprise's log at a time.
const WAITING_MAX: usize = 128;

/// Why a line was not written. The same line may be sent again; after [`AppendError::Broken`] and
/// [`AppendError::Full`] a torn piece of it may be in the log, as a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// There is no room on the disk, or in the quota.
    #[error("the disk is full")]
    Full,
    /// The file system is read-only.
    #[error("the disk is read-only")]
    ReadOnly,
    /// The process may not write there.
    #[error("no permission to write to the log")]
    NotAllowed,
    /// The log's name belongs to something that is not a regular file.
    #[error("the log is not a regular file")]
    NotAFile,
    /// The root folder of the log tree is missing.
    #[error("the log tree does not exist")]
    NoTree,
    /// Too many other lines wait for the same log.
    #[error("too many lines wait for this log")]
    Busy,
    /// The log could not be opened, or the line's turn did not come, before the deadline.
    #[error("the log could not be written to in time")]
    Late,
    /// Any other error, in the system's words.
    #[error("the log can't be written to: {0}")]
    Broken(String),
}

impl AppendError {
    fn of(error: &io::Error) -> AppendError {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::WriteZero => AppendError::Full,
            Kind::ReadOnlyFilesystem => AppendError::ReadOnly,
            Kind::PermissionDenied => AppendError::NotAllowed,
            Kind::IsADirectory => AppendError::NotAFile,
            _ => AppendError::Broken(reason(error)),
        }
    }
}

/// Adds lines to the logs of a tree.
#[derive(Debug)]
pub struct Intake {
    tree: Tree,
    zone: LogZone,
    clock: WallClock,
    lanes: Mutex<HashMap<EnterpriseName, LogLock>>,
}

/// The lock of one enterprise's log. Lines of this process are written one after the other, so that none of
/// them meets the torn end of another.
type LogLock = Arc<Mutex<()>>;

impl Intake {
    /// Adds to the logs of `tree`; record times are in `zone`, and `clock` gives the time.
    pub fn new(tree: Tree, zone: LogZone, clock: WallClock) -> Intake {
        Intake {
            tree,
            zone,
            clock,
            lanes: Mutex::default(),
        }
    }

    /// Returns the time that a record written now gets.
    pub fn now(&self) -> Stamp {
        self.zone.stamp(self.clock.utc())
    }

    /// Appends a line to the current file: today's `events_YYYY-MM-DD.log` if it exists, otherwise
    /// `events.log`. A missing folder or file is made. The call blocks; nothing is written when the turn of
    /// the line comes after `deadline`.
    ///
    /// # Errors
    /// Returns [`AppendError`]; then the log does not hold the line, or holds only a piece of it without
    /// a newline.
    pub fn append(
        &self,
        enterprise: &EnterpriseName,
        line: &EntryLine,
        deadline: Instant,
    ) -> Result<(), AppendError> {
        let lane = self.lane(enterprise)?;
        let written = {
            let _turn = lane.lock().unwrap_or_else(PoisonError::into_inner);
            self.write(enterprise, line, deadline)
        };
        self.leave(enterprise, lane);
        written
    }

    fn write(
        &self,
        enterprise: &EnterpriseName,
        line: &EntryLine,
        deadline: Instant,
    ) -> Result<(), AppendError> {
        let today = self.now().naive().unwrap_or_default().date();
        let file = current::open(&self.tree, enterprise, today, deadline)?;
        if Instant::now() >= deadline {
            return Err(AppendError::Late);
        }
        append::append(&file, line.bytes(), append::system)
    }

    fn lane(&self, enterprise: &EnterpriseName) -> Result<LogLock, AppendError> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(enterprise.clone()).or_default();
        // The map holds one of the references.
        if Arc::strong_count(lane) > WAITING_MAX {
            return Err(AppendError::Busy);
        }
        Ok(Arc::clone(lane))
    }

    /// Removes names that no thread writes to, because callers choose the names.
    fn leave(&self, enterprise: &EnterpriseName, lane: LogLock) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        drop(lane);
        if lanes
            .get(enterprise)
            .is_some_and(|lane| Arc::strong_count(lane) == 1)
        {
            lanes.remove(enterprise);
        }
    }
}

#[cfg(test)]
mod tests;
