//! The log files of a folder as `stat` tells of them, none opened.

use std::io;
use std::time::{Duration, SystemTime};

use super::{FileName, list};
use crate::fsx::{FileIdentity, Folder};

/// A folder that did not change for this long can't change without showing it: its time of change
/// advances in steps of some milliseconds.
const STEADY: Duration = Duration::from_secs(1);

/// A log file as it stands in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: FileName,
    /// Device and inode.
    pub identity: FileIdentity,
    /// Its length.
    pub bytes: u64,
    /// Time of its last change (nanoseconds of Unix time).
    pub modified: i64,
}

/// The log files of a folder, in reading order.
#[derive(Debug)]
pub struct Listing {
    /// The files.
    pub files: Vec<Listed>,
    /// When names in the folder last changed, if that was long enough ago to tell.
    steady_since: Option<SystemTime>,
}

impl Listing {
    /// Looks at the files of a folder.
    ///
    /// # Errors
    /// When the folder can't be listed, or one of the names can't be looked at or is no file.
    pub fn of(folder: &Folder) -> io::Result<Listing> {
        let steady_since = steady_since(folder);
        Ok(Listing {
            files: list(folder)?
                .into_iter()
                .map(|name| look(folder, name))
                .collect::<io::Result<_>>()?,
            steady_since,
        })
    }

    /// Whether the folder still holds these files; they may have grown.
    pub fn still_holds(&self, folder: &Folder) -> bool {
        if self.steady_since.is_some() && self.steady_since == steady_since(folder) {
            return true;
        }
        let Ok(now) = Listing::of(folder) else {
            return false;
        };
        let same = |(a, b): (&Listed, &Listed)| {
            a.name == b.name && a.identity == b.identity && a.bytes <= b.bytes
        };
        self.files.len() == now.files.len() && self.files.iter().zip(&now.files).all(same)
    }
}

/// The log files of a folder, in reading order; names that can't be looked at, or are no file's, are
/// left out.
///
/// # Errors
/// When the folder can't be listed.
pub fn look_at(folder: &Folder) -> io::Result<Vec<Listed>> {
    let names = list(folder)?.into_iter();
    Ok(names.filter_map(|name| look(folder, name).ok()).collect())
}

fn look(folder: &Folder, name: FileName) -> io::Result<Listed> {
    let stat = folder.look_current(&name.full())?;
    let seconds: i64 = stat.st_mtime;
    let nanos = i64::try_from(stat.st_mtime_nsec).unwrap_or_default();
    Ok(Listed {
        name,
        identity: FileIdentity::of_stat(&stat),
        bytes: u64::try_from(stat.st_size).unwrap_or_default(),
        modified: seconds.saturating_mul(1_000_000_000) + nanos,
    })
}

/// When names in the folder last changed; `None` when that was just now, or in the future.
fn steady_since(folder: &Folder) -> Option<SystemTime> {
    let changed = folder.metadata().ok()?.modified().ok()?;
    let age = SystemTime::now().duration_since(changed).ok()?;
    (age >= STEADY).then_some(changed)
}
