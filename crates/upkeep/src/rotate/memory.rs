//! How a run updates the memory: it notes which lines it is about to take off a file, and saves the note.

use std::io;
use std::os::unix::fs::MetadataExt;

use super::context::{OpenLog, RotationContext};
use super::publish;
use crate::survey::memory::{Collapsing, MEMORY, RotationMemory};
use calltrace_store::tree::FileName;

impl Collapsing {
    /// The note that the first `bytes` of a file are copied to `archive`.
    pub(super) fn new(file: &OpenLog, bytes: u64, archive: &FileName) -> Collapsing {
        Collapsing {
            archive: archive.clone(),
            inode: file.metadata.ino(),
            bytes,
        }
    }
}

impl RotationMemory {
    /// The note about lines that an interrupted run was taking off this file.
    pub(super) fn collapsing_of(&self, file: &OpenLog) -> Option<&Collapsing> {
        let noted = self.collapsing.as_ref();
        noted.filter(|noted| noted.inode == file.metadata.ino())
    }

    /// Reads the memory; empty if it can't be read.
    pub(super) fn read(context: &RotationContext<'_>) -> RotationMemory {
        RotationMemory::of(&context.folder).unwrap_or_default()
    }

    /// Saves it, unless it is unchanged.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn keep(&self, context: &RotationContext<'_>) -> io::Result<()> {
        if *self == RotationMemory::read(context) {
            return Ok(());
        }
        publish::small(context, MEMORY, self.text().as_bytes())
    }
}
