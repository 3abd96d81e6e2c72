//! The processes that have a file open for writing or hold a deleted one, from one walk through
//! `/proc`.
//!
//! The walk sees the processes of this user, or all of them for root; [`Holders::unseen`] says that
//! at least one process could not be inspected. It never sees processes of another container that
//! shares the folder, nor clients of a network file system.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::FileIdentity;

/// The suffix that the kernel adds to the last name of a deleted file.
const DELETED: &str = " (deleted)";

/// A process that has a file open for writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterProcess {
    pub pid: u32,
    /// The kernel's name of it: at most 15 bytes.
    pub command: String,
    /// Every write goes to the end of the file (O_APPEND).
    pub appends: bool,
}

impl fmt::Display for WriterProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.command, self.pid)
    }
}

/// A deleted file that a process has open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeletedFile {
    /// The process, and whether it appends.
    pub holder: WriterProcess,
    /// The path that its content can be copied from: `/proc/PID/fd/N`.
    pub descriptor: PathBuf,
    /// The process has the file open for writing.
    pub writes: bool,
    /// The last path of the file, as that process sees folders.
    pub path: PathBuf,
    /// That process sees the same folders as this one: it is in no container.
    pub is_our_path: bool,
    pub device: u64,
    /// The space that the disk would regain (bytes).
    pub bytes: u64,
}

/// A list for messages: `python3 (pid 12), python3 (pid 13) and 4 more`.
pub fn list_writers(writers: &[WriterProcess]) -> String {
    const NAMED: usize = 3;
    let mut names: Vec<String> = writers.iter().map(WriterProcess::to_string).collect();
    names.dedup();
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let named = names.join(", ");
    match more {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// The open files of all processes at one moment.
#[derive(Debug, Default)]
pub struct Holders {
    by_file: HashMap<FileIdentity, Vec<WriterProcess>>,
    /// Deleted files, one entry per descriptor.
    pub deleted: Vec<DeletedFile>,
    /// At least one process could not be inspected.
    pub unseen: bool,
}

impl Holders {
    /// Walks through `/proc`.
    pub fn look() -> Holders {
        let mut holders = Holders::default();
        let Ok(processes) = processes() else {
            holders.unseen = true;
            return holders;
        };
        for (pid, process) in processes {
            if let Err(error) = holders.add(pid, &process) {
                holders.unseen |= !has_ended(&error);
            }
        }
        holders
    }

    /// The processes that have the file open for writing.
    pub fn writers(&self, file: FileIdentity) -> &[WriterProcess] {
        self.by_file.get(&file).map_or(&[], Vec::as_slice)
    }

    fn add(&mut self, pid: u32, process: &Path) -> io::Result<()> {
        for descriptor in fs::read_dir(process.join("fd"))? {
            let descriptor = descriptor?;
            // `metadata` follows the descriptor, also to a deleted file.
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
            match flags(&text) {
                Some(flags) => self.note(pid, process, &descriptor.path(), &metadata, flags),
                None => self.unseen = true,
            }
        }
        Ok(())
    }

    /// Records an open file if it is open for writing or deleted.
    fn note(&mut self, pid: u32, process: &Path, fd: &Path, metadata: &Metadata, flags: u32) {
        let writes = flags & OFlags::ACCMODE.bits() != OFlags::RDONLY.bits();
        let is_deleted = metadata.nlink() == 0;
        if !writes && !is_deleted {
            return;
        }
        let command = fs::read_to_string(process.join("comm")).unwrap_or_default();
        let holder = WriterProcess {
            pid,
            command: command.trim_end().to_owned(),
            appends: flags & OFlags::APPEND.bits() != 0,
        };
        if is_deleted && let Some(path) = last_path(fd) {
            self.deleted.push(DeletedFile {
                holder: holder.clone(),
                descriptor: fd.to_owned(),
                writes,
                path,
                is_our_path: sees_our_folders(process),
                device: metadata.dev(),
                bytes: metadata.blocks().saturating_mul(512),
            });
        }
        if writes {
            let writers = self.by_file.entry(FileIdentity::of(metadata)).or_default();
            writers.push(holder);
        }
    }
}

/// All processes, each with its folder in `/proc`.
pub(super) fn processes() -> io::Result<impl Iterator<Item = (u32, PathBuf)>> {
    let process = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, entry.path()))
    };
    Ok(fs::read_dir("/proc")?.flatten().filter_map(process))
}

/// The last path of a deleted file.
fn last_path(descriptor: &Path) -> Option<PathBuf> {
    let link = fs::read_link(descriptor).ok()?;
    let path = link.to_str()?.strip_suffix(DELETED)?;
    Some(PathBuf::from(path))
}

/// Whether a path of that process is the same path here.
fn sees_our_folders(process: &Path) -> bool {
    let mounts = |process: &Path| fs::read_link(process.join("ns/mnt")).ok();
    mounts(process) == mounts(Path::new("/proc/self"))
}

/// Whether the process has ended or has closed the descriptor.
fn has_ended(error: &io::Error) -> bool {
    let gone = rustix::io::Errno::SRCH.raw_os_error();
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(gone)
}

/// The value of a line such as `flags: 0102001` (octal) in a descriptor's `fdinfo`.
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
    fn a_deleted_file_is_seen_while_a_process_holds_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        fs::write(&path, [b'x'; 5000]).expect("written");
        let held = |path: &Path| -> Vec<(bool, bool, u64)> {
            let all = Holders::look().deleted;
            let ours = all.iter().filter(|deleted| deleted.path == path);
            ours.map(|d| (d.writes, d.is_our_path, d.bytes)).collect()
        };
        let reader = File::open(&path).expect("open");
        assert_eq!(held(&path), []);
        fs::remove_file(&path).expect("removed");
        let seen = held(&path);
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert!(!seen[0].0 && seen[0].1 && seen[0].2 >= 5000, "{seen:?}");
        drop(reader);
        assert_eq!(held(&path), []);
    }

    #[test]
    fn many_are_named_briefly() {
        let writer = |pid| WriterProcess {
            pid,
            command: "python3".to_owned(),
            appends: true,
        };
        assert_eq!(list_writers(&[writer(7), writer(7)]), "python3 (pid 7)");
        let many: Vec<WriterProcess> = (1..=5).map(writer).collect();
        assert_eq!(
            list_writers(&many),
            "python3 (pid 1), python3 (pid 2), python3 (pid 3) and 2 more"
        );
    }
}
