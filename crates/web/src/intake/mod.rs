//! The only room that adds lines to logs: one line, into the file that is current at that moment.
//!
//! ```text
//! entry      what can be logged -> an EntryLine, checked field by field (in `model`)
//! current    which file is current; opens it, or makes it
//! append     one write(2) of a whole line, behind a newline
//! ```
//!
//! No descriptor is kept: a rotation never waits for this room, and a line never goes into a file
//! that was current a moment ago. [`Intake::append`] returns when the kernel has the line, so that
//! it outlives the process; it is not synced, so a power loss may take it.

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

/// Lines that wait for one enterprise's log at one time.
const WAITING_MAX: usize = 128;

/// Why a line was not taken. What was refused may be sent again; after [`Refused::Broken`] and
/// [`Refused::Full`] a torn piece of it may stand in the log, as a line of its own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No room on the disk, or in the quota.
    #[error("the disk is full")]
    Full,
    /// The file system takes no writes.
    #[error("the disk is read-only")]
    ReadOnly,
    /// The service may not write there.
    #[error("the log may not be written to by this service")]
    NotAllowed,
    /// What has the log's name is no file.
    #[error("what has the name of the log is no regular file")]
    NotAFile,
    /// The folder that holds all logs is gone.
    #[error("the log tree is not there")]
    NoTree,
    /// Others wait for the same log.
    #[error("too many lines wait for this log")]
    Busy,
    /// The log could not be opened, or its turn did not come, before the deadline.
    #[error("the log could not be written to in time")]
    Late,
    /// Anything else, in the system's words.
    #[error("the log can't be written to: {0}")]
    Broken(String),
}

impl Refused {
    fn of(error: &io::Error) -> Refused {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded | Kind::WriteZero => Refused::Full,
            Kind::ReadOnlyFilesystem => Refused::ReadOnly,
            Kind::PermissionDenied => Refused::NotAllowed,
            Kind::IsADirectory => Refused::NotAFile,
            _ => Refused::Broken(reason(error)),
        }
    }
}

/// Adds lines to the logs of a tree.
#[derive(Debug)]
pub struct Intake {
    tree: Tree,
    zone: LogZone,
    clock: WallClock,
    lanes: Mutex<HashMap<EnterpriseName, Lane>>,
}

/// One enterprise's turn. Lines of one process go one after the other, so that none of them meets
/// the torn end of another.
type Lane = Arc<Mutex<()>>;

impl Intake {
    /// Adds to the logs of `tree`, whose record times are of `zone`; `clock` tells the day.
    pub fn new(tree: Tree, zone: LogZone, clock: WallClock) -> Intake {
        Intake {
            tree,
            zone,
            clock,
            lanes: Mutex::default(),
        }
    }

    /// The time that a record written now carries.
    pub fn now(&self) -> Stamp {
        self.zone.stamp(self.clock.utc())
    }

    /// Appends a line to the file that is current: today's `events_YYYY-MM-DD.log` if there is one,
    /// else `events.log`. A folder or file that is missing is made. Blocks; nothing is written when
    /// the line's turn comes after `deadline`.
    ///
    /// # Errors
    /// [`Refused`]; then the line is not in the log, or a piece of it that no newline ended.
    pub fn append(
        &self,
        enterprise: &EnterpriseName,
        line: &EntryLine,
        deadline: Instant,
    ) -> Result<(), Refused> {
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
    ) -> Result<(), Refused> {
        let today = self.now().naive().unwrap_or_default().date();
        let file = current::open(&self.tree, enterprise, today, deadline)?;
        if Instant::now() >= deadline {
            return Err(Refused::Late);
        }
        append::append(&file, line.bytes(), append::system)
    }

    fn lane(&self, enterprise: &EnterpriseName) -> Result<Lane, Refused> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(enterprise.clone()).or_default();
        // One is the map's.
        if Arc::strong_count(lane) > WAITING_MAX {
            return Err(Refused::Busy);
        }
        Ok(Arc::clone(lane))
    }

    /// Names that nobody writes to are not kept: callers make them up.
    fn leave(&self, enterprise: &EnterpriseName, lane: Lane) {
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
