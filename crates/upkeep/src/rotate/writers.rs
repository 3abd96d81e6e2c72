//! The processes that have the live file open for writing.

use std::fs::File;
use std::io::ErrorKind;
use std::sync::OnceLock;

use super::context::{OpenLog, RotationContext};
use super::no_writers::{FREE_WITHIN, lease_between_writes};
use calltrace_store::error::cant;
use calltrace_store::fsx::{DiskOps, FileIdentity, Holders, WriterProcess, collapse_unit};

/// The processes that have the live file open for writing.
#[derive(Debug, Clone)]
pub(super) struct OpenWriters {
    /// No process has it open for writing: a lease shows that.
    pub(super) is_free: bool,
    /// The processes that are seen to have it open for writing.
    pub(super) writers: Vec<WriterProcess>,
    /// There are processes that can't be looked into.
    pub(super) unseen: bool,
    /// Why no lines can be taken off its front, as a clause. Checked only if a process has it open.
    pub(super) no_collapse: Option<String>,
}

impl OpenWriters {
    /// Finds the writers, and whether lines can be taken off the file's front while they have it open.
    pub(super) fn of(
        context: &RotationContext<'_>,
        holders: &OnceLock<Holders>,
        opened: &OpenLog,
    ) -> OpenWriters {
        let log = opened.log();
        let mut hold = OpenWriters::on(context.ops, opened.file(), log.identity, holders);
        if hold.is_free {
            return hold;
        }
        hold.no_collapse = match collapse_unit(&context.folder) {
            Ok(_) => None,
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                Some("the file system can't take lines off the front of a file".to_owned())
            }
            Err(error) => Some(cant("try to take lines off the front of a file", &error)),
        };
        hold
    }

    /// Finds the writers. The processes are read once, into `holders`, for all files that share it, and once more
    /// if a lease shows that a process has opened the file since.
    pub(super) fn on(
        ops: &dyn DiskOps,
        file: &File,
        identity: FileIdentity,
        holders: &OnceLock<Holders>,
    ) -> OpenWriters {
        let mut hold = OpenWriters {
            is_free: ops.lease(file).is_ok(),
            writers: Vec::new(),
            unseen: false,
            no_collapse: None,
        };
        if hold.is_free {
            return hold;
        }
        hold.see(holders.get_or_init(Holders::look), identity);
        if hold.writers.is_empty() {
            match lease_between_writes(ops, file, FREE_WITHIN) {
                Ok(_) => hold.is_free = true,
                // A process may have opened it since the processes were read.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    hold.see(&Holders::look(), identity);
                }
                Err(_) => {}
            }
        }
        hold
    }

    /// The writers that do not append. While they have the file open, no lines can be taken off its front.
    pub(super) fn not_appending(&self) -> Vec<WriterProcess> {
        let writers = self.writers.iter();
        writers.filter(|writer| !writer.appends).cloned().collect()
    }

    /// Whether it may be open in a process that can't be looked into, and in no other.
    pub(super) fn is_hidden(&self) -> bool {
        !self.is_free && self.writers.is_empty() && self.unseen
    }

    fn see(&mut self, holders: &Holders, identity: FileIdentity) {
        self.writers = holders.writers(identity).to_vec();
        self.unseen = holders.unseen;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calltrace_store::fsx::Disk;

    #[test]
    fn a_writer_that_came_after_all_were_looked_at_is_seen() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("events.log");
        std::fs::write(&path, "x").expect("written");
        let file = File::open(&path).expect("open");
        let identity = FileIdentity::of(&file.metadata().expect("there"));
        let earlier = OnceLock::new();
        earlier.set(Holders::default()).expect("empty");
        let hold = || OpenWriters::on(&Disk, &file, identity, &earlier);
        let writer = File::options().append(true).open(&path).expect("open");
        match Disk.lease(&file) {
            // A file system without leases.
            Err(error) if error.kind() == ErrorKind::InvalidInput => return,
            lease => drop(lease.expect_err("somebody has it")),
        }
        let held = hold();
        assert!(!held.is_free);
        assert_eq!(held.writers.len(), 1, "{held:?}");
        assert_eq!(held.writers[0].pid, std::process::id());
        drop(writer);
        assert!(hold().is_free);
    }
}
