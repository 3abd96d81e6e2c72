//! A log file that is rotated when it is large, and that other programs may rename.
//!
//! The crates that were tried panic when another program renames the file, can't reopen it, or hide write errors.
//! This code does not panic, counts lost lines, and renames only files, never a device.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A file of this size is rotated.
const BYTES_MAX: u64 = 10_000_000;

/// Number of old files that are kept: `.1` is the newest.
const KEPT: usize = 5;

/// Pause after a failed attempt to open or rotate the file.
const REST: Duration = Duration::from_secs(1);

/// Mode of the file. The log holds addresses of people, so only its owner and group may read it.
const MODE: u32 = 0o640;

/// A log file. Writing never returns an error; a line that could not be written is counted.
#[derive(Debug)]
pub(super) struct RotatingFile {
    path: PathBuf,
    bytes_max: u64,
    open: Option<RequestLogFile>,
    rest_until: Option<Instant>,
    /// The last line was written in part, so the next one begins with a newline.
    is_torn: bool,
    reopen: Arc<AtomicBool>,
    failed: Arc<AtomicU64>,
}

#[derive(Debug)]
struct RequestLogFile {
    file: File,
    bytes: u64,
    /// Devices such as `/dev/null` are not renamed.
    may_be_moved: bool,
}

impl RotatingFile {
    /// Opens the file for appending and creates it if it does not exist.
    ///
    /// # Errors
    /// If the file can't be opened or created.
    pub(super) fn open(path: &Path) -> io::Result<RotatingFile> {
        RotatingFile::with_limit(path, BYTES_MAX)
    }

    fn with_limit(path: &Path, bytes_max: u64) -> io::Result<RotatingFile> {
        Ok(RotatingFile {
            open: Some(open(path)?),
            path: path.to_owned(),
            bytes_max,
            rest_until: None,
            is_torn: false,
            reopen: Arc::default(),
            failed: Arc::default(),
        })
    }

    /// A flag that makes the next line reopen the file by its name.
    pub(super) fn reopen(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.reopen)
    }

    /// The number of lines that could not be written.
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

    /// Opens or rotates the file if that is due.
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
        // If opening fails, lines still go to the old file.
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

impl Write for RotatingFile {
    /// Writes one whole line.
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

fn open(path: &Path) -> io::Result<RequestLogFile> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(MODE)
        .open(path)?;
    let metadata = file.metadata()?;
    Ok(RequestLogFile {
        file,
        bytes: metadata.len(),
        may_be_moved: metadata.is_file(),
    })
}

/// Renames `log` to `log.1`, `log.1` to `log.2` and so on, and removes the oldest. The current file is renamed last,
/// so that it keeps its name if anything fails.
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
