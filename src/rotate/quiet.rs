//! Quiet means proven quiet: nobody can add to a file any more.
//!
//! Two proofs. A **lease**: the kernel says that nobody has it open for writing, and holds back
//! whoever opens it so while the proof is held. Where none is to be had (the file system has no
//! leases, the file is another user's): **descriptors and grace**. No process has it open for
//! writing, all processes could be looked into, and nothing about it has changed for the grace
//! period.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use super::site::Site;
use crate::fsx::{FileIdentity, Holders, Lease, list_writers};

/// What showed that a file is quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    Lease,
    Descriptors,
}

impl Proof {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Proof::Lease => "lease",
            Proof::Descriptors => "open descriptors and grace",
        }
    }
}

/// A file that is quiet for as long as this is held.
#[derive(Debug)]
pub(super) struct Quiet {
    lease: Option<Lease>,
}

impl Quiet {
    pub(super) fn proof(&self) -> Proof {
        match self.lease {
            Some(_) => Proof::Lease,
            None => Proof::Descriptors,
        }
    }

    /// Whether nobody has come since, as far as the proof can tell.
    pub(super) fn holds(&self) -> bool {
        self.lease.as_ref().is_none_or(Lease::is_whole)
    }
}

impl Site<'_> {
    /// Proves that the file is quiet, or says as a clause why it is not.
    pub(super) fn quiet(&self, file: &File) -> Result<Quiet, String> {
        let refused = match self.deeds.lease(file) {
            Ok(lease) => return Ok(Quiet { lease: Some(lease) }),
            Err(error) => error,
        };
        self.left_alone(file, &refused)
            .unwrap_or_else(|error| Err(super::cant("be looked at", &error)))
    }

    fn left_alone(&self, file: &File, refused: &io::Error) -> io::Result<Result<Quiet, String>> {
        let metadata = file.metadata()?;
        let holders = Holders::look();
        let writers = holders.writers(FileIdentity::of(&metadata));
        if !writers.is_empty() {
            return Ok(Err(format!("still open in {}", list_writers(writers))));
        }
        if holders.unseen {
            let why = match refused.kind() {
                ErrorKind::WouldBlock => "still open in a process that can't be looked into",
                _ => "not every process can be looked into",
            };
            return Ok(Err(format!(
                "{why}; run as root, or as the user who writes it"
            )));
        }
        // The time of the status counts as well: a file renamed just now was reachable just now.
        let changed = changed(&metadata).max(metadata.modified()?);
        let age = self.deeds.now().duration_since(changed).unwrap_or_default();
        if age < self.policy.grace {
            return Ok(Err(format!("changed {} seconds ago", age.as_secs())));
        }
        Ok(Ok(Quiet { lease: None }))
    }
}

/// When the file was last renamed, linked or written.
pub(super) fn changed(metadata: &std::fs::Metadata) -> SystemTime {
    let seconds = u64::try_from(metadata.ctime()).unwrap_or(0);
    let nanos = u32::try_from(metadata.ctime_nsec()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos)
}
