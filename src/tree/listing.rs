//! The log files of a folder as `stat` tells of them, none opened.

use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, statat};

use super::{FileName, list};
use crate::fsx::FileIdentity;

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
///
/// # Errors
/// When the folder can't be listed, or one of the names can't be looked at or is no file.
pub fn list_files(folder: &Path) -> io::Result<Vec<Listed>> {
    let directory = File::open(folder)?;
    list(folder)?
        .into_iter()
        .map(|name| look(&directory, name))
        .collect()
}

/// Whether the folder still holds these files; they may have grown.
pub fn still_holds(folder: &Path, files: &[Listed]) -> bool {
    let Ok(now) = list_files(folder) else {
        return false;
    };
    let same = |(a, b): (&Listed, &Listed)| {
        a.name == b.name && a.identity == b.identity && a.bytes <= b.bytes
    };
    files.len() == now.len() && files.iter().zip(&now).all(same)
}

/// The log files of a folder, in reading order; names that can't be looked at, or are no file's, are
/// left out.
///
/// # Errors
/// When the folder can't be listed.
pub fn look_at(folder: &Path) -> io::Result<Vec<Listed>> {
    let directory = File::open(folder)?;
    let names = list(folder)?.into_iter();
    Ok(names
        .filter_map(|name| look(&directory, name).ok())
        .collect())
}

fn look(directory: &File, name: FileName) -> io::Result<Listed> {
    let stat = statat(directory, name.full(), AtFlags::empty())?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(io::Error::other("it is not a regular file"));
    }
    let seconds: i64 = stat.st_mtime;
    let nanos = i64::try_from(stat.st_mtime_nsec).unwrap_or_default();
    Ok(Listed {
        name,
        identity: FileIdentity::new(stat.st_dev, stat.st_ino),
        bytes: u64::try_from(stat.st_size).unwrap_or_default(),
        modified: seconds.saturating_mul(1_000_000_000) + nanos,
    })
}
