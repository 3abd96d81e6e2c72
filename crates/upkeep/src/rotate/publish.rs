//! Writes small files and indexes of `.calltrace`: under a temporary name, synced, then renamed.

use std::io;

use super::context::RotationContext;
use crate::own;
use calltrace_store::fsx::DraftFile;

/// Puts a small file into `.calltrace`, in place of the one before.
pub(crate) fn small(context: &RotationContext<'_>, name: &str, content: &[u8]) -> io::Result<()> {
    own_file(context, name, |draft| {
        context.ops.write(draft.file(), content)
    })
}

/// Puts a file into `.calltrace` that `write` writes, in place of the one before.
pub(crate) fn own_file(
    context: &RotationContext<'_>,
    name: &str,
    write: impl FnOnce(&DraftFile<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let own = context.own_folder()?;
    own::replace(context.ops, &context.folder, &own, name, write)
}
