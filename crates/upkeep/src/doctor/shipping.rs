//! Sealed days that should be in object storage by now, and what is wrong with that storage. The caller has asked the
//! store and says what is wrong.

use std::path::Path;

use super::survey::HealthSurvey;
use super::{Circumstances, Code, Field, Finding};
use calltrace_store::tree::EnterpriseName;

/// By then a nightly run has shipped a day, even if the store was away for a night (days).
const SHIPPED_BY_DAYS: i64 = 3;

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    if !circumstances.doctor.policy.only_shipped {
        return Vec::new();
    }
    let today = circumstances.today();
    let late = survey.files_that(|seen| {
        let log = &seen.log;
        let age = log.name.day().map(|day| (today - day).num_days());
        let is_shipped = || {
            let shipped = &survey.more.shipped;
            shipped.is_shipped_as(&log.name.full(), log.bytes, log.modified_nanos)
        };
        log.name.gz && age.is_some_and(|age| age > SHIPPED_BY_DAYS) && !is_shipped()
    });
    let finding = |name: String| {
        Finding::warning(Code::NotShipped)
            .file(name)
            .seen("not in object storage: {files}")
            .with("files", Field::Files(late.len() as u64))
            .why("this disk alone has them, and a rotation keeps them until they are shipped")
            .remedy(
                "run {ship} daily, from cron or calltrace-ship.timer; it says what it can't ship",
            )
            .with("ship", Field::Scheduled("ship"))
    };
    let first = late.first().map(|seen| seen.log.name.full());
    first.map(finding).into_iter().collect()
}

/// The finding about object storage that can't be asked; `what` says what is wrong, as a sentence without secrets.
pub fn archive(enterprise: Option<&EnterpriseName>, what: String) -> Finding {
    let mut finding = Finding::warning(Code::Archive)
        .seen("{what}")
        .with("what", Field::Text(what))
        .why("days that only the bucket has are missing in answers, and nothing is shipped")
        .remedy("check the address, the keys and the store; {check} compares everything")
        .with("check", Field::Calltrace("ship --check"));
    finding.enterprise = enterprise.cloned();
    finding
}

/// The finding about a folder of the cache that can't be written.
pub fn archive_cache(folder: &Path) -> Finding {
    Finding::warning(Code::ArchiveCache)
        .seen("{folder} can't be written by this user")
        .with("folder", Field::Path(folder.to_owned()))
        .why("what was read from the bucket is read again for each question")
        .remedy("let this user write to it, or set `archive.cache` to another folder")
}
