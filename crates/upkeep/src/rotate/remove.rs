//! A log goes: under proof that nobody can add to it, and never another than the one looked at.
//!
//! 1. Its name may have been given just now, or an opener may have found the name before that and
//!    not be through the kernel's door yet: so it must have had its name for a second.
//! 2. Quiet is proven; with a lease, from here on openers wait.
//! 3. Nothing has been added since its content was looked at.
//! 4. It is renamed to a name that nobody knows. Dead after this: the next run gives it back.
//! 5. What was renamed is what was looked at, nobody waits at the door, nothing was added.
//! 6. It is unlinked, and the folder synced.

use std::io;
use std::time::Duration;

use super::quiet::{Quiet, changed};
use super::site::{Opened, Site};
use crate::survey::names::leaving;
use calltrace_store::error::Error;
use calltrace_store::fsx::FileIdentity;
use calltrace_store::index;
use calltrace_store::tree::FileName;

/// From a name's being found to the file's being open, an opener takes microseconds; a machine that
/// is busy may let it wait in between.
const SETTLING: Duration = Duration::from_secs(1);

/// A file that was written to this recently may be opened again at any moment.
const LIVELY: Duration = Duration::from_secs(60);

/// How long those who open a lively file by its old name are waited for.
const LATECOMERS: Duration = Duration::from_millis(20);

/// How a removal ended.
#[derive(Debug)]
pub(super) enum Removal {
    /// What showed that nobody can add to it, where that was asked.
    Gone(Option<&'static str>),
    /// Somebody has it open; why it stays, as a clause.
    Busy(String),
    /// It is no longer what was looked at.
    Changed,
}

impl Site<'_> {
    /// Removes a file of lines whose content is elsewhere, or too old.
    pub(super) fn remove(&self, opened: &Opened) -> Result<Removal, Error> {
        let path = &opened.log().path;
        let fail = |error| Error::io(path, "remove it", error);
        self.settle(opened).map_err(fail)?;
        match self.quiet(&opened.log().file) {
            Ok(quiet) => self.remove_quiet(opened, Some(&quiet)).map_err(fail),
            Err(why) => Ok(Removal::Busy(why)),
        }
    }

    /// Removes a file that nobody appends to.
    pub(super) fn remove_archive(&self, opened: &Opened) -> Result<Removal, Error> {
        self.remove_quiet(opened, None)
            .map_err(|error| Error::io(&opened.log().path, "remove it", error))
    }

    /// Removes an index, if there is one.
    pub(super) fn remove_index(&self, name: &FileName) -> Result<(), Error> {
        let index = index::file_name(name);
        match self.remove_own(&index) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => {
                removed.map_err(|error| Error::io(&self.own_path(&index), "remove it", error))
            }
        }
    }

    /// Removes a file of `.calltrace`.
    pub(super) fn remove_own(&self, name: &str) -> io::Result<()> {
        let own = self.own_folder()?;
        self.ops.unlink(&own, name)?;
        self.ops.sync_folder(&own)
    }

    fn settle(&self, opened: &Opened) -> io::Result<()> {
        let metadata = opened.log().file.metadata()?;
        let age = self.clock.now().duration_since(changed(&metadata));
        if let Some(left) = SETTLING.checked_sub(age.unwrap_or_default()) {
            self.ops.wait(left);
        }
        Ok(())
    }

    fn remove_quiet(&self, opened: &Opened, quiet: Option<&Quiet>) -> io::Result<Removal> {
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
        opened: &Opened,
        quiet: Option<&Quiet>,
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
        Ok(Removal::Gone(quiet.map(Quiet::proof)))
    }

    fn await_latecomers(&self, opened: &Opened) -> io::Result<()> {
        let modified = opened.metadata.modified()?;
        let age = self.clock.now().duration_since(modified);
        if age.unwrap_or_default() < LIVELY {
            self.ops.wait(LATECOMERS);
        }
        Ok(())
    }
}
