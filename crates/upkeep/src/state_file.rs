//! Small files that other crates keep in `.calltrace`. Each is replaced as a whole or not at all.

use std::time::{Duration, SystemTime};

use crate::own;
use calltrace_store::error::Error;
use calltrace_store::fsx::{DiskOps, DraftFile, Purpose};
use calltrace_store::index::{FOLDER, read_own};
use calltrace_store::tree::{EnterpriseName, Tree};

/// A small file in an enterprise's `.calltrace`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateFile(&'static str);

/// A larger file is damaged or not ours (bytes).
const BYTES_MAX: u64 = 1 << 20;

impl StateFile {
    /// The positions up to which the journals of hosts have been read.
    pub const SYNC: StateFile = StateFile(own::SYNC);

    /// The content; `None` if the file is missing or can't be read.
    pub fn read(self, tree: &Tree, enterprise: &EnterpriseName) -> Option<Vec<u8>> {
        let folder = tree.folder(enterprise).ok()?;
        read_own(&folder, self.0, BYTES_MAX).ok()
    }

    /// When the content was last replaced; `None` if the file is missing or can't be read.
    pub fn written(self, tree: &Tree, enterprise: &EnterpriseName) -> Option<SystemTime> {
        let folder = tree.folder(enterprise).ok()?.subfolder(FOLDER).ok()?;
        let (_, metadata) = folder.open_file(self.0, Purpose::Read).ok()?;
        metadata.modified().ok()
    }

    /// Replaces the content by what `change` makes of it, under the enterprise's lock. Waits for another calltrace that
    /// holds the lock for at most `patience`.
    ///
    /// # Errors
    /// When the lock can't be taken or the file can't be written. The file is then unchanged.
    pub fn update(
        self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        ops: &dyn DiskOps,
        patience: Duration,
        change: impl FnOnce(Option<Vec<u8>>) -> Vec<u8>,
    ) -> Result<(), Error> {
        let folder = own::folder_of_logs(tree, enterprise)?;
        let own = own::make(&folder, ops)?;
        let _lock = own::lock(&own, patience)?;
        let content = change(read_own(&folder, self.0, BYTES_MAX).ok());
        let fail = |error| Error::io(&own.path_of(self.0), "write", error);
        let write = |draft: &DraftFile<'_>| ops.write(draft.file(), &content);
        own::replace(ops, &folder, &own, self.0, write).map_err(fail)
    }
}
