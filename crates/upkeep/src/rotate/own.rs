//! The folder for what is ours, `.calltrace`: made at the first run, taken over from version 0.1.

use std::fs::{Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use rustix::process::geteuid;

use super::site::Site;
use crate::survey::memory::MEMORY;
use calltrace_engine::log_of_table;
use calltrace_store::error::Error;
use calltrace_store::fsx::{Access, Folder};
use calltrace_store::index::{self, FOLDER};

/// The file that keeps two runs apart.
pub(super) const LOCK: &str = "lock";

/// When which archive was compared with its index.
pub(super) const CHECKED: &str = "checked.toml";

impl Site<'_> {
    /// Opens the folder for what is ours. It is made first where there is none, with the owner of the
    /// logs' folder.
    pub(super) fn make_own_folder(&self) -> Result<Folder, Error> {
        let fail = |error| Error::io(&self.folder.path_of(FOLDER), "open the folder", error);
        self.made().map_err(fail)
    }

    fn made(&self) -> io::Result<Folder> {
        let like = self.folder.metadata()?;
        let own = match self.own_folder() {
            Err(error) if error.kind() == ErrorKind::NotFound => self.make_like(&like)?,
            opened => opened?,
        };
        let user = own.metadata()?.uid();
        if geteuid().is_root() && user != like.uid() {
            self.take_over(&own, user, &like)?;
        }
        Ok(own)
    }

    fn make_like(&self, like: &Metadata) -> io::Result<Folder> {
        match self.deeds.make_folder(&self.folder, FOLDER) {
            // Another first run was faster, and gives it its owner.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return self.own_folder(),
            made => made?,
        }
        let own = self.own_folder()?;
        // Where it can't be given away, it stays that of the user who runs this.
        let access = Access::of(like);
        let folder = own.readable()?;
        if self.deeds.set_access(&folder, access).is_err() {
            let _ = folder.set_permissions(Permissions::from_mode(access.mode));
        }
        self.deeds.sync_folder(&self.folder)?;
        Ok(own)
    }

    /// A folder that a run of version 0.1 made as root and died before it gave it away becomes the
    /// owner's. One that holds anything else may be any folder that was moved here: its content is not
    /// the owner's to read.
    fn take_over(&self, own: &Folder, user: u32, like: &Metadata) -> io::Result<()> {
        let is_ours = |name: &std::ffi::OsString| name.to_str().is_some_and(is_of_a_run);
        // Of another user it is worked on with the rights of the logs' owner, if he has any there.
        if user != 0 && like.uid() != 0 {
            return Ok(());
        }
        if user != 0 || !own.names()?.iter().all(is_ours) {
            return Err(io::Error::new(
                ErrorKind::PermissionDenied,
                format!(
                    "it is of uid {user}, and the folder of the logs is of uid {}; move it away, and \
                     indexes are made anew",
                    like.uid()
                ),
            ));
        }
        self.deeds.set_access(&own.readable()?, Access::of(like))
    }
}

/// Whether a file of this name is one that runs make.
fn is_of_a_run(name: &str) -> bool {
    let finished = name.strip_suffix(".tmp").unwrap_or(name);
    index::log_of(finished).is_some()
        || log_of_table(finished).is_some()
        || [LOCK, MEMORY, CHECKED, index::catalog::NAME].contains(&finished)
}
