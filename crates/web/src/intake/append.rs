//! A line at the end of a log that others append to as well.

use std::fs::File;
use std::io;

use super::Refused;
use calltrace_store::fsx::append::{self, TornLine};

/// Writes some of `bytes` at the end of the file and says how many. A parameter, so that tests can
/// tear.
pub(super) type Write = fn(&File, &[u8]) -> io::Result<usize>;

/// What the kernel does.
pub(super) fn system(file: &File, bytes: &[u8]) -> io::Result<usize> {
    append::system(file, bytes)
}

/// Appends a line, newline included, to a file that was opened for reading and appending.
pub(super) fn append(file: &File, line: &[u8], write: Write) -> Result<(), Refused> {
    append::append(file, line, &write, TornLine::Ended).map_err(|error| Refused::of(&error))
}
