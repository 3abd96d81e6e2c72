//! What a run does to what is remembered: it notes which lines it is about to take off a file, and keeps that.

use std::io;
use std::os::unix::fs::MetadataExt;

use super::publish;
use super::site::{Opened, Site};
use crate::survey::memory::{Collapsing, MEMORY, Memory};
use calltrace_store::tree::FileName;

impl Collapsing {
    /// Of the first `bytes` of a file, to be copied to `archive`.
    pub(super) fn new(file: &Opened, bytes: u64, archive: &FileName) -> Collapsing {
        Collapsing {
            archive: archive.clone(),
            inode: file.metadata.ino(),
            bytes,
        }
    }
}

impl Memory {
    /// Which lines of this file were being taken off it when a run died.
    pub(super) fn collapsing_of(&self, file: &Opened) -> Option<&Collapsing> {
        let noted = self.collapsing.as_ref();
        noted.filter(|noted| noted.inode == file.metadata.ino())
    }

    /// What was remembered; nothing when it can't be read.
    pub(super) fn read(site: &Site<'_>) -> Memory {
        Memory::of(&site.folder).unwrap_or_default()
    }

    /// Keeps it, unless that is what is kept already.
    ///
    /// # Errors
    /// When it can't be written.
    pub(super) fn keep(&self, site: &Site<'_>) -> io::Result<()> {
        if *self == Memory::read(site) {
            return Ok(());
        }
        publish::small(site, MEMORY, self.text().as_bytes())
    }
}
