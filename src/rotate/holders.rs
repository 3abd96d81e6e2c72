//! Who has a file open for writing, by one walk through `/proc`.
//!
//! Seen are the processes of this user, or all of them for root; [`Holders::unseen`] says when one
//! could not be looked into. Not to be seen from here at all: processes of another container
//! that shares the folder, and clients of a network file system.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::OFlags;

use crate::fsx::FileIdentity;

/// A process that has a file open for writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Writer {
    pub(super) pid: u32,
    /// As the kernel calls it: 15 bytes at most.
    pub(super) command: String,
    /// All it writes goes to the end (O_APPEND).
    pub(super) appends: bool,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.command, self.pid)
    }
}

/// Names them: `python3 (pid 12), python3 (pid 13) and 4 more`.
pub(super) fn list(writers: &[Writer]) -> String {
    const NAMED: usize = 3;
    let mut names: Vec<String> = writers.iter().map(Writer::to_string).collect();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let named = names.join(", ");
    match more {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Who had what open for writing at one moment.
#[derive(Debug, Default)]
pub(super) struct Holders {
    by_file: HashMap<FileIdentity, Vec<Writer>>,
    /// Some process could not be looked into.
    pub(super) unseen: bool,
}

impl Holders {
    /// Looks now.
    pub(super) fn look() -> Holders {
        let mut holders = Holders::default();
        let Ok(processes) = fs::read_dir("/proc") else {
            holders.unseen = true;
            return holders;
        };
        for process in processes.flatten() {
            let name = process.file_name();
            if let Some(pid) = name.to_str().and_then(|name| name.parse().ok())
                && let Err(error) = holders.add(pid, &process.path())
            {
                holders.unseen |= !has_ended(&error);
            }
        }
        holders
    }

    /// Those that have the file open for writing.
    pub(super) fn writers(&self, file: FileIdentity) -> &[Writer] {
        self.by_file.get(&file).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, pid: u32, process: &Path) -> io::Result<()> {
        for descriptor in fs::read_dir(process.join("fd"))? {
            let descriptor = descriptor?;
            // Followed: what the descriptor leads to, also where it has no name any more.
            let metadata = match fs::metadata(descriptor.path()) {
                Ok(metadata) => metadata,
                Err(error) if has_ended(&error) => continue,
                Err(error) => return Err(error),
            };
            if !metadata.is_file() {
                continue;
            }
            let info = process.join("fdinfo").join(descriptor.file_name());
            let text = match fs::read_to_string(info) {
                Ok(text) => text,
                Err(error) if has_ended(&error) => continue,
                Err(error) => return Err(error),
            };
            let Some(flags) = flags(&text) else {
                self.unseen = true;
                continue;
            };
            if flags & OFlags::ACCMODE.bits() != OFlags::RDONLY.bits() {
                let command = fs::read_to_string(process.join("comm")).unwrap_or_default();
                let writers = self.by_file.entry(FileIdentity::of(&metadata)).or_default();
                writers.push(Writer {
                    pid,
                    command: command.trim_end().to_owned(),
                    appends: flags & OFlags::APPEND.bits() != 0,
                });
            }
        }
        Ok(())
    }
}

/// The process or the descriptor is gone by now.
fn has_ended(error: &io::Error) -> bool {
    let gone = rustix::io::Errno::SRCH.raw_os_error();
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(gone)
}

/// `flags: 0102001`, octal, of a descriptor's `fdinfo`.
fn flags(text: &str) -> Option<u32> {
    let line = text.lines().find_map(|line| line.strip_prefix("flags:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn writers_are_seen_with_how_they_opened_and_readers_are_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        let plain = File::create(&path).expect("made");
        let identity = FileIdentity::of(&plain.metadata().expect("there"));
        let ours = |holders: &Holders| -> Vec<bool> {
            let mut appends: Vec<bool> = holders
                .writers(identity)
                .iter()
                .filter(|writer| writer.pid == std::process::id())
                .map(|writer| writer.appends)
                .collect();
            appends.sort_unstable();
            appends
        };
        assert_eq!(ours(&Holders::look()), [false]);
        let _appender = File::options().append(true).open(&path).expect("open");
        let _reader = File::open(&path).expect("open");
        assert_eq!(ours(&Holders::look()), [false, true]);
        drop(plain);
        assert_eq!(ours(&Holders::look()), [true]);
    }

    #[test]
    fn many_are_named_briefly() {
        let writer = |pid| Writer {
            pid,
            command: "python3".to_owned(),
            appends: true,
        };
        assert_eq!(list(&[writer(7), writer(7)]), "python3 (pid 7)");
        let many: Vec<Writer> = (1..=5).map(writer).collect();
        assert_eq!(
            list(&many),
            "python3 (pid 1), python3 (pid 2), python3 (pid 3) and 2 more"
        );
    }
}
