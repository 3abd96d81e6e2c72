//! Which file is current, and opening it.
//!
//! The first writers of the field appended to `events.log` and renamed it at midnight, the later
//! ones append to `events_YYYY-MM-DD.log`; a folder may hold both. Today's dated file is current if
//! it is there, else `events.log`; where there is neither, the folder's other files tell which to
//! make.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::Refused;
use crate::fsx::{Access, Deeds as _, Disk};
use crate::tree::{EnterpriseName, Tree, look_at};

const LIVE: &str = "events.log";

/// Between two tries while a rotation holds openers back.
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// Opens the current file of an enterprise for reading and appending; makes it, and the folder, if
/// need be. A rotation that just then proves the file to be quiet is waited for until `deadline`.
pub(super) fn open(
    tree: &Tree,
    enterprise: &EnterpriseName,
    today: NaiveDate,
    deadline: Instant,
) -> Result<File, Refused> {
    let folder = tree.folder(enterprise);
    let dated = format!("events_{}.log", today.format("%Y-%m-%d"));
    loop {
        match open_there(&folder, &dated) {
            Ok(Some(file)) => return Ok(file),
            Ok(None) => make(tree, &folder, &dated)?,
            // Held by a lease, or unlinked between two calls.
            Err(error)
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::StaleNetworkFileHandle
                ) =>
            {
                thread::sleep(BETWEEN_TRIES);
            }
            Err(error) => return Err(refused(&error)),
        }
        if Instant::now() >= deadline {
            return Err(Refused::Late);
        }
    }
}

fn open_there(folder: &Path, dated: &str) -> io::Result<Option<File>> {
    for name in [dated, LIVE] {
        match open_file(&folder.join(name)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened.map(Some),
        }
    }
    Ok(None)
}

/// Never waits in the kernel, neither for a FIFO's other end nor for a lease.
fn open_file(path: &Path) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(ErrorKind::IsADirectory.into());
    }
    // Its last name went while it was being opened: nobody would read what is written there. From
    // here on it is open for writing, so a rotation leaves it alone.
    if metadata.nlink() == 0 {
        return Err(ErrorKind::StaleNetworkFileHandle.into());
    }
    Ok(file)
}

/// Makes what is missing; somebody else may be faster.
fn make(tree: &Tree, folder: &Path, dated: &str) -> Result<(), Refused> {
    match made(tree, folder, dated) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound && !tree.root().is_dir() => {
            Err(Refused::NoTree)
        }
        Err(error) => Err(refused(&error)),
        Ok(()) => Ok(()),
    }
}

fn made(tree: &Tree, folder: &Path, dated: &str) -> io::Result<()> {
    let there = match fs::metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let root = fs::metadata(tree.root())?;
            Disk.make_folder(folder)?;
            // Not ours to give away, perhaps: then it stays ours.
            let _ = Disk.set_access(&File::open(folder)?, Access::of(&root));
            fs::metadata(folder)?
        }
        there => there?,
    };
    let files = look_at(folder)?;
    let is_dated = |name: &str| name.starts_with("events_");
    let name = match files.iter().any(|file| is_dated(&file.name.stem)) {
        true => dated,
        false => LIVE,
    };
    let newest = files.iter().max_by_key(|file| file.modified);
    let newest = newest.and_then(|file| fs::metadata(folder.join(file.name.full())).ok());
    create(&folder.join(name), access_like(newest.as_ref(), &there))
}

/// Other writers must be able to append to it as they do to the others.
fn access_like(newest: Option<&Metadata>, folder: &Metadata) -> Access {
    // Of either nothing but reading and writing is taken over.
    Access::of_file_in(newest.unwrap_or(folder))
}

fn create(path: &Path, access: Access) -> io::Result<()> {
    let file = OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(access.mode)
        .open(path)?;
    // Not ours to give away, perhaps: then it stays ours, and open to the same kinds of people.
    if Disk.set_access(&file, access).is_err() {
        let _ = file.set_permissions(Permissions::from_mode(access.mode));
    }
    Ok(())
}

fn refused(error: &io::Error) -> Refused {
    let is_link = error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
    let is_special = matches!(
        error.kind(),
        ErrorKind::NotADirectory | ErrorKind::IsADirectory
    );
    match is_link || is_special {
        true => Refused::NotAFile,
        false => Refused::of(error),
    }
}
