//! Who has the live file open for writing.

use std::fs::File;
use std::io::ErrorKind;
use std::sync::OnceLock;

use super::quiet::{FREE_WITHIN, lease_in_between};
use super::site::{Opened, Site};
use calltrace_store::error::cant;
use calltrace_store::fsx::{DiskOps, FileIdentity, Holders, WriterProcess, collapse_unit};

/// Who has the live file open for writing.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    /// Nobody has for writing: a lease says so.
    pub(super) is_free: bool,
    /// Those seen that have it open for writing.
    pub(super) writers: Vec<WriterProcess>,
    /// There are processes that can't be looked into.
    pub(super) unseen: bool,
    /// Why nothing can be taken off its front, as a clause. Only looked at where somebody holds it.
    pub(super) no_collapse: Option<String>,
}

impl Hold {
    /// Looks who has the file, and whether lines can be taken off its front beside them.
    pub(super) fn of(site: &Site<'_>, holders: &OnceLock<Holders>, opened: &Opened) -> Hold {
        let log = opened.log();
        let mut hold = Hold::on(site.ops, &log.file, log.identity, holders);
        if hold.is_free {
            return hold;
        }
        hold.no_collapse = match collapse_unit(&site.folder) {
            Ok(_) => None,
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                Some("the file system can't take lines off the front of a file".to_owned())
            }
            Err(error) => Some(cant("try to take lines off the front of a file", &error)),
        };
        hold
    }

    /// Looks who has the file. All processes are looked at through `holders`, once for as many files
    /// as share them; and once more where a lease says that somebody has come since.
    pub(super) fn on(
        ops: &dyn DiskOps,
        file: &File,
        identity: FileIdentity,
        holders: &OnceLock<Holders>,
    ) -> Hold {
        let mut hold = Hold {
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
            match lease_in_between(ops, file, FREE_WITHIN) {
                Ok(_) => hold.is_free = true,
                // Somebody may have come since all were looked at.
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    hold.see(&Holders::look(), identity);
                }
                Err(_) => {}
            }
        }
        hold
    }

    /// Those that do not write to its end, so that no lines can be taken off its front beside them.
    pub(super) fn stubborn(&self) -> Vec<WriterProcess> {
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
        let hold = || Hold::on(&Disk, &file, identity, &earlier);
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
