//! Sealed days that should be in object storage by now, and what is wrong with that storage and the days in it. The
//! caller has asked the store and says what is wrong.

use std::path::Path;

use super::indexes::INDEXED_BYTES_MIN;
use super::survey::HealthSurvey;
use super::{Circumstances, Code, Field, Finding};
use calltrace_archive::{Manifest, ShippedEntry};
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

/// A kind of finding about shipped days.
struct ShippedCheck {
    finding: Finding,
    is_odd: fn(&ShippedEntry) -> bool,
    seen: &'static str,
    why: &'static str,
    remedy: &'static str,
    /// The commands that the remedy names.
    commands: &'static [(&'static str, &'static str)],
}

/// Findings about the shipped days of an enterprise, from their manifest; `url` is the address of all enterprises.
pub fn shipped(enterprise: &EnterpriseName, url: &Path, manifest: &Manifest) -> Vec<Finding> {
    let checks = [
        ShippedCheck {
            finding: Finding::warning(Code::IndexMissing),
            is_odd: |day| day.log.bytes >= INDEXED_BYTES_MIN && day.index.is_none(),
            seen: "no index in object storage: {files}, {bytes}",
            why: "every search fetches and decodes them whole",
            remedy: "`calltrace ship --fetch DAY` brings a day back; {rotate} makes its index, and {ship} sends that",
            commands: &[("rotate", "rotate"), ("ship", "ship")],
        },
        ShippedCheck {
            finding: Finding::note(Code::TableMissing),
            is_odd: |day| {
                day.log.bytes >= INDEXED_BYTES_MIN && day.index.is_some() && day.table.is_none()
            },
            seen: "no table of calls in object storage: {files}, {bytes}",
            why: "lists and statistics of these days read their logs",
            remedy: "`calltrace ship --fetch DAY` brings a day back; {rotate} makes its table, and {ship} sends that",
            commands: &[("rotate", "rotate"), ("ship", "ship")],
        },
        ShippedCheck {
            finding: Finding::note(Code::Damaged),
            is_odd: |day| day.index.is_some() && day.content.is_none(),
            seen: "incomplete or overlong lines, or a hole, were there when it was shipped: {files}, {bytes}",
            why: "some lines are lost, and answers about that time say so",
            remedy: "nothing can be done; {check} tells whether the objects are still as they were sent",
            commands: &[("check", "ship --check")],
        },
    ];
    let found = checks.into_iter().filter_map(|check| {
        let odd = || manifest.days.iter().filter(|day| (check.is_odd)(day));
        let first = url.join(enterprise.as_str()).join(&odd().next()?.name);
        let seen = check.finding.file(first).seen(check.seen);
        let seen = seen
            .with("files", Field::Files(odd().count() as u64))
            .with("bytes", Field::Bytes(odd().map(|day| day.log.bytes).sum()));
        let mut finding = seen.why(check.why).remedy(check.remedy);
        for (name, command) in check.commands {
            finding = finding.with(name, Field::Calltrace(command));
        }
        finding.enterprise = Some(enterprise.clone());
        Some(finding)
    });
    found.collect()
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

#[cfg(test)]
mod tests {
    use calltrace_archive::{ContentRef, ObjectKind, ObjectRef};

    use super::*;

    const NAME: &str = "events.log.2025-11-29.gz";

    fn day(bytes: u64) -> ShippedEntry {
        ShippedEntry {
            name: NAME.to_owned(),
            log: ObjectRef::new(ObjectKind::Log, NAME, bytes, 1),
            modified: 7,
            content: Some(ContentRef {
                bytes: 9 * bytes,
                crc32: 2,
            }),
            times: Some((1, 2)),
            index: Some(ObjectRef::new(ObjectKind::Index, NAME, 50, 3)),
            index_head: None,
            table: Some(ObjectRef::new(ObjectKind::Table, NAME, 60, 4)),
        }
    }

    fn codes(days: &[ShippedEntry]) -> Vec<Code> {
        let mut manifest = Manifest::new("0367");
        manifest.days = days.to_vec();
        let enterprise = EnterpriseName::new("0367").expect("a name");
        let findings = shipped(&enterprise, Path::new("s3://calls/pbx"), &manifest);
        for finding in &findings {
            assert_eq!(finding.enterprise.as_ref(), Some(&enterprise));
            let file = Path::new("s3://calls/pbx/0367/events.log.2025-11-29.gz");
            assert_eq!(finding.file.as_deref(), Some(file));
        }
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn large_shipped_days_without_index_or_table_and_damaged_ones_are_named() {
        let whole = day(1 << 20);
        assert_eq!(codes(&[]), []);
        assert_eq!(codes(std::slice::from_ref(&whole)), []);
        let bare = ShippedEntry {
            index: None,
            content: None,
            table: None,
            ..whole.clone()
        };
        assert_eq!(codes(&[whole.clone(), bare]), [Code::IndexMissing]);
        let untabled = ShippedEntry {
            table: None,
            ..whole.clone()
        };
        assert_eq!(codes(&[untabled]), [Code::TableMissing]);
        let damaged = ShippedEntry {
            content: None,
            ..whole
        };
        assert_eq!(codes(&[damaged]), [Code::Damaged]);
        let small = ShippedEntry {
            index: None,
            content: None,
            table: None,
            ..day(100)
        };
        assert_eq!(codes(&[small]), []);
    }
}
