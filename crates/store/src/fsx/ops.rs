//! The operations: all that changes a folder of logs.

use std::fs::{File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use super::{Folder, Lease};

/// One method a system call. A run that is killed is a run whose operations end at some point; so
/// whoever acts through this trait can be tried out with a death after each of them.
pub trait DiskOps: Sync {
    /// Lets time pass.
    fn wait(&self, how_long: Duration);

    /// Makes a new empty file that only its owner may read, open for reading and writing.
    ///
    /// # Errors
    /// Also when something of that name exists.
    fn create(&self, folder: &Folder, name: &str) -> io::Result<File>;

    /// Makes a folder in another that only its owner may enter.
    ///
    /// # Errors
    /// Also when something of that name exists.
    fn make_folder(&self, folder: &Folder, name: &str) -> io::Result<()>;

    /// Writes all of `bytes` at the place where the last write ended.
    ///
    /// # Errors
    /// When not all could be written; some may have been.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// When not all could be written; some may have been.
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Takes the first `bytes` bytes off the file and moves nothing else. `bytes` is a multiple of
    /// [`collapse_unit`](super::collapse_unit) and less than the file has.
    ///
    /// # Errors
    /// Also where the file system can't.
    fn collapse(&self, file: &File, bytes: u64) -> io::Result<()>;

    /// Gives the file an owner, a group and permissions.
    ///
    /// # Errors
    /// Also when it may not be given away.
    fn set_access(&self, file: &File, access: Access) -> io::Result<()>;

    /// Sets the time of the last change.
    ///
    /// # Errors
    /// When the system refuses.
    fn set_modified(&self, file: &File, at: SystemTime) -> io::Result<()>;

    /// Makes what was written survive a power loss.
    ///
    /// # Errors
    /// When some of it may not.
    fn sync(&self, file: &File) -> io::Result<()>;

    /// Makes what was created, renamed and removed in a folder survive a power loss.
    ///
    /// # Errors
    /// When some of it may not.
    fn sync_folder(&self, folder: &Folder) -> io::Result<()>;

    /// Gives a file another name that nothing has yet.
    ///
    /// # Errors
    /// `AlreadyExists` when something has it.
    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()>;

    /// Gives a file the name of another, which is gone after that.
    ///
    /// # Errors
    /// When the system refuses.
    fn replace(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()>;

    /// Removes a name.
    ///
    /// # Errors
    /// When the system refuses.
    fn unlink(&self, folder: &Folder, name: &str) -> io::Result<()>;

    /// Takes a lease on the file: granted only when nobody has it open for writing.
    ///
    /// # Errors
    /// `WouldBlock` when somebody has; anything else where leases are not to be had.
    fn lease(&self, file: &File) -> io::Result<Lease>;
}

/// Who may do what with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Its owner.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// Permissions, set-id bits included.
    pub mode: u32,
}

impl Access {
    /// As it is with a file or folder.
    pub fn of(metadata: &Metadata) -> Access {
        Access {
            user: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & 0o7777,
        }
    }

    /// The stricter of both: for content of two files. `None` when they are of different owners. Where
    /// their groups differ, a member of either may do what everybody may.
    pub fn stricter(self, other: Access) -> Option<Access> {
        let mut mode = self.mode & other.mode & 0o777;
        if self.group != other.group {
            mode = mode & 0o707 | (mode & 0o007) << 3;
        }
        (self.user == other.user).then_some(Access { mode, ..self })
    }

    /// As fits a file in a folder that has this access.
    pub fn of_file_in(folder: &Metadata) -> Access {
        let access = Access::of(folder);
        Access {
            mode: access.mode & 0o666,
            ..access
        }
    }
}

/// Gives a new file or folder its owner and permissions. Where it is not ours to give away it stays
/// ours, and open to the same kinds of people.
pub fn give(ops: &dyn DiskOps, made: &File, access: Access) {
    if ops.set_access(made, access).is_err() {
        let _ = made.set_permissions(Permissions::from_mode(access.mode));
    }
}

/// Writes a file through operations.
pub struct OpsWriter<'d> {
    ops: &'d dyn DiskOps,
    file: &'d File,
}

impl<'d> OpsWriter<'d> {
    /// A writer of `file`. It buffers nothing.
    pub fn new(ops: &'d dyn DiskOps, file: &'d File) -> OpsWriter<'d> {
        OpsWriter { ops, file }
    }
}

impl Write for OpsWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.ops.write(self.file, bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
