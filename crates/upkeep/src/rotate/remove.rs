//! Removes a log: only with proof that no process can write to it, and only the file that was read.
//!
//! 1. The log must have had its name for a second: a process may have looked up the old name just before a rename
//!    and not have finished open(2) yet.
//! 2. It is proven to have no writers. With a lease, opens for writing wait from here on.
//! 3. Nothing has been added since its content was read.
//! 4. It is renamed to a name that no other program knows. If the run dies after this, the next run restores the
//!    name.
//! 5. The renamed file is the one that was read, no open is waiting for the lease, nothing was added.
//! 6. It is unlinked, and the folder synced.

use std::io;
use std::time::Duration;

use super::context::{OpenLog, RotationContext};
use super::no_writers::{NoWriters, changed};
use crate::survey::names::leaving;
use calltrace_store::error::Error;
use calltrace_store::fsx::FileIdentity;
use calltrace_store::index;
use calltrace_store::tree::FileName;

/// open(2) takes microseconds from the lookup of the name to the open file; on a busy machine the process may have
/// to wait in between.
const SETTLING: Duration = Duration::from_secs(1);

/// A file that was written to this recently may be opened again at any moment.
const LIVELY: Duration = Duration::from_secs(60);

/// How long to wait for processes that open such a file by its old name.
const LATECOMERS: Duration = Duration::from_millis(20);

/// How a removal ended.
#[derive(Debug)]
pub(crate) enum Removal {
    /// The proof that it had no writers, if one was needed.
    Gone(Option<&'static str>),
    /// A process has it open; the clause says why the file stays.
    Busy(String),
    /// It has changed since it was read.
    Changed,
}

impl RotationContext<'_> {
    /// Removes a plain file that is archived or too old.
    pub(crate) fn remove(&self, opened: &OpenLog) -> Result<Removal, Error> {
        let path = &opened.log().path;
        let fail = |error| Error::io(path, "remove it", error);
        self.settle(opened).map_err(fail)?;
        match self.prove_no_writers(opened.file()) {
            Ok(quiet) => self.remove_quiet(opened, Some(&quiet)).map_err(fail),
            Err(why) => Ok(Removal::Busy(why)),
        }
    }

    /// Removes an archive, to which no process appends.
    pub(crate) fn remove_archive(&self, opened: &OpenLog) -> Result<Removal, Error> {
        self.remove_quiet(opened, None)
            .map_err(|error| Error::io(&opened.log().path, "remove it", error))
    }

    /// Removes an index, if there is one.
    pub(crate) fn remove_index(&self, name: &FileName) -> Result<(), Error> {
        let index = index::file_name(name);
        match self.remove_own(&index) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => {
                removed.map_err(|error| Error::io(&self.own_path(&index), "remove it", error))
            }
        }
    }

    /// Removes a file of `.calltrace`.
    pub(crate) fn remove_own(&self, name: &str) -> io::Result<()> {
        let own = self.own_folder()?;
        self.ops.unlink(&own, name)?;
        self.ops.sync_folder(&own)
    }

    fn settle(&self, opened: &OpenLog) -> io::Result<()> {
        let metadata = opened.file().metadata()?;
        let age = self.clock.now().duration_since(changed(&metadata));
        if let Some(left) = SETTLING.checked_sub(age.unwrap_or_default()) {
            self.ops.wait(left);
        }
        Ok(())
    }

    fn remove_quiet(&self, opened: &OpenLog, quiet: Option<&NoWriters>) -> io::Result<Removal> {
        if !opened.is_as_it_was()? {
            return Ok(Removal::Changed);
        }
        let name = opened.log().name.full();
        let hidden = leaving(&opened.log().name);
        self.ops.rename(&self.folder, &name, &hidden)?;
        let removal = self.remove_hidden(opened, quiet, &hidden);
        if !matches!(removal, Ok(Removal::Gone(_))) && self.folder.has(&hidden) {
            self.ops.rename(&self.folder, &hidden, &name)?;
        }
        removal
    }

    fn remove_hidden(
        &self,
        opened: &OpenLog,
        quiet: Option<&NoWriters>,
        hidden: &str,
    ) -> io::Result<Removal> {
        if FileIdentity::of_stat(&self.folder.stat(hidden)?) != opened.log().identity {
            return Ok(Removal::Changed);
        }
        if let Some(quiet) = quiet {
            self.await_latecomers(opened)?;
            if !quiet.holds() || !opened.is_as_it_was()? {
                return Ok(Removal::Busy("was opened again just now".to_owned()));
            }
        }
        self.ops.unlink(&self.folder, hidden)?;
        self.ops.sync_folder(&self.folder)?;
        Ok(Removal::Gone(quiet.map(NoWriters::proof)))
    }

    fn await_latecomers(&self, opened: &OpenLog) -> io::Result<()> {
        let modified = opened.metadata.modified()?;
        let age = self.clock.now().duration_since(modified);
        if age.unwrap_or_default() < LIVELY {
            self.ops.wait(LATECOMERS);
        }
        Ok(())
    }
}
