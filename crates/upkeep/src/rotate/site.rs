//! Where a rotation works and with what: one enterprise's folder, and the means.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::Arc;

use rayon::ThreadPool;

use super::gate::Gate;
use super::{Policy, Watch};
use calltrace_model::record::{LogZone, Stamp};
use calltrace_store::fsx::{DiskOps, Folder, Purpose, WallClock, refuse_holes};
use calltrace_store::index;
use calltrace_store::source::Source;
use calltrace_store::tree::{EnterpriseName, FileName, LogFile};

pub(super) struct Site<'s> {
    pub(super) enterprise: &'s EnterpriseName,
    pub(super) folder: Folder,
    pub(super) zone: LogZone,
    pub(super) policy: &'s Policy,
    pub(super) ops: &'s dyn DiskOps,
    pub(super) pool: &'s ThreadPool,
    pub(super) clock: &'s WallClock,
    pub(super) gate: &'s Gate,
    pub(super) watch: &'s Watch<'s>,
}

/// A log file as it was when it was opened.
pub(super) struct Opened {
    pub(super) source: Source,
    pub(super) metadata: Metadata,
}

impl Opened {
    pub(super) fn log(&self) -> &Arc<LogFile> {
        &self.source.log
    }

    /// Whether nobody has added to the file or changed it since.
    pub(super) fn is_as_it_was(&self) -> io::Result<bool> {
        let now = self.log().file.metadata()?;
        Ok((now.len(), now.modified()?) == (self.metadata.len(), self.metadata.modified()?))
    }
}

impl Site<'_> {
    /// The path of the enterprise's log of this name, for messages.
    pub(super) fn path(&self, name: &FileName) -> PathBuf {
        self.folder.path_of(&name.full())
    }

    /// The folder for what is ours. A dry run may have none.
    pub(super) fn own_folder(&self) -> io::Result<Folder> {
        self.folder.subfolder(index::FOLDER)
    }

    /// The path of a file of ours, for messages.
    pub(super) fn own_path(&self, name: &str) -> PathBuf {
        self.folder.path().join(index::FOLDER).join(name)
    }

    /// Opens a log file for reading, and nothing else in its place: no link, no FIFO.
    pub(super) fn open(&self, name: &FileName) -> io::Result<Opened> {
        self.open_as(name, &name.full())
    }

    /// The same of a log file that may be missing.
    pub(super) fn open_if_there(&self, name: &FileName) -> io::Result<Option<Opened>> {
        match self.open(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Opens the file called `there` as if it had the name `name` already.
    pub(super) fn open_as(&self, name: &FileName, there: &str) -> io::Result<Opened> {
        let (file, metadata) = self.folder.open_file(there, Purpose::Read)?;
        refuse_holes(&file, &metadata)?;
        self.opened(name, there, file)
    }

    /// An open file as a log file.
    pub(super) fn opened(&self, name: &FileName, there: &str, file: File) -> io::Result<Opened> {
        let metadata = file.metadata()?;
        let log = LogFile::of(&self.folder, name.clone(), there, file, &metadata);
        Ok(Opened {
            source: Source::open(Arc::new(log))?,
            metadata,
        })
    }

    /// Now, as a record written now would say it.
    pub(super) fn now(&self) -> Stamp {
        self.zone.stamp(self.clock.utc())
    }
}
