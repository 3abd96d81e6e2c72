//! A file that is made under another name, then put in place at once.

use std::fs::File;
use std::io::{self, BufWriter};

use super::{DiskOps, Folder, OpsWriter};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// A file under a temporary name; removed when dropped, unless it was put in place. A run that is killed
/// leaves it, and the next one has to remove it.
pub struct DraftFile<'d> {
    ops: &'d dyn DiskOps,
    folder: Folder,
    name: String,
    file: File,
    is_ours: bool,
}

impl<'d> DraftFile<'d> {
    /// Of the file `name` in `folder`, which the caller has just made and has open as `file`.
    pub fn of(ops: &'d dyn DiskOps, folder: &Folder, name: String, file: File) -> DraftFile<'d> {
        DraftFile {
            ops,
            folder: folder.clone(),
            name,
            file,
            is_ours: true,
        }
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Writes into it; to be flushed.
    pub fn writer(&self) -> BufWriter<OpsWriter<'_>> {
        BufWriter::with_capacity(BUFFER_BYTES, OpsWriter::new(self.ops, &self.file))
    }

    /// Makes what was written survive a power loss: to be done before it is put in place.
    ///
    /// # Errors
    /// When some of it may not.
    pub fn sync(&self) -> io::Result<()> {
        self.ops.sync(&self.file)
    }

    /// Gives it the name `to`, which nothing has.
    ///
    /// # Errors
    /// `AlreadyExists` when something has it.
    pub fn rename(mut self, to: &str) -> io::Result<()> {
        self.ops.rename(&self.folder, &self.name, to)?;
        self.is_ours = false;
        self.ops.sync_folder(&self.folder)
    }

    /// Gives it the name `to`; what had it before is gone.
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
            // Of no consequence if it fails: the next run removes it.
            let _ = self.ops.unlink(&self.folder, &self.name);
        }
    }
}
