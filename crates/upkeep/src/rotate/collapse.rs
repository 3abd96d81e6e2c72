//! Collapses the live file of writers that keep it open: copies its lines, then takes them off its front.
//!
//! ```text
//! 1. copy the whole lines of the first day, [0, B), as a part of its archive; compare; sync
//! 2. put the archive and its index in place                killed before: the log is unchanged
//! 3. blank the rest of the last block before B; sync       killed from here on: the live file begins
//! 4. collapse the whole blocks before that; sync           with the archive's last part, or blanks
//! ```
//! Readers and the next run recognise 3 and 4 by content (`source::overlap`); the next run finishes them before
//! anything else. **No byte at or after B is ever touched**, and writers append (O_APPEND) after it, so none of
//! their lines can be lost. Blanked lines are in the archive.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::OnceLock;

use chrono::NaiveDate;

use super::age::is_believed;
use super::context::{OpenLog, RotationContext};
use super::look::to_take_off;
use super::packing::{PackedPart, Sizes};
use super::report::RotationReport;
use super::seal::access_of_both;
use super::step::{RotationStep, StepKind, StepOutcome, StepReport, Stop};
use super::writers::OpenWriters;
use crate::survey::memory::{Collapsing, RotationMemory};
use crate::survey::names::{archive_of, live, of_day};
use crate::survey::times::{self, day_of};
use calltrace_store::error::Error;
use calltrace_store::fsx::{Access, FileIdentity, Purpose, collapse_unit, list_writers};
use calltrace_store::source::{ContentTally, last_line_end};
use calltrace_store::tree::FileName;

/// The message when another program has changed the file.
const CHANGED: &str = "another process has changed it";

/// How much is blanked per write (bytes).
const BLANKS_BYTES: usize = 64 << 10;

/// A disk writes this much as a whole or not at all (bytes).
const SECTOR_BYTES: u64 = 512;

/// Copies the lines of the day that the live file begins with to that day's archive and takes them off its front.
/// Does nothing if the file begins with another day: only lines at the front can be taken off.
pub(super) fn collapse(
    context: &RotationContext<'_>,
    day: NaiveDate,
    step: &RotationStep,
    report: &mut RotationReport,
) -> StepOutcome {
    let path = context.path(&live());
    let fail = |error| Error::io(&path, "take lines off it", error);
    let opened = context.open(&live()).map_err(fail)?;
    appenders_only(context, &opened).map_err(Stop::Waiting)?;
    let unit = collapse_unit(&context.folder).map_err(fail)?;
    let log = opened.log();
    let end = last_line_end(log, log.bytes).map_err(fail)?;
    if times::is_blank(log, end).map_err(fail)? {
        return Err(Stop::Waiting("has no whole line yet".to_owned()));
    }
    let today = day_of(context.now());
    let (first, next) = times::first_stretch(&opened.source, |day| is_believed(day, today));
    if first.is_some_and(|first| first != day) {
        return Ok(None);
    }
    let end = end.min(next);
    let archive = archive_of(&of_day(day));
    let mut memory = RotationMemory::read(context);
    memory.collapsing = Some(Collapsing::new(&opened, end, &archive));
    memory.keep(context).map_err(fail)?;
    let sizes = copy(context, &opened, end, &archive, report)?;
    // The index does not match once the file's beginning is gone.
    context.remove_index(&live())?;
    // A file that was truncated since the copy may have grown to the same length again.
    let now = ContentTally::read(opened.source.content().take(end)).map_err(fail)?;
    if now.content() != sizes.last_part {
        return Err(fail(io::Error::other(CHANGED)).into());
    }
    take_off(context, &opened, end, unit).map_err(fail)?;
    memory.collapsing = None;
    memory.keep(context).map_err(fail)?;
    let taken = RotationStep {
        kind: StepKind::Collapse(day),
        bytes: Some(end),
        why: step.why.clone(),
    };
    let mut done = StepReport::of(&taken);
    done.note(sizes);
    Ok(Some(done))
}

/// Takes off the lines that an interrupted run had copied.
pub(super) fn finish(
    context: &RotationContext<'_>,
    name: &FileName,
    step: &RotationStep,
) -> StepOutcome {
    let path = context.path(name);
    let fail = |error| Error::io(&path, "take lines off it", error);
    let opened = context.open(name).map_err(fail)?;
    appenders_only(context, &opened).map_err(Stop::Waiting)?;
    let mut memory = RotationMemory::read(context);
    // The name may now belong to another file than when the step was planned.
    let Some((_, held)) = to_take_off(context, &opened, &memory).map_err(fail)? else {
        return Ok(None);
    };
    let unit = collapse_unit(&context.folder).map_err(fail)?;
    context.remove_index(name)?;
    take_off(context, &opened, held, unit).map_err(fail)?;
    memory.collapsing = None;
    memory.keep(context).map_err(fail)?;
    Ok(Some(StepReport::of(&step.clone().bytes(held))))
}

/// Checks that all visible writers append; otherwise returns why not, as a clause.
///
/// A further, hidden writer that does not append would continue at its own offset, after a hole, so no line would be
/// lost. But if all writers are hidden, it is not known whether any of them appends.
fn appenders_only(context: &RotationContext<'_>, opened: &OpenLog) -> Result<(), String> {
    let log = opened.log();
    // The lines would also vanish under the other name, which may be a backup or be in another folder.
    let names = opened.metadata.nlink();
    if names > 1 {
        return Err(format!(
            "has {names} names (hard links), so no lines are taken off it"
        ));
    }
    // The writers are checked again, because time has passed since the plan.
    let hold = OpenWriters::on(context.ops, opened.file(), log.identity, &OnceLock::new());
    let not_appending = hold.not_appending();
    if !not_appending.is_empty() {
        return Err(format!(
            "open without O_APPEND in {}",
            list_writers(&not_appending)
        ));
    }
    if hold.is_hidden() {
        return Err("open in a process that can't be looked into".to_owned());
    }
    Ok(())
}

/// Does steps 1 and 2.
fn copy(
    context: &RotationContext<'_>,
    opened: &OpenLog,
    end: u64,
    name: &FileName,
    report: &mut RotationReport,
) -> Result<Sizes, Error> {
    let path = context.path(name);
    let read = |error| Error::io(&path, "read it", error);
    let modified = opened.metadata.modified().map_err(read)?;
    let Some(old) = context.open_if_there(name).map_err(read)? else {
        let parts = vec![PackedPart::of(opened, end)];
        let packed_archive = context.pack(name, Access::of(&opened.metadata), modified, parts)?;
        return packed_archive.publish(context, report);
    };
    let parts = vec![PackedPart::of(&old, u64::MAX), PackedPart::of(opened, end)];
    let access = access_of_both(&old, opened)?;
    let packed_archive = context.pack(name, access, modified, parts)?;
    let quiet = context.prove_no_writers(old.file());
    if quiet.is_err() || !old.is_as_it_was().map_err(read)? {
        return Err(Error::io(&path, "add to it", io::Error::other(CHANGED)));
    }
    packed_archive.publish_over(context, report)
}

/// Does steps 3 and 4: takes the first `held` bytes off a file, as far as they fill units; the rest of them is blanked.
fn take_off(
    context: &RotationContext<'_>,
    opened: &OpenLog,
    held: u64,
    unit: u64,
) -> io::Result<()> {
    // The file is not opened for appending, because pwrite(2) would then write at its end.
    let name = opened.log().name.full();
    let (file, metadata) = context.folder.open_file(&name, Purpose::Write)?;
    let is_it = FileIdentity::of(&metadata) == opened.log().identity && metadata.nlink() == 1;
    if !is_it || metadata.len() < held {
        return Err(io::Error::other(CHANGED));
    }
    let mut cut = held - held % unit;
    if cut == metadata.len() {
        // The kernel does not collapse a whole file.
        cut -= unit;
    }
    if cut == 0 {
        // The first bytes identify the copied lines, so they are blanked last, in one write.
        let head = held.min(SECTOR_BYTES);
        blank(context, &file, head, held)?;
        return blank(context, &file, 0, head);
    }
    blank(context, &file, cut, held)?;
    context.ops.collapse(&file, cut)?;
    context.ops.sync(&file)
}

/// Makes `[from, end)` blank lines.
fn blank(context: &RotationContext<'_>, file: &File, from: u64, end: u64) -> io::Result<()> {
    let blanks = vec![b'\n'; BLANKS_BYTES];
    let mut at = from;
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX);
        let blanks = &blanks[..wanted.min(BLANKS_BYTES)];
        context.ops.write_at(file, blanks, at)?;
        at += blanks.len() as u64;
    }
    context.ops.sync(file)
}
