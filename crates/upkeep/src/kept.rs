//! What other rooms keep in the folder for what is ours: small files, each replaced at once or not at all.

use std::io;
use std::time::Duration;

use crate::own;
use calltrace_store::error::Error;
use calltrace_store::fsx::{Access, DiskOps, DraftFile, Folder};
use calltrace_store::index::read_own;
use calltrace_store::tree::{EnterpriseName, Tree};

/// A file of ours that is kept for an enterprise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept(&'static str);

/// A larger one is not ours, or damaged.
const BYTES_MAX: u64 = 1 << 20;

impl Kept {
    /// Up to where the journals of hosts have been read.
    pub const SYNC: Kept = Kept(own::SYNC);

    /// What it holds; `None` if it is not there or can't be read.
    pub fn read(self, tree: &Tree, enterprise: &EnterpriseName) -> Option<Vec<u8>> {
        let folder = tree.folder(enterprise).ok()?;
        read_own(&folder, self.0, BYTES_MAX).ok()
    }

    /// Replaces it by what `change` makes of what it holds, under the lock of the enterprise. Another calltrace that
    /// has the lock is waited for as long as `patience` at most.
    ///
    /// # Errors
    /// When the lock can't be had or the file can't be written; it is as it was then.
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
        self.replace(&folder, &own, ops, &content).map_err(fail)
    }

    fn replace(
        self,
        logs: &Folder,
        own: &Folder,
        ops: &dyn DiskOps,
        content: &[u8],
    ) -> io::Result<()> {
        let temporary = format!("{}.tmp", self.0);
        // What a run left that was killed.
        if own.has(&temporary) {
            ops.unlink(own, &temporary)?;
        }
        let file = ops.create(own, &temporary)?;
        let draft = DraftFile::of(ops, own, temporary, file);
        ops.set_access(draft.file(), Access::of_file_in(&logs.metadata()?))?;
        ops.write(draft.file(), content)?;
        draft.sync()?;
        draft.replace(self.0)
    }
}
