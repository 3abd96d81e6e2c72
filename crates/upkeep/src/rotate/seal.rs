//! Seals a finished file: makes its archive, then removes the file.
//!
//! A run may be killed after any step:
//! ```text
//! 1. pack X (after what X.gz holds) under a temporary name    killed: the next run removes it
//! 2. decode it, compare lines, length and checksum; sync
//! 3. give it the name X.gz; sync the folder                   killed: X and X.gz hold the same lines,
//! 4. put its index in place                                   readers and the next run see that
//! 5. remove X, see `remove`                                   by content and finish with 5
//! ```
//! If X has grown in the meantime, all steps are done again from 1: X.gz then holds all that it had except its last
//! part, and all of X.

use std::io::{self, ErrorKind};

use super::archived::ArchivedPrefix;
use super::context::{OpenLog, RotationContext};
use super::packing::PackedPart;
use super::remove::Removal;
use super::report::RotationReport;
use super::step::{RotationStep, StepOutcome, StepReport, Stop};
use crate::survey::names::archive_of;
use calltrace_store::error::{Error, Trouble};
use calltrace_store::fsx::{Access, FileIdentity};
use calltrace_store::index::{self, IndexState};
use calltrace_store::source;
use calltrace_store::tree::FileName;

/// A file that grows this often while it is sealed is not finished.
const TRIES: usize = 3;

/// Seals a finished file, with or without an existing archive.
pub(super) fn seal(
    context: &RotationContext<'_>,
    name: &FileName,
    step: &RotationStep,
    report: &mut RotationReport,
) -> StepOutcome {
    let mut done = StepReport::of(step);
    for _ in 0..TRIES {
        let opened = open_quiet(context, name)?;
        done.step.bytes = Some(opened.log().bytes);
        if !archive(context, &opened, &mut done, report)? {
            continue;
        }
        match context.remove(&opened)? {
            Removal::Gone(proof) => {
                // The index that it may have had as a plain file.
                report.note(&context.path(name), context.remove_index(name));
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

/// Opens a file that is to be packed, if it has no writers: otherwise the work would be wasted.
fn open_quiet(context: &RotationContext<'_>, name: &FileName) -> Result<OpenLog, Stop> {
    let opened = context.open(name);
    let opened = opened.map_err(|error| Error::io(&context.path(name), "read it", error))?;
    context
        .prove_no_writers(opened.file())
        .map_err(Stop::Waiting)?;
    Ok(opened)
}

/// Makes X.gz hold all of X. False if X has changed since it was read.
pub(super) fn archive(
    context: &RotationContext<'_>,
    opened: &OpenLog,
    done: &mut StepReport,
    report: &mut RotationReport,
) -> Result<bool, Stop> {
    let name = archive_of(&opened.log().name);
    let path = context.path(&name);
    let read = |error| Error::io(&path, "read it", error);
    let modified = opened.metadata.modified().map_err(read)?;
    let Some(old) = context.open_if_there(&name).map_err(read)? else {
        let parts = vec![PackedPart::of(opened, u64::MAX)];
        let packed_archive = context.pack(&name, Access::of(&opened.metadata), modified, parts)?;
        if !opened.is_as_it_was().map_err(read)? {
            return Ok(false);
        }
        done.note(packed_archive.publish(context, report)?);
        return Ok(true);
    };
    let kept = match ArchivedPrefix::find(opened, &old).map_err(read)? {
        ArchivedPrefix::Whole { bytes, .. } if bytes == opened.log().bytes => {
            index_unless_fresh(context, &old, report);
            return Ok(true);
        }
        ArchivedPrefix::Whole { part_start, .. } => part_start,
        ArchivedPrefix::Nothing => u64::MAX,
        ArchivedPrefix::Blanked { .. } => {
            let why = "begins with lines that are still to be taken off";
            return Err(Stop::Waiting(why.to_owned()));
        }
    };
    add(context, opened, &old, kept, done, report)
}

/// Replaces the old archive by one that holds the old one's content up to `kept`, then the file.
fn add(
    context: &RotationContext<'_>,
    opened: &OpenLog,
    old: &OpenLog,
    kept: u64,
    done: &mut StepReport,
    report: &mut RotationReport,
) -> Result<bool, Stop> {
    let name = &old.log().name;
    let path = &old.log().path;
    let read = |error| Error::io(path, "read it", error);
    let modified = |file: &OpenLog| file.metadata.modified().map_err(read);
    let modified = modified(opened)?.max(modified(old)?);
    let parts = [(old, kept), (opened, u64::MAX)];
    let parts = parts.into_iter().filter(|(_, end)| *end > 0);
    let parts = parts.map(|(from, end)| PackedPart::of(from, end)).collect();
    let access = access_of_both(old, opened)?;
    let packed_archive = match context.pack(name, access, modified, parts) {
        Err(Error::Io {
            path: at, source, ..
        }) if at == *path && source.kind() == ErrorKind::InvalidData => {
            return Err(damaged(context, old, &source));
        }
        packed => packed?,
    };
    let quiet = context.prove_no_writers(old.file());
    let quiet = quiet.map_err(|why| Stop::Waiting(format!("its archive: {why}")))?;
    let is_same = |file: &OpenLog| file.is_as_it_was().map_err(read);
    if !is_same(opened)? || !is_same(old)? || !is_named(context, old).map_err(read)? {
        return Ok(false);
    }
    done.note(packed_archive.publish_over(context, report)?);
    drop(quiet);
    Ok(true)
}

/// The permissions of an archive that gets the content of a file: only users who may read both may read it. Another
/// user may have put the archive there to get lines that this user may not read.
pub(super) fn access_of_both(archive: &OpenLog, file: &OpenLog) -> Result<Access, Error> {
    let (there, added) = (Access::of(&archive.metadata), Access::of(&file.metadata));
    there.stricter(added).ok_or_else(|| {
        let refused = io::Error::new(
            ErrorKind::PermissionDenied,
            format!(
                "it belongs to uid {}, and the file to be added to uid {}; move one of them away, or give both the same owner",
                there.user, added.user
            ),
        );
        Error::io(&archive.log().path, "add to it", refused)
    })
}

/// Makes the index if it is missing or old: an interrupted run may not have made it.
fn index_unless_fresh(
    context: &RotationContext<'_>,
    archive: &OpenLog,
    report: &mut RotationReport,
) {
    let name = &archive.log().name;
    if !matches!(index::state(archive.log()), IndexState::Fresh { .. }) {
        report.note(&context.path(name), context.index(name));
    }
}

/// An archive that can't be decoded: either a process is still writing it, or it is damaged.
fn damaged(context: &RotationContext<'_>, old: &OpenLog, error: &io::Error) -> Stop {
    match context.prove_no_writers(old.file()) {
        Err(why) => Stop::Waiting(format!("its archive is being written: {why}")),
        Ok(_) => {
            let error = io::Error::new(ErrorKind::InvalidData, error.to_string());
            Error::io(&old.log().path, "add to it", error).into()
        }
    }
}

/// Whether the name still leads to the file that was opened. Uses stat(2) and not open(2): a lease may be held.
fn is_named(context: &RotationContext<'_>, opened: &OpenLog) -> io::Result<bool> {
    let now = context.folder.stat(&opened.log().name.full())?;
    Ok(FileIdentity::of_stat(&now) == opened.log().identity)
}

/// Recompresses an archive of another kind as BGZF.
pub(super) fn recompress(
    context: &RotationContext<'_>,
    name: &FileName,
    step: &RotationStep,
    report: &mut RotationReport,
) -> StepOutcome {
    let path = context.path(name);
    let read = |error| Error::io(&path, "read it", error);
    let old = open_quiet(context, name)?;
    let modified = old.metadata.modified().map_err(read)?;
    let parts = vec![PackedPart::of(&old, u64::MAX)];
    let packed = context.pack(name, Access::of(&old.metadata), modified, parts);
    if let Err(Error::Io { source, .. }) = &packed
        && let Some(trailing) = source::trailing(source)
    {
        // The trailing bytes may matter, and would be in neither archive.
        if matches!(
            index::state(old.log()),
            IndexState::Missing | IndexState::Stale(_)
        ) {
            report.note(&path, context.index(name));
        }
        let why = format!("is not recompressed: it {trailing}");
        return Err(Stop::Waiting(why));
    }
    let packed_archive = packed?;
    let quiet = context
        .prove_no_writers(old.file())
        .map_err(Stop::Waiting)?;
    if !old.is_as_it_was().map_err(read)? || !is_named(context, &old).map_err(read)? {
        let what = "was changed while it was recompressed";
        report.trouble(Trouble::new(&path, what));
        return Ok(None);
    }
    let mut done = StepReport::of(step);
    done.note(packed_archive.publish_over(context, report)?);
    Ok(Some(done.proven(Some(quiet.proof()))))
}
