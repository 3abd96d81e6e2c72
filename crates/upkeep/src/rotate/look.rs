//! What there is: the files of an enterprise with all that a plan needs to know of them.
//!
//! Every file is opened, looked at and closed again, one at a time. What is found is plain data, so
//! that a plan can be made of it anywhere.

use std::io;
use std::sync::OnceLock;

use chrono::{Days, NaiveDate};

use super::age;
use super::held::Held;
use super::site::{Opened, Site};
use super::writers::Hold;
use crate::survey;
use crate::survey::listing::{Listing, Own};
use crate::survey::log::Log;
use crate::survey::memory::Memory;
use crate::survey::names::{archive_of, live};
use crate::survey::times::{self, DAY_MILLIS, RecordDays, day_of};
use calltrace_model::record::Stamp;
use calltrace_store::error::Error;
use calltrace_store::fsx::append::ends_whole_now;
use calltrace_store::fsx::{FileIdentity, Holders, Link, NotAFile};
use calltrace_store::index;
use calltrace_store::source::{ContentFormat, TimeBounds};
use calltrace_store::tree::{FileName, Snapshot};

/// A live file smaller than this is scanned as fast as an index is read (bytes). Of hundreds of
/// enterprises most live files are small, and a search reads all of them.
const LIVE_INDEX_BYTES_MIN: u64 = 128 << 10;

/// A time further ahead than this is a clock that was wrong.
const AHEAD_DAYS_MAX: i64 = 1;

pub(super) type Survey = survey::Survey<FolderState, FileState>;
pub(super) type Seen = survey::Seen<FileState>;

/// What a plan needs to know of a folder besides its files.
#[derive(Debug, Clone)]
pub(super) struct FolderState {
    /// Today, in the zone of the logs.
    pub(super) today: NaiveDate,
    /// What bears a log's name and is no regular file, each as a clause.
    pub(super) left_alone: Vec<String>,
    pub(super) catalog_is_fresh: bool,
}

/// What a plan needs to know of a log file. The `last` time of its log is the latest that is not ahead of
/// the clock, exact where the file may be old enough to expire; that of `events.log` is its last record's
/// that has a time.
#[derive(Debug, Clone, Default)]
pub(super) struct FileState {
    /// A writer may be at it: the live file, the one that a link in its place names, or one whose name is of a
    /// day that is not over, and not ours.
    pub(super) may_grow: bool,
    /// Why somebody may still add to it, as a clause. Only looked at where it matters: in finished
    /// files of lines.
    pub(super) busy: Option<String>,
    /// It ends within a recovered line, which the next run that recovers lines finishes.
    pub(super) ends_within_line: bool,
    /// The day that its age counts from: that of its last record, unless other signs are of a later one.
    pub(super) age_from: Option<NaiveDate>,
    /// So many bytes of its beginning are in its archive already.
    pub(super) held_bytes: u64,
    /// So many bytes of its beginning are in this archive as its last part, and in part not in the file any
    /// more: a collapse was taking them off while it was the live file.
    pub(super) to_take_off: Option<(FileName, u64)>,
    /// Of `events.log` only.
    pub(super) live: Option<Live>,
}

/// What only `events.log` is asked.
#[derive(Debug, Clone)]
pub(super) struct Live {
    /// Nothing in it but blank lines and holes.
    pub(super) is_blank: bool,
    /// The day that it is named after: see [`RecordDays::main`]. That of its last change where no record has a
    /// time that can be.
    pub(super) day: NaiveDate,
    /// The days of the stretches that it falls into; none where no record has a time that can be.
    pub(super) stretches: Vec<NaiveDate>,
    pub(super) hold: Hold,
}

impl Survey {
    /// `events.log`, with what only it is asked.
    pub(super) fn live_file(&self) -> Option<(&Seen, &Live)> {
        let mut files = self.files.iter();
        files.find_map(|seen| Some((seen, seen.more.live.as_ref()?)))
    }

    /// All log files but the live one.
    pub(super) fn finished(&self) -> impl Iterator<Item = &Seen> {
        self.files.iter().filter(|seen| seen.more.live.is_none())
    }
}

impl Seen {
    /// A file of lines, and by its name no archive, that no writer is at.
    pub(super) fn is_finished_lines(&self) -> bool {
        let is_lines = self.log.form == ContentFormat::Plain && !self.log.name.gz;
        is_lines && !self.more.may_grow && !self.log.is_live_too
    }

    /// Why its index must be made, as a clause. One of a file that grows is made when that is worth while.
    pub(super) fn index_due(&self) -> Option<String> {
        let is_small = self.more.may_grow && self.log.bytes < LIVE_INDEX_BYTES_MIN;
        match &self.log.index {
            index::IndexState::Fresh { .. } => None,
            index::IndexState::Behind { bytes } => {
                Some(format!("{bytes} bytes more than its index knows"))
            }
            _ if is_small => None,
            index::IndexState::Missing => Some("it has no index".to_owned()),
            index::IndexState::Stale(why) => Some(format!("its index {why}")),
        }
    }
}

/// Looks at an enterprise's folder.
pub(super) fn look(site: &Site<'_>, holders: &OnceLock<Holders>) -> Result<Survey, Error> {
    let list = |error| Error::io(site.folder.path(), "list the folder", error);
    let mut survey = Survey::new(FolderState {
        today: day_of(site.now()),
        left_alone: Vec::new(),
        catalog_is_fresh: true,
    });
    survey.remember(&site.folder);
    let own = Own::of(&site.folder).map_err(list)?;
    let names = Listing::of(&site.folder).map_err(list)?.logs;
    let is_there = |log: &FileName| names.binary_search(log).is_ok();
    survey.orphans = own.map_or_else(Vec::new, |own| own.orphans(is_there));
    let mut live_identity = None;
    // A writer keeps it to the file that is current, whatever day that is named after.
    let current = match site.folder.link(&live().full()) {
        Ok(Some(Link::Inside(target))) => Some(target),
        _ => None,
    };
    // The live file is last in the order of reading; its identity is wanted first.
    for name in names.iter().rev() {
        let opened = match site.open(name) {
            Err(error) if let Some(what) = NotAFile::of(&error) => {
                let kind = match what {
                    NotAFile::Link | NotAFile::DeadLink => "is a link",
                    NotAFile::Folder | NotAFile::Special => "is no regular file",
                    NotAFile::Sparse => "has holes of more than 128 MiB",
                };
                let clause = format!("{} {kind}", name.full());
                survey.more.left_alone.push(clause);
                continue;
            }
            opened => opened,
        };
        let looked = opened.and_then(|opened| {
            if *name == live() {
                live_identity = Some(opened.log().identity);
                return live_file(site, holders, &opened, &survey.memory);
            }
            let is_current = current.as_ref() == Some(&name.full());
            finished_file(site, &opened, &survey, live_identity, is_current)
        });
        survey.add(&site.folder, name, "read it", looked);
    }
    survey.files.reverse();
    survey.more.left_alone.reverse();
    survey.more.catalog_is_fresh = survey.files.is_empty() || catalog_is_fresh(site);
    Ok(survey)
}

fn finished_file(
    site: &Site<'_>,
    opened: &Opened,
    survey: &Survey,
    live: Option<FileIdentity>,
    is_current: bool,
) -> io::Result<Seen> {
    let mut log = log_of(site, opened);
    log.is_live_too = live == Some(log.identity);
    log.last = latest(site, opened, &log.index);
    let today = survey.more.today;
    let is_daily = log.name.day().is_some_and(|day| day >= today);
    let is_ours = survey.memory.renamed.contains(&log.name);
    let kept = kept_since(today, site.policy);
    let age_from = |last| age::counts_from(site, opened, last, limit(site), kept);
    let more = FileState {
        may_grow: !log.name.gz && (is_current || is_daily && !is_ours),
        age_from: log.last.map(age_from),
        ..FileState::default()
    };
    let mut seen = Seen { log, more };
    if seen.is_finished_lines() {
        seen.more.to_take_off = to_take_off(site, opened, &survey.memory)?;
        let own = archive_of(&seen.log.name);
        if seen.more.to_take_off.is_none()
            && let Held::Whole { bytes, .. } = held(site, opened, &own)?
        {
            seen.more.held_bytes = bytes;
        }
        let file = &opened.log().file;
        seen.more.ends_within_line = seen.log.name.is_recovered() && !ends_whole_now(file)?;
        seen.more.busy = site.quiet(file).err();
    }
    Ok(seen)
}

fn log_of(site: &Site<'_>, opened: &Opened) -> Log {
    let state = index::state(opened.log());
    Log::of(&opened.source, &opened.metadata, state, site.zone)
}

/// The archive that a collapse has copied the beginning of a file to, which it noted before, and
/// how much of it that archive does hold.
pub(super) fn to_take_off(
    site: &Site<'_>,
    opened: &Opened,
    memory: &Memory,
) -> io::Result<Option<(FileName, u64)>> {
    let Some(noted) = memory.collapsing_of(opened) else {
        return Ok(None);
    };
    match held(site, opened, &noted.archive)? {
        Held::Whole { bytes, .. } | Held::Blanked { bytes } if bytes == noted.bytes => {
            Ok(Some((noted.archive.clone(), bytes)))
        }
        _ => Ok(None),
    }
}

/// What an archive, if it is there, holds of the beginning of a file of lines.
fn held(site: &Site<'_>, opened: &Opened, archive: &FileName) -> io::Result<Held> {
    match site.open_if_there(archive)? {
        Some(archive) => Held::find(opened, &archive),
        None => Ok(Held::Nothing),
    }
}

fn live_file(
    site: &Site<'_>,
    holders: &OnceLock<Holders>,
    opened: &Opened,
    memory: &Memory,
) -> io::Result<Seen> {
    let mut log = log_of(site, opened);
    log.first = times::first(&opened.source);
    log.last = times::last(opened.log(), log.bytes)?;
    let is_blank = times::is_blank(opened.log(), log.bytes)?;
    // An archive that can't be opened is named when its own turn comes.
    let to_take_off = match is_blank {
        true => None,
        false => to_take_off(site, opened, memory).unwrap_or(None),
    };
    let today = day_of(site.now());
    let days = days(opened, &log, today);
    let otherwise = day_of(age::believed(log.last, log.modified));
    let day = days.main(today).unwrap_or(otherwise);
    let more = FileState {
        may_grow: true,
        to_take_off,
        live: Some(Live {
            is_blank,
            day,
            stretches: days.stretches,
            hold: Hold::of(site, holders, opened),
        }),
        ..FileState::default()
    };
    Ok(Seen { log, more })
}

/// The days of the live file's records. All of it is read where its ends are of two days.
fn days(opened: &Opened, log: &Log, today: NaiveDate) -> RecordDays {
    let is_believed = |day| age::is_believed(day, today);
    let ends = [log.first, log.last].map(|at| at.map(day_of));
    match ends {
        [Some(first), Some(last)] if first == last && is_believed(first) => RecordDays::one(first),
        _ => RecordDays::of(&opened.source, is_believed),
    }
}

/// The latest time in a file that is not ahead of the clock: from its index, from samples where
/// they show one that is too new for the file to expire, or by reading all of it.
fn latest(site: &Site<'_>, opened: &Opened, state: &index::IndexState) -> Option<Stamp> {
    let today = day_of(site.now());
    let limit = limit(site);
    let is_kept = |at: Stamp| at <= limit && day_of(at) >= kept_since(today, site.policy);
    if let index::IndexState::Fresh { last, .. } = state
        && last.is_none_or(|last| last <= limit)
    {
        return *last;
    }
    if opened.source.is_seekable() {
        let bounds = TimeBounds::probe(&opened.source, site.zone);
        let seen = [bounds.last, bounds.first].into_iter().flatten();
        if let Some(at) = seen.filter(|at| is_kept(*at)).max() {
            return Some(at);
        }
    }
    times::latest(&opened.source, limit)
}

/// No time later than this is believed.
fn limit(site: &Site<'_>) -> Stamp {
    site.now().plus_millis(DAY_MILLIS * AHEAD_DAYS_MAX)
}

/// The first day that is kept.
pub(super) fn kept_since(today: NaiveDate, policy: &super::Policy) -> NaiveDate {
    let keep = Days::new(u64::from(policy.keep_days));
    today.checked_sub_days(keep).unwrap_or(NaiveDate::MIN)
}

/// Whether the catalog is that of the files there are. One that can't be judged is left.
pub(super) fn catalog_is_fresh(site: &Site<'_>) -> bool {
    let snapshot = Snapshot::open(site.enterprise, &site.folder);
    snapshot.is_ok_and(|snapshot| index::catalog::is_fresh(&snapshot))
}
