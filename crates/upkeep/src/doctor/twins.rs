//! X beside X.gz: a leftover, or two different days under one name.

use super::look::twins::Relation;
use super::seen::Seen;
use super::survey::Survey;
use super::{Circumstances, Code, Field, Finding, HOUR_MILLIS};

/// Younger ones may be at work: gzip removes X when it is done.
const AT_WORK_MILLIS: i64 = HOUR_MILLIS;

pub(super) fn check(survey: &Survey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let twins = survey.twins.iter();
    twins
        .filter_map(|twin| {
            let (plain, archive) = (&survey.files[twin.plain], &survey.files[twin.archive]);
            let is_at_work =
                circumstances.age(plain.log.modified.max(archive.log.modified)) < AT_WORK_MILLIS;
            match twin.relation {
                Relation::Held | Relation::HeldInPart if is_at_work => None,
                relation => Some(said(plain, archive, relation)),
            }
        })
        .collect()
}

fn said(plain: &Seen, archive: &Seen, relation: Relation) -> Finding {
    let both = || {
        [
            ("archive", Field::Text(archive.log.name.full())),
            ("bytes", Field::Bytes(plain.log.bytes)),
        ]
    };
    let twins = Finding::warning(Code::Twins).file(plain.log.name.full());
    let finding = match relation {
        Relation::Held => twins
            .seen("{archive} beside it holds all of its {bytes}", both())
            .why("its lines count once; what it takes of the disk is wasted"),
        Relation::HeldInPart => twins
            .seen(
                "{archive} beside it holds the beginning of its {bytes}, and not the rest",
                both(),
            )
            .why("all lines count once; whoever removes the file by hand loses the rest"),
        Relation::Differ => Finding::warning(Code::TwinsDiffer)
            .file(plain.log.name.full())
            .seen(
                "{archive} beside it holds other lines than its {bytes}",
                both(),
            )
            .why(
                "both are read; two processes that rotate one file leave this, and a gzip that is \
                 run again would overwrite one of them",
            ),
    };
    finding.remedy(
        "{rotate} adds what is missing to the archive and removes the file",
        [("rotate", Field::Calltrace("rotate"))],
    )
}
