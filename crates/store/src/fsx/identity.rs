//! The identity of a file, independent of its name, and the time of its last change.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Device and inode: the same for every name of one file; a rename keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    pub fn new(device: u64, inode: u64) -> FileIdentity {
        FileIdentity { device, inode }
    }

    /// The identity of an open or listed file.
    pub fn of(metadata: &Metadata) -> FileIdentity {
        FileIdentity {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

impl FileIdentity {
    pub(crate) fn device(self) -> u64 {
        self.device
    }

    pub(crate) fn inode(self) -> u64 {
        self.inode
    }
}

/// The modification time of a file (nanoseconds of Unix time).
pub fn modified_nanos(metadata: &Metadata) -> i64 {
    metadata.mtime().saturating_mul(1_000_000_000) + metadata.mtime_nsec()
}
