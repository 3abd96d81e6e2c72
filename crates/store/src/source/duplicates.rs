//! Duplicate files: the same content under two names, `X` and `X.gz`.
//!
//! A compression leaves both for a moment, and a crash leaves both for good. But both may also
//! exist with *different* content: a late writer renames today's file to yesterday's name when
//! yesterday's file is already compressed. So the content decides: of two files with equal content
//! one is read; a file that is the beginning of the other is covered by it; a beginning that the
//! archive holds as its last part is skipped; anything else is read.

use super::{ContentTally, FormatData, Source, fill, gzip, overlap};

/// Bytes compared at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Removes sources that another one of the same stem covers.
pub(super) fn drop_duplicates(sources: &mut Vec<Source>) {
    let mut seen = Vec::new();
    sources.retain(|source| {
        // A link to another file of the folder has the same identity under both names.
        let new = !seen.contains(&source.log.identity);
        seen.push(source.log.identity);
        new
    });
    let mut doubles = Vec::new();
    let mut shared = Vec::new();
    for (i, pair) in sources.windows(2).enumerate() {
        let [a, b] = pair else { continue };
        if a.log.name.stem != b.log.name.stem {
            continue;
        }
        match redundant_of(a, b) {
            Some(Redundant::First) => doubles.push(i),
            Some(Redundant::Second) => doubles.push(i + 1),
            None => shared.push((i, i + 1)),
        }
    }
    for (plain, archive) in shared {
        let held = overlap(&sources[plain], &sources[archive]);
        if let Some(held) = held {
            sources[plain].hide_before(held.held_bytes);
        }
    }
    for i in doubles.into_iter().rev() {
        sources.remove(i);
    }
    sources.retain(|source| !source.is_hidden());
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Redundant {
    First,
    Second,
}

/// Which of the two can be left out; `None` when both are needed.
fn redundant_of(a: &Source, b: &Source) -> Option<Redundant> {
    if let (FormatData::Plain, FormatData::Gzip) = (&a.format, &b.format)
        && trailer_proves_same(a, b)
    {
        return Some(Redundant::Second);
    }
    compare(a, b)
}

/// Whether checksum and length in the gzip's trailer are those of the whole plain file, and both
/// begin alike: then the gzip need not be decoded. The plain file is kept because it reads faster.
/// If the gzip held other members before the last one, its beginning would differ.
fn trailer_proves_same(plain: &Source, gzip: &Source) -> bool {
    let Some((crc, bytes)) = gzip::trailer(&gzip.log) else {
        return false;
    };
    if u64::from(bytes) != plain.log.bytes {
        return false;
    }
    let mut ours = vec![0u8; CHUNK_BYTES];
    let mut theirs = vec![0u8; CHUNK_BYTES];
    let same_start = matches!(
        (fill(&mut plain.reader(0), &mut ours), fill(&mut gzip.reader(0), &mut theirs)),
        (Ok(m), Ok(n)) if ours[..m] == theirs[..n]
    );
    same_start && ContentTally::read(plain.content()).is_ok_and(|whole| whole.content().crc == crc)
}

/// Reads both until they differ or one ends. A gzip that breaks off while equal to the plain file
/// is being written, or its writer died: the plain file holds everything. With any other damage
/// both files are read.
fn compare(a: &Source, b: &Source) -> Option<Redundant> {
    let (mut left, mut right) = (a.reader(0), b.reader(0));
    let mut ours = vec![0u8; CHUNK_BYTES];
    let mut theirs = vec![0u8; CHUNK_BYTES];
    loop {
        let m = fill(&mut left, &mut ours).ok()?;
        let (n, torn) = match fill(&mut right, &mut theirs) {
            Ok(n) => (n, false),
            Err(n) => (n, true),
        };
        let common = m.min(n);
        if ours[..common] != theirs[..common] {
            return None;
        }
        if torn {
            return (m >= n && matches!(a.format, FormatData::Plain)).then_some(Redundant::Second);
        }
        if m < ours.len() || n < theirs.len() {
            // An empty file is the beginning of every other.
            return Some(if m < n {
                Redundant::First
            } else {
                Redundant::Second
            });
        }
    }
}
