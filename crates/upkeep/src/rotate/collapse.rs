//! The live file of writers that keep it open: its lines are copied, then taken off its front.
//!
//! ```text
//! 1. copy the whole lines of the first day, [0, B), as a part of its archive; compare; sync
//! 2. put the archive and its index in place                dead before: nothing has happened
//! 3. blank the rest of the last block before B; sync       dead from here on: the live file begins
//! 4. collapse the whole blocks before that; sync           with the archive's last part, or blanks
//! ```
//! Readers and the next run tell 3 and 4 by content (`source::overlap`); the next run finishes
//! them before anything else. **No byte at B or behind it is ever touched**, and writers append
//! (O_APPEND) behind it, so nothing of theirs can be lost. What is blanked is in the archive.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::OnceLock;

use chrono::NaiveDate;

use super::age::is_believed;
use super::look::to_take_off;
use super::parcel::{Part, Sizes};
use super::report::Report;
use super::seal::access_of_both;
use super::site::{Opened, Site};
use super::step::{Done, Kind, Outcome, Step, Stop};
use super::writers::Hold;
use crate::survey::memory::{Collapsing, Memory};
use crate::survey::names::{archive_of, live, of_day};
use crate::survey::times::{self, day_of};
use calltrace_store::error::Error;
use calltrace_store::fsx::{Access, FileIdentity, Purpose, collapse_unit, list_writers};
use calltrace_store::source::{ContentTally, last_line_end};
use calltrace_store::tree::FileName;

/// What is said when another program was at work here.
const CHANGED: &str = "somebody else has changed it";

/// Blanked at once (bytes).
const BLANKS_BYTES: usize = 64 << 10;

/// What a disk writes whole or not at all (bytes).
const SECTOR_BYTES: u64 = 512;

/// Copies the live file's lines of a day, which it begins with, to the archive of that day and takes them
/// off its front. Nothing is done where it begins with another day: those lines could not be taken.
pub(super) fn collapse(
    site: &Site<'_>,
    day: NaiveDate,
    step: &Step,
    report: &mut Report,
) -> Outcome {
    let path = site.path(&live());
    let fail = |error| Error::io(&path, "take lines off it", error);
    let opened = site.open(&live()).map_err(fail)?;
    appenders_only(site, &opened).map_err(Stop::Waiting)?;
    let unit = collapse_unit(&site.folder).map_err(fail)?;
    let log = opened.log();
    let end = last_line_end(log, log.bytes).map_err(fail)?;
    if times::is_blank(log, end).map_err(fail)? {
        return Err(Stop::Waiting("has no whole line yet".to_owned()));
    }
    let today = day_of(site.now());
    let (first, next) = times::first_stretch(&opened.source, |day| is_believed(day, today));
    if first.is_some_and(|first| first != day) {
        return Ok(None);
    }
    let end = end.min(next);
    let archive = archive_of(&of_day(day));
    let mut memory = Memory::read(site);
    memory.collapsing = Some(Collapsing::new(&opened, end, &archive));
    memory.keep(site).map_err(fail)?;
    let sizes = copy(site, &opened, end, &archive, report)?;
    // It is of a file that begins elsewhere from now on.
    site.remove_index(&live())?;
    // One that was truncated since it was copied may have grown as long again.
    let now = ContentTally::read(opened.source.content().take(end)).map_err(fail)?;
    if now.content() != sizes.last_part {
        return Err(fail(io::Error::other(CHANGED)).into());
    }
    take_off(site, &opened, end, unit).map_err(fail)?;
    memory.collapsing = None;
    memory.keep(site).map_err(fail)?;
    let taken = Step {
        kind: Kind::Collapse(day),
        bytes: Some(end),
        why: step.why.clone(),
    };
    let mut done = Done::of(&taken);
    done.note(sizes);
    Ok(Some(done))
}

/// Takes off what a run that died had copied.
pub(super) fn finish(site: &Site<'_>, name: &FileName, step: &Step) -> Outcome {
    let path = site.path(name);
    let fail = |error| Error::io(&path, "take lines off it", error);
    let opened = site.open(name).map_err(fail)?;
    appenders_only(site, &opened).map_err(Stop::Waiting)?;
    let mut memory = Memory::read(site);
    // The name may stand for another file by now than when the step was planned.
    let Some((_, held)) = to_take_off(site, &opened, &memory).map_err(fail)? else {
        return Ok(None);
    };
    let unit = collapse_unit(&site.folder).map_err(fail)?;
    site.remove_index(name)?;
    take_off(site, &opened, held, unit).map_err(fail)?;
    memory.collapsing = None;
    memory.keep(site).map_err(fail)?;
    Ok(Some(Done::of(&step.clone().bytes(held))))
}

/// Whether all who are seen to write to the file write to its end; else why not, as a clause.
///
/// One more who can't be seen and does not append would go on at its own place, behind a hole: its
/// lines and those of the others stay. But if none is seen although there is one, nothing is known.
fn appenders_only(site: &Site<'_>, opened: &Opened) -> Result<(), String> {
    let log = opened.log();
    // Lines would be gone under the other name as well, of a backup or of a file in another folder.
    let names = opened.metadata.nlink();
    if names > 1 {
        return Err(format!(
            "has {names} names (hard links), so no lines are taken off it"
        ));
    }
    // Looked at anew: the plan is some time ago.
    let hold = Hold::on(site.ops, &log.file, log.identity, &OnceLock::new());
    let stubborn = hold.stubborn();
    if !stubborn.is_empty() {
        return Err(format!(
            "open without O_APPEND in {}",
            list_writers(&stubborn)
        ));
    }
    if hold.is_hidden() {
        return Err("open in a process that can't be looked into".to_owned());
    }
    Ok(())
}

/// Steps 1 and 2.
fn copy(
    site: &Site<'_>,
    opened: &Opened,
    end: u64,
    name: &FileName,
    report: &mut Report,
) -> Result<Sizes, Error> {
    let path = site.path(name);
    let read = |error| Error::io(&path, "read it", error);
    let modified = opened.metadata.modified().map_err(read)?;
    let Some(old) = site.open_if_there(name).map_err(read)? else {
        let parts = vec![Part::of(opened, end)];
        let parcel = site.pack(name, Access::of(&opened.metadata), modified, parts)?;
        return parcel.publish(site, report);
    };
    let parts = vec![Part::of(&old, u64::MAX), Part::of(opened, end)];
    let access = access_of_both(&old, opened)?;
    let parcel = site.pack(name, access, modified, parts)?;
    let quiet = site.quiet(&old.log().file);
    if quiet.is_err() || !old.is_as_it_was().map_err(read)? {
        return Err(Error::io(&path, "add to it", io::Error::other(CHANGED)));
    }
    parcel.publish_over(site, report)
}

/// Steps 3 and 4: takes the first `held` bytes off a file, as far as they fill units; what is left
/// of them is blanked.
fn take_off(site: &Site<'_>, opened: &Opened, held: u64, unit: u64) -> io::Result<()> {
    // Not to append: what is written at a place would land at the end.
    let name = opened.log().name.full();
    let (file, metadata) = site.folder.open_file(&name, Purpose::Write)?;
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
        // Nothing will be left that tells what this was, so what tells it goes last, at once.
        let head = held.min(SECTOR_BYTES);
        blank(site, &file, head, held)?;
        return blank(site, &file, 0, head);
    }
    blank(site, &file, cut, held)?;
    site.ops.collapse(&file, cut)?;
    site.ops.sync(&file)
}

/// Makes `[from, end)` blank lines.
fn blank(site: &Site<'_>, file: &File, from: u64, end: u64) -> io::Result<()> {
    let blanks = vec![b'\n'; BLANKS_BYTES];
    let mut at = from;
    while at < end {
        let wanted = usize::try_from(end - at).unwrap_or(usize::MAX);
        let blanks = &blanks[..wanted.min(BLANKS_BYTES)];
        site.ops.write_at(file, blanks, at)?;
        at += blanks.len() as u64;
    }
    site.ops.sync(file)
}
