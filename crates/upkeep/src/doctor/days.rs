//! Files that hold records of another day than their name says, and times that go back.

use super::clock::RECENT_MILLIS;
use super::file::{ExaminedFile, MIDNIGHT_MILLIS};
use super::survey::HealthSurvey;
use super::{Circumstances, Code, DAY_MILLIS, Field, Finding};
use crate::survey::times::day_start;
use calltrace_store::source::ContentFormat;

/// Lines of two workers, and lines that waited for a lock, are out of order by less than this (milliseconds).
const BACK_MILLIS_MIN: i64 = 120_000;

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let sampled = survey.sampled();
    let out_of_order = sampled.and_then(|seen| out_of_order(seen, circumstances));
    let outside_day = outside_day(survey, circumstances);
    outside_day.into_iter().chain(out_of_order).collect()
}

/// One finding for the enterprise: the newest such file, and how many more there are.
fn outside_day(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Option<Finding> {
    // A file that rotation renamed was the live file until some time after midnight.
    let is_ours = |seen: &ExaminedFile| survey.memory.renamed.contains(&seen.log.name);
    let with_mismatch = |seen| {
        let mismatch = mismatch(seen)?;
        let is_expected = mismatch == DayMismatch::Later && is_ours(seen);
        (!is_expected).then_some((seen, mismatch))
    };
    let outside: Vec<(&ExaminedFile, DayMismatch)> =
        survey.files.iter().filter_map(with_mismatch).collect();
    // The cause of an old finding may be gone, and a sealed file is not changed any more.
    let is_curable = |seen: &ExaminedFile| {
        let is_recent = |last| circumstances.age(last) < RECENT_MILLIS;
        seen.log.form == ContentFormat::Plain && seen.log.last.is_some_and(is_recent)
    };
    let (seen, mismatch) = outside
        .iter()
        .max_by_key(|(seen, _)| (is_curable(seen), seen.log.last))?;
    let finding = Finding::warning_if(is_curable(seen), Code::OutsideDay);
    let finding = seen_outside(finding, seen, *mismatch)?;
    let finding = match outside.len() - 1 {
        0 => finding,
        more => finding
            .seen("the same holds for {more} more")
            .with("more", Field::Files(more as u64)),
    };
    let today = circumstances.today();
    let live = survey.files.iter().rev().find(|seen| seen.is_live(today));
    let finding = finding.why(
        "searches find these records by content, but a person who looks for the file by its name does not. Two processes that rotate one file cause this, and lose lines",
    );
    Some(match live {
        Some(live) => finding
            .remedy(
                "find out which processes write (`fuser -v {live}`): only one of them may rotate, or only {rotate}",
            )
            .with("live", Field::Path(survey.path_of(live)))
            .with("rotate", Field::Calltrace("rotate")),
        None => finding
            .remedy("find out which processes write: only one of them may rotate, or only {rotate}")
            .with("rotate", Field::Calltrace("rotate")),
    })
}

fn seen_outside(finding: Finding, seen: &ExaminedFile, mismatch: DayMismatch) -> Option<Finding> {
    let day = seen.log.name.day()?;
    let finding = finding.file(seen.log.name.full());
    Some(match mismatch {
        DayMismatch::Later => match seen.more.beyond_bytes {
            Some(bytes) => finding
                .seen("it ends with {bytes} of records after {day}, up to {last}")
                .with("bytes", Field::Bytes(bytes))
                .with("day", Field::Day(day))
                .with("last", Field::At(seen.log.last?)),
            None => finding
                .seen("it holds records after {day}, up to {last}")
                .with("day", Field::Day(day))
                .with("last", Field::At(seen.log.last?)),
        },
        DayMismatch::Earlier => finding
            .seen("its records begin at {first}, before {day}")
            .with("first", Field::At(seen.log.first?))
            .with("day", Field::Day(day)),
        DayMismatch::Elsewhere => finding
            .seen("it holds no record of {day}, only from {first} to {last}")
            .with("day", Field::Day(day))
            .with("first", Field::At(seen.log.first?))
            .with("last", Field::At(seen.log.last?)),
    })
}

/// How the records of a file differ from the day in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DayMismatch {
    Later,
    Earlier,
    Elsewhere,
}

fn mismatch(seen: &ExaminedFile) -> Option<DayMismatch> {
    let day = seen.log.name.day()?;
    let (first, last) = (seen.log.first?, seen.log.last?);
    let begin = day_start(day)?;
    let end = begin.plus_millis(DAY_MILLIS);
    // logrotate names a file after the day of the rotation: it holds the day before.
    let is_after_rotation = seen.log.name.stem.starts_with("events.log-");
    let earliest = match is_after_rotation {
        true => begin.plus_millis(-DAY_MILLIS),
        false => begin,
    };
    if first.since(end) > MIDNIGHT_MILLIS || earliest.since(last) > MIDNIGHT_MILLIS {
        return Some(DayMismatch::Elsewhere);
    }
    if last.since(end) > MIDNIGHT_MILLIS {
        return Some(DayMismatch::Later);
    }
    // Other files also hold earlier records if they were rotated late.
    let is_early = seen.is_daily() && begin.since(first) > MIDNIGHT_MILLIS;
    is_early.then_some(DayMismatch::Earlier)
}

fn out_of_order(seen: &ExaminedFile, circumstances: &Circumstances<'_>) -> Option<Finding> {
    let back = seen.more.reading.as_ref()?.back?;
    if back.millis() < BACK_MILLIS_MIN {
        return None;
    }
    let is_recent = circumstances.age(back.from) < RECENT_MILLIS;
    Some(
        Finding::warning_if(is_recent, Code::OutOfOrder)
            .file(seen.log.name.full())
            .at(Some(back.place))
            .seen("times go back by {back}, from {from} to {to}")
            .with("back", Field::Millis(back.millis()))
            .with("from", Field::At(back.from))
            .with("to", Field::At(back.to))
            .why(
                "the clock was set back, or writers with different clocks write to one file; \
                 calls are joined and shown by these times",
            )
            .remedy("synchronise the clock with NTP (`timedatectl`) on every machine that writes"),
    )
}
