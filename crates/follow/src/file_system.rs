//! The file-system operations that following needs. The real file system is [`super::DiskFiles`]; tests use a
//! model that changes between any two calls.

use std::io;
use std::time::SystemTime;

use memchr::memmem;

use calltrace_store::error::Error;
use calltrace_store::fsx::FileIdentity;
use calltrace_store::tree::{EnterpriseName, FileName, Head, ListedFile};

/// A tree of log folders.
pub trait FileSystem {
    /// An open file.
    type File: OpenFile;

    /// The enterprises of the tree.
    ///
    /// # Errors
    /// When the root can't be listed.
    fn enterprises(&self) -> Result<Vec<EnterpriseName>, Error>;

    /// When a name in the enterprise's folder last changed.
    ///
    /// # Errors
    /// When there is no such folder.
    fn names_changed(&self, enterprise: &EnterpriseName) -> io::Result<SystemTime>;

    /// The log files in the enterprise's folder.
    ///
    /// # Errors
    /// When it can't be listed.
    fn list(&self, enterprise: &EnterpriseName) -> io::Result<Vec<ListedFile>>;

    /// Whether a log in the enterprise's folder is a link that leads out of it. [`FileSystem::names_changed`] does
    /// not show renames of such files.
    fn has_links_out(&self, _enterprise: &EnterpriseName) -> bool {
        false
    }

    /// Opens the file that has this name now.
    ///
    /// # Errors
    /// When there is no such file, or it may not be read.
    fn open(&self, enterprise: &EnterpriseName, name: &FileName) -> io::Result<Self::File>;

    /// The parts of the archive that has this name now, in order. Each part was added at a different time.
    ///
    /// # Errors
    /// When there is no such archive, or it can't be read.
    fn parts(&self, enterprise: &EnterpriseName, name: &FileName) -> io::Result<Vec<ArchivePart>>;
}

/// An open file, which stays readable under any name.
pub trait OpenFile {
    /// The present state of the file.
    ///
    /// # Errors
    /// When the `stat` call fails.
    fn stat(&self) -> io::Result<FileStat>;

    /// Reads some bytes at `offset`; 0 at the end.
    ///
    /// # Errors
    /// When the read fails.
    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize>;
}

/// The state of a file at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileStat {
    pub identity: FileIdentity,
    pub bytes: u64,
    /// Time of the last change (nanoseconds of Unix time).
    pub modified: i64,
    /// Number of hard links; 0 when the file is deleted.
    pub links: u64,
}

/// Fills a buffer with content from an offset in a part. It reads less only at the archive's end.
pub type ReadContent = Box<dyn Fn(&mut [u8], u64) -> io::Result<usize> + Send>;

/// A part of an archive.
pub struct ArchivePart {
    /// The first bytes of its content.
    pub head: Head,
    /// Determines the length of its content.
    pub bytes: Box<dyn Fn() -> io::Result<u64> + Send>,
    /// Reads its content.
    pub read: ReadContent,
}

impl ArchivePart {
    /// A part that begins with `front`.
    pub fn new(
        front: &[u8],
        bytes: impl Fn() -> io::Result<u64> + Send + 'static,
        read: impl Fn(&mut [u8], u64) -> io::Result<usize> + Send + 'static,
    ) -> ArchivePart {
        ArchivePart {
            head: Head::of(front),
            bytes: Box::new(bytes),
            read: Box::new(read),
        }
    }
}

impl std::fmt::Debug for ArchivePart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

/// Reads until `into` is full or the file ends.
///
/// # Errors
/// When a read fails.
pub(super) fn read_full(file: &impl OpenFile, into: &mut [u8], offset: u64) -> io::Result<usize> {
    fill(into, |room, got| file.read_at(room, offset + got as u64))
}

/// Reads until `into` is full or `read` returns 0; returns the number of bytes. `read` gets the free rest of
/// the buffer and the number of bytes read before.
pub(super) fn fill(
    into: &mut [u8],
    mut read: impl FnMut(&mut [u8], usize) -> io::Result<usize>,
) -> io::Result<usize> {
    let mut got = 0;
    while got < into.len() {
        match read(&mut into[got..], got) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

/// Bytes searched at once.
pub(super) const SEARCHED_BYTES: usize = 1 << 20;

/// The offset right after the first occurrence of `trail` in some content; `None` when it does not occur.
/// `read` fills a buffer from an offset on, and reads less only at the end.
///
/// # Errors
/// When `read` fails.
pub(super) fn place_after(
    trail: &[u8],
    read: impl Fn(&mut [u8], u64) -> io::Result<usize>,
) -> io::Result<Option<u64>> {
    let mut text = vec![0; SEARCHED_BYTES + trail.len()];
    let mut offset = 0;
    loop {
        let got = read(&mut text, offset)?;
        if let Some(found) = memmem::find(&text[..got], trail) {
            return Ok(Some(offset + (found + trail.len()) as u64));
        }
        if got < text.len() {
            return Ok(None);
        }
        offset += SEARCHED_BYTES as u64;
    }
}

/// The beginning of a file, long enough to hold its head.
///
/// # Errors
/// When a read fails.
pub(super) fn read_front(file: &impl OpenFile) -> io::Result<Vec<u8>> {
    let mut front = vec![0; Head::FRONT_BYTES];
    let got = read_full(file, &mut front, 0)?;
    front.truncate(got);
    Ok(front)
}
