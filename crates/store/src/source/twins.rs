//! The same content under two names: `X` and `X.gz`.
//!
//! Compressing leaves both for a moment, a crash leaves both for good. But both may also exist with
//! *different* content: a late writer renames today's file onto yesterday's name while
//! yesterday's is already compressed. So content decides: equal content is read once, content that
//! is the beginning of the other's is read with it, a beginning that the archive holds as its last
//! part is passed over, anything else is read.

use super::{Format, Source, Tally, fill, gzip, overlap};

/// Compared at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// Removes sources whose content another one of the same stem holds as well.
pub(super) fn drop_doubles(sources: &mut Vec<Source>) {
    let mut seen = Vec::new();
    sources.retain(|source| {
        // A link beside the file it leads to, whatever the two are called.
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
        match held_twice(a, b) {
            Some(Double::First) => doubles.push(i),
            Some(Double::Second) => doubles.push(i + 1),
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
enum Double {
    First,
    Second,
}

/// Which of the two can be left out, if one can.
fn held_twice(a: &Source, b: &Source) -> Option<Double> {
    if let (Format::Plain, Format::Gzip) = (&a.format, &b.format)
        && trailer_vouches(a, b)
    {
        return Some(Double::Second);
    }
    compare(a, b)
}

/// Whether the checksum and length in the gzip's trailer are those of the whole plain file, and
/// both begin alike: then it need not be decoded to be known. The plain file is kept as it reads
/// faster; were the gzip to hold other members before that last one, its beginning would differ.
fn trailer_vouches(plain: &Source, gzip: &Source) -> bool {
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
    same_start && Tally::read(plain.content()).is_ok_and(|whole| whole.content().crc == crc)
}

/// Reads both until they differ or one ends. A gzip that breaks off while it is the same as the
/// plain file is one that is being written, or whose writer died: the plain file has it all. Any
/// other damage means: read both.
fn compare(a: &Source, b: &Source) -> Option<Double> {
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
            return (m >= n && matches!(a.format, Format::Plain)).then_some(Double::Second);
        }
        if m < ours.len() || n < theirs.len() {
            // An empty file is the beginning of every other.
            return Some(if m < n { Double::First } else { Double::Second });
        }
    }
}
