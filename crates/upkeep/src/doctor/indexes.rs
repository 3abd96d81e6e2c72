//! Indexes that are missing, unusable, wrong or without a log. They only cost time, except for wrong ones.

use super::file::ExaminedFile;
use super::survey::HealthSurvey;
use super::{Circumstances, Code, Field, Finding, ROTATED_BY_MILLIS};
use calltrace_store::index::{self, FOLDER, IndexState};
use calltrace_store::source::ContentFormat;

/// Archives of this size need an index (bytes): a smaller one is decoded as fast as an index is read.
pub(super) const INDEXED_BYTES_MIN: u64 = 128 << 10;

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(missing(survey, circumstances));
    findings.extend(stale(survey));
    findings.extend(survey.files.iter().filter_map(|seen| wrong(survey, seen)));
    findings.extend(checked(survey));
    findings.extend(orphans(survey));
    findings
}

/// Checks only archives: a file that is not sealed has no index yet, and has a finding of its own.
fn missing(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Option<Finding> {
    let is_bare = |seen: &ExaminedFile| {
        let is_archive =
            seen.log.form != ContentFormat::Plain && seen.log.bytes >= INDEXED_BYTES_MIN;
        let is_settled = circumstances.age(seen.log.modified) > ROTATED_BY_MILLIS;
        is_archive && is_settled && seen.log.index == IndexState::Missing
    };
    let bare = survey.files_that(is_bare);
    let first = bare.first()?;
    let bytes = bare.iter().map(|seen| seen.log.bytes).sum();
    Some(
        Finding::warning(Code::IndexMissing)
            .file(first.log.name.full())
            .seen("no index: {files}, {bytes}")
            .with("files", Field::Files(bare.len() as u64))
            .with("bytes", Field::Bytes(bytes))
            .why("every search decodes them whole")
            .remedy("{rotate} makes the indexes")
            .with("rotate", Field::Calltrace("rotate")),
    )
}

/// `events.log` is left out: when another program rotates it, its index belongs to the previous file for a
/// while.
fn stale(survey: &HealthSurvey) -> Option<Finding> {
    let is_stale = |seen: &ExaminedFile| {
        let is_archive = seen.log.form != ContentFormat::Plain;
        is_archive && !seen.more.is_index_closed && matches!(seen.log.index, IndexState::Stale(_))
    };
    let stale = survey.files_that(is_stale);
    if let Some(first) = stale.first()
        && let IndexState::Stale(reason) = &first.log.index
    {
        return Some(
            Finding::warning(Code::IndexStale)
                .file(first.log.name.full())
                .seen("its index {reason}")
                .with("reason", Field::Text(reason.clone()))
                .of_several("{files} in all", stale.len())
                .why("the files are searched without an index")
                .remedy("{rotate} makes them again")
                .with("rotate", Field::Calltrace("rotate")),
        );
    }
    (survey.more.uncatalogued > 0).then(|| {
        Finding::warning(Code::IndexStale)
            .file(format!("{FOLDER}/catalog"))
            .seen("the catalog lacks {files} that have an index")
            .with("files", Field::Files(survey.more.uncatalogued))
            .why("searches for a number open every index instead of one file")
            .remedy("{rotate} makes it again")
            .with("rotate", Field::Calltrace("rotate"))
    })
}

fn wrong(survey: &HealthSurvey, seen: &ExaminedFile) -> Option<Finding> {
    let reason = seen.more.wrong_index.as_ref()?;
    let path = index::path_of(&survey.path_of(seen));
    Some(
        Finding::problem(Code::IndexWrong)
            .file(seen.log.name.full())
            .seen("its index {reason}")
            .with("reason", Field::Text(reason.clone()))
            .why("answers may miss lines")
            .remedy("`rm {path}`, then {rotate} makes it again")
            .with("path", Field::Path(path))
            .with("rotate", Field::Calltrace("rotate")),
    )
}

/// Reports the archive with the oldest comparison with its index, and the day of that comparison.
fn checked(survey: &HealthSurvey) -> Option<Finding> {
    let checked = survey.more.checked.at.iter();
    let (name, at) = checked.min_by_key(|(name, at)| (**at, *name))?;
    let at = chrono::DateTime::from_timestamp(*at, 0)?;
    Some(
        Finding::note(Code::IndexChecked)
            .file(name.clone())
            .seen("archives were compared with their indexes; this one longest ago, on {day}")
            .with("day", Field::Day(at.date_naive()))
            .why("only this comparison shows damage that keeps a file's length and time")
            .remedy("{rotate} checks the next ones each night (setting rotate.verify)")
            .with("rotate", Field::Calltrace("rotate")),
    )
}

fn orphans(survey: &HealthSurvey) -> Option<Finding> {
    let first = survey.orphans.first()?;
    Some(
        Finding::note(Code::IndexOrphan)
            .file(format!("{FOLDER}/{}", index::file_name(first)))
            .seen("indexes of logs that are gone: {files}")
            .with("files", Field::Files(survey.orphans.len() as u64))
            .why("they take space, and hold numbers of calls that were removed")
            .remedy("{rotate} removes them")
            .with("rotate", Field::Calltrace("rotate")),
    )
}
