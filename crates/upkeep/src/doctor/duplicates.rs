//! X next to X.gz: a leftover, or two different days under one name.

use super::file::ExaminedFile;
use super::look::duplicates::Relation;
use super::survey::HealthSurvey;
use super::{Circumstances, Code, Field, Finding, HOUR_MILLIS};

/// gzip may still be making a younger archive: it removes X when it is done.
const AT_WORK_MILLIS: i64 = HOUR_MILLIS;

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let duplicates = survey.more.duplicates.iter();
    duplicates
        .filter_map(|pair| {
            let (plain, archive) = (&survey.files[pair.plain], &survey.files[pair.archive]);
            let is_at_work =
                circumstances.age(plain.log.modified.max(archive.log.modified)) < AT_WORK_MILLIS;
            match pair.relation {
                Relation::Held | Relation::HeldInPart if is_at_work => None,
                relation => Some(finding(plain, archive, relation)),
            }
        })
        .collect()
}

fn finding(plain: &ExaminedFile, archive: &ExaminedFile, relation: Relation) -> Finding {
    let (code, text, why) = match relation {
        Relation::Held => (
            Code::Duplicates,
            "{archive} next to it holds all of its {bytes}",
            "its lines count once; the space that it takes is wasted",
        ),
        Relation::HeldInPart => (
            Code::Duplicates,
            "{archive} next to it holds the beginning of its {bytes}, and not the rest",
            "all lines count once; if the file is removed by hand, the rest is lost",
        ),
        Relation::Differ => (
            Code::DuplicatesDiffer,
            "{archive} next to it holds other lines than its {bytes}",
            "both are read; two processes that rotate one file leave this, and a gzip that is \
             run again would overwrite one of them",
        ),
    };
    Finding::warning(code)
        .file(plain.log.name.full())
        .seen(text)
        .with("archive", Field::Text(archive.log.name.full()))
        .with("bytes", Field::Bytes(plain.log.bytes))
        .why(why)
        .remedy("{rotate} adds what is missing to the archive and removes the file")
        .with("rotate", Field::Calltrace("rotate"))
}
