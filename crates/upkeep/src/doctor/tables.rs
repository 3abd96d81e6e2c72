//! Tables of calls that are missing, unusable, kept too long or open to every user. What a search finds does not
//! depend on them.

use super::access::{OTHERS_WRITE, is_reachable};
use super::file::{ExaminedFile, OTHERS_READ};
use super::look::tables::FolderTable;
use super::survey::HealthSurvey;
use super::{Circumstances, Code, Field, Finding, ROTATED_BY_MILLIS};
use crate::survey::times::DAY_MILLIS;
use calltrace_engine::log_of_table;
use calltrace_store::index::{FOLDER, IndexState};
use calltrace_store::source::ContentFormat;
use calltrace_store::tree::{FileName, Generation};

/// A smaller archive is read as fast as a table (bytes).
const TABLED_BYTES_MIN: u64 = 128 << 10;

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A table recognises its archive by the index. If an index is unusable, that is reported, and rotation makes
    // both.
    let is_known = |seen: &&ExaminedFile| matches!(seen.log.index, IndexState::Fresh { .. });
    let is_small = |seen: &&ExaminedFile| seen.log.bytes < TABLED_BYTES_MIN;
    let mut archives = survey
        .files
        .iter()
        .filter(|s| s.log.form != ContentFormat::Plain);
    if archives.all(|seen| is_known(&seen) || is_small(&seen)) {
        findings.extend(missing(survey, circumstances));
        findings.extend(stale(survey));
    }
    findings.extend(kept(survey, circumstances));
    findings.extend(open(survey, circumstances));
    findings
}

/// Checks only archives, as for indexes.
fn missing(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Option<Finding> {
    let bare = survey.files_that(|seen| {
        let is_archive =
            seen.log.form != ContentFormat::Plain && seen.log.bytes >= TABLED_BYTES_MIN;
        let is_settled = circumstances.age(seen.log.modified) > ROTATED_BY_MILLIS;
        is_archive && is_settled && survey.more.tables.coverage.bare.contains(&seen.log.name)
    });
    let first = bare.first()?;
    Some(
        Finding::warning(Code::TableMissing)
            .file(first.log.name.full())
            .seen("no table of calls: {files}")
            .with("files", Field::Files(bare.len() as u64))
            .why(
                "searches for missed calls and the like, lists and statistics read all their lines",
            )
            .remedy("{rotate} makes the tables; -v names the logs for which it can't")
            .with("rotate", Field::Calltrace("rotate")),
    )
}

/// Tables with an unusable file. That of `events.log` is left out, as for indexes.
fn stale(survey: &HealthSurvey) -> Option<Finding> {
    let is_live = |log: FileName| log.generation == Generation::Live;
    let useless = survey.more.tables.coverage.useless.iter();
    let mut useless = useless.filter(|(name, _)| !log_of_table(name).is_some_and(is_live));
    let (name, reason) = useless.next()?;
    Some(
        Finding::warning(Code::TableStale)
            .file(format!("{FOLDER}/{name}"))
            .seen("the table {reason}")
            .with("reason", Field::Text(reason.clone()))
            .of_several("{files} in all", 1 + useless.count())
            .why("all lines of the logs are read, as without a table")
            .remedy("{rotate} makes them again; tables that it leaves may be removed")
            .with("rotate", Field::Calltrace("rotate")),
    )
}

/// Tables without logs that a rotation would have removed by now.
fn kept(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Option<Finding> {
    let days = i64::from(circumstances.doctor.policy.keep_tables_days);
    let is_over = |table: &&FolderTable| {
        let is_there = |seen: &ExaminedFile| seen.log.name.stem == table.log.stem;
        let age = circumstances.age(table.made);
        age > days * DAY_MILLIS + ROTATED_BY_MILLIS && !survey.files.iter().any(is_there)
    };
    // A log that could not be read still exists.
    let files = survey.more.tables.files.iter();
    let mut over = files.filter(|_| survey.troubles.is_empty()).filter(is_over);
    let first = over.next()?;
    Some(
        Finding::warning(Code::TableKept)
            .file(format!("{FOLDER}/{}", first.name))
            .seen("its log is gone, and it was made {age} ago; tables are kept for {days}")
            .with(
                "age",
                Field::Days(circumstances.age(first.made) / DAY_MILLIS),
            )
            .with("days", Field::Days(days))
            .of_several("{files} in all", 1 + over.count())
            .why("it holds numbers of clients that should have been removed")
            .remedy("{rotate} removes them (setting rotate.keep_tables)")
            .with("rotate", Field::Calltrace("rotate")),
    )
}

/// A table that others may read although they may not read its log, or that they may change.
fn open(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Option<Finding> {
    let is_closed = |table: &FolderTable| {
        let log = survey.files.iter().find(|seen| seen.log.name == table.log);
        log.is_some_and(|seen| !seen.is_open_to_others())
    };
    let is_open = |table: &&FolderTable| {
        let is_read = table.mode & OTHERS_READ != 0 && is_closed(table);
        is_read || table.mode & OTHERS_WRITE != 0
    };
    let path = survey.more.folder.join(FOLDER);
    let mut open = survey.more.tables.files.iter().filter(is_open);
    let first = open
        .next()
        .filter(|_| is_reachable(circumstances.doctor.tree.root()) && is_reachable(&path))?;
    let finding = match first.mode & OTHERS_WRITE != 0 {
        true => Finding::problem(Code::TableOpen)
            .seen("every user of this machine may change it (mode {mode})")
            .why("any user can forge what lists and statistics show"),
        false => Finding::warning(Code::TableOpen)
            .seen("every user of this machine may read it (mode {mode}), but not its log")
            .why("it holds numbers of clients"),
    };
    Some(
        finding
            .file(format!("{FOLDER}/{}", first.name))
            .with("mode", Field::Mode(first.mode))
            .of_several("{files} in all have such permissions", 1 + open.count())
            .remedy("`chmod -R o= {path}`")
            .with("path", Field::Path(path)),
    )
}
