//! The set of an enterprise's files, opened so that a rotation can't change the answer.
//!
//! Files are opened first and examined through their descriptors afterwards, so a rename or an
//! unlink in between is harmless. Then the folder is listed again: if a name, an inode or a smaller
//! size shows that something moved meanwhile, the whole set is opened again.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{Days, NaiveTime};

use super::{EnterpriseName, FileName, Tree, leads_to_sealed, list, list_all};
use crate::error::{Error, TimeRange, Trouble};
use crate::fsx::{FileIdentity, Folder, NotAFile, refuse_holes};
use calltrace_model::record::Stamp;

/// A set that moves this often while it is being opened is used as it is.
const OPEN_TRIES: usize = 5;

/// Bytes that show whether a file still begins as it did: more than a line's time and id.
const HEAD_BYTES: usize = 128;

/// The time zone that is furthest ahead of UTC (milliseconds).
const ZONE_MILLIS_MAX: i64 = 14 * 3_600_000;

/// A file may hold records of its name's day and this many days after it: a worker that has not
/// rotated yet writes the next day's records into it.
const DAYS_BEHIND_NAME: u64 = 1;

/// One log file, open.
#[derive(Debug)]
pub struct LogFile {
    /// Its parsed name.
    pub name: FileName,
    /// The path it was found at, for messages.
    pub path: PathBuf,
    pub folder: Folder,
    /// The open file: reads continue to work after a rename or an unlink.
    pub file: File,
    /// Bytes in the file when it was opened; what a writer appends later is not read.
    pub bytes: u64,
    pub identity: FileIdentity,
}

/// An enterprise's log files, all open, in reading order.
#[derive(Debug)]
pub struct Snapshot {
    /// The enterprise that they belong to.
    pub enterprise: EnterpriseName,
    folder: Folder,
    pub files: Vec<Arc<LogFile>>,
    /// The files that could not be opened.
    pub troubles: Vec<Trouble>,
    /// Files that were listed but no longer there to be opened, because of a rotation.
    pub gone: Vec<PathBuf>,
    /// The first bytes of each plain file: they move when its front is collapsed.
    heads: Vec<Vec<u8>>,
}

impl Snapshot {
    /// Opens the log files of an enterprise.
    ///
    /// # Errors
    /// When its folder can't be opened or listed.
    pub fn of(tree: &Tree, enterprise: &EnterpriseName) -> Result<Snapshot, Error> {
        let folder = tree.folder(enterprise);
        let fail = |error| Error::io(&tree.path(enterprise), "open the folder", error);
        Snapshot::open(enterprise, &folder.map_err(fail)?)
    }

    /// Opens the log files of `folder`.
    ///
    /// # Errors
    /// When the folder can't be listed. A file that can't be opened is a trouble, not an error.
    pub fn open(enterprise: &EnterpriseName, folder: &Folder) -> Result<Snapshot, Error> {
        let mut tries = 1;
        loop {
            let snapshot = Self::open_once(enterprise, folder)
                .map_err(|error| Error::io(folder.path(), "list the folder", error))?;
            if tries == OPEN_TRIES || !snapshot.has_moved() {
                return Ok(snapshot);
            }
            tries += 1;
        }
    }

    /// Opens some of the log files of `folder`, for a caller that itself handles the rest and files
    /// that move.
    ///
    /// # Errors
    /// When one of them does not exist or can't be opened.
    pub fn open_some(
        enterprise: &EnterpriseName,
        folder: &Folder,
        names: &[FileName],
    ) -> io::Result<Snapshot> {
        let open = |name: &FileName| LogFile::open_whole(folder, name.clone()).map(Arc::new);
        let files: Vec<Arc<LogFile>> = names.iter().map(open).collect::<io::Result<_>>()?;
        Ok(Snapshot {
            enterprise: enterprise.clone(),
            folder: folder.clone(),
            heads: files.iter().map(|log| log.head()).collect(),
            files,
            troubles: Vec::new(),
            gone: Vec::new(),
        })
    }

    fn open_once(enterprise: &EnterpriseName, folder: &Folder) -> io::Result<Snapshot> {
        let mut snapshot = Snapshot {
            enterprise: enterprise.clone(),
            folder: folder.clone(),
            files: Vec::new(),
            troubles: Vec::new(),
            gone: Vec::new(),
            heads: Vec::new(),
        };
        let (names, unread) = list_all(folder)?;
        for log in unread {
            let path = folder.path_of(&log.name);
            snapshot.troubles.push(Trouble {
                hides: Some(written_before_change(folder, &log.name)),
                ..Trouble::new(&path, log.why())
            });
        }
        for name in names {
            let full = name.full();
            let path = folder.path_of(&full);
            match LogFile::open_whole(folder, name) {
                Ok(log) => {
                    snapshot.heads.push(log.head());
                    snapshot.files.push(Arc::new(log));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    snapshot.gone.push(path);
                }
                Err(error)
                    if NotAFile::of(&error) == Some(NotAFile::DeadLink)
                        && leads_to_sealed(folder, &full) => {}
                Err(error) => {
                    snapshot.troubles.push(Trouble {
                        hides: Some(written_before_change(folder, &full)),
                        ..Trouble::cant(&path, "be read", &error)
                    });
                }
            }
        }
        Ok(snapshot)
    }

    /// The same snapshot with these of its files: some left out, some cut. [`Snapshot::has_moved`]
    /// works on the whole one only.
    pub fn with_files(&self, files: Vec<Arc<LogFile>>) -> Snapshot {
        Snapshot {
            enterprise: self.enterprise.clone(),
            folder: self.folder.clone(),
            heads: files.iter().map(|log| log.head()).collect(),
            files,
            troubles: self.troubles.clone(),
            gone: self.gone.clone(),
        }
    }

    /// The folder of the files.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Whether the folder no longer holds the set that was opened: a name came or went, a name
    /// stands for another inode, a file shrank or begins with other bytes. Growth does not count.
    pub fn has_moved(&self) -> bool {
        let Ok(names) = list(&self.folder) else {
            return true;
        };
        let now = names.iter().filter_map(|name| {
            let stat = self.folder.look_current(&name.full()).ok()?;
            let bytes = u64::try_from(stat.st_size).unwrap_or_default();
            Some((name, FileIdentity::of_stat(&stat), bytes))
        });
        let begins_as_before =
            |(log, head): (&Arc<LogFile>, &Vec<u8>)| log.head().starts_with(head.as_slice());
        if !self.files.iter().zip(&self.heads).all(begins_as_before) {
            return true;
        }
        let mut ours = self.files.iter();
        for (name, identity, bytes) in now {
            let unreadable = self
                .troubles
                .iter()
                .any(|t| t.path == self.folder.path_of(&name.full()));
            if unreadable {
                continue;
            }
            match ours.next() {
                Some(f) if f.name == *name && f.identity == identity && f.bytes <= bytes => {}
                _ => return true,
            }
        }
        ours.next().is_some()
    }
}

/// The times that records of a file can have when the file can't be opened.
fn written_before_change(folder: &Folder, name: &str) -> TimeRange {
    let stat = folder.look_current(name);
    TimeRange {
        from: None,
        to: stat.ok().map(|stat| no_later_than(stat.st_mtime)),
    }
}

/// The latest time, in any zone, of a record in a file that was last changed at `changed` (seconds
/// of Unix time).
fn no_later_than(changed: i64) -> Stamp {
    Stamp(changed.saturating_mul(1000)).plus_millis(ZONE_MILLIS_MAX)
}

impl LogFile {
    /// The latest time that a record of the file can have, from its modification time and its name;
    /// `seen` is the latest time that was seen in it. The name counts only if `seen` does not
    /// contradict it.
    pub fn written_until(&self, seen: Option<Stamp>) -> Option<Stamp> {
        let changed = self.file.metadata().ok().map(|meta| meta.mtime());
        let by_name = || {
            seen?;
            let behind = self
                .name
                .day()?
                .checked_add_days(Days::new(DAYS_BEHIND_NAME + 1))?;
            Some(Stamp(
                behind.and_time(NaiveTime::MIN).and_utc().timestamp_millis(),
            ))
        };
        let all = [changed.map(no_later_than), by_name()];
        let is_possible = |until: &Stamp| seen.is_none_or(|seen| seen <= *until);
        all.into_iter().flatten().filter(is_possible).min()
    }

    /// The current first bytes of a file that may be collapsed at its front.
    fn head(&self) -> Vec<u8> {
        if self.name.gz {
            return Vec::new();
        }
        let mut head = vec![0; HEAD_BYTES];
        let got = self.file.read_at(&mut head, 0).unwrap_or(0);
        head.truncate(got);
        head
    }

    /// The same file, cut to the first `bytes`.
    ///
    /// # Errors
    /// When there are no more descriptors.
    pub fn cut(&self, bytes: u64) -> io::Result<LogFile> {
        Ok(LogFile {
            name: self.name.clone(),
            path: self.path.clone(),
            folder: self.folder.clone(),
            file: self.file.try_clone()?,
            bytes: bytes.min(self.bytes),
            identity: self.identity,
        })
    }

    /// As [`LogFile::open`], for callers that read the whole file: one that is mostly holes would
    /// take forever.
    fn open_whole(folder: &Folder, name: FileName) -> io::Result<LogFile> {
        let log = LogFile::open(folder, name)?;
        refuse_holes(&log.file, &log.file.metadata()?)?;
        Ok(log)
    }

    /// Opens the file `name` in `folder`.
    ///
    /// # Errors
    /// When it can't be opened or is no regular file.
    pub fn open(folder: &Folder, name: FileName) -> io::Result<LogFile> {
        let there = name.full();
        let (file, metadata) = folder.open_current(&there)?;
        Ok(LogFile::of(folder, name, &there, file, &metadata))
    }

    /// An open file as the log `name`; its name in `folder` is `there`.
    pub fn of(
        folder: &Folder,
        name: FileName,
        there: &str,
        file: File,
        metadata: &Metadata,
    ) -> LogFile {
        LogFile {
            name,
            path: folder.path_of(there),
            folder: folder.clone(),
            file,
            bytes: metadata.len(),
            identity: FileIdentity::of(metadata),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn open(folder: &Path) -> Snapshot {
        let name = EnterpriseName::new("0367").expect("a name");
        let folder = Folder::open(folder).expect("a folder");
        Snapshot::open(&name, &folder).expect("listed")
    }

    #[test]
    fn rename_growth_and_shrinking_are_told_apart() {
        let dir = tempfile::tempdir().expect("a folder");
        let live = dir.path().join("events.log");
        fs::write(&live, "one\n").expect("written");
        let snapshot = open(dir.path());
        assert!(!snapshot.has_moved());
        fs::write(&live, "one\ntwo\n").expect("grown in place");
        assert!(!snapshot.has_moved());
        fs::write(&live, "").expect("truncated");
        assert!(snapshot.has_moved());

        let snapshot = open(dir.path());
        fs::rename(&live, dir.path().join("events.log.2025-11-29")).expect("renamed");
        assert!(snapshot.has_moved());
    }

    #[test]
    fn what_is_no_file_is_named_and_does_not_hang() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("events.log")).expect("made");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            dir.path().join("events.log.1"),
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
            0,
        )
        .expect("a fifo");
        fs::write(dir.path().join("events.log.bak"), "x").expect("written");
        let snapshot = open(dir.path());
        assert!(snapshot.files.is_empty());
        assert_eq!(snapshot.troubles.len(), 2, "{:?}", snapshot.troubles);
        assert!(!snapshot.has_moved());
    }
}
