//! One rotation a folder: `flock` on a file of our own, never on a log.
//!
//! The kernel lets go of it when the process ends, however it ends; so there is no stale lock.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, Gid, OFlags, Uid};
use rustix::io::Errno;

/// A held lock; let go when dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock at `path`, making its file when there is none. `None` when another holds it
    /// and `wait` is not wanted.
    ///
    /// # Errors
    /// When the file can't be made or opened.
    pub fn take(path: &Path, wait: bool) -> io::Result<Option<Lock>> {
        let file = open(path)?;
        let operation = if wait {
            FlockOperation::LockExclusive
        } else {
            FlockOperation::NonBlockingLockExclusive
        };
        loop {
            match rustix::fs::flock(&file, operation) {
                Ok(()) => return Ok(Some(Lock { _file: file })),
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        opened => return opened,
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags(flags)
        .open(path)?;
    // Root's run tonight must not shut out the owner's run tomorrow.
    let folder = fs::metadata(path.parent().unwrap_or(path))?;
    let (user, group) = (Uid::from_raw(folder.uid()), Gid::from_raw(folder.gid()));
    let _ = rustix::fs::fchown(&file, Some(user), Some(group));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let first = Lock::take(&path, false).expect("no error");
        assert!(first.is_some());
        assert!(Lock::take(&path, false).expect("no error").is_none());
        drop(first);
        assert!(Lock::take(&path, true).expect("no error").is_some());
    }
}
