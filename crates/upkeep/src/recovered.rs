//! Adds lines to the logs that a host sent and that never arrived: the only writer of `recovered_DAY.log`.
//!
//! Which lines those are, the caller says, and he says it under the lock: what another run added in the meantime, or a
//! late request brought, is there by then. Rotations take the same lock, so that no file is sealed while lines go into it.
//!
//! **A run that is killed doubles no line and loses none.** A line is one write(2), and what was written is found by the
//! next run's question for what is missing. A piece of a line, where a write ended early, stays the end of its
//! file: the line is still missing, and the next run writes the rest of it; until then no rotation seals that file. A file is made under a temporary name, and
//! has its rights before it has its name.

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
pub struct Recovered {
    /// The time that it begins with, in the zone of the logs: its day names the file that it goes to.
    pub at: NaiveDateTime,
    /// The line, without a newline, and with none in it.
    pub line: Vec<u8>,
}

/// What was added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Added {
    /// Lines.
    pub lines: usize,
    /// The files that they went to, the oldest first.
    pub files: Vec<FileName>,
}

/// Why not all lines that are missing were added.
#[derive(Debug)]
pub enum Failed<E> {
    /// The caller could not say which those are; nothing was added.
    Unknown(E),
    /// They could not be written.
    Unwritten {
        /// What was added before that, and stays.
        added: Added,
        /// Why the rest was not.
        error: Error,
    },
}

/// Adds the lines that `missing` gives to the files of their days, in the order of their times. `missing` is asked
/// once, under the lock of the enterprise; another calltrace that holds it is waited for as long as `patience` at
/// most. Where it gives none, nothing is made but the folder for what is ours.
///
/// # Errors
/// [`Failed`]. The lock's error names the process that holds it.
pub fn add<E>(
    tree: &Tree,
    enterprise: &EnterpriseName,
    ops: &dyn DiskOps,
    patience: Duration,
    missing: impl FnOnce() -> Result<Vec<Recovered>, E>,
) -> Result<Added, Failed<E>> {
    let mut added = Added::default();
    let unwritten = |error| Failed::Unwritten {
        added: Added::default(),
        error,
    };
    let folder = own::folder_of_logs(tree, enterprise).map_err(unwritten)?;
    let own = own::make(&folder, ops).map_err(unwritten)?;
    let _lock = own::lock(&own, patience).map_err(unwritten)?;
    let missing = missing().map_err(Failed::Unknown)?;
    match add_all(&folder, ops, missing, &mut added) {
        Ok(()) => Ok(added),
        Err(error) => Err(Failed::Unwritten { added, error }),
    }
}

fn add_all(
    folder: &Folder,
    ops: &dyn DiskOps,
    mut missing: Vec<Recovered>,
    added: &mut Added,
) -> Result<(), Error> {
    missing.sort_by_key(|line| line.at);
    let mut days: BTreeMap<NaiveDate, Vec<Vec<u8>>> = BTreeMap::new();
    for Recovered { at, mut line } in missing {
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
        // What stands there is to stay, whatever went wrong behind it.
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
    added: &mut Added,
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

/// Which of the lines the file ends in a piece of, and where the rest of the line begins. Any of those that begin so
/// will do: all of them are to be written.
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

/// Opens the file, and makes it first where there is none.
fn open(folder: &Folder, ops: &dyn DiskOps, name: &FileName) -> io::Result<File> {
    let full = name.full();
    match folder.open_file(&full, Purpose::Append) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        opened => return opened.map(|(file, _)| file),
    }
    let access = access_of_new(folder, &look_at(folder)?)?;
    let temporary = temporary(name);
    let made = match ops.create(folder, &temporary) {
        // Of a run that died: under the lock there is no other.
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
