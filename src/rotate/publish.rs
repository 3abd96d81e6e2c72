//! Small files of ours, and indexes: made beside, synced, then put in place at once.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use super::site::Site;
use crate::fsx::{Access, DeedWriter, Deeds};

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// A file under a temporary name; removed when dropped, unless it was put in place.
pub(super) struct Draft<'d> {
    deeds: &'d dyn Deeds,
    path: PathBuf,
    pub(super) file: File,
    is_ours: bool,
}

impl<'d> Draft<'d> {
    /// A new empty file that only those may touch who may.
    pub(super) fn create(
        deeds: &'d dyn Deeds,
        path: &Path,
        access: Access,
    ) -> io::Result<Draft<'d>> {
        let draft = Draft {
            deeds,
            path: path.to_owned(),
            file: deeds.create(path)?,
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
    pub(super) fn rename(mut self, to: &Path) -> io::Result<()> {
        self.deeds.rename(&self.path, to)?;
        self.is_ours = false;
        self.deeds.sync_folder(folder_of(to))
    }

    /// Gives it the name `to`; what had it before is gone.
    pub(super) fn replace(mut self, to: &Path) -> io::Result<()> {
        self.deeds.replace(&self.path, to)?;
        self.is_ours = false;
        self.deeds.sync_folder(folder_of(to))
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if self.is_ours {
            // Of no consequence if it fails: the next run removes it.
            let _ = self.deeds.unlink(&self.path);
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Where a file of `.calltrace` is while it is being written.
pub(super) fn temporary_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    PathBuf::from(name)
}

/// Puts a file into `.calltrace`, in place of the one before.
pub(super) fn small(site: &Site<'_>, name: &str, content: &[u8]) -> io::Result<()> {
    let path = site.own_folder().join(name);
    let access = Access::of_file_in(&fs::metadata(&site.folder)?);
    let draft = Draft::create(site.deeds, &temporary_of(&path), access)?;
    site.deeds.write(&draft.file, content)?;
    site.deeds.sync(&draft.file)?;
    draft.replace(&path)
}
