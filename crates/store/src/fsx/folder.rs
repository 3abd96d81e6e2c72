//! An open folder, and its files by name.
//!
//! The kernel looks a path up again at each use, and every user with write access to a folder on
//! the way can change what it leads to. So a folder is opened once, and everything in it is named
//! relative to its descriptor, by one name without a slash. **Nothing here follows another user's
//! link out of the folder, waits for another process, or opens anything except a regular file**:
//! [`Folder::open_file`] is the one function that decides whether a name is safe to open, for
//! readers and writers alike.
//!
//! A name without a slash has no folders on the way, so `openat` with `O_NOFOLLOW` gives what
//! `openat2` with `RESOLVE_BENEATH` would, on every kernel.

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, RenameFlags, Stat};
use rustix::io::Errno;

use super::not_a_file::{NotAFile, regular};
use super::{Accounts, FileIdentity, FolderRights};

/// The flags that every file is opened with: follow no link, do not wait for the other end of a
/// FIFO or for the holder of a lease, take no controlling terminal.
const SAFE: OFlags = OFlags::NOFOLLOW
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// A descriptor that only names a folder: it needs no permission on it.
pub(super) const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// An open folder. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Folder(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    descriptor: OwnedFd,
    path: PathBuf,
    rights: FolderRights,
    /// The first subfolder that was opened.
    inner: OnceLock<(String, Folder)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Read,
    Write,
    Append,
}

impl Folder {
    /// Opens a folder by the path that the administrator gave: links on the way are followed.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let descriptor = rustix::fs::openat(CWD, path, FOLDER, Mode::empty())?;
        Folder::new(descriptor, path.to_owned(), &Accounts::read)
    }

    /// Wraps a folder that is open. `accounts` is called only if root runs this.
    ///
    /// # Errors
    /// When `fstat` fails.
    pub fn new<A: std::borrow::Borrow<Accounts>>(
        descriptor: OwnedFd,
        path: PathBuf,
        accounts: &dyn Fn() -> A,
    ) -> io::Result<Folder> {
        let rights = match rustix::process::geteuid().is_root() {
            true => FolderRights::for_folder(&metadata(descriptor.as_fd())?, accounts().borrow())?,
            false => FolderRights::default(),
        };
        Ok(Folder::with(descriptor, path, rights))
    }

    pub(super) fn with(descriptor: OwnedFd, path: PathBuf, rights: FolderRights) -> Folder {
        Folder(Arc::new(Inner {
            descriptor,
            path,
            rights,
            inner: OnceLock::new(),
        }))
    }

    /// The path that it was opened by, for messages.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The path of a name in it, for messages.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.0.path.join(name)
    }

    /// The rights that its files are opened with.
    pub(super) fn rights(&self) -> &FolderRights {
        &self.0.rights
    }

    /// The descriptor. It only names the folder: it can't be read.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.descriptor.as_fd()
    }

    /// The folder itself.
    ///
    /// # Errors
    /// When `fstat` fails.
    pub fn metadata(&self) -> io::Result<Metadata> {
        metadata(self.descriptor())
    }

    /// Device and inode of the folder.
    ///
    /// # Errors
    /// When `fstat` fails.
    pub fn identity(&self) -> io::Result<FileIdentity> {
        Ok(FileIdentity::of(&self.metadata()?))
    }

    /// Opens a subfolder, never through a link; its files are opened with the rights of this
    /// folder's owner. The first subfolder that was opened stays open.
    ///
    /// # Errors
    /// When there is none.
    pub fn subfolder(&self, name: &str) -> io::Result<Folder> {
        if let Some((known, folder)) = self.0.inner.get()
            && known == name
        {
            return Ok(folder.clone());
        }
        let flags = FOLDER | OFlags::NOFOLLOW;
        let opened = rustix::fs::openat(self, one_part(name)?, flags, Mode::empty());
        let descriptor = opened.map_err(|error| match error {
            Errno::NOTDIR | Errno::LOOP => {
                io::Error::new(ErrorKind::NotADirectory, "it is not a folder")
            }
            error => error.into(),
        })?;
        let folder = Folder::with(descriptor, self.path_of(name), self.0.rights.clone());
        let _ = self.0.inner.set((name.to_owned(), folder.clone()));
        Ok(folder)
    }

    /// Opens a regular file, and nothing else in its place: no link, no FIFO, no device.
    ///
    /// # Errors
    /// [`NotAFile`]; `WouldBlock` when another process holds it by a lease; any other error of the
    /// kernel.
    pub fn open_file(&self, name: &str, purpose: Purpose) -> io::Result<(File, Metadata)> {
        // The type is checked first, so that no device is opened, and again after opening.
        regular(self.stat(name)?.st_mode)?;
        let flags = match purpose {
            Purpose::Read => OFlags::RDONLY,
            Purpose::Write => OFlags::RDWR,
            Purpose::Append => OFlags::RDWR | OFlags::APPEND,
        };
        let opened = self.act(name, |name| {
            rustix::fs::openat(self, name, flags | SAFE, Mode::empty())
        });
        let file = match opened {
            Ok(descriptor) => File::from(descriptor),
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                return Err(io::Error::other(NotAFile::Link));
            }
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        regular(metadata.mode())?;
        Ok((file, metadata))
    }

    /// The `stat` of a name; for a link, that of the link itself.
    ///
    /// # Errors
    /// When there is no such name.
    pub fn stat(&self, name: &str) -> io::Result<Stat> {
        Ok(rustix::fs::statat(
            self,
            one_part(name)?,
            AtFlags::SYMLINK_NOFOLLOW,
        )?)
    }

    /// Whether the name exists.
    pub fn has(&self, name: &str) -> bool {
        self.stat(name).is_ok()
    }

    /// All names except `.` and `..`, in no particular order.
    ///
    /// # Errors
    /// When it can't be listed.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        let listing = Dir::new(OwnedFd::from(self.readable()?))?;
        for entry in listing {
            let name = entry?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// Creates an empty file with these permissions minus the process's umask, open for reading and
    /// writing.
    ///
    /// # Errors
    /// Any error of the kernel, for instance when the name exists.
    pub fn create(&self, name: &str, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | SAFE;
        let mode = Mode::from_raw_mode(mode);
        let made = self.act(name, |name| rustix::fs::openat(self, name, flags, mode))?;
        Ok(File::from(made))
    }

    /// Creates a folder that only its owner may enter.
    ///
    /// # Errors
    /// Any error of the kernel, for instance when the name exists.
    pub fn make_folder(&self, name: &str) -> io::Result<()> {
        self.act(name, |name| rustix::fs::mkdirat(self, name, Mode::RWXU))
    }

    /// Renames a file to a name that must not exist.
    ///
    /// # Errors
    /// `AlreadyExists` when the new name exists.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        one_part(to)?;
        self.act(from, |from| {
            match rustix::fs::renameat_with(self, from, self, to, RenameFlags::NOREPLACE) {
                // The file system lacks the flag (NFS, some FUSE). A hard link refuses a name that
                // exists as well; if the process is killed before the second step, the file has
                // both names.
                Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                    rustix::fs::linkat(self, from, self, to, AtFlags::empty())?;
                    rustix::fs::unlinkat(self, from, AtFlags::empty())
                }
                done => done,
            }
        })
    }

    /// Renames a file to the name of another, which is replaced.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn replace(&self, from: &str, to: &str) -> io::Result<()> {
        one_part(to)?;
        self.act(from, |from| rustix::fs::renameat(self, from, self, to))
    }

    /// Removes a file.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn unlink(&self, name: &str) -> io::Result<()> {
        self.act(name, |name| {
            rustix::fs::unlinkat(self, name, AtFlags::empty())
        })
    }

    /// Creates a file without a name in this folder, for a trial.
    ///
    /// # Errors
    /// Also if the file system does not support such files.
    pub fn nameless(&self) -> rustix::io::Result<File> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        let mut refused = Errno::INVAL;
        let made = self.act(".calltrace", |_| {
            rustix::fs::openat(self, ".", flags, Mode::RUSR | Mode::WUSR)
                .inspect_err(|error| refused = *error)
        });
        made.map(File::from).map_err(|_| refused)
    }

    /// Makes the creations, renames and removals in it survive a power loss.
    ///
    /// # Errors
    /// When that is not certain.
    pub fn sync(&self) -> io::Result<()> {
        self.readable()?.sync_all()
    }

    /// The folder as an open file, to sync it or to change its owner.
    ///
    /// # Errors
    /// When the process may not read it.
    pub fn readable(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = || Ok(rustix::fs::openat(self, ".", flags, Mode::empty())?);
        Ok(File::from(self.0.rights.act(open)?))
    }

    fn act<T>(&self, name: &str, act: impl FnOnce(&str) -> rustix::io::Result<T>) -> io::Result<T> {
        let name = one_part(name)?;
        self.0.rights.act(|| Ok(act(name)?))
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor()
    }
}

impl fmt::Display for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.path.display().fmt(f)
    }
}

impl FileIdentity {
    /// The identity of the file that `stat` describes.
    pub fn of_stat(stat: &Stat) -> FileIdentity {
        FileIdentity::new(stat.st_dev, stat.st_ino)
    }
}

/// Reads all of a small open file.
///
/// # Errors
/// `FileTooLarge` when it is longer than `bytes_max`; nothing is read then.
pub fn read_small(file: File, metadata: &Metadata, bytes_max: u64) -> io::Result<Vec<u8>> {
    if metadata.len() > bytes_max {
        let what = format!("it is longer than {bytes_max} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, what));
    }
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn metadata(descriptor: BorrowedFd<'_>) -> io::Result<Metadata> {
    File::from(descriptor.try_clone_to_owned()?).metadata()
}

/// The name, if it has no slash and is neither `.` nor `..`.
pub(super) fn one_part(name: &str) -> io::Result<&str> {
    let is_plain = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
    match is_plain {
        true => Ok(name),
        false => Err(io::Error::new(
            ErrorKind::InvalidFilename,
            "it is not the name of a file in the folder",
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_folder_stays_the_one_that_was_opened() {
        let dir = tempfile::tempdir().expect("a folder");
        let (first, second) = (dir.path().join("first"), dir.path().join("second"));
        fs::create_dir(&first).expect("made");
        fs::create_dir(&second).expect("made");
        let folder = Folder::open(&first).expect("open");
        fs::rename(&first, dir.path().join("moved")).expect("renamed");
        symlink("second", &first).expect("linked");
        folder.create("file", 0o600).expect("created");
        assert!(dir.path().join("moved/file").exists() && !second.join("file").exists());
    }
}
