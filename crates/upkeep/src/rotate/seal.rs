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
use super::parcel::{Part, trouble};
use super::remove::Removal;
use super::report::Report;
use super::site::{Opened, Site};
use super::step::{Done, Outcome, Step};
use crate::survey::names::archive_of;
use calltrace_store::error::Error;
use calltrace_store::fsx::{Access, FileIdentity};
use calltrace_store::index;
use calltrace_store::tree::FileName;

/// A file that grows this often while it is sealed is not finished.
const TRIES: usize = 3;

/// Seals a finished file, alone or beside its archive.
pub(super) fn seal(
    site: &Site<'_>,
    name: &FileName,
    step: &Step,
    report: &mut Report,
) -> Result<Outcome, Error> {
    let path = site.path(name);
    let read = |error| Error::io(&path, "read it", error);
    let mut done = Done::of(step);
    for _ in 0..TRIES {
        let opened = site.open(name).map_err(read)?;
        // Before the work: not to do it in vain.
        if let Err(why) = site.quiet(&opened.log().file) {
            return Ok(Outcome::Waiting(why));
        }
        done.step.bytes = Some(opened.log().bytes);
        match archive(site, &opened, done, report)? {
            Archived::Held(held) => done = held,
            Archived::Changed(unchanged) => {
                done = unchanged;
                continue;
            }
            Archived::Waiting(why) => return Ok(Outcome::Waiting(why)),
        }
        match site.remove(&opened)? {
            Removal::Gone(proof) => {
                // An index it may have had as a file of lines.
                if let Err(error) = site.remove_index(name) {
                    report.fail(&path, &error);
                }
                return Ok(Outcome::Done(done.proven(proof)));
            }
            Removal::Busy(why) => {
                let why = format!("is in its archive, but stays: {why}");
                return Ok(Outcome::Waiting(why));
            }
            Removal::Changed => {}
        }
    }
    Ok(Outcome::Waiting("grows while it is sealed".to_owned()))
}

/// How making an archive ended.
pub(super) enum Archived {
    /// The archive holds all of the file.
    Held(Done),
    /// The file is no longer what was looked at.
    Changed(Done),
    Waiting(String),
}

/// Sees to it that X.gz holds all of X.
pub(super) fn archive(
    site: &Site<'_>,
    opened: &Opened,
    done: Done,
    report: &mut Report,
) -> Result<Archived, Error> {
    let name = archive_of(&opened.log().name);
    let path = site.path(&name);
    let read = |error| Error::io(&path, "read it", error);
    let modified = opened.metadata.modified().map_err(read)?;
    let old = match site.open(&name) {
        Ok(old) => old,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let parts = vec![Part::of(opened, u64::MAX)];
            let parcel = site.pack(&name, Access::of(&opened.metadata), modified, parts)?;
            if !opened.is_as_it_was().map_err(read)? {
                return Ok(Archived::Changed(done));
            }
            return Ok(Archived::Held(done.sized(parcel.publish(site, report)?)));
        }
        Err(error) => return Err(read(error)),
    };
    let kept = match Held::find(opened, &old).map_err(read)? {
        Held::Whole { bytes, .. } if bytes == opened.log().bytes => {
            index_unless_fresh(site, &old, report);
            return Ok(Archived::Held(done));
        }
        Held::Whole { part_start, .. } => part_start,
        Held::Nothing => u64::MAX,
        Held::Blanked { .. } => {
            let why = "begins with lines that are still to be taken off";
            return Ok(Archived::Waiting(why.to_owned()));
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
    done: Done,
    report: &mut Report,
) -> Result<Archived, Error> {
    let name = &old.log().name;
    let path = &old.log().path;
    let read = |error| Error::io(path, "read it", error);
    let modified = |file: &Opened| file.metadata.modified().map_err(read);
    let modified = modified(opened)?.max(modified(old)?);
    let parts = [(old, kept), (opened, u64::MAX)];
    let parts = parts.into_iter().filter(|(_, end)| *end > 0);
    let parts = parts.map(|(from, end)| Part::of(from, end)).collect();
    let access =
        access_of_both(old, opened).map_err(|error| Error::io(path, "add to it", error))?;
    let parcel = match site.pack(name, access, modified, parts) {
        Err(Error::Io {
            path: at, source, ..
        }) if at == *path && is_damage(&source) => {
            return damaged(site, old, &source).map(Archived::Waiting);
        }
        packed => packed?,
    };
    let quiet = match site.quiet(&old.log().file) {
        Ok(quiet) => quiet,
        Err(why) => return Ok(Archived::Waiting(format!("its archive: {why}"))),
    };
    let is_same = |file: &Opened| file.is_as_it_was().map_err(read);
    if !is_same(opened)? || !is_same(old)? || !is_named(site, old).map_err(read)? {
        return Ok(Archived::Changed(done));
    }
    let sizes = parcel.publish_over(site, report)?;
    drop(quiet);
    Ok(Archived::Held(done.sized(sizes)))
}

/// Who may read an archive that gets the content of a file: only those who may read both. The archive
/// may have been put there by another user, to be given lines that he may not read.
pub(super) fn access_of_both(archive: &Opened, file: &Opened) -> io::Result<Access> {
    let (there, added) = (Access::of(&archive.metadata), Access::of(&file.metadata));
    there.stricter(added).ok_or_else(|| {
        io::Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "it is of uid {}, and what is to be added of uid {}; move one of them away, or give \
                 both one owner",
                there.user, added.user
            ),
        )
    })
}

/// A run that died may not have come to the index.
fn index_unless_fresh(site: &Site<'_>, archive: &Opened, report: &mut Report) {
    let name = &archive.log().name;
    if !matches!(index::state(archive.log()), index::State::Fresh { .. })
        && let Err(error) = site.index(name)
    {
        report.fail(&site.path(name), &error);
    }
}

fn is_damage(error: &io::Error) -> bool {
    error.kind() == ErrorKind::InvalidData
}

/// An archive that does not decode: either its writer is still at it, or nobody touches it.
fn damaged(site: &Site<'_>, old: &Opened, error: &io::Error) -> Result<String, Error> {
    match site.quiet(&old.log().file) {
        Err(why) => Ok(format!("its archive is being written: {why}")),
        Ok(_) => Err(Error::io(
            &old.log().path,
            "add to it",
            io::Error::new(ErrorKind::InvalidData, error.to_string()),
        )),
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
) -> Result<Outcome, Error> {
    let path = site.path(name);
    let read = |error| Error::io(&path, "read it", error);
    let old = site.open(name).map_err(read)?;
    if let Err(why) = site.quiet(&old.log().file) {
        return Ok(Outcome::Waiting(why));
    }
    let modified = old.metadata.modified().map_err(read)?;
    let parts = vec![Part::of(&old, u64::MAX)];
    let parcel = site.pack(name, Access::of(&old.metadata), modified, parts)?;
    let quiet = match site.quiet(&old.log().file) {
        Ok(quiet) => quiet,
        Err(why) => return Ok(Outcome::Waiting(why)),
    };
    if !old.is_as_it_was().map_err(read)? || !is_named(site, &old).map_err(read)? {
        report.trouble(trouble(site, name, "was changed while it was recompressed"));
        return Ok(Outcome::Nothing);
    }
    let sizes = parcel.publish_over(site, report)?;
    let done = Done::of(step).sized(sizes).proven(Some(quiet.proof()));
    Ok(Outcome::Done(done))
}
