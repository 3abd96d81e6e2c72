//! Writes small files and indexes of `.calltrace`: under a temporary name, synced, then renamed.

use std::io;

use super::context::RotationContext;
use calltrace_store::fsx::{Access, DiskOps, DraftFile, Folder};

/// A new empty file under a temporary name, with its final owner and permissions.
pub(super) fn draft<'d>(
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
pub(super) fn temporary_of(name: &str) -> String {
    format!("{name}.tmp")
}

/// Puts a small file into `.calltrace`, in place of the one before.
pub(super) fn small(context: &RotationContext<'_>, name: &str, content: &[u8]) -> io::Result<()> {
    own_file(context, name, |draft| {
        context.ops.write(draft.file(), content)
    })
}

/// Puts a file into `.calltrace` that `write` writes, in place of the one before.
pub(super) fn own_file(
    context: &RotationContext<'_>,
    name: &str,
    write: impl FnOnce(&DraftFile<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let access = Access::of_file_in(&context.folder.metadata()?);
    let own = context.own_folder()?;
    let draft = draft(context.ops, &own, temporary_of(name), access)?;
    write(&draft)?;
    draft.sync()?;
    draft.replace(name)
}
