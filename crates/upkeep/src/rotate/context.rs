//! What the steps of a rotation work with: one enterprise's folder, the policy, the clock, the disk operations.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use rayon::ThreadPool;

use super::semaphore::Semaphore;
use super::{Policy, RotationWatcher};
use calltrace_model::record::{LogZone, Stamp};
use calltrace_store::fsx::{DiskOps, Folder, Purpose, WallClock, refuse_holes};
use calltrace_store::index;
use calltrace_store::source::Source;
use calltrace_store::tree::{EnterpriseName, FileName, LogFile};

pub(crate) struct RotationContext<'s> {
    pub(crate) enterprise: &'s EnterpriseName,
    pub(crate) folder: Folder,
    pub(crate) zone: LogZone,
    pub(crate) policy: &'s Policy,
    pub(crate) ops: &'s dyn DiskOps,
    pub(crate) pool: &'s ThreadPool,
    pub(crate) clock: &'s WallClock,
    pub(crate) semaphore: &'s Semaphore,
    pub(crate) watch: &'s RotationWatcher<'s>,
}

/// A log file as it was when it was opened.
pub(crate) struct OpenLog {
    pub(crate) source: Source,
    pub(crate) metadata: Metadata,
}

impl OpenLog {
    pub(crate) fn log(&self) -> &Arc<LogFile> {
        &self.source.log
    }

    pub(crate) fn file(&self) -> &File {
        let local = self.log().file.local();
        local.expect("a rotation opens files of a folder")
    }

    /// Whether the file is unchanged since.
    pub(crate) fn is_as_it_was(&self) -> io::Result<bool> {
        let now = self.file().metadata()?;
        Ok((now.len(), now.modified()?) == (self.metadata.len(), self.metadata.modified()?))
    }
}

impl RotationContext<'_> {
    /// The path of the enterprise's log of this name, for messages.
    pub(crate) fn path(&self, name: &FileName) -> PathBuf {
        self.folder.path_of(&name.full())
    }

    /// `.calltrace`. It may be missing in a dry run.
    pub(crate) fn own_folder(&self) -> io::Result<Folder> {
        self.folder.subfolder(index::FOLDER)
    }

    /// The path of a file in `.calltrace`, for messages.
    pub(crate) fn own_path(&self, name: &str) -> PathBuf {
        self.folder.path().join(index::FOLDER).join(name)
    }

    /// Opens a log file for reading, and nothing else in its place: no link, no FIFO.
    pub(crate) fn open(&self, name: &FileName) -> io::Result<OpenLog> {
        self.open_as(name, &name.full())
    }

    /// Opens a log file that may be missing.
    pub(crate) fn open_if_there(&self, name: &FileName) -> io::Result<Option<OpenLog>> {
        match self.open(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Opens the file called `there` as if it had the name `name` already.
    pub(crate) fn open_as(&self, name: &FileName, there: &str) -> io::Result<OpenLog> {
        let (file, metadata) = self.folder.open_file(there, Purpose::Read)?;
        refuse_holes(&file, &metadata)?;
        self.opened(name, there, file)
    }

    /// An open file as a log file.
    pub(crate) fn opened(&self, name: &FileName, there: &str, file: File) -> io::Result<OpenLog> {
        let metadata = file.metadata()?;
        let log = LogFile::of(&self.folder, name.clone(), there, file, &metadata);
        Ok(OpenLog {
            source: Source::open(Arc::new(log))?,
            metadata,
        })
    }

    /// Now, as the time of a record.
    pub(crate) fn now(&self) -> Stamp {
        self.zone.stamp(self.clock.utc())
    }
}
