//! X beside X.gz: a leftover, or two different days under one name.

use std::sync::Arc;

use super::reading::text_at;
use super::seen::Seen;
use super::survey::Survey;
use super::{Circumstances, Code, Field, Finding, HOUR_MILLIS};
use crate::fsx::Folder;
use crate::source::{BgzfTable, Form, Source, Tally};
use crate::tree::LogFile;

/// So much of both is compared (bytes) when not all of it is.
const COMPARED_BYTES: usize = 64 << 10;

/// Younger ones may be at work: gzip removes X when it is done.
const AT_WORK_MILLIS: i64 = HOUR_MILLIS;

/// What X and X.gz have to do with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// The archive holds all of the file.
    Held,
    /// The archive holds its beginning.
    HeldInPart,
    /// They begin differently.
    Differ,
}

/// X and X.gz, by their places among the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Twin {
    pub(super) plain: usize,
    pub(super) archive: usize,
    pub(super) relation: Relation,
}

/// Pairs of the same name. `deep` compares all they hold, else their beginnings and lengths.
pub(super) fn find(folder: &Folder, files: &[Seen], deep: bool) -> Vec<Twin> {
    let mut twins = Vec::new();
    for (plain, file) in files.iter().enumerate() {
        let is_twin = |other: &Seen| other.name.gz && other.name.stem == file.name.stem;
        let archive = files.iter().position(is_twin);
        if let Some(archive) = archive.filter(|_| !file.name.gz && file.form == Form::Plain) {
            // What can't be opened is named elsewhere.
            let relation = relation(folder, file, &files[archive], deep);
            twins.extend(relation.map(|relation| Twin {
                plain,
                archive,
                relation,
            }));
        }
    }
    twins
}

fn relation(folder: &Folder, plain: &Seen, archive: &Seen, deep: bool) -> Option<Relation> {
    let open = |seen: &Seen| {
        let log = LogFile::open(folder, seen.name.clone()).ok()?;
        Source::open(Arc::new(log)).ok()
    };
    let (plain, archive) = (open(plain)?, open(archive)?);
    let part = archive.table().map(BgzfTable::parts).unwrap_or_default();
    let part_start = part.last().copied().unwrap_or(0);
    let total = plain.content_bytes()?;
    // Of gzip the length is in the trailer, as the packer of one member wrote it.
    let packed = archive.content_bytes().map(|bytes| bytes - part_start);
    let ours = text_at(&plain, 0, COMPARED_BYTES);
    let theirs = text_at(&archive, part_start, COMPARED_BYTES);
    let common = ours.len().min(theirs.len());
    if ours[..common] != theirs[..common] || (common == 0 && total > 0) {
        return Some(Relation::Differ);
    }
    if deep || packed.is_none() {
        let held = Tally::read(archive.content_from(part_start))
            .ok()?
            .content();
        let same = Tally::read(std::io::Read::take(plain.content(), held.bytes)).ok()?;
        return Some(match same.content() == held {
            true if held.bytes == total => Relation::Held,
            true if held.bytes < total => Relation::HeldInPart,
            _ => Relation::Differ,
        });
    }
    Some(match packed.unwrap_or(0) >= total {
        true => Relation::Held,
        false => Relation::HeldInPart,
    })
}

pub(super) fn check(survey: &Survey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let twins = survey.twins.iter();
    twins
        .filter_map(|twin| {
            let (plain, archive) = (&survey.files[twin.plain], &survey.files[twin.archive]);
            let is_at_work =
                circumstances.age(plain.modified.max(archive.modified)) < AT_WORK_MILLIS;
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
            ("archive", Field::Text(archive.name.full())),
            ("bytes", Field::Bytes(plain.bytes)),
        ]
    };
    let twins = Finding::warning(Code::Twins).file(plain.name.full());
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
            .file(plain.name.full())
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
