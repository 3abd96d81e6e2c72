//! Adds lines to the logs that a host sent and that never arrived. No other code writes `recovered_DAY.log`.
//!
//! The caller decides which lines those are, and does so under the lock: lines that another run or a late request
//! has added in the meantime are there by then. Rotations take the same lock, so no file is sealed while lines are
//! added to it.
//!
//! **A killed run neither doubles nor loses a line.** Each line is one write(2), and the next run sees what was
//! written when it asks what is missing. A write that ended early leaves a piece of a line at the end of the file:
//! the line is still missing, and the next run writes the rest of it. Until then no rotation seals that file. A new
//! file gets its permissions under a temporary name, before it gets its own name.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime};

use crate::own;
use crate::survey::names::temporary;
use calltrace_store::error::Error;
use calltrace_store::fsx::append::{TornLine, append};
use calltrace_store::fsx::{DiskOps, DraftFile, Folder, Purpose, give};
use calltrace_store::source::last_line_end;
use calltrace_store::tree::{EnterpriseName, FileName, LogFile, Tree, access_of_new, look_at};

/// A line that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingLine {
    /// The time at its beginning, in the zone of the logs. Its day selects the file.
    pub at: NaiveDateTime,
    /// The line. It contains no newline.
    pub line: Vec<u8>,
}

/// What was added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddedLines {
    /// How many lines.
    pub lines: usize,
    /// The files that the lines were added to, the oldest first.
    pub files: Vec<FileName>,
}

/// Why not all missing lines were added.
#[derive(Debug)]
pub enum AddError<E> {
    /// The caller could not find out which lines are missing. Nothing was added.
    Unknown(E),
    /// A line could not be written.
    Unwritten {
        /// The lines that were added before. They stay.
        added: AddedLines,
        /// Why the rest could not be added.
        error: Error,
    },
}

/// Adds the lines that `missing` returns to the files of their days, in the order of their times. `missing` is
/// called once, under the enterprise's lock; another calltrace that holds the lock is waited for, for `patience` at
/// most. Without lines nothing is made except `.calltrace`.
///
/// # Errors
/// [`AddError`]. The lock's error names the process that holds it.
pub fn add<E>(
    tree: &Tree,
    enterprise: &EnterpriseName,
    ops: &dyn DiskOps,
    patience: Duration,
    missing: impl FnOnce() -> Result<Vec<MissingLine>, E>,
) -> Result<AddedLines, AddError<E>> {
    let mut added = AddedLines::default();
    let unwritten = |error| AddError::Unwritten {
        added: AddedLines::default(),
        error,
    };
    let folder = own::folder_of_logs(tree, enterprise).map_err(unwritten)?;
    let own = own::make(&folder, ops).map_err(unwritten)?;
    let _lock = own::lock(&own, patience).map_err(unwritten)?;
    let missing = missing().map_err(AddError::Unknown)?;
    match add_all(&folder, ops, missing, &mut added) {
        Ok(()) => Ok(added),
        Err(error) => Err(AddError::Unwritten { added, error }),
    }
}

fn add_all(
    folder: &Folder,
    ops: &dyn DiskOps,
    mut missing: Vec<MissingLine>,
    added: &mut AddedLines,
) -> Result<(), Error> {
    missing.sort_by_key(|line| line.at);
    let mut days: BTreeMap<NaiveDate, Vec<Vec<u8>>> = BTreeMap::new();
    for MissingLine { at, mut line } in missing {
        if line.contains(&b'\n') {
            let two = io::Error::new(ErrorKind::InvalidData, "a line has a newline in it");
            return Err(Error::io(folder.path(), "add recovered lines", two));
        }
        line.push(b'\n');
        days.entry(at.date()).or_default().push(line);
    }
    for (day, lines) in days {
        let name = FileName::recovered(day);
        let fail = |error| Error::io(&folder.path_of(&name.full()), "add recovered lines", error);
        let file = open(folder, ops, &name).map_err(fail)?;
        let before = added.lines;
        let written = add_to(folder, ops, (&name, &file), lines, added);
        if added.lines > before {
            added.files.push(name.clone());
        }
        // The lines that were written must last, also after an error.
        let synced = ops.sync(&file);
        written.and(synced).map_err(fail)?;
    }
    Ok(())
}

fn add_to(
    folder: &Folder,
    ops: &dyn DiskOps,
    (name, file): (&FileName, &File),
    mut lines: Vec<Vec<u8>>,
    added: &mut AddedLines,
) -> io::Result<()> {
    let write = |file: &File, bytes: &[u8]| ops.write(file, bytes).map(|()| bytes.len());
    if let Some((at, rest)) = begun(folder, name, file, &lines)? {
        write(file, &lines[at][rest..])?;
        lines.remove(at);
        added.lines += 1;
    }
    for line in lines {
        append(file, &line, &write, TornLine::Left)?;
        added.lines += 1;
    }
    Ok(())
}

/// The line of which the file's end is a piece, and where the rest of that line begins. If several lines begin like
/// that, any of them will do: all are to be written.
fn begun(
    folder: &Folder,
    name: &FileName,
    file: &File,
    lines: &[Vec<u8>],
) -> io::Result<Option<(usize, usize)>> {
    let metadata = file.metadata()?;
    let log = LogFile::of(
        folder,
        name.clone(),
        &name.full(),
        file.try_clone()?,
        &metadata,
    );
    let start = last_line_end(&log, log.bytes)?;
    let longest = lines.iter().map(Vec::len).max().unwrap_or_default();
    let bytes = usize::try_from(log.bytes - start).unwrap_or(usize::MAX);
    if bytes == 0 || bytes >= longest {
        return Ok(None);
    }
    let mut piece = vec![0; bytes];
    file.read_exact_at(&mut piece, start)?;
    let at = lines.iter().position(|line| line.starts_with(&piece));
    Ok(at.map(|at| (at, bytes)))
}

/// Opens the file. Makes it first if it is missing.
fn open(folder: &Folder, ops: &dyn DiskOps, name: &FileName) -> io::Result<File> {
    let full = name.full();
    match folder.open_file(&full, Purpose::Append) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        opened => return opened.map(|(file, _)| file),
    }
    let access = access_of_new(folder, &look_at(folder)?)?;
    let temporary = temporary(name);
    let made = match ops.create(folder, &temporary) {
        // It is of an interrupted run: no other run can hold the lock.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            ops.unlink(folder, &temporary)?;
            ops.create(folder, &temporary)?
        }
        made => made?,
    };
    let draft = DraftFile::of(ops, folder, temporary, made);
    give(ops, draft.file(), access);
    draft.rename(&full)?;
    folder
        .open_file(&full, Purpose::Append)
        .map(|(file, _)| file)
}
