//! The operations that change a folder of logs.

use std::fs::{File, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt as _};
use std::time::{Duration, SystemTime};

use super::{Folder, Lease};

/// One method per system call. A killed run is a run that stops after some operation, so code that
/// uses this trait can be tested with a death after each of them.
pub trait DiskOps: Sync {
    /// Waits.
    fn wait(&self, how_long: Duration);

    /// Creates an empty file that only its owner may read, open for reading and writing.
    ///
    /// # Errors
    /// Any error of the kernel, for instance when the name exists.
    fn create(&self, folder: &Folder, name: &str) -> io::Result<File>;

    /// Creates a subfolder that only its owner may enter.
    ///
    /// # Errors
    /// Any error of the kernel, for instance when the name exists.
    fn make_folder(&self, folder: &Folder, name: &str) -> io::Result<()>;

    /// Writes all of `bytes` where the last write ended.
    ///
    /// # Errors
    /// When not all bytes could be written; some of them may have been.
    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()>;

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// When not all bytes could be written; some of them may have been.
    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Removes the first `bytes` bytes of the file and moves nothing else. `bytes` is a multiple of
    /// [`collapse_unit`](super::collapse_unit) and less than the file's length.
    ///
    /// # Errors
    /// Also if the file system can't do that.
    fn collapse(&self, file: &File, bytes: u64) -> io::Result<()>;

    /// Sets the owner, the group and the permissions of the file.
    ///
    /// # Errors
    /// Also when the process may not give the file away.
    fn set_access(&self, file: &File, access: Access) -> io::Result<()>;

    /// Sets the modification time.
    ///
    /// # Errors
    /// When the system refuses.
    fn set_modified(&self, file: &File, at: SystemTime) -> io::Result<()>;

    /// Makes the file's content survive a power loss.
    ///
    /// # Errors
    /// When that is not certain.
    fn sync(&self, file: &File) -> io::Result<()>;

    /// Makes the creations, renames and removals in a folder survive a power loss.
    ///
    /// # Errors
    /// When that is not certain.
    fn sync_folder(&self, folder: &Folder) -> io::Result<()>;

    /// Renames a file to a name that must not exist.
    ///
    /// # Errors
    /// `AlreadyExists` when the new name exists.
    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()>;

    /// Renames a file to the name of another, which is replaced.
    ///
    /// # Errors
    /// When the system refuses.
    fn replace(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// When the system refuses.
    fn unlink(&self, folder: &Folder, name: &str) -> io::Result<()>;

    /// Takes a lease on the file, which the kernel grants only when no process has it open for
    /// writing.
    ///
    /// # Errors
    /// `WouldBlock` when a process has; any other error if leases are not available.
    fn lease(&self, file: &File) -> io::Result<Lease>;
}

/// The owner, group and permissions of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    pub user: u32,
    pub group: u32,
    /// Permissions, set-id bits included.
    pub mode: u32,
}

impl Access {
    /// The access of a file or folder.
    pub fn of(metadata: &Metadata) -> Access {
        Access {
            user: metadata.uid(),
            group: metadata.gid(),
            mode: metadata.mode() & 0o7777,
        }
    }

    /// The stricter of both, for a file with content of two files. `None` when they have different
    /// owners. If their groups differ, the group gets the permissions of all other users.
    pub fn stricter(self, other: Access) -> Option<Access> {
        let mut mode = self.mode & other.mode & 0o777;
        if self.group != other.group {
            mode = mode & 0o707 | (mode & 0o007) << 3;
        }
        (self.user == other.user).then_some(Access { mode, ..self })
    }

    /// The access for a file in a folder that has this access.
    pub fn of_file_in(folder: &Metadata) -> Access {
        let access = Access::of(folder);
        Access {
            mode: access.mode & 0o666,
            ..access
        }
    }
}

/// Sets the owner and permissions of a new file or folder. If the process may not give it away, it
/// keeps its owner and gets the same permissions.
pub fn give(ops: &dyn DiskOps, made: &File, access: Access) {
    if ops.set_access(made, access).is_err() {
        let _ = made.set_permissions(Permissions::from_mode(access.mode));
    }
}

/// A [`Write`] into a file through [`DiskOps`].
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
