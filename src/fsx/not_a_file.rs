//! What has a file's name and is no regular file.

use std::error::Error;
use std::fmt;
use std::io;

use rustix::fs::FileType;

/// Why a name is not opened: it is no regular file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAFile {
    /// A symbolic link to another folder, or to another link.
    Link,
    /// A symbolic link to a name that is not there.
    DeadLink,
    /// A folder.
    Folder,
    /// A FIFO, a device, a socket.
    Special,
}

impl NotAFile {
    /// What `error` says of a name, if that is the error.
    pub fn of(error: &io::Error) -> Option<NotAFile> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl fmt::Display for NotAFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotAFile::Link => "it is a link that leads out of the folder",
            NotAFile::DeadLink => "it is a link that leads nowhere",
            NotAFile::Folder => "it is a folder, not a file",
            NotAFile::Special => "it is not a regular file",
        })
    }
}

impl Error for NotAFile {}

pub(super) fn is_link(mode: u32) -> bool {
    FileType::from_raw_mode(mode) == FileType::Symlink
}

/// Refuses what is no regular file, by its mode.
pub(super) fn regular(mode: u32) -> io::Result<()> {
    Err(io::Error::other(match FileType::from_raw_mode(mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Symlink => NotAFile::Link,
        FileType::Directory => NotAFile::Folder,
        _ => NotAFile::Special,
    }))
}
