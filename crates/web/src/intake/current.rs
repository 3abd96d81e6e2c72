//! Determines which file is current, and opens it.
//!
//! The first writers of the field append to `events.log` and rename it at midnight, later ones append to
//! `events_YYYY-MM-DD.log`; a folder may hold both. Today's dated file is current if it exists, otherwise
//! `events.log`. If neither exists, the other files of the folder decide which one is made.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::thread;
use std::time::{Duration, Instant};

use chrono::NaiveDate;

use super::AppendError;
use calltrace_store::fsx::{Access, Disk, DiskOps as _, Folder, NotAFile, Purpose, give};
use calltrace_store::tree::{EnterpriseName, Tree, access_of_new, look_at};

const LIVE: &str = "events.log";

/// The pause between two tries while a rotation holds off writers.
const BETWEEN_TRIES: Duration = Duration::from_millis(2);

/// Opens the current file of an enterprise for reading and appending; makes it, and the folder, if necessary.
/// While a rotation checks that the file has no writers, it waits until `deadline`.
pub(super) fn open(
    tree: &Tree,
    enterprise: &EnterpriseName,
    today: NaiveDate,
    deadline: Instant,
) -> Result<File, AppendError> {
    let dated = format!("events_{}.log", today.format("%Y-%m-%d"));
    loop {
        // The folder is opened again at each try, because it may have been moved together with the
        // file.
        match open_there(tree, enterprise, &dated) {
            Ok(Some(file)) => return Ok(file),
            Ok(None) => make(tree, enterprise, &dated)?,
            // A lease holds the file, or it was unlinked between two calls.
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
            return Err(AppendError::Late);
        }
    }
}

fn open_there(tree: &Tree, enterprise: &EnterpriseName, dated: &str) -> io::Result<Option<File>> {
    let folder = match tree.folder(enterprise) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        folder => folder?,
    };
    for name in [dated, LIVE] {
        match open_file(&folder, name) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened.map(Some),
        }
    }
    Ok(None)
}

fn open_file(folder: &Folder, name: &str) -> io::Result<File> {
    let (file, metadata) = folder.open_file(name, Purpose::Append)?;
    // Its last name was removed while it was being opened: no process would read what is written there.
    // From here on it is open for writing, so a rotation leaves it alone.
    if metadata.nlink() == 0 {
        return Err(ErrorKind::StaleNetworkFileHandle.into());
    }
    Ok(file)
}

/// Makes what is missing; another process may make it at the same time.
fn make(tree: &Tree, enterprise: &EnterpriseName, dated: &str) -> Result<(), AppendError> {
    match made(tree, enterprise, dated) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound && !tree.root().is_dir() => {
            Err(AppendError::NoTree)
        }
        Err(error) => Err(refused(&error)),
        Ok(()) => Ok(()),
    }
}

fn made(tree: &Tree, enterprise: &EnterpriseName, dated: &str) -> io::Result<()> {
    let folder = match tree.folder(enterprise) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let root = Folder::open(tree.root())?;
            Disk.make_folder(&root, enterprise.as_str())?;
            let folder = tree.folder(enterprise)?;
            give(&Disk, &folder.readable()?, Access::of(&root.metadata()?));
            folder
        }
        folder => folder?,
    };
    let files = look_at(&folder)?;
    let is_dated = |name: &str| name.starts_with("events_");
    let name = match files.iter().any(|file| is_dated(&file.name.stem)) {
        true => dated,
        false => LIVE,
    };
    let access = access_of_new(&folder, &files)?;
    give(&Disk, &folder.create(name, access.mode)?, access);
    Ok(())
}

fn refused(error: &io::Error) -> AppendError {
    let is_no_folder = error.kind() == ErrorKind::NotADirectory;
    match is_no_folder || NotAFile::of(error).is_some() {
        true => AppendError::NotAFile,
        false => AppendError::of(error),
    }
}
