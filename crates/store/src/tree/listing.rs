//! The log files of a folder, as `stat` describes them, without opening them.

use std::io;

use super::{FileName, list, list_all};
use crate::fsx::{Access, FileIdentity, Folder, Link};

/// A log file in its folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    pub name: FileName,
    pub identity: FileIdentity,
    pub bytes: u64,
    /// Modification time (nanoseconds of Unix time).
    pub modified: i64,
}

/// The log files of a folder, in reading order, if they are all that there is to read.
///
/// # Errors
/// When the folder can't be listed, or one of the names can't be examined, is not a file, or is
/// that of a log that is not read.
pub fn list_files(folder: &Folder) -> io::Result<Vec<ListedFile>> {
    let (names, unread) = list_all(folder)?;
    match unread.is_empty() {
        true => names
            .into_iter()
            .map(|name| list_one(folder, name))
            .collect(),
        false => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Whether the folder still holds these files; they may have grown.
pub fn still_holds(folder: &Folder, files: &[ListedFile]) -> bool {
    let Ok(now) = list_files(folder) else {
        return false;
    };
    let same = |(a, b): (&ListedFile, &ListedFile)| {
        a.name == b.name && a.identity == b.identity && a.bytes <= b.bytes
    };
    files.len() == now.len() && files.iter().zip(&now).all(same)
}

/// The log files of a folder, in reading order, without names that can't be examined or are no
/// file.
///
/// # Errors
/// When the folder can't be listed.
pub fn look_at(folder: &Folder) -> io::Result<Vec<ListedFile>> {
    let names = list(folder)?.into_iter();
    Ok(names
        .filter_map(|name| list_one(folder, name).ok())
        .collect())
}

/// The access for a new log in a folder with the log files `files`: that of the file that was
/// written last, so that other writers can append to the new one too. Only the permissions to read
/// and write are copied.
///
/// # Errors
/// When there is no such file and the folder can't be examined.
pub fn access_of_new(folder: &Folder, files: &[ListedFile]) -> io::Result<Access> {
    let newest = files.iter().max_by_key(|file| file.modified);
    let newest = newest.and_then(|file| folder.look_current(&file.name.full()).ok());
    Ok(match newest {
        Some(stat) => Access {
            user: stat.st_uid,
            group: stat.st_gid,
            mode: stat.st_mode & 0o666,
        },
        None => Access::of_file_in(&folder.metadata()?),
    })
}

/// Whether one of the logs is a link that leads out of the folder, so that files can come and go
/// without a change of the folder.
pub fn has_links_out(folder: &Folder) -> bool {
    let names = list(folder).unwrap_or_default();
    let leads_out = |name: &FileName| matches!(folder.link(&name.full()), Ok(Some(Link::Out(_))));
    names.iter().any(leads_out)
}

/// Whether a name is a link to a log of this folder that has become an archive since, so that
/// nothing is missing although the link is dead.
pub fn leads_to_sealed(folder: &Folder, name: &str) -> bool {
    let Ok(Some(Link::Inside(target))) = folder.link(name) else {
        return false;
    };
    let is_log = FileName::parse(&target).is_some_and(|log| !log.gz);
    is_log && folder.has(&format!("{target}.gz"))
}

fn list_one(folder: &Folder, name: FileName) -> io::Result<ListedFile> {
    let stat = folder.look_current(&name.full())?;
    let seconds: i64 = stat.st_mtime;
    let nanos = i64::try_from(stat.st_mtime_nsec).unwrap_or_default();
    Ok(ListedFile {
        name,
        identity: FileIdentity::of_stat(&stat),
        bytes: u64::try_from(stat.st_size).unwrap_or_default(),
        modified: seconds.saturating_mul(1_000_000_000) + nanos,
    })
}
