//! File identity: what a file is, whatever it is called at the moment, and when it was changed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

/// Device and inode: the same for every name of one file, and kept by a rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// The identity that these two numbers make.
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

/// Time of a file's last change (nanoseconds of Unix time).
pub fn modified_nanos(metadata: &Metadata) -> i64 {
    metadata.mtime().saturating_mul(1_000_000_000) + metadata.mtime_nsec()
}
