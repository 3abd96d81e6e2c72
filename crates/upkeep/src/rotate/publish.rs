//! Small files of ours, and indexes: made beside, synced, then put in place at once.

use std::fs::File;
use std::io::{self, BufWriter};

use super::site::Site;
use calltrace_store::fsx::{Access, DeedWriter, Deeds, Folder};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// A file under a temporary name; removed when dropped, unless it was put in place.
pub(super) struct Draft<'d> {
    deeds: &'d dyn Deeds,
    folder: Folder,
    name: String,
    pub(super) file: File,
    is_ours: bool,
}

impl<'d> Draft<'d> {
    /// A new empty file that only those may touch who may.
    pub(super) fn create(
        deeds: &'d dyn Deeds,
        folder: &Folder,
        name: String,
        access: Access,
    ) -> io::Result<Draft<'d>> {
        let draft = Draft {
            deeds,
            folder: folder.clone(),
            file: deeds.create(folder, &name)?,
            name,
            is_ours: true,
        };
        // Before there is anything in it.
        deeds.set_access(&draft.file, access)?;
        Ok(draft)
    }

    pub(super) fn writer(&self) -> BufWriter<DeedWriter<'_>> {
        BufWriter::with_capacity(BUFFER_BYTES, DeedWriter::new(self.deeds, &self.file))
    }

    /// Gives it the name `to`, which nothing has.
    pub(super) fn rename(mut self, to: &str) -> io::Result<()> {
        self.deeds.rename(&self.folder, &self.name, to)?;
        self.is_ours = false;
        self.deeds.sync_folder(&self.folder)
    }

    /// Gives it the name `to`; what had it before is gone.
    pub(super) fn replace(mut self, to: &str) -> io::Result<()> {
        self.deeds.replace(&self.folder, &self.name, to)?;
        self.is_ours = false;
        self.deeds.sync_folder(&self.folder)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if self.is_ours {
            // Of no consequence if it fails: the next run removes it.
            let _ = self.deeds.unlink(&self.folder, &self.name);
        }
    }
}

/// What a file of `.calltrace` is called while it is being written.
pub(super) fn temporary_of(name: &str) -> String {
    format!("{name}.tmp")
}

/// Puts a small file into `.calltrace`, in place of the one before.
pub(super) fn small(site: &Site<'_>, name: &str, content: &[u8]) -> io::Result<()> {
    own_file(site, name, |draft| site.deeds.write(&draft.file, content))
}

/// Puts a file into `.calltrace` that `write` writes, in place of the one before.
pub(super) fn own_file(
    site: &Site<'_>,
    name: &str,
    write: impl FnOnce(&Draft<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let access = Access::of_file_in(&site.folder.metadata()?);
    let own = site.own_folder()?;
    let draft = Draft::create(site.deeds, &own, temporary_of(name), access)?;
    write(&draft)?;
    site.deeds.sync(&draft.file)?;
    draft.replace(name)
}
