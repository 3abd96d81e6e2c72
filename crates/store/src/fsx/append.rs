//! One write(2) of a whole line, behind a newline.
//!
//! Others append to the same file and share no lock with us. A file that does not end in a newline
//! is one of two things: a writer is in the middle of its line, which is over in a moment, or a line
//! was torn (a full disk, a kill). So the end is looked at for some milliseconds, and if it stays
//! torn the line begins with a newline of its own. Should the other writer finish just then, there
//! is a blank line, which readers pass over; without the newline two lines would be one.

use std::fs::File;
use std::io::{self, ErrorKind, Seek as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::thread;
use std::time::Duration;

use rustix::fs::fstatvfs;
use rustix::process::geteuid;

/// How often a torn end is looked at again, and how long between two looks.
const LOOKS: u32 = 6;
const BETWEEN_LOOKS: Duration = Duration::from_millis(1);

/// A disk with less room than this beside the line (bytes) counts as full: what is written into its
/// last block may be torn, and then swallows the next line of a writer that does not look.
const SPARE_BYTES: u64 = 64 << 10;

/// How often a line is begun anew because others wrote behind a piece of it.
const BEGUN_MAX: usize = 3;

/// Writes some of some bytes at the end of a file and says how many. A parameter, so that tests can
/// tear.
pub type WriteCall<'w> = dyn Fn(&File, &[u8]) -> io::Result<usize> + 'w;

/// What becomes of a piece of a line of which the rest could not be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TornLine {
    /// It is made a line of its own, if one more byte fits: another writer may come next.
    Ended,
    /// It stays the end of the file, for the next run of the only writer to complete.
    Left,
}

/// What the kernel does.
///
/// # Errors
/// As the kernel says.
pub fn system(mut file: &File, bytes: &[u8]) -> io::Result<usize> {
    file.write(bytes)
}

/// Appends a line, newline included, to a file that was opened for reading and appending.
///
/// # Errors
/// `StorageFull` where the disk has no room for the line, or hardly; then nothing was written. As `write` says;
/// then a piece of the line may stand in the file.
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
    Err(io::Error::other("it was torn again and again"))
}

/// How a write went.
enum WriteOutcome {
    /// The bytes stand in the file, side by side.
    Whole,
    /// Somebody wrote behind the first part of them.
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
    // Cut shorter since: not known to be whole.
    Ok(file.read_at(&mut byte, last)? == 1 && byte == *b"\n")
}

/// Where the file system does not say how much room there is, the write will.
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
