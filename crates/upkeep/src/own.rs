//! `.calltrace`, the folder for calltrace's own files. The first run makes it, or takes it over from version 0.1.

use std::fs::Metadata;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use rustix::process::geteuid;

use crate::survey::memory::MEMORY;
use calltrace_engine::log_of_table;
use calltrace_store::error::Error;
use calltrace_store::fsx::{Access, DiskOps, DraftFile, Folder, Lock, UntrustedStep, give};
use calltrace_store::index::{self, FOLDER};
use calltrace_store::tree::{EnterpriseName, Tree};

/// The lock that keeps two runs apart, and a run apart from a process that adds recovered lines.
pub(crate) const LOCK: &str = "lock";

/// The positions up to which the journals of hosts have been read.
pub(crate) const SYNC: &str = "sync.json";

/// What was shipped to object storage, and the checksums of local files.
pub(crate) const SHIPPED: &str = "shipped.toml";

/// The times at which archives were compared with their indexes.
pub(crate) const CHECKED: &str = "checked.toml";

/// Opens the folder of an enterprise's logs in order to change it.
///
/// # Errors
/// When it is missing or can't be opened, or when another user than its owner could change its path.
pub(crate) fn folder_of_logs(tree: &Tree, enterprise: &EnterpriseName) -> Result<Folder, Error> {
    let path = tree.path(enterprise);
    let fail = |error| Error::io(&path, "open the folder", error);
    let refused = |why| fail(io::Error::new(ErrorKind::PermissionDenied, why));
    let trusted = tree.folder_to_change(enterprise).map_err(fail)?;
    trusted.map_err(|other| refused(refusal(&other, "written")))
}

/// Opens `.calltrace` in a folder of logs. Makes it first if it is missing, with the owner of the logs' folder.
pub(crate) fn make(folder: &Folder, ops: &dyn DiskOps) -> Result<Folder, Error> {
    let fail = |error| Error::io(&folder.path_of(FOLDER), "open the folder", error);
    made(folder, ops).map_err(fail)
}

/// Takes the lock of a folder of logs, which is a file in `.calltrace`.
///
/// # Errors
/// When it can't be taken, or another process holds it, which the error names.
pub(crate) fn lock(own: &Folder, patience: Duration) -> Result<Lock, Error> {
    let fail = |error| Error::io(&own.path_of(LOCK), "take the lock", error);
    Lock::take_within(own, LOCK, patience).map_err(fail)
}

/// Why root does not work in a folder, and what to do about it; `done` is what another user would decide about,
/// as in "what is done".
pub(crate) fn refusal(other: &UntrustedStep, done: &str) -> String {
    format!(
        "{}, so another user than the folder's owner decides what is {done}; nothing was done (run as \
         the owner, or take that right away)",
        other.why
    )
}

fn made(folder: &Folder, ops: &dyn DiskOps) -> io::Result<Folder> {
    let like = folder.metadata()?;
    let own = match folder.subfolder(FOLDER) {
        Err(error) if error.kind() == ErrorKind::NotFound => make_like(folder, ops, &like)?,
        opened => opened?,
    };
    let user = own.metadata()?.uid();
    if geteuid().is_root() && user != like.uid() {
        take_over(&own, ops, user, &like)?;
    }
    Ok(own)
}

fn make_like(folder: &Folder, ops: &dyn DiskOps, like: &Metadata) -> io::Result<Folder> {
    match ops.make_folder(folder, FOLDER) {
        // Another first run was faster and sets the owner.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return folder.subfolder(FOLDER),
        made => made?,
    }
    let own = folder.subfolder(FOLDER)?;
    give(ops, &own.readable()?, Access::of(like));
    ops.sync_folder(folder)?;
    Ok(own)
}

/// Gives the folder the owner of the logs. Version 0.1, run as root, made the folder first and then changed its owner.
/// A folder of a run that was interrupted in between gets the owner now. A folder that holds other files may have been
/// moved here from anywhere: the owner may have no right to its content.
fn take_over(own: &Folder, ops: &dyn DiskOps, user: u32, like: &Metadata) -> io::Result<()> {
    let is_ours = |name: &std::ffi::OsString| name.to_str().is_some_and(is_of_a_run);
    // A folder of another user is used with the rights of the logs' owner, if that owner has any there.
    if user != 0 && like.uid() != 0 {
        return Ok(());
    }
    if user != 0 || !own.names()?.iter().all(is_ours) {
        return Err(io::Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "it belongs to uid {user}, and the folder of the logs to uid {}; move it away, and the next rotation makes the indexes again",
                like.uid()
            ),
        ));
    }
    ops.set_access(&own.readable()?, Access::of(like))
}

/// A new empty file under a temporary name, with its final owner and permissions.
pub(crate) fn draft<'d>(
    ops: &'d dyn DiskOps,
    folder: &Folder,
    name: String,
    access: Access,
) -> io::Result<DraftFile<'d>> {
    let file = ops.create(folder, &name)?;
    let draft = DraftFile::of(ops, folder, name, file);
    // Set before the file has content.
    ops.set_access(draft.file(), access)?;
    Ok(draft)
}

/// The name of a file of `.calltrace` while it is written.
pub(crate) fn temporary_of(name: &str) -> String {
    format!("{name}.tmp")
}

/// Puts a file that `write` writes into the folder of calltrace itself, in place of the one before; its owner becomes
/// that of `logs`, the folder of logs.
pub(crate) fn replace(
    ops: &dyn DiskOps,
    logs: &Folder,
    own: &Folder,
    name: &str,
    write: impl FnOnce(&DraftFile<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let temporary = temporary_of(name);
    // A killed run leaves its temporary file.
    if own.has(&temporary) {
        ops.unlink(own, &temporary)?;
    }
    let access = Access::of_file_in(&logs.metadata()?);
    let draft = draft(ops, own, temporary, access)?;
    write(&draft)?;
    draft.sync()?;
    draft.replace(name)
}

/// Whether a file of this name is one that runs make.
fn is_of_a_run(name: &str) -> bool {
    let finished = name.strip_suffix(".tmp").unwrap_or(name);
    index::log_of(finished).is_some()
        || log_of_table(finished).is_some()
        || [LOCK, MEMORY, CHECKED, SYNC, SHIPPED, index::catalog::NAME].contains(&finished)
}
