//! A log file that is moved aside when it is large, and that may be moved by others.
//!
//! Not by a crate: those looked at panic when somebody else renames a file, can't open it anew, or
//! hide what they could not write. Here nothing panics, nothing is hidden, and only a file is
//! renamed, never a device.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A file of this size is moved aside.
const BYTES_MAX: u64 = 10_000_000;

/// So many are kept beside the one that is written: `.1` is the newest.
const KEPT: usize = 5;

/// What failed (opening, moving aside) is not tried again for so long.
const REST: Duration = Duration::from_secs(1);

/// The log holds addresses of people: its group may read it, others not.
const MODE: u32 = 0o640;

/// A log file. Whatever happens to it, writing never fails: a line that could not be written is counted.
#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    bytes_max: u64,
    open: Option<Open>,
    rest_until: Option<Instant>,
    /// The last line is there in part: the next one begins on a line of its own.
    is_torn: bool,
    reopen: Arc<AtomicBool>,
    failed: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Open {
    file: File,
    bytes: u64,
    /// `/dev/null` and its like stay where they are.
    may_be_moved: bool,
}

impl LogFile {
    /// Opens it for appending, makes it if need be.
    ///
    /// # Errors
    /// When that can't be done.
    pub(super) fn open(path: &Path) -> io::Result<LogFile> {
        LogFile::with_limit(path, BYTES_MAX)
    }

    fn with_limit(path: &Path, bytes_max: u64) -> io::Result<LogFile> {
        Ok(LogFile {
            open: Some(open(path)?),
            path: path.to_owned(),
            bytes_max,
            rest_until: None,
            is_torn: false,
            reopen: Arc::default(),
            failed: Arc::default(),
        })
    }

    /// Set, it makes the next line open the file anew by its name.
    pub(super) fn reopen(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.reopen)
    }

    /// How many lines could not be written.
    pub(super) fn failed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.failed)
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        self.make_ready(line.len() as u64);
        let open = self.open.as_mut();
        let open = open.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))?;
        if self.is_torn {
            open.file.write_all(b"\n")?;
            self.is_torn = false;
        }
        let written = open.file.write_all(line);
        self.is_torn = written.is_err();
        written?;
        open.bytes = open.bytes.saturating_add(line.len() as u64);
        Ok(())
    }

    /// Opens or moves the file where that is due.
    fn make_ready(&mut self, more: u64) {
        let is_asked = self.reopen.swap(false, Ordering::Relaxed);
        if is_asked {
            self.rest_until = None;
        }
        if self.rest_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        let is_full = self.open.as_ref().is_some_and(|open| {
            open.may_be_moved && open.bytes > 0 && open.bytes.saturating_add(more) > self.bytes_max
        });
        if !is_asked && !is_full && self.open.is_some() {
            return;
        }
        let moved = match is_full && !is_asked {
            true => move_aside(&self.path),
            false => Ok(()),
        };
        // Without a new one the old one is still there to be written into.
        match moved.and_then(|()| open(&self.path)) {
            Ok(open) => {
                self.open = Some(open);
                self.is_torn = false;
                self.rest_until = None;
            }
            Err(_) => self.rest_until = Some(Instant::now() + REST),
        }
    }
}

impl Write for LogFile {
    /// Takes a whole line.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.append(line).is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<Open> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(MODE)
        .open(path)?;
    let metadata = file.metadata()?;
    Ok(Open {
        file,
        bytes: metadata.len(),
        may_be_moved: metadata.is_file(),
    })
}

/// `log` becomes `log.1`, `log.1` becomes `log.2`; the oldest goes. The file that is written is moved
/// last: whatever fails, it stays where it is.
fn move_aside(path: &Path) -> io::Result<()> {
    let older = |n: usize| match n {
        0 => path.to_owned(),
        n => {
            let mut name = OsString::from(path);
            name.push(format!(".{n}"));
            PathBuf::from(name)
        }
    };
    for n in (0..KEPT).rev() {
        match fs::rename(older(n), older(n + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
