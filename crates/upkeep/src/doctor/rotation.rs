//! What a daily rotation would have sealed or removed, and what hinders it.

use chrono::NaiveDate;

use super::file::{ExaminedFile, day_end};
use super::survey::HealthSurvey;
use super::{Circumstances, Code, DAY_MILLIS, Field, Finding, ROTATED_BY_MILLIS};
use crate::survey::times::day_of;
use calltrace_store::source::ContentFormat;

/// A larger live file takes long to copy and to scan (bytes); a busy enterprise writes a tenth of this per day.
/// Used if `max_size` is not set.
const LIVE_BYTES_MAX: u64 = 1_000_000_000;

/// Less plain gzip than this is decoded in no time that matters (bytes).
const SLOW_BYTES_MIN: u64 = 50_000_000;

/// A name this much later than the records (days) shows that the writer's clock was wrong.
const DAYS_OFF_MIN: i64 = 7;

/// A run may take this long (milliseconds).
const LEFTOVER_MILLIS: i64 = DAY_MILLIS;

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    [
        not_rotated(survey, circumstances),
        live_large(survey, circumstances),
        slow_archives(survey),
        leftovers(survey, circumstances),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a daily rotation would have taken.
struct Overdue<'s> {
    live: Option<&'s ExaminedFile>,
    /// Finished files that are still plain.
    late: Vec<&'s ExaminedFile>,
    expired: Vec<&'s ExaminedFile>,
}

impl<'s> Overdue<'s> {
    fn of(survey: &'s HealthSurvey, circumstances: &Circumstances<'_>) -> Overdue<'s> {
        let today = circumstances.today();
        let keep_days = i64::from(circumstances.doctor.policy.keep_days);
        let is_expired = |seen: &ExaminedFile| {
            // As rotate counts: a clock that was never set makes no file old.
            let last = seen.last_day();
            let is_off = |named: &NaiveDate| (*named - last).num_days() > DAYS_OFF_MIN;
            let age = (today - seen.log.name.day().filter(is_off).unwrap_or(last)).num_days();
            // A day that is still to be shipped stays; that is another finding.
            let (bytes, modified) = (seen.log.bytes, seen.log.modified_nanos);
            let waits = circumstances.doctor.policy.only_shipped
                && seen.log.name.day().is_some()
                && !(survey.more.shipped).is_shipped_as(&seen.log.name.full(), bytes, modified);
            // One day more, because today's run may not have been yet.
            !waits && !seen.is_live(today) && seen.log.last.is_some() && age > keep_days + 1
        };
        let is_late = |seen: &ExaminedFile| {
            let waits =
                seen.is_unsealed(today) && seen.log.bytes > 0 && seen.more.writers.is_empty();
            waits && is_overdue(seen, circumstances)
        };
        let live = survey.live();
        let (expired, kept): (Vec<&ExaminedFile>, Vec<&ExaminedFile>) =
            survey.files.iter().partition(|seen| is_expired(seen));
        Overdue {
            live: live.filter(|seen| live_is_overdue(survey, seen, circumstances)),
            late: kept.into_iter().filter(|seen| is_late(seen)).collect(),
            expired,
        }
    }

    fn first(&self) -> Option<&'s ExaminedFile> {
        let files = [
            self.live,
            self.late.first().copied(),
            self.expired.first().copied(),
        ];
        files.into_iter().flatten().next()
    }
}

/// One finding for the live file, finished files and expired ones: the same is to be done about all.
fn not_rotated(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Option<Finding> {
    let overdue = Overdue::of(survey, circumstances);
    let bytes =
        |files: &[&ExaminedFile]| Field::Bytes(files.iter().map(|seen| seen.log.bytes).sum());
    let mut finding = Finding::warning(Code::NotRotated).file(overdue.first()?.log.name.full());
    if let Some((live, since)) = overdue.live.and_then(|live| Some((live, live.log.first?))) {
        let days = circumstances.age(since) / DAY_MILLIS;
        finding = finding
            .seen("events.log begins at {first}, {age} ago, and holds {bytes}")
            .with("first", Field::At(since))
            .with("age", Field::Days(days))
            .with("bytes", Field::Bytes(live.log.bytes));
    }
    if let Some(oldest) = overdue.late.first() {
        finding = finding
            .seen("not sealed: {files}, {size}, the oldest {oldest}")
            .with("files", Field::Files(overdue.late.len() as u64))
            .with("size", bytes(&overdue.late))
            .with("oldest", Field::Text(oldest.log.name.full()));
    }
    if let Some(oldest) = overdue.expired.first() {
        let keep = i64::from(circumstances.doctor.policy.keep_days);
        finding = finding
            .seen("older than {keep}: {expired}, {expired_size}, the oldest {expired_name}")
            .with("keep", Field::Days(keep))
            .with("expired", Field::Files(overdue.expired.len() as u64))
            .with("expired_size", bytes(&overdue.expired))
            .with("expired_name", Field::Text(oldest.log.name.full()));
    }
    let finding = finding.why(NOT_ROTATED).remedy(ROTATE_DAILY);
    Some(finding.with("rotate", Field::Scheduled("rotate")))
}

const NOT_ROTATED: &str =
    "the disk fills, searches scan what an index would answer, and old calls stay readable";

const ROTATE_DAILY: &str = "run {rotate} daily, from cron or calltrace-rotate.timer (--dry-run \
                            shows what it would do)";

/// Whether a file should have been sealed by now, by the day of its last record.
fn is_overdue(seen: &ExaminedFile, circumstances: &Circumstances<'_>) -> bool {
    let day = seen.last_day().max(seen.log.name.day().unwrap_or_default());
    day_end(day).is_some_and(|end| circumstances.age(end) > ROTATED_BY_MILLIS)
}

fn live_is_overdue(
    survey: &HealthSurvey,
    live: &ExaminedFile,
    circumstances: &Circumstances<'_>,
) -> bool {
    let Some((first, last)) = live.log.first.zip(live.log.last) else {
        return false;
    };
    // A writer that rotates does so with its first record of a new day, which may come late.
    let is_waiting = survey.rotates_itself() && !live.more.writers.is_empty();
    if is_waiting && day_of(first) == day_of(last) {
        return false;
    }
    day_end(day_of(first)).is_some_and(|end| circumstances.age(end) > ROTATED_BY_MILLIS)
}

fn live_large(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Option<Finding> {
    let set = circumstances.doctor.policy.size_max;
    let max = set.unwrap_or(LIVE_BYTES_MAX);
    let today = circumstances.today();
    let mut files = survey.files.iter();
    let live = files.find(|seen| seen.is_live(today) && seen.log.bytes > max)?;
    let finding = Finding::warning(Code::LiveLarge)
        .file(live.log.name.full())
        .seen("it holds {bytes}, more than {max}")
        .with("bytes", Field::Bytes(live.log.bytes))
        .with("max", Field::Bytes(max))
        .why(
            "searches scan the part of it that has no index, and a rotation needs space and time for all of it at once",
        );
    Some(match set {
        Some(_) => finding
            .remedy("run {rotate} more often: max_size is checked only when it runs")
            .with("rotate", Field::Scheduled("rotate")),
        None => finding
            .remedy("run {rotate} every hour, and check whether a writer writes too much")
            .with("rotate", Field::Scheduled("rotate --max-size 500MB")),
    })
}

fn slow_archives(survey: &HealthSurvey) -> Option<Finding> {
    let slow = survey.files_that(|seen| {
        seen.log.form == ContentFormat::Gzip && seen.log.name.gz && seen.more.damage.is_empty()
    });
    let first = slow.first()?;
    let bytes = slow.iter().map(|seen| seen.log.bytes).sum();
    Some(
        Finding::warning_if(bytes >= SLOW_BYTES_MIN, Code::SlowArchives)
            .file(first.log.name.full())
            .seen("{files}, {bytes}, made by gzip or another program")
            .with("files", Field::Files(slow.len() as u64))
            .with("bytes", Field::Bytes(bytes))
            .why(
                "they can only be decoded from the beginning, so each search of them takes as \
                 long as zcat",
            )
            .remedy("{rotate} recompresses them once, so that they can be read at random")
            .with("rotate", Field::Calltrace("rotate --recompress")),
    )
}

/// Files that an interrupted run left. A run that is at work has such files as well.
fn leftovers(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Option<Finding> {
    let is_old = |(_, modified): &&(String, _)| circumstances.age(*modified) > LEFTOVER_MILLIS;
    let old: Vec<_> = survey.more.leftovers.iter().filter(is_old).collect();
    let (name, modified) = old.first()?;
    Some(
        Finding::warning(Code::Leftovers)
            .file(name)
            .seen("{files} of a rotation that did not end, since {modified}")
            .with("files", Field::Files(old.len() as u64))
            .with("modified", Field::At(*modified))
            .why(
                "they take space; one that ends in .gone is a log that no search reads until a rotation restores or removes it",
            )
            .remedy("{rotate} finishes what was begun")
            .with("rotate", Field::Calltrace("rotate")),
    )
}
