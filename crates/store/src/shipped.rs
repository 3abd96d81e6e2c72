//! Sealed days that lie in object storage, as the rest of the store sees them.
//!
//! The store knows no network and stays synchronous: the crate `archive` implements these traits,
//! and a read here blocks until the bytes are there. An object never changes: its key contains the
//! checksum of its bytes, and a day that is shipped again gets another key.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::Error;
use crate::tree::{EnterpriseName, FileName};

/// The sealed days of all enterprises under one address.
pub trait ShippedTree: fmt::Debug + Send + Sync {
    /// The address of all days, for messages: `s3://bucket/prefix`.
    fn url(&self) -> &Path;

    /// The enterprises that have a manifest, by name.
    ///
    /// # Errors
    /// When the store can't be listed.
    fn enterprises(&self) -> Result<Vec<EnterpriseName>, Error>;

    /// The sealed days of an enterprise, from a manifest that was read at most
    /// [`MANIFEST_SECONDS_MAX`] ago; none for an enterprise without a manifest. When the store
    /// can't be reached, the last manifest that was read is used, and [`ShippedDays::stale`] says so.
    ///
    /// # Errors
    /// When the manifest can't be read and was never read before, or is not valid.
    fn days(&self, enterprise: &EnterpriseName) -> io::Result<Arc<ShippedDays>>;

    /// Starts to fetch the manifests and catalogs of these enterprises, many at once, and returns
    /// immediately. The questions that follow wait for what is on its way.
    fn fetch_ahead(&self, enterprises: &[EnterpriseName]);
}

/// A reader uses a manifest for at most this long (seconds). `ship` waits for twice as long between
/// writing a manifest and removing a local file, so that no reader misses the file in both places.
pub const MANIFEST_SECONDS_MAX: u64 = 5;

/// The sealed days of one enterprise.
#[derive(Debug, Clone)]
pub struct ShippedDays {
    /// The address of the enterprise's days, for messages: `s3://bucket/prefix/0367`.
    pub url: PathBuf,
    /// In reading order.
    pub files: Vec<Arc<ShippedFile>>,
    /// The catalog of exactly these files (see `index::catalog`).
    pub catalog: Option<Arc<dyn StoredObject>>,
    /// Increases with each manifest that is written.
    pub revision: u64,
    /// Why an older manifest had to be used, as a clause about the address: "can't be reached: …".
    pub stale: Option<String>,
}

/// A sealed day with its index and its table of calls.
#[derive(Debug, Clone)]
pub struct ShippedFile {
    pub name: FileName,
    pub log: Arc<dyn StoredObject>,
    /// Modification time of the local file that was shipped (nanoseconds of Unix time).
    pub modified: i64,
    pub index: Option<Arc<dyn StoredObject>>,
    pub table: Option<Arc<dyn StoredObject>>,
}

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
}
