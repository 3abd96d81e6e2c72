//! The operations, done by the kernel.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::thread;
use std::time::{Duration, SystemTime};

use rustix::fs::{FallocateFlags, Gid, Uid};
use rustix::io::Errno;

use super::{Access, DiskOps, Folder, Lease};

/// The largest unit that collapsing is tried with (bytes): the largest clusters of ext4 are of 1
/// MiB.
const UNIT_BYTES_MAX: u64 = 1 << 20;

/// The real file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl DiskOps for Disk {
    fn wait(&self, how_long: Duration) {
        thread::sleep(how_long);
    }

    fn create(&self, folder: &Folder, name: &str) -> io::Result<File> {
        folder.create(name, 0o600)
    }

    fn make_folder(&self, folder: &Folder, name: &str) -> io::Result<()> {
        folder.make_folder(name)
    }

    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        file.write_all_at(bytes, offset)
    }

    fn collapse(&self, file: &File, bytes: u64) -> io::Result<()> {
        Ok(rustix::fs::fallocate(
            file,
            FallocateFlags::COLLAPSE_RANGE,
            0,
            bytes,
        )?)
    }

    fn set_access(&self, file: &File, access: Access) -> io::Result<()> {
        let own = Access::of(&file.metadata()?);
        if (own.user, own.group) != (access.user, access.group) {
            let (user, group) = (Uid::from_raw(access.user), Gid::from_raw(access.group));
            rustix::fs::fchown(file, Some(user), Some(group))?;
        }
        // The mode is set after the owner because a change of owner clears bits.
        file.set_permissions(fs::Permissions::from_mode(access.mode))
    }

    fn set_modified(&self, file: &File, at: SystemTime) -> io::Result<()> {
        file.set_modified(at)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        folder.sync()
    }

    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()> {
        folder.rename(from, to)
    }

    fn replace(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()> {
        folder.replace(from, to)
    }

    fn unlink(&self, folder: &Folder, name: &str) -> io::Result<()> {
        folder.unlink(name)
    }

    fn lease(&self, file: &File) -> io::Result<Lease> {
        Lease::take(file.as_fd())
    }
}

/// The lengths of collapsed ranges of files in `folder` must be a multiple of this (bytes). It is
/// found out on a file without a name, so that nothing is left behind.
///
/// # Errors
/// `Unsupported` if the file system can't collapse; any other error when it could not be tried.
pub fn collapse_unit(folder: &Folder) -> io::Result<u64> {
    let file = match folder.nameless() {
        Ok(file) => file,
        // A file system that can collapse also has files without a name, so one without the second
        // lacks the first.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL) => {
            return Err(ErrorKind::Unsupported.into());
        }
        Err(error) => return Err(error.into()),
    };
    let mut unit = file.metadata()?.blksize().max(512);
    while unit <= UNIT_BYTES_MAX {
        // A collapse must leave some bytes after the range that it removes.
        file.set_len(2 * unit + 1)?;
        match rustix::fs::fallocate(&file, FallocateFlags::COLLAPSE_RANGE, 0, unit) {
            Ok(()) => return Ok(unit),
            Err(Errno::INVAL) => unit *= 2,
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Err(ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rename_never_replaces() {
        let dir = tempfile::tempdir().expect("a folder");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&a, "a").expect("written");
        fs::write(&b, "b").expect("written");
        let folder = Folder::open(dir.path()).expect("open");
        let refused = Disk.rename(&folder, "a", "b").expect_err("b is there");
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&b).expect("still there"), b"b");
        Disk.replace(&folder, "a", "b").expect("replaced");
        assert_eq!(fs::read(&b).expect("there"), b"a");
        assert!(Disk.create(&folder, "b").is_err());
    }

    #[test]
    fn collapsing_takes_bytes_off_the_front_if_the_file_system_can() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(dir.path()).expect("open");
        let unit = match collapse_unit(&folder) {
            Ok(unit) => unit,
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                return testing::skipped("the file system of the temporary folder can't collapse");
            }
            Err(error) => panic!("{error}"),
        };
        let path = dir.path().join("log");
        let file = Disk.create(&folder, "log").expect("made");
        let front = vec![b'x'; usize::try_from(unit).expect("small")];
        Disk.write(&file, &front).expect("written");
        Disk.write(&file, b"tail").expect("written");
        Disk.collapse(&file, unit).expect("collapsed");
        assert_eq!(fs::read(&path).expect("there"), b"tail");
        let names = fs::read_dir(dir.path()).expect("listed").count();
        assert_eq!(names, 1, "the trial leaves nothing");
    }
}
