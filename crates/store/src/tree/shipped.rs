//! Sealed days that lie in object storage, as the rest of the store sees them.
//!
//! The store knows no network and stays synchronous: the crate `archive` implements
//! [`ShippedTree`], and what it returns is read through `object`.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{EnterpriseName, FileName};
use crate::error::Error;
use crate::object::{StoredFile, StoredObject};

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
    /// What is known of the index without reading it: `index::Index::head_for_manifest`.
    pub index_head: Option<Vec<u8>>,
    pub table: Option<Arc<dyn StoredObject>>,
}

impl ShippedFile {
    /// Whether it was made of the local file with this name, length and modification time.
    pub fn is_copy_of(&self, name: &FileName, bytes: u64, modified: i64) -> bool {
        self.name == *name && self.log.bytes() == bytes && self.modified == modified
    }

    /// One of its objects as a file.
    pub fn object(&self, object: &Arc<dyn StoredObject>) -> StoredFile {
        StoredFile::Object {
            object: Arc::clone(object),
            modified: self.modified,
        }
    }
}
