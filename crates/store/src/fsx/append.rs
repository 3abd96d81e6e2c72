//! Appends a whole line with one write(2), at the beginning of a line.
//!
//! Other processes append to the same file and share no lock with us. There are two reasons for a
//! file that does not end in a newline: a writer is in the middle of its line and completes it in a
//! moment, or a line was torn (a full disk, a kill). So the end of the file is checked for some
//! milliseconds, and if it stays torn, the new line begins with a newline of its own. If the other
//! writer completes its line just then, the result is a blank line, which readers skip; without the
//! newline two lines would become one.

use std::fs::File;
use std::io::{self, ErrorKind, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::thread;
use std::time::Duration;

use rustix::fs::fstatvfs;
use rustix::process::geteuid;

/// A torn end is checked this many times, with this pause in between.
const END_CHECKS: u32 = 6;
const END_CHECK_PAUSE: Duration = Duration::from_millis(1);

/// A disk with less room than this (bytes) in addition to the line counts as full: a write into its
/// last block may be torn, and the torn piece then swallows the next line of a writer that does not
/// check the end.
const SPARE_BYTES: u64 = 64 << 10;

/// Attempts to write a line in one piece. If other writers wrote into it at each attempt, that is
/// an error.
const ATTEMPTS_MAX: usize = 3;

/// Writes some of the bytes at the end of a file and returns how many. It is a parameter so that
/// tests can tear lines.
pub type WriteCall<'w> = dyn Fn(&File, &[u8]) -> io::Result<usize> + 'w;

/// What happens to a piece of a line when the rest could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TornLine {
    /// A newline ends it, if one more byte fits: another writer may append next.
    Ended,
    /// It stays the end of the file; the only writer completes it in its next run.
    Left,
}

/// The write(2) of the kernel.
///
/// # Errors
/// The error of the system call.
pub fn system(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
    file.write(bytes)
}

/// Appends a line, newline included, to a file that is open for reading and appending.
///
/// # Errors
/// `StorageFull` if the disk has little or no room for the line; then nothing was written. Any
/// error of `write`; then a piece of the line may be in the file.
pub fn append(file: &File, line: &[u8], write: &WriteCall<'_>, torn: TornLine) -> io::Result<()> {
    if is_nearly_full(file, line.len()) {
        return Err(ErrorKind::StorageFull.into());
    }
    for _ in 0..ATTEMPTS_MAX {
        let line_after_newline;
        let bytes = match ends_whole(file)? {
            true => line,
            false => {
                line_after_newline = [b"\n", line].concat();
                &line_after_newline
            }
        };
        match put(file, bytes, write) {
            Ok(WriteOutcome::Whole) => return Ok(()),
            Ok(WriteOutcome::Parted) => {}
            Err(error) => {
                if torn == TornLine::Ended && !ends_whole_now(file).unwrap_or(true) {
                    let _ = write(file, b"\n");
                }
                return Err(error);
            }
        }
    }
    Err(io::Error::other(
        "other processes wrote into the line at each attempt",
    ))
}

enum WriteOutcome {
    /// The bytes are in the file in one piece.
    Whole,
    /// Another process wrote after the first part of them.
    Parted,
}

fn put(mut file: &File, bytes: &[u8], write: &WriteCall<'_>) -> io::Result<WriteOutcome> {
    let mut rest = bytes;
    loop {
        match write(file, rest) {
            Ok(count) if count >= rest.len() => return Ok(WriteOutcome::Whole),
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => rest = &rest[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        // An appending write leaves the position at its end.
        if file.metadata()?.len() != file.stream_position()? && rest.len() < bytes.len() {
            return Ok(WriteOutcome::Parted);
        }
    }
}

fn ends_whole(file: &File) -> io::Result<bool> {
    for _ in 0..END_CHECKS {
        if ends_whole_now(file)? {
            return Ok(true);
        }
        thread::sleep(END_CHECK_PAUSE);
    }
    ends_whole_now(file)
}

/// Whether the file is empty or ends in a newline.
///
/// # Errors
/// When it can't be read.
pub fn ends_whole_now(file: &File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else {
        return Ok(true);
    };
    let mut byte = [0];
    // If the file has become shorter since, the read finds no byte, and the end does not count as a
    // newline.
    Ok(file.read_at(&mut byte, last)? == 1 && byte == *b"\n")
}

/// If the file system does not report its free space, the result is false, and the write itself
/// fails on a full disk.
fn is_nearly_full(file: &File, line_bytes: usize) -> bool {
    let Ok(disk) = fstatvfs(file) else {
        return false;
    };
    let blocks = if geteuid().is_root() {
        disk.f_bfree
    } else {
        disk.f_bavail
    };
    let free = blocks.saturating_mul(disk.f_frsize);
    disk.f_blocks > 0 && free < SPARE_BYTES + line_bytes as u64
}
