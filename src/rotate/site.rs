//! Where a rotation works and with what: one enterprise's folder, and the means.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use rayon::ThreadPool;
use rustix::fs::OFlags;

use super::gate::Gate;
use super::{Policy, Watch};
use crate::error::Error;
use crate::fsx::{Access, Deeds, FileIdentity, WallClock};
use crate::index;
use crate::record::{LogZone, Stamp};
use crate::source::Source;
use crate::tree::{EnterpriseName, FileName, LogFile};

pub(super) struct Site<'s> {
    pub(super) enterprise: &'s EnterpriseName,
    pub(super) folder: PathBuf,
    pub(super) zone: LogZone,
    pub(super) policy: &'s Policy,
    pub(super) deeds: &'s dyn Deeds,
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
    /// Where the enterprise's logs of this name are.
    pub(super) fn path(&self, name: &FileName) -> PathBuf {
        self.folder.join(name.full())
    }

    pub(super) fn own_folder(&self) -> PathBuf {
        self.folder.join(index::FOLDER)
    }

    /// Makes the folder for what is ours, unless it is there, with the owner of the logs' folder.
    pub(super) fn make_own_folder(&self) -> Result<(), Error> {
        let path = self.own_folder();
        let made = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => return Ok(()),
            // A link here would lead our writing anywhere.
            Ok(_) => Err(io::Error::new(
                ErrorKind::NotADirectory,
                "it is not a folder",
            )),
            Err(error) if error.kind() == ErrorKind::NotFound => self.make_folder_like(&path),
            Err(error) => Err(error),
        };
        made.map_err(|error| Error::io(&path, "make the folder", error))
    }

    fn make_folder_like(&self, path: &Path) -> io::Result<()> {
        self.deeds.make_folder(path)?;
        let access = Access::of(&fs::metadata(&self.folder)?);
        let own = File::open(path)?;
        // Of no consequence if it fails: then the folder is that of whoever runs us.
        let _ = self.deeds.set_access(&own, access);
        self.deeds.sync_folder(&self.folder)
    }

    /// Opens a log file for reading, and nothing else in its place: no link, no FIFO.
    pub(super) fn open(&self, name: &FileName) -> io::Result<Opened> {
        self.open_as(name, &self.path(name))
    }

    /// Opens the file at `path` as if it had the name already.
    pub(super) fn open_as(&self, name: &FileName, path: &Path) -> io::Result<Opened> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits().cast_signed())
            .open(path)?;
        self.opened(name, path, file)
    }

    /// An open file as a log file.
    pub(super) fn opened(&self, name: &FileName, path: &Path, file: File) -> io::Result<Opened> {
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        let log = LogFile {
            name: name.clone(),
            path: path.to_owned(),
            file,
            bytes: metadata.len(),
            identity: FileIdentity::of(&metadata),
        };
        Ok(Opened {
            source: Source::open(Arc::new(log))?,
            metadata,
        })
    }

    /// Now, as a record written now would say it.
    pub(super) fn now(&self) -> Stamp {
        self.zone.stamp(self.clock.utc())
    }

    /// The day of a record's time.
    pub(super) fn day(at: Stamp) -> NaiveDate {
        at.naive().unwrap_or_default().date()
    }
}
