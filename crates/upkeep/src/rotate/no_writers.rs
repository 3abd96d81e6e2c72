//! Proves that a file has no writers: no process can write to it any more.
//!
//! There are two proofs. A **lease**: the kernel confirms that no process has the file open for writing, and delays
//! every open for writing while the lease is held. If no lease can be had (the file system has none, the file
//! belongs to another user): **open descriptors and grace**. No process has the file open for writing, all
//! processes could be looked into, and the file has not changed for the grace period.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::context::RotationContext;
use calltrace_store::error::cant;
use calltrace_store::fsx::{DiskOps, FileIdentity, Holders, Lease, list_writers};

/// How long [`lease_between_writes`] may wait: many times what it takes to open a file, write a line
/// and close it.
pub(super) const FREE_WITHIN: Duration = Duration::from_millis(250);

/// The pause between two tries.
const FREE_STEP: Duration = Duration::from_millis(2);

/// The proof that a file has no writers, for as long as this is held.
#[derive(Debug)]
pub(super) struct NoWriters {
    lease: Option<Lease>,
}

impl NoWriters {
    /// The kind of proof.
    pub(super) fn proof(&self) -> &'static str {
        match self.lease {
            Some(_) => "lease",
            None => "open descriptors and grace",
        }
    }

    /// Whether no process has opened the file for writing since, as far as the proof shows.
    pub(super) fn holds(&self) -> bool {
        self.lease.as_ref().is_none_or(Lease::is_whole)
    }
}

impl RotationContext<'_> {
    /// Proves that the file has no writers, or returns as a clause why that can't be proven.
    pub(super) fn prove_no_writers(&self, file: &File) -> Result<NoWriters, String> {
        if let Ok(lease) = self.ops.lease(file) {
            return Ok(NoWriters { lease: Some(lease) });
        }
        self.prove_by_descriptors(file)
            .unwrap_or_else(|error| Err(cant("be looked at", &error)))
    }

    fn prove_by_descriptors(&self, file: &File) -> io::Result<Result<NoWriters, String>> {
        let metadata = file.metadata()?;
        let holders = Holders::look();
        let writers = holders.writers(FileIdentity::of(&metadata));
        if !writers.is_empty() {
            return Ok(Err(format!("still open in {}", list_writers(writers))));
        }
        let refused = match lease_between_writes(self.ops, file, FREE_WITHIN) {
            Ok(lease) => return Ok(Ok(NoWriters { lease: Some(lease) })),
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
        // The status change time counts as well: a process may have opened a file by its old name just before the
        // rename.
        let changed = changed(&metadata).max(metadata.modified()?);
        let age = self.clock.now().duration_since(changed).unwrap_or_default();
        if age < self.policy.grace {
            return Ok(Err(format!("changed {} seconds ago", age.as_secs())));
        }
        Ok(Ok(NoWriters { lease: None }))
    }
}

/// Waits for a moment at which no process has the file open for writing. Used if a lease is refused and no writer
/// is visible: a writer that opens the file for every line has closed it before its descriptors can be read.
///
/// # Errors
/// `WouldBlock` when it was open at every try; otherwise as [`Lease::take`].
pub(super) fn lease_between_writes(
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
    fn a_process_that_has_a_file_open_briefly_is_waited_for_and_one_that_keeps_it_open_is_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        std::fs::write(&path, "x").expect("written");
        let file = File::open(&path).expect("open");
        let writer = File::options().append(true).open(&path).expect("open");
        let between_writes =
            |millis| lease_between_writes(&Disk, &file, Duration::from_millis(millis));
        let begin = Instant::now();
        let refused = between_writes(20).expect_err("somebody has it");
        if refused.kind() == ErrorKind::InvalidInput {
            return testing::skipped(testing::NO_LEASES);
        }
        assert_eq!(refused.kind(), ErrorKind::WouldBlock);
        assert!(begin.elapsed() >= Duration::from_millis(20));
        let closing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(20));
            drop(writer);
        });
        between_writes(10_000).expect("it is free in time");
        closing.join().expect("no panic");
    }
}
