//! Appends a whole line by one write(2), behind a newline.
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
const LOOKS: u32 = 6;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// A disk with less room than this (bytes) in addition to the line counts as full: a write into its
/// last block may be torn, and the torn piece then swallows the next line of a writer that does not
/// check the end.
const SPARE_BYTES: u64 = 64 << 10;

/// Attempts to write a line whole before other writers' bytes in its middle are an error.
const BEGUN_MAX: usize = 3;

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
/// `StorageFull` where the disk has no or hardly any room for the line; nothing was written then.
/// Any error of `write`; a piece of the line may stand in the file then.
pub fn append(file: &File, line: &[u8], write: &WriteCall<'_>, torn: TornLine) -> io::Result<()> {
    if is_nearly_full(file, line.len()) {
        return Err(ErrorKind::StorageFull.into());
    }
    for _ in 0..BEGUN_MAX {
        let behind_a_tear;
        let bytes = match ends_whole(file)? {
            true => line,
            false => {
                behind_a_tear = [b"\n", line].concat();
                &behind_a_tear
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
    /// The bytes stand in the file in one piece.
    Whole,
    /// Another process wrote behind the first part of them.
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
    for _ in 0..LOOKS {
        if ends_whole_now(file)? {
            return Ok(true);
        }
        thread::sleep(BETWEEN_LOOKS);
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
    // The file is shorter by now, so it is not known to end in a newline.
    Ok(file.read_at(&mut byte, last)? == 1 && byte == *b"\n")
}

/// Where the file system does not tell its free space, the write itself fails.
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
