//! Compares X with the X.gz next to it.

use std::sync::Arc;

use crate::doctor::file::ExaminedFile;
use calltrace_store::fsx::Folder;
use calltrace_store::source::{BgzfTable, ContentFormat, ContentTally, Source};
use calltrace_store::tree::LogFile;

/// How much of both is compared (bytes) if not all of it is.
const COMPARED_BYTES: usize = 64 << 10;

/// How X and X.gz relate to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doctor) enum Relation {
    /// The archive holds all of the file.
    Held,
    /// The archive holds its beginning.
    HeldInPart,
    /// They begin differently.
    Differ,
}

/// X and X.gz, as indexes into the files of the survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::doctor) struct DuplicatePair {
    pub(in crate::doctor) plain: usize,
    pub(in crate::doctor) archive: usize,
    pub(in crate::doctor) relation: Relation,
}

/// Finds the pairs of the same name. If `deep`, their whole contents are compared, otherwise their
/// beginnings and lengths.
pub(in crate::doctor) fn find(
    folder: &Folder,
    files: &[ExaminedFile],
    deep: bool,
) -> Vec<DuplicatePair> {
    let mut duplicates = Vec::new();
    for (plain, file) in files.iter().enumerate() {
        let is_duplicate =
            |other: &ExaminedFile| other.log.name.gz && other.log.name.stem == file.log.name.stem;
        let archive = files.iter().position(is_duplicate);
        if let Some(archive) =
            archive.filter(|_| !file.log.name.gz && file.log.form == ContentFormat::Plain)
        {
            // A file that can't be opened is reported by the survey.
            let relation = relation(folder, file, &files[archive], deep);
            duplicates.extend(relation.map(|relation| DuplicatePair {
                plain,
                archive,
                relation,
            }));
        }
    }
    duplicates
}

fn relation(
    folder: &Folder,
    plain: &ExaminedFile,
    archive: &ExaminedFile,
    deep: bool,
) -> Option<Relation> {
    let open = |seen: &ExaminedFile| {
        let log = LogFile::open(folder, seen.log.name.clone()).ok()?;
        Source::open(Arc::new(log)).ok()
    };
    let (plain, archive) = (open(plain)?, open(archive)?);
    let part = archive.table().map(BgzfTable::parts).unwrap_or_default();
    let part_start = part.last().copied().unwrap_or(0);
    let total = plain.content_bytes()?;
    // For gzip the trailer gives the length, which is right if there is one member.
    let packed = archive.content_bytes().map(|bytes| bytes - part_start);
    let ours = plain.text_at(0, COMPARED_BYTES);
    let theirs = archive.text_at(part_start, COMPARED_BYTES);
    let common = ours.len().min(theirs.len());
    if ours[..common] != theirs[..common] || (common == 0 && total > 0) {
        return Some(Relation::Differ);
    }
    if deep || packed.is_none() {
        let held = ContentTally::read(archive.content_from(part_start))
            .ok()?
            .content();
        let same = ContentTally::read(std::io::Read::take(plain.content(), held.bytes)).ok()?;
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
