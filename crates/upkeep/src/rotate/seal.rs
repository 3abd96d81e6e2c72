//! A finished file becomes an archive, and goes.
//!
//! Each step survives a death after it:
//! ```text
//! 1. pack X (behind what X.gz holds) under a temporary name   dead: the next run removes it
//! 2. decode it, compare lines, length and checksum; sync
//! 3. give it the name X.gz; sync the folder                   dead: X and X.gz hold the same lines,
//! 4. put its index in place                                   readers and the next run see that
//! 5. remove X, see `remove`                                   by content and finish with 5
//! ```
//! What X grew by in the meantime is sealed with it, again from 1: X.gz then has all that it had
//! but its last part, and X whole.

use std::io::{self, ErrorKind};

use super::held::Held;
use super::parcel::Part;
use super::remove::Removal;
use super::report::Report;
use super::site::{Opened, Site};
use super::step::{Done, Outcome, Step, Stop};
use crate::survey::names::archive_of;
use calltrace_store::error::{Error, Trouble};
use calltrace_store::fsx::{Access, FileIdentity};
use calltrace_store::index::{self, IndexState};
use calltrace_store::source;
use calltrace_store::tree::FileName;

/// A file that grows this often while it is sealed is not finished.
const TRIES: usize = 3;

/// Seals a finished file, alone or beside its archive.
pub(super) fn seal(site: &Site<'_>, name: &FileName, step: &Step, report: &mut Report) -> Outcome {
    let mut done = Done::of(step);
    for _ in 0..TRIES {
        let opened = open_quiet(site, name)?;
        done.step.bytes = Some(opened.log().bytes);
        if !archive(site, &opened, &mut done, report)? {
            continue;
        }
        match site.remove(&opened)? {
            Removal::Gone(proof) => {
                // An index it may have had as a file of lines.
                report.note(&site.path(name), site.remove_index(name));
                return Ok(Some(done.proven(proof)));
            }
            Removal::Busy(why) => {
                let why = format!("is in its archive, but stays: {why}");
                return Err(Stop::Waiting(why));
            }
            Removal::Changed => {}
        }
    }
    Err(Stop::Waiting("grows while it is sealed".to_owned()))
}

/// Opens a file that is to be packed, if it is quiet: not to do the work in vain.
fn open_quiet(site: &Site<'_>, name: &FileName) -> Result<Opened, Stop> {
    let opened = site.open(name);
    let opened = opened.map_err(|error| Error::io(&site.path(name), "read it", error))?;
    site.quiet(&opened.log().file).map_err(Stop::Waiting)?;
    Ok(opened)
}

/// Sees to it that X.gz holds all of X. False when X is no longer what was looked at.
pub(super) fn archive(
    site: &Site<'_>,
    opened: &Opened,
    done: &mut Done,
    report: &mut Report,
) -> Result<bool, Stop> {
    let name = archive_of(&opened.log().name);
    let path = site.path(&name);
    let read = |error| Error::io(&path, "read it", error);
    let modified = opened.metadata.modified().map_err(read)?;
    let Some(old) = site.open_if_there(&name).map_err(read)? else {
        let parts = vec![Part::of(opened, u64::MAX)];
        let parcel = site.pack(&name, Access::of(&opened.metadata), modified, parts)?;
        if !opened.is_as_it_was().map_err(read)? {
            return Ok(false);
        }
        done.note(parcel.publish(site, report)?);
        return Ok(true);
    };
    let kept = match Held::find(opened, &old).map_err(read)? {
        Held::Whole { bytes, .. } if bytes == opened.log().bytes => {
            index_unless_fresh(site, &old, report);
            return Ok(true);
        }
        Held::Whole { part_start, .. } => part_start,
        Held::Nothing => u64::MAX,
        Held::Blanked { .. } => {
            let why = "begins with lines that are still to be taken off";
            return Err(Stop::Waiting(why.to_owned()));
        }
    };
    add(site, opened, &old, kept, done, report)
}

/// Puts an archive in the old one's place that has the old one's content up to `kept`, and the
/// file.
fn add(
    site: &Site<'_>,
    opened: &Opened,
    old: &Opened,
    kept: u64,
    done: &mut Done,
    report: &mut Report,
) -> Result<bool, Stop> {
    let name = &old.log().name;
    let path = &old.log().path;
    let read = |error| Error::io(path, "read it", error);
    let modified = |file: &Opened| file.metadata.modified().map_err(read);
    let modified = modified(opened)?.max(modified(old)?);
    let parts = [(old, kept), (opened, u64::MAX)];
    let parts = parts.into_iter().filter(|(_, end)| *end > 0);
    let parts = parts.map(|(from, end)| Part::of(from, end)).collect();
    let access = access_of_both(old, opened)?;
    let parcel = match site.pack(name, access, modified, parts) {
        Err(Error::Io {
            path: at, source, ..
        }) if at == *path && source.kind() == ErrorKind::InvalidData => {
            return Err(damaged(site, old, &source));
        }
        packed => packed?,
    };
    let quiet = site.quiet(&old.log().file);
    let quiet = quiet.map_err(|why| Stop::Waiting(format!("its archive: {why}")))?;
    let is_same = |file: &Opened| file.is_as_it_was().map_err(read);
    if !is_same(opened)? || !is_same(old)? || !is_named(site, old).map_err(read)? {
        return Ok(false);
    }
    done.note(parcel.publish_over(site, report)?);
    drop(quiet);
    Ok(true)
}

/// Who may read an archive that gets the content of a file: only those who may read both. The archive
/// may have been put there by another user, to be given lines that he may not read.
pub(super) fn access_of_both(archive: &Opened, file: &Opened) -> Result<Access, Error> {
    let (there, added) = (Access::of(&archive.metadata), Access::of(&file.metadata));
    there.stricter(added).ok_or_else(|| {
        let refused = io::Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "it is of uid {}, and what is to be added of uid {}; move one of them away, or give \
                 both one owner",
                there.user, added.user
            ),
        );
        Error::io(&archive.log().path, "add to it", refused)
    })
}

/// A run that died may not have come to the index.
fn index_unless_fresh(site: &Site<'_>, archive: &Opened, report: &mut Report) {
    let name = &archive.log().name;
    if !matches!(index::state(archive.log()), IndexState::Fresh { .. }) {
        report.note(&site.path(name), site.index(name));
    }
}

/// An archive that does not decode: either its writer is still at it, or nobody touches it.
fn damaged(site: &Site<'_>, old: &Opened, error: &io::Error) -> Stop {
    match site.quiet(&old.log().file) {
        Err(why) => Stop::Waiting(format!("its archive is being written: {why}")),
        Ok(_) => {
            let error = io::Error::new(ErrorKind::InvalidData, error.to_string());
            Error::io(&old.log().path, "add to it", error).into()
        }
    }
}

/// Whether the name still stands for the file that was opened. It is not opened for that: a lease
/// may be held.
fn is_named(site: &Site<'_>, opened: &Opened) -> io::Result<bool> {
    let now = site.folder.stat(&opened.log().name.full())?;
    Ok(FileIdentity::of_stat(&now) == opened.log().identity)
}

/// Makes an archive of another kind one of blocks.
pub(super) fn recompress(
    site: &Site<'_>,
    name: &FileName,
    step: &Step,
    report: &mut Report,
) -> Outcome {
    let path = site.path(name);
    let read = |error| Error::io(&path, "read it", error);
    let old = open_quiet(site, name)?;
    let modified = old.metadata.modified().map_err(read)?;
    let parts = vec![Part::of(&old, u64::MAX)];
    let packed = site.pack(name, Access::of(&old.metadata), modified, parts);
    if let Err(Error::Io { source, .. }) = &packed
        && let Some(trailing) = source::trailing(source)
    {
        // What stands there may be of worth to somebody, and would be in neither archive.
        if matches!(
            index::state(old.log()),
            IndexState::Missing | IndexState::Stale(_)
        ) {
            report.note(&path, site.index(name));
        }
        let why = format!("is not recompressed: it {trailing}");
        return Err(Stop::Waiting(why));
    }
    let parcel = packed?;
    let quiet = site.quiet(&old.log().file).map_err(Stop::Waiting)?;
    if !old.is_as_it_was().map_err(read)? || !is_named(site, &old).map_err(read)? {
        let what = "was changed while it was recompressed";
        report.trouble(Trouble::new(&path, what));
        return Ok(None);
    }
    let mut done = Done::of(step);
    done.note(parcel.publish_over(site, report)?);
    Ok(Some(done.proven(Some(quiet.proof()))))
}
