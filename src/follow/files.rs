//! What following asks of a file system. The real one is [`super::Disk`]; tests put one in its place
//! that changes between any two questions.

use std::io;
use std::time::SystemTime;

use crate::error::Error;
use crate::fsx::FileIdentity;
use crate::tree::{EnterpriseName, FileName, Head, Listed};

/// A tree of log folders.
pub trait Files {
    /// An open file.
    type File: OpenFile;

    /// The enterprises there are.
    ///
    /// # Errors
    /// When the root can't be listed.
    fn enterprises(&self) -> Result<Vec<EnterpriseName>, Error>;

    /// When names in the enterprise's folder last changed.
    ///
    /// # Errors
    /// When there is no such folder.
    fn names_changed(&self, enterprise: &EnterpriseName) -> io::Result<SystemTime>;

    /// The log files in the enterprise's folder.
    ///
    /// # Errors
    /// When it can't be listed.
    fn list(&self, enterprise: &EnterpriseName) -> io::Result<Vec<Listed>>;

    /// Opens the file that has this name now.
    ///
    /// # Errors
    /// When there is none, or it may not be read.
    fn open(&self, enterprise: &EnterpriseName, name: &FileName) -> io::Result<Self::File>;

    /// Looks for a part of an archive that begins as `head` says: lines of a file that were copied
    /// there before they were taken off it. `None` when no archive has such a part.
    ///
    /// # Errors
    /// When the folder can't be listed.
    fn archived(&self, enterprise: &EnterpriseName, head: &Head) -> io::Result<Option<Archived>>;
}

/// A file that is read on whatever its name is by now.
pub trait OpenFile {
    /// What it is like now.
    ///
    /// # Errors
    /// When the file system does not say.
    fn stat(&self) -> io::Result<Stat>;

    /// Reads some bytes at `offset`; 0 at the end.
    ///
    /// # Errors
    /// When the disk does.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
}

/// What a file is like at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Device and inode.
    pub identity: FileIdentity,
    /// Its length.
    pub bytes: u64,
    /// Time of the last change (nanoseconds of Unix time).
    pub modified: i64,
    /// How many names it has; 0 when it is deleted.
    pub links: u64,
}

/// Reads content at an offset from the part's beginning; 0 bytes at the archive's end.
pub type ReadContent = Box<dyn Fn(&mut [u8], u64) -> io::Result<usize> + Send>;

/// A part of an archive.
pub struct Archived {
    /// Length of its content: of the file it was copied from, the first so many bytes.
    pub bytes: u64,
    /// Nothing was added to the archive after it.
    pub is_last: bool,
    /// The content.
    pub read: ReadContent,
}

impl std::fmt::Debug for Archived {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archived")
            .field("bytes", &self.bytes)
            .field("is_last", &self.is_last)
            .finish_non_exhaustive()
    }
}

/// Reads until `into` is full or the file ends.
///
/// # Errors
/// When the file does.
pub(super) fn read_full(
    file: &impl OpenFile,
    into: &mut [u8],
    mut offset: u64,
) -> io::Result<usize> {
    let mut got = 0;
    while got < into.len() {
        match file.read_at(&mut into[got..], offset) {
            Ok(0) => break,
            Ok(n) => {
                got += n;
                offset += n as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
