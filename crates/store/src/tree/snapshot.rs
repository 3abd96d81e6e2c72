//! The set of an enterprise's files, opened so that a rotation can't change the answer.
//!
//! Files are opened first and examined through their descriptors afterwards, so a rename or an
//! unlink in between is harmless. Then the folder is listed again: if a name, an inode or a smaller
//! size shows that something moved meanwhile, the whole set is opened again.

use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{Days, NaiveTime};

use super::shipped::{ShippedDays, ShippedFile};
use super::{EnterpriseName, FileName, Tree, leads_to_sealed, list, list_all};
use crate::error::{Error, TimeRange, Trouble};
use crate::fsx::{FileIdentity, Folder, NotAFile, refuse_holes};
use crate::object::{StoredFile, identity_of};
use calltrace_model::record::Stamp;

/// A set that moves this often while it is being opened is used as it is.
const OPEN_TRIES: usize = 5;

/// Bytes that show whether a file still begins as it did: more than a line's time and id.
const HEAD_BYTES: usize = 128;

/// The time zone that is furthest ahead of UTC (milliseconds).
const ZONE_MILLIS_MAX: i64 = 14 * 3_600_000;

/// A file may hold records of its name's day and this many days after it: a worker that has not
/// rotated yet writes the next day's records into it.
const DAYS_AFTER_NAME: u64 = 1;

/// One log file, open.
#[derive(Debug)]
pub struct LogFile {
    /// Its parsed name.
    pub name: FileName,
    /// The path it was found at, for messages.
    pub path: PathBuf,
    pub place: LogPlace,
    /// The open file: reads continue to work after a rename or an unlink.
    pub file: StoredFile,
    /// Bytes in the file when it was opened; what a writer appends later is not read.
    pub bytes: u64,
    pub identity: FileIdentity,
}

/// Where a log file lies, and so its index and its table.
#[derive(Debug, Clone)]
pub enum LogPlace {
    Folder(Folder),
    Shipped(Arc<ShippedFile>),
}

/// An enterprise's log files, all open, in reading order.
#[derive(Debug)]
pub struct Snapshot {
    /// The enterprise that they belong to.
    pub enterprise: EnterpriseName,
    /// `None` for an enterprise with shipped days only.
    folder: Option<Folder>,
    /// The shipped days that have no local file.
    shipped: Option<Arc<ShippedDays>>,
    pub files: Vec<Arc<LogFile>>,
    /// The files that could not be opened.
    pub troubles: Vec<Trouble>,
    /// Files that were listed but no longer there to be opened, because of a rotation.
    pub gone: Vec<PathBuf>,
    /// The first bytes of each plain file: they move when its front is collapsed.
    heads: Vec<Vec<u8>>,
}

impl Snapshot {
    /// Opens the log files of an enterprise, local and shipped ones.
    ///
    /// # Errors
    /// When its folder can't be opened or listed. Shipped days that can't be listed are a trouble,
    /// not an error.
    pub fn of(tree: &Tree, enterprise: &EnterpriseName) -> Result<Snapshot, Error> {
        let Some(shipped) = tree.shipped() else {
            let folder = tree.folder(enterprise);
            let fail = |error| Error::io(&tree.path(enterprise), "open the folder", error);
            return Snapshot::open(enterprise, &folder.map_err(fail)?);
        };
        let mut snapshot = match tree.folder(enterprise) {
            Ok(folder) => Snapshot::open(enterprise, &folder)?,
            Err(error) if error.kind() == ErrorKind::NotFound => Snapshot::empty(enterprise, None),
            Err(error) => {
                return Err(Error::io(&tree.path(enterprise), "open the folder", error));
            }
        };
        // A day is removed from the folder only after a manifest names it, so the manifest is read
        // after the folder.
        match shipped.days(enterprise) {
            Ok(days) => snapshot.add_shipped(days),
            Err(error) => snapshot.troubles.push(Trouble {
                hides: Some(TimeRange::ANY),
                ..Trouble::cant(
                    &shipped.url().join(enterprise.as_str()),
                    "be listed, so its shipped days are missing",
                    &error,
                )
            }),
        }
        Ok(snapshot)
    }

    fn empty(enterprise: &EnterpriseName, folder: Option<Folder>) -> Snapshot {
        Snapshot {
            enterprise: enterprise.clone(),
            folder,
            shipped: None,
            files: Vec::new(),
            troubles: Vec::new(),
            gone: Vec::new(),
            heads: Vec::new(),
        }
    }

    /// Adds the shipped days that are not the same as a local file.
    fn add_shipped(&mut self, days: Arc<ShippedDays>) {
        if let Some(why) = &days.stale {
            self.troubles.push(Trouble {
                hides: Some(TimeRange::ANY),
                ..Trouble::new(&days.url, why.clone())
            });
        }
        let is_local =
            |day: &&Arc<ShippedFile>| self.files.iter().any(|log| log.was_shipped_as(day));
        let only_shipped: Vec<Arc<LogFile>> = (days.files.iter())
            .filter(|day| !is_local(day))
            .map(|day| Arc::new(LogFile::shipped(day)))
            .collect();
        self.heads
            .extend(only_shipped.iter().map(|_| Vec::<u8>::new()));
        self.files.extend(only_shipped);
        let mut order: Vec<_> = std::mem::take(&mut self.files)
            .into_iter()
            .zip(std::mem::take(&mut self.heads))
            .collect();
        // Stable, so of two files with one name the local one comes first.
        order.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        (self.files, self.heads) = order.into_iter().unzip();
        self.shipped = Some(days);
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
        folder: Option<&Folder>,
        names: &[FileName],
    ) -> io::Result<Snapshot> {
        let open = |name: &FileName| {
            let folder = folder.ok_or(ErrorKind::NotFound)?;
            LogFile::open_whole(folder, name.clone()).map(Arc::new)
        };
        let files: Vec<Arc<LogFile>> = names.iter().map(open).collect::<io::Result<_>>()?;
        Ok(Snapshot {
            heads: files.iter().map(|log| log.head()).collect(),
            files,
            ..Snapshot::empty(enterprise, folder.cloned())
        })
    }

    fn open_once(enterprise: &EnterpriseName, folder: &Folder) -> io::Result<Snapshot> {
        let mut snapshot = Snapshot::empty(enterprise, Some(folder.clone()));
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
            shipped: self.shipped.clone(),
            heads: files.iter().map(|log| log.head()).collect(),
            files,
            troubles: self.troubles.clone(),
            gone: self.gone.clone(),
        }
    }

    /// The folder of the local files; `None` for an enterprise with shipped days only.
    pub fn folder(&self) -> Option<&Folder> {
        self.folder.as_ref()
    }

    /// Where the enterprise lies: the path of its folder, or the address of its shipped days.
    pub fn path(&self) -> &Path {
        match (&self.folder, &self.shipped) {
            (Some(folder), _) => folder.path(),
            (None, Some(days)) => &days.url,
            (None, None) => Path::new(self.enterprise.as_str()),
        }
    }

    /// The shipped days of the enterprise; `None` without object storage, and where they can't be
    /// listed.
    pub fn shipped(&self) -> Option<&Arc<ShippedDays>> {
        self.shipped.as_ref()
    }

    /// Whether the folder no longer holds the set that was opened: a name came or went, a name
    /// stands for another inode, a file shrank or begins with other bytes. Growth does not count.
    /// Objects never change, and a manifest may only have lost days that have expired.
    pub fn has_moved(&self) -> bool {
        let Some(folder) = &self.folder else {
            return false;
        };
        let Ok(names) = list(folder) else {
            return true;
        };
        let now = names.iter().filter_map(|name| {
            let stat = folder.look_current(&name.full()).ok()?;
            let bytes = u64::try_from(stat.st_size).unwrap_or_default();
            Some((name, FileIdentity::of_stat(&stat), bytes))
        });
        let begins_as_before =
            |(log, head): (&Arc<LogFile>, &Vec<u8>)| log.head().starts_with(head.as_slice());
        if !self.files.iter().zip(&self.heads).all(begins_as_before) {
            return true;
        }
        let is_local = |log: &&Arc<LogFile>| matches!(log.place, LogPlace::Folder(_));
        let mut ours = self.files.iter().filter(is_local);
        for (name, identity, bytes) in now {
            let unreadable = self
                .troubles
                .iter()
                .any(|t| t.path == folder.path_of(&name.full()));
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
        let changed = self.file.state().ok();
        let changed = changed.map(|state| state.modified.div_euclid(1_000_000_000));
        let by_name = || {
            seen?;
            let after_name = self
                .name
                .day()?
                .checked_add_days(Days::new(DAYS_AFTER_NAME + 1))?;
            Some(Stamp(
                after_name
                    .and_time(NaiveTime::MIN)
                    .and_utc()
                    .timestamp_millis(),
            ))
        };
        let all = [changed.map(no_later_than), by_name()];
        let is_possible = |until: &Stamp| seen.is_none_or(|seen| seen <= *until);
        all.into_iter().flatten().filter(is_possible).min()
    }

    /// Whether it is the file that was shipped.
    fn was_shipped_as(&self, day: &ShippedFile) -> bool {
        // Most names differ, and then the file need not be examined.
        self.name == day.name
            && (self.file.state())
                .is_ok_and(|state| day.is_copy_of(&self.name, self.bytes, state.modified))
    }

    /// A shipped day.
    fn shipped(day: &Arc<ShippedFile>) -> LogFile {
        LogFile {
            name: day.name.clone(),
            path: day.log.url().to_owned(),
            file: day.object(&day.log),
            bytes: day.log.bytes(),
            identity: identity_of(day.log.as_ref()),
            place: LogPlace::Shipped(Arc::clone(day)),
        }
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
    pub fn cut(&self, bytes: u64) -> LogFile {
        LogFile {
            name: self.name.clone(),
            path: self.path.clone(),
            place: self.place.clone(),
            file: self.file.clone(),
            bytes: bytes.min(self.bytes),
            identity: self.identity,
        }
    }

    /// As [`LogFile::open`], for callers that read the whole file: one that is mostly holes would
    /// take forever.
    fn open_whole(folder: &Folder, name: FileName) -> io::Result<LogFile> {
        let log = LogFile::open(folder, name)?;
        let file = log.file.local()?;
        refuse_holes(file, &file.metadata()?)?;
        Ok(log)
    }

    /// Opens the file `name` in `folder`.
    ///
    /// # Errors
    /// When it can't be opened or is not a regular file.
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
            place: LogPlace::Folder(folder.clone()),
            file: StoredFile::local_of(file),
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
    fn rename_growth_and_shrinking_are_distinguished() {
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
    fn a_name_that_is_not_a_file_is_reported_and_does_not_block() {
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
