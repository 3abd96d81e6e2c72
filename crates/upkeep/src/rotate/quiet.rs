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
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::site::Site;
use calltrace_store::error::cant;
use calltrace_store::fsx::{DiskOps, FileIdentity, Holders, Lease, list_writers};

/// How long [`lease_in_between`] may wait: many times what it takes to open a file, write a line
/// and close it.
pub(super) const FREE_WITHIN: Duration = Duration::from_millis(250);

/// The pause from one try to the next.
const FREE_STEP: Duration = Duration::from_millis(2);

/// A file that is quiet for as long as this is held.
#[derive(Debug)]
pub(super) struct Quiet {
    lease: Option<Lease>,
}

impl Quiet {
    /// What showed it.
    pub(super) fn proof(&self) -> &'static str {
        match self.lease {
            Some(_) => "lease",
            None => "open descriptors and grace",
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
        if let Ok(lease) = self.ops.lease(file) {
            return Ok(Quiet { lease: Some(lease) });
        }
        self.left_alone(file)
            .unwrap_or_else(|error| Err(cant("be looked at", &error)))
    }

    fn left_alone(&self, file: &File) -> io::Result<Result<Quiet, String>> {
        let metadata = file.metadata()?;
        let holders = Holders::look();
        let writers = holders.writers(FileIdentity::of(&metadata));
        if !writers.is_empty() {
            return Ok(Err(format!("still open in {}", list_writers(writers))));
        }
        let refused = match lease_in_between(self.ops, file, FREE_WITHIN) {
            Ok(lease) => return Ok(Ok(Quiet { lease: Some(lease) })),
            Err(error) => error,
        };
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
        let age = self.clock.now().duration_since(changed).unwrap_or_default();
        if age < self.policy.grace {
            return Ok(Err(format!("changed {} seconds ago", age.as_secs())));
        }
        Ok(Ok(Quiet { lease: None }))
    }
}

/// Waits for a moment at which nobody has the file open for writing: for when somebody had, but
/// nobody is seen to. Who opens it anew for every line has let go of it before descriptors can be
/// looked at.
///
/// # Errors
/// `WouldBlock` when it was open at every try; else as [`Lease::take`].
pub(super) fn lease_in_between(
    ops: &dyn DiskOps,
    file: &File,
    within: Duration,
) -> io::Result<Lease> {
    let begin = Instant::now();
    loop {
        match ops.lease(file) {
            Err(error) if error.kind() == ErrorKind::WouldBlock && begin.elapsed() < within => {
                thread::sleep(FREE_STEP);
            }
            answer => return answer,
        }
    }
}

/// When the file was last renamed, linked or written.
pub(super) fn changed(metadata: &std::fs::Metadata) -> SystemTime {
    let seconds = u64::try_from(metadata.ctime()).unwrap_or(0);
    let nanos = u32::try_from(metadata.ctime_nsec()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use calltrace_store::fsx::Disk;

    #[test]
    fn who_has_a_file_open_for_a_moment_is_waited_for_and_who_keeps_it_open_is_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        std::fs::write(&path, "x").expect("written");
        let file = File::open(&path).expect("open");
        let writer = File::options().append(true).open(&path).expect("open");
        let in_between = |millis| lease_in_between(&Disk, &file, Duration::from_millis(millis));
        let begin = Instant::now();
        let refused = in_between(20).expect_err("somebody has it");
        if refused.kind() == ErrorKind::InvalidInput {
            return testing::skipped(testing::NO_LEASES);
        }
        assert_eq!(refused.kind(), ErrorKind::WouldBlock);
        assert!(begin.elapsed() >= Duration::from_millis(20));
        let closing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            drop(writer);
        });
        in_between(10_000).expect("it is free in time");
        closing.join().expect("no panic");
    }
}
