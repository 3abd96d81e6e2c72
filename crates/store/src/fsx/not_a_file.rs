//! Names of logs that are not regular files.

use std::error::Error;
use std::fmt;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;

use rustix::fs::{FileType, SeekFrom, seek};

/// Why a name is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAFile {
    /// A symbolic link to another folder that neither root nor the user who runs this made, or a
    /// link to another link.
    Link,
    /// A symbolic link to a name that does not exist.
    DeadLink,
    Folder,
    /// A FIFO, a device or a socket.
    Special,
    /// A file that is mostly holes: it can have any length at no cost to its writer, but costs
    /// every reader time.
    Sparse,
}

/// Holes of one file that are read (bytes): what a writer without O_APPEND leaves after a
/// truncation of a log. To pack and verify so many zeros takes a second of one core in a debug
/// build.
const HOLES_BYTES_MAX: u64 = 128 << 20;

/// Maximum number of holes of one file that are counted.
const HOLES_MAX: usize = 1000;

/// Bytes per block as `stat` counts them, independent of the file system's blocks.
const STAT_BLOCK_BYTES: u64 = 512;

impl NotAFile {
    /// The reason that `error` holds, if it is one of these.
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
            NotAFile::Sparse => "it has holes of more than 128 MiB; `tr -d '\\0'` removes them",
        })
    }
}

impl Error for NotAFile {}

pub(super) fn is_link(mode: u32) -> bool {
    FileType::from_raw_mode(mode) == FileType::Symlink
}

/// Refuses a file with too many holes, for callers that read all of it. A file system that
/// compresses has few blocks without any hole, so if blocks are missing, the holes themselves are
/// counted.
///
/// # Errors
/// [`NotAFile::Sparse`].
pub fn refuse_holes(file: &File, metadata: &Metadata) -> io::Result<()> {
    let stored = metadata.blocks().saturating_mul(STAT_BLOCK_BYTES);
    if metadata.len().saturating_sub(stored) <= HOLES_BYTES_MAX {
        return Ok(());
    }
    let (mut at, mut holes) = (0, 0);
    for _ in 0..HOLES_MAX {
        // A file system that can't report holes is taken to have none.
        let Ok(hole) = seek(file, SeekFrom::Hole(at)) else {
            break;
        };
        at = match seek(file, SeekFrom::Data(hole)) {
            Ok(data) => data,
            Err(_) => metadata.len(),
        };
        holes += at.saturating_sub(hole);
        if holes > HOLES_BYTES_MAX {
            return Err(io::Error::other(NotAFile::Sparse));
        }
        if at >= metadata.len() {
            break;
        }
    }
    // The position goes back to the beginning.
    seek(file, SeekFrom::Start(0))?;
    Ok(())
}

/// Refuses everything except a regular file, by its mode.
pub(super) fn regular(mode: u32) -> io::Result<()> {
    Err(io::Error::other(match FileType::from_raw_mode(mode) {
        FileType::RegularFile => return Ok(()),
        FileType::Symlink => NotAFile::Link,
        FileType::Directory => NotAFile::Folder,
        _ => NotAFile::Special,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_holes_is_refused_and_one_of_text_is_not() {
        let file = tempfile::tempfile().expect("a file");
        let refusal = |file: &File| {
            let refused = refuse_holes(file, &file.metadata().expect("there"));
            refused.err().and_then(|error| NotAFile::of(&error))
        };
        file.set_len(HOLES_BYTES_MAX).expect("a hole");
        assert_eq!(refusal(&file), None);
        file.set_len(HOLES_BYTES_MAX + 1).expect("a larger hole");
        assert_eq!(refusal(&file), Some(NotAFile::Sparse));
    }
}
