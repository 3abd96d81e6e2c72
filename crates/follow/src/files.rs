//! What following asks of a file system. The real one is [`super::Disk`]; tests put one in its place
//! that changes between any two questions.

use std::io;
use std::time::SystemTime;

use memchr::memmem;

use calltrace_store::error::Error;
use calltrace_store::fsx::FileIdentity;
use calltrace_store::tree::{EnterpriseName, FileName, Head, Listed};

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

    /// Whether a log in the enterprise's folder is a link out of it: then files change their names
    /// where [`Files::names_changed`] does not show it.
    fn has_links_out(&self, _enterprise: &EnterpriseName) -> bool {
        false
    }

    /// Opens the file that has this name now.
    ///
    /// # Errors
    /// When there is none, or it may not be read.
    fn open(&self, enterprise: &EnterpriseName, name: &FileName) -> io::Result<Self::File>;

    /// The parts of the archive that has this name now, in order: what was added at different times.
    ///
    /// # Errors
    /// When there is none, or it can't be read.
    fn parts(&self, enterprise: &EnterpriseName, name: &FileName) -> io::Result<Vec<Part>>;
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

/// Reads content at an offset from a part's beginning, as far as the buffer goes; less only at the
/// archive's end.
pub type ReadContent = Box<dyn Fn(&mut [u8], u64) -> io::Result<usize> + Send>;

/// A part of an archive.
pub struct Part {
    /// How its content begins.
    pub head: Head,
    /// Finds out the length of its content.
    pub bytes: Box<dyn Fn() -> io::Result<u64> + Send>,
    /// The content.
    pub read: ReadContent,
}

impl Part {
    /// A part that begins with `front`.
    pub fn new(
        front: &[u8],
        bytes: impl Fn() -> io::Result<u64> + Send + 'static,
        read: impl Fn(&mut [u8], u64) -> io::Result<usize> + Send + 'static,
    ) -> Part {
        Part {
            head: Head::of(front),
            bytes: Box::new(bytes),
            read: Box::new(read),
        }
    }
}

impl std::fmt::Debug for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Part")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

/// Reads until `into` is full or the file ends.
///
/// # Errors
/// When the file does.
pub(super) fn read_full(file: &impl OpenFile, into: &mut [u8], offset: u64) -> io::Result<usize> {
    fill(into, |room, got| file.read_at(room, offset + got as u64))
}

/// Reads until `into` is full or nothing more comes; how many bytes that were. `read` is given the room that
/// is left, and how much was read before.
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

/// Searched at once (bytes).
pub(super) const SEARCHED_BYTES: usize = 1 << 20;

/// Where a content has `trail` behind it, looked for from its beginning; `None` when it is nowhere. `read` fills
/// a buffer from an offset on, less only at the end.
///
/// # Errors
/// When `read` does.
pub(super) fn place_behind(
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

/// As much of a file's beginning as holds its head.
///
/// # Errors
/// When the file does.
pub(super) fn read_front(file: &impl OpenFile) -> io::Result<Vec<u8>> {
    let mut front = vec![0; Head::FRONT_BYTES];
    let got = read_full(file, &mut front, 0)?;
    front.truncate(got);
    Ok(front)
}
