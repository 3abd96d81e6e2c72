//! A file that is made under a temporary name and then put in place at once.

use std::fs::File;
use std::io::{self, BufWriter};

use super::{DiskOps, Folder, OpsWriter};

/// Bytes that are buffered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// A file under a temporary name. It is removed when dropped, unless it was put in place. A run
/// that is killed leaves it, and the next run has to remove it.
pub struct DraftFile<'d> {
    ops: &'d dyn DiskOps,
    folder: Folder,
    name: String,
    file: File,
    is_ours: bool,
}

impl<'d> DraftFile<'d> {
    /// A draft of the file `name` in `folder`, which the caller has just created and has open as
    /// `file`.
    pub fn of(ops: &'d dyn DiskOps, folder: &Folder, name: String, file: File) -> DraftFile<'d> {
        DraftFile {
            ops,
            folder: folder.clone(),
            name,
            file,
            is_ours: true,
        }
    }

    pub fn file(&self) -> &File {
        &self.file
    }

    /// A buffered writer into it; the caller flushes it.
    pub fn writer(&self) -> BufWriter<OpsWriter<'_>> {
        BufWriter::with_capacity(BUFFER_BYTES, OpsWriter::new(self.ops, &self.file))
    }

    /// Makes the content survive a power loss; called before the file is put in place.
    ///
    /// # Errors
    /// When that is not certain.
    pub fn sync(&self) -> io::Result<()> {
        self.ops.sync(&self.file)
    }

    /// Renames it to `to`, which must not exist.
    ///
    /// # Errors
    /// `AlreadyExists` when the name exists.
    pub fn rename(mut self, to: &str) -> io::Result<()> {
        self.ops.rename(&self.folder, &self.name, to)?;
        self.is_ours = false;
        self.ops.sync_folder(&self.folder)
    }

    /// Renames it to `to` and replaces the file of that name.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn replace(mut self, to: &str) -> io::Result<()> {
        self.ops.replace(&self.folder, &self.name, to)?;
        self.is_ours = false;
        self.ops.sync_folder(&self.folder)
    }
}

impl Drop for DraftFile<'_> {
    fn drop(&mut self) {
        if self.is_ours {
            // A failure has no consequence: the next run removes the file.
            let _ = self.ops.unlink(&self.folder, &self.name);
        }
    }
}
