//! The bytes of a log, an index or a table: a local file, or an object in object storage.
//!
//! Both are read at offsets, and reading an object blocks until the bytes are there. An object never
//! changes: its key contains the checksum of its bytes, and a day that is shipped again gets another
//! key.

use std::fmt;
use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::slice;
use std::sync::Arc;

use crate::fsx::{FileIdentity, modified_nanos};

/// The device number of every object: no file system has it.
const OBJECT_DEVICE: u64 = u64::MAX;

/// Bytes read at once to compute a checksum.
const CHUNK_BYTES: usize = 256 << 10;

/// An object, read like a file.
pub trait StoredObject: fmt::Debug + Send + Sync {
    /// Its address, for messages: `s3://bucket/prefix/0367/events.log.2025-11-29.gz/1f2e3d4c.gz`.
    fn url(&self) -> &Path;

    /// Its length (bytes), as the manifest states it.
    fn bytes(&self) -> u64;

    /// Reads at least one byte unless `into` is empty or `at` is at the end, and returns the number
    /// of bytes. Blocks until they are there.
    ///
    /// # Errors
    /// When the store can't be reached within its time limit, does not have the object, or gives
    /// one of another length. The text names no key and no secret.
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize>;

    /// Starts to fetch these ranges, merged where they are close together, and returns
    /// immediately. A later [`StoredObject::read_at`] waits for what is on its way. A range that
    /// can't be fetched is an error only when it is read.
    fn fetch_ahead(&self, ranges: &[Range<u64>]);

    /// Drops what is cached of this range, because the caller found it damaged. The next read asks
    /// the store again, once; if the range is still damaged, so is the object.
    fn forget(&self, _range: Range<u64>) {}
}

/// Bytes that can be read at any offset.
#[derive(Debug, Clone)]
pub enum StoredFile {
    Local(Arc<File>),
    Object {
        object: Arc<dyn StoredObject>,
        /// Modification time of the file that was shipped (nanoseconds of Unix time).
        modified: i64,
    },
}

/// What is known of a file without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileState {
    pub identity: FileIdentity,
    pub bytes: u64,
    /// Modification time (nanoseconds of Unix time).
    pub modified: i64,
    /// Time of the last change by the kernel (nanoseconds of Unix time), whatever a program set
    /// `modified` to; for an object, which never changes, its modification time.
    pub changed: i64,
    /// Number of its names; 1 for an object.
    pub links: u64,
    /// The user who owns it; `None` for an object.
    pub owner: Option<u32>,
}

impl StoredFile {
    /// A local file.
    pub fn local_of(file: File) -> StoredFile {
        StoredFile::Local(Arc::new(file))
    }

    /// The local file.
    ///
    /// # Errors
    /// `Unsupported` for an object.
    pub fn local(&self) -> io::Result<&File> {
        match self {
            StoredFile::Local(file) => Ok(file),
            StoredFile::Object { .. } => Err(io::Error::new(
                ErrorKind::Unsupported,
                "it lies in object storage and can't be changed",
            )),
        }
    }

    /// Reads some bytes at an offset and returns their number; 0 at the end.
    ///
    /// # Errors
    /// Those of the file system or of [`StoredObject::read_at`].
    pub fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        match self {
            StoredFile::Local(file) => file.read_at(into, at),
            StoredFile::Object { object, .. } => object.read_at(into, at),
        }
    }

    /// Fills `into` with the bytes at an offset.
    ///
    /// # Errors
    /// `UnexpectedEof` where there are fewer, otherwise as [`StoredFile::read_at`].
    pub fn read_exact_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        let mut done = 0;
        while done < into.len() {
            match self.read_at(&mut into[done..], at + done as u64) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(got) => done += got,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The CRC-32 of the first `bytes`.
    ///
    /// # Errors
    /// As [`StoredFile::read_exact_at`].
    pub fn crc32(&self, bytes: u64) -> io::Result<u32> {
        let mut crc = crc32fast::Hasher::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut at = 0;
        while at < bytes {
            let wanted =
                usize::try_from(bytes - at).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
            self.read_exact_at(&mut chunk[..wanted], at)?;
            crc.update(&chunk[..wanted]);
            at += wanted as u64;
        }
        Ok(crc.finalize())
    }

    /// Its current state.
    ///
    /// # Errors
    /// When a local file can't be examined.
    pub fn state(&self) -> io::Result<FileState> {
        match self {
            StoredFile::Local(file) => Ok(FileState::of(&file.metadata()?)),
            StoredFile::Object { object, modified } => Ok(FileState {
                identity: identity_of(object.as_ref()),
                bytes: object.bytes(),
                modified: *modified,
                changed: *modified,
                links: 1,
                owner: None,
            }),
        }
    }

    /// Starts to fetch ranges of an object, see [`StoredObject::fetch_ahead`]; does nothing for a
    /// local file.
    pub fn fetch_ahead(&self, ranges: &[Range<u64>]) {
        if let StoredFile::Object { object, .. } = self
            && !ranges.is_empty()
        {
            object.fetch_ahead(ranges);
        }
    }

    /// Starts to fetch the last `bytes` of an object; does nothing for a local file.
    pub fn fetch_end_ahead(&self, bytes: u64) {
        if let StoredFile::Object { object, .. } = self {
            let end = object.bytes();
            let range = end.saturating_sub(bytes)..end;
            self.fetch_ahead(slice::from_ref(&range));
        }
    }

    /// Drops what is cached of a range of an object, see [`StoredObject::forget`]. Returns whether
    /// reading it again may help.
    pub fn forget(&self, range: Range<u64>) -> bool {
        if let StoredFile::Object { object, .. } = self {
            object.forget(range);
        }
        self.is_object()
    }

    /// Whether it lies in object storage, where each read that was not announced costs a request.
    pub fn is_object(&self) -> bool {
        matches!(self, StoredFile::Object { .. })
    }
}

impl FileState {
    pub fn of(metadata: &Metadata) -> FileState {
        FileState {
            identity: FileIdentity::of(metadata),
            bytes: metadata.len(),
            modified: modified_nanos(metadata),
            changed: metadata
                .ctime()
                .saturating_mul(1_000_000_000)
                .saturating_add(metadata.ctime_nsec()),
            links: metadata.nlink(),
            owner: Some(metadata.uid()),
        }
    }
}

/// The identity of an object within this process: its address is never used for other bytes.
pub(crate) fn identity_of(object: &dyn StoredObject) -> FileIdentity {
    let mut hasher = DefaultHasher::new();
    object.url().hash(&mut hasher);
    FileIdentity::new(OBJECT_DEVICE, hasher.finish())
}
