//! The free space of a file system, and write access to it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access as Wanted, AtFlags, CWD, StatVfsMountFlags, accessat, statvfs};

/// A file system, as seen from a folder on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    pub device: u64,
    /// Its size without the part reserved for root (bytes), as `df` counts.
    pub bytes: u64,
    /// The free space for users other than root (bytes).
    pub bytes_free: u64,
    /// The number of files it can hold; 0 if it does not count them.
    pub inodes: u64,
    pub inodes_free: u64,
    pub is_read_only: bool,
}

impl Volume {
    /// The file system that `path` is on.
    ///
    /// # Errors
    /// When `statvfs` or `stat` fails.
    pub fn of(path: &Path) -> io::Result<Volume> {
        let known = statvfs(path)?;
        let used = known.f_blocks.saturating_sub(known.f_bfree);
        let all = used.saturating_add(known.f_bavail);
        Ok(Volume {
            device: fs::metadata(path)?.dev(),
            bytes: all.saturating_mul(known.f_frsize),
            bytes_free: known.f_bavail.saturating_mul(known.f_frsize),
            inodes: known.f_files,
            inodes_free: known.f_favail,
            is_read_only: known.f_flag.contains(StatVfsMountFlags::RDONLY),
        })
    }
}

/// Whether this process may add files to a folder, or write to a file.
pub fn may_write(path: &Path) -> bool {
    accessat(CWD, path, Wanted::WRITE_OK, AtFlags::EACCESS).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_has_a_size_and_less_room_than_that() {
        let dir = tempfile::tempdir().expect("a folder");
        let volume = Volume::of(dir.path()).expect("a file system");
        assert!(volume.bytes > 0 && volume.bytes_free <= volume.bytes);
        assert!(!volume.is_read_only && may_write(dir.path()));
        assert!(!may_write(&dir.path().join("none")));
        assert!(Volume::of(&dir.path().join("none")).is_err());
    }
}
