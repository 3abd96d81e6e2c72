//! Surveys the files of an enterprise, with everything that a plan needs.
//!
//! Each file is opened, read and closed again, one at a time. The result is plain data, of which the plan is a pure
//! function.

use std::io;
use std::sync::OnceLock;

use chrono::{Days, NaiveDate};

use super::age;
use super::archived::ArchivedPrefix;
use super::context::{OpenLog, RotationContext};
use super::writers::OpenWriters;
use crate::survey;
use crate::survey::listing::{Listing, OwnFolder};
use crate::survey::log::LogStat;
use crate::survey::memory::RotationMemory;
use crate::survey::names::{archive_of, live};
use crate::survey::shipped::ShippedMemory;
use crate::survey::times::{self, DAY_MILLIS, RecordDays, day_of};
use calltrace_model::record::Stamp;
use calltrace_store::error::Error;
use calltrace_store::fsx::append::ends_whole_now;
use calltrace_store::fsx::{FileIdentity, Holders, Link, NotAFile};
use calltrace_store::index;
use calltrace_store::source::{ContentFormat, TimeBounds};
use calltrace_store::tree::{FileName, Snapshot};

/// A live file smaller than this is scanned as fast as an index is read (bytes). With hundreds of enterprises most
/// live files are small, and a search reads all of them.
const LIVE_INDEX_BYTES_MIN: u64 = 128 << 10;

/// Times further ahead than this are of a wrong clock (days).
const AHEAD_DAYS_MAX: i64 = 1;

pub(super) type RotationSurvey = survey::Survey<FolderFacts, FileFacts>;
pub(super) type RotationFile = survey::SurveyedFile<FileFacts>;

/// What a plan needs to know of a folder in addition to its files.
#[derive(Debug, Clone)]
pub(super) struct FolderFacts {
    /// Today, in the zone of the logs.
    pub(super) today: NaiveDate,
    /// Entries with a log's name that are not regular files, each as a clause.
    pub(super) left_alone: Vec<String>,
    pub(super) catalog_is_fresh: bool,
    pub(super) shipped: ShippedMemory,
}

/// What a plan needs to know of a log file. The `last` time of its log is the latest that is not ahead of the clock,
/// exact if the file may be old enough to expire; for `events.log` it is the time of the last record that has one.
#[derive(Debug, Clone, Default)]
pub(super) struct FileFacts {
    /// A writer may still write to it: the live file, the target of a link in its place, or a file named after a
    /// day that is not over, unless rotation gave that name.
    pub(super) may_grow: bool,
    /// The reason why a process may still write to it, as a clause. Checked only for finished plain files.
    pub(super) busy: Option<String>,
    /// It ends within a recovered line. The next run that recovers lines writes the rest.
    pub(super) ends_within_line: bool,
    /// The day that its age counts from: that of its last record, unless other signs are of a later one.
    pub(super) age_from: Option<NaiveDate>,
    /// It is to be copied to object storage, and was not yet.
    pub(super) is_unshipped: bool,
    /// How many bytes of its beginning its archive already holds.
    pub(super) held_bytes: u64,
    /// An archive, and how many bytes of this file's beginning that archive holds as its last part. Some of them
    /// are no longer in the file: a collapse was taking them off while it was the live file.
    pub(super) to_take_off: Option<(FileName, u64)>,
    /// Only for `events.log`.
    pub(super) live: Option<LiveFileState>,
}

/// What is known only of `events.log`.
#[derive(Debug, Clone)]
pub(super) struct LiveFileState {
    /// It holds only blank lines and holes.
    pub(super) is_blank: bool,
    /// The day that it is to be named after, see [`RecordDays::main`]; the day of its modification if no record has
    /// a plausible time.
    pub(super) day: NaiveDate,
    /// The days of its stretches; empty if no record has a plausible time.
    pub(super) stretches: Vec<NaiveDate>,
    pub(super) hold: OpenWriters,
}

impl RotationSurvey {
    /// `events.log`, with what is known only of it.
    pub(super) fn live_file(&self) -> Option<(&RotationFile, &LiveFileState)> {
        let mut files = self.files.iter();
        files.find_map(|seen| Some((seen, seen.more.live.as_ref()?)))
    }

    /// All log files except the live one.
    pub(super) fn finished(&self) -> impl Iterator<Item = &RotationFile> {
        self.files.iter().filter(|seen| seen.more.live.is_none())
    }
}

impl RotationFile {
    /// Whether it is a plain file, not named as an archive, that no writer writes to.
    pub(super) fn is_finished_lines(&self) -> bool {
        let is_lines = self.log.form == ContentFormat::Plain && !self.log.name.gz;
        is_lines && !self.more.may_grow && !self.log.is_live_too
    }

    /// The reason why its index must be made, as a clause. A growing file gets one only when it is large enough.
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

/// Surveys an enterprise's folder.
pub(super) fn look(
    context: &RotationContext<'_>,
    holders: &OnceLock<Holders>,
) -> Result<RotationSurvey, Error> {
    let list = |error| Error::io(context.folder.path(), "list the folder", error);
    let mut survey = RotationSurvey::new(FolderFacts {
        today: day_of(context.now()),
        left_alone: Vec::new(),
        catalog_is_fresh: true,
        shipped: ShippedMemory::of(&context.folder),
    });
    survey.remember(&context.folder);
    let own = OwnFolder::of(&context.folder).map_err(list)?;
    let names = Listing::of(&context.folder).map_err(list)?.logs;
    let is_there = |log: &FileName| names.binary_search(log).is_ok();
    survey.orphans = own.map_or_else(Vec::new, |own| own.orphans(is_there));
    let mut live_identity = None;
    // If `events.log` is a link, its target is the current file, even if its name has an earlier day.
    let current = match context.folder.link(&live().full()) {
        Ok(Some(Link::Inside(target))) => Some(target),
        _ => None,
    };
    // The live file is last in reading order, but its identity is needed first.
    for name in names.iter().rev() {
        let opened = match context.open(name) {
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
                return live_file(context, holders, &opened, &survey.memory);
            }
            let is_current = current.as_ref() == Some(&name.full());
            finished_file(context, &opened, &survey, live_identity, is_current)
        });
        survey.add(&context.folder, name, "read it", looked);
    }
    survey.files.reverse();
    survey.more.left_alone.reverse();
    survey.more.catalog_is_fresh = survey.files.is_empty() || catalog_is_fresh(context);
    Ok(survey)
}

fn finished_file(
    context: &RotationContext<'_>,
    opened: &OpenLog,
    survey: &RotationSurvey,
    live: Option<FileIdentity>,
    is_current: bool,
) -> io::Result<RotationFile> {
    let mut log = log_of(context, opened);
    log.is_live_too = live == Some(log.identity);
    log.last = latest(context, opened, &log.index);
    let today = survey.more.today;
    let is_daily = log.name.day().is_some_and(|day| day >= today);
    let is_ours = survey.memory.renamed.contains(&log.name);
    let kept = kept_since(today, context.policy);
    let age_from = |last| age::counts_from(context, opened, last, limit(context), kept);
    let more = FileFacts {
        may_grow: !log.name.gz && (is_current || is_daily && !is_ours),
        age_from: log.last.map(age_from),
        is_unshipped: context.policy.only_shipped
            && log.name.day().is_some()
            && !survey
                .more
                .shipped
                .is_shipped(&log.name.full(), &opened.metadata),
        ..FileFacts::default()
    };
    let mut seen = RotationFile { log, more };
    if seen.is_finished_lines() {
        seen.more.to_take_off = to_take_off(context, opened, &survey.memory)?;
        let own = archive_of(&seen.log.name);
        if seen.more.to_take_off.is_none()
            && let ArchivedPrefix::Whole { bytes, .. } = held(context, opened, &own)?
        {
            seen.more.held_bytes = bytes;
        }
        let file = opened.file();
        seen.more.ends_within_line = seen.log.name.is_recovered() && !ends_whole_now(file)?;
        seen.more.busy = context.prove_no_writers(file).err();
    }
    Ok(seen)
}

fn log_of(context: &RotationContext<'_>, opened: &OpenLog) -> LogStat {
    let state = index::state(opened.log());
    LogStat::of(&opened.source, &opened.metadata, state, context.zone)
}

/// The archive that a collapse, by its note, has copied the beginning of a file to, and how many bytes of it that
/// archive really holds.
pub(super) fn to_take_off(
    context: &RotationContext<'_>,
    opened: &OpenLog,
    memory: &RotationMemory,
) -> io::Result<Option<(FileName, u64)>> {
    let Some(noted) = memory.collapsing_of(opened) else {
        return Ok(None);
    };
    match held(context, opened, &noted.archive)? {
        ArchivedPrefix::Whole { bytes, .. } | ArchivedPrefix::Blanked { bytes }
            if bytes == noted.bytes =>
        {
            Ok(Some((noted.archive.clone(), bytes)))
        }
        _ => Ok(None),
    }
}

/// How much of a plain file's beginning an archive holds, if the archive exists.
fn held(
    context: &RotationContext<'_>,
    opened: &OpenLog,
    archive: &FileName,
) -> io::Result<ArchivedPrefix> {
    match context.open_if_there(archive)? {
        Some(archive) => ArchivedPrefix::find(opened, &archive),
        None => Ok(ArchivedPrefix::Nothing),
    }
}

fn live_file(
    context: &RotationContext<'_>,
    holders: &OnceLock<Holders>,
    opened: &OpenLog,
    memory: &RotationMemory,
) -> io::Result<RotationFile> {
    let mut log = log_of(context, opened);
    log.first = times::first(&opened.source);
    log.last = times::last(opened.log(), log.bytes)?;
    let is_blank = times::is_blank(opened.log(), log.bytes)?;
    // An archive that can't be opened is reported when it is surveyed itself.
    let to_take_off = match is_blank {
        true => None,
        false => to_take_off(context, opened, memory).unwrap_or(None),
    };
    let today = day_of(context.now());
    let days = days(opened, &log, today);
    let otherwise = day_of(age::believed(log.last, log.modified));
    let day = days.main(today).unwrap_or(otherwise);
    let more = FileFacts {
        may_grow: true,
        to_take_off,
        live: Some(LiveFileState {
            is_blank,
            day,
            stretches: days.stretches,
            hold: OpenWriters::of(context, holders, opened),
        }),
        ..FileFacts::default()
    };
    Ok(RotationFile { log, more })
}

/// The days of the live file's records. The whole file is read if its ends are of two days.
fn days(opened: &OpenLog, log: &LogStat, today: NaiveDate) -> RecordDays {
    let is_believed = |day| age::is_believed(day, today);
    let ends = [log.first, log.last].map(|at| at.map(day_of));
    match ends {
        [Some(first), Some(last)] if first == last && is_believed(first) => RecordDays::one(first),
        _ => RecordDays::of(&opened.source, is_believed),
    }
}

/// The latest time in a file that is not ahead of the clock: from its index, from samples if they show that the
/// file is too new to expire, or by reading all of it.
fn latest(
    context: &RotationContext<'_>,
    opened: &OpenLog,
    state: &index::IndexState,
) -> Option<Stamp> {
    let today = day_of(context.now());
    let limit = limit(context);
    let is_kept = |at: Stamp| at <= limit && day_of(at) >= kept_since(today, context.policy);
    if let index::IndexState::Fresh { last, .. } = state
        && last.is_none_or(|last| last <= limit)
    {
        return *last;
    }
    if opened.source.is_seekable() {
        let bounds = TimeBounds::probe(&opened.source, context.zone);
        let seen = [bounds.last, bounds.first].into_iter().flatten();
        if let Some(at) = seen.filter(|at| is_kept(*at)).max() {
            return Some(at);
        }
    }
    times::latest(&opened.source, limit)
}

/// Later times are ignored.
fn limit(context: &RotationContext<'_>) -> Stamp {
    context.now().plus_millis(DAY_MILLIS * AHEAD_DAYS_MAX)
}

/// The day that the age of an archive counts from; `None` if no record has a time.
pub(crate) fn age_from(context: &RotationContext<'_>, opened: &OpenLog) -> Option<NaiveDate> {
    let last = latest(context, opened, &index::state(opened.log()))?;
    let kept = kept_since(day_of(context.now()), context.policy);
    Some(age::counts_from(
        context,
        opened,
        last,
        limit(context),
        kept,
    ))
}

/// The first day that is kept.
pub(crate) fn kept_since(today: NaiveDate, policy: &super::Policy) -> NaiveDate {
    let keep = Days::new(u64::from(policy.keep_days));
    today.checked_sub_days(keep).unwrap_or(NaiveDate::MIN)
}

/// Whether the catalog matches the existing files. False if the folder can't be listed.
pub(super) fn catalog_is_fresh(context: &RotationContext<'_>) -> bool {
    let snapshot = Snapshot::open(context.enterprise, &context.folder);
    snapshot.is_ok_and(|snapshot| index::catalog::is_fresh(&snapshot))
}
