//! Appends a line to a log that other processes append to as well.

use std::fs::File;
use std::io;

use super::AppendError;
use calltrace_store::fsx::append::{self, TornLine};

/// Writes some of `bytes` at the end of the file and returns how many. It is a parameter, so that tests can
/// tear a write.
pub(super) type WriteFn = fn(&File, &[u8]) -> io::Result<usize>;

/// Writes with `write(2)`.
pub(super) fn system(file: &File, bytes: &[u8]) -> io::Result<usize> {
    append::system(file, bytes)
}

/// Appends a line, newline included, to a file that is open for reading and appending.
pub(super) fn append(file: &File, line: &[u8], write: WriteFn) -> Result<(), AppendError> {
    append::append(file, line, &write, TornLine::Ended).map_err(|error| AppendError::of(&error))
}
