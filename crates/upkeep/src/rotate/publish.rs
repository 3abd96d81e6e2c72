//! Small files of ours, and indexes: made beside, synced, then put in place at once.

use std::io;

use super::site::Site;
use calltrace_store::fsx::{Access, DiskOps, DraftFile, Folder};

/// A new empty file under a temporary name that only those may touch who may.
pub(super) fn draft<'d>(
    ops: &'d dyn DiskOps,
    folder: &Folder,
    name: String,
    access: Access,
) -> io::Result<DraftFile<'d>> {
    let file = ops.create(folder, &name)?;
    let draft = DraftFile::of(ops, folder, name, file);
    // Before there is anything in it.
    ops.set_access(draft.file(), access)?;
    Ok(draft)
}

/// What a file of `.calltrace` is called while it is being written.
pub(super) fn temporary_of(name: &str) -> String {
    format!("{name}.tmp")
}

/// Puts a small file into `.calltrace`, in place of the one before.
pub(super) fn small(site: &Site<'_>, name: &str, content: &[u8]) -> io::Result<()> {
    own_file(site, name, |draft| site.ops.write(draft.file(), content))
}

/// Puts a file into `.calltrace` that `write` writes, in place of the one before.
pub(super) fn own_file(
    site: &Site<'_>,
    name: &str,
    write: impl FnOnce(&DraftFile<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let access = Access::of_file_in(&site.folder.metadata()?);
    let own = site.own_folder()?;
    let draft = draft(site.ops, &own, temporary_of(name), access)?;
    write(&draft)?;
    draft.sync()?;
    draft.replace(name)
}
