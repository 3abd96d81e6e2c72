//! Finds out whether a plain file begins with the last part of an archive.
//!
//! A rotation copies lines into an archive, syncs it, and only then removes them from the original
//! file. If it is killed in between, the lines are in both. Only the content shows it: the
//! archive's last part is the file's beginning. If the front of the file was about to be collapsed,
//! the end of that range may already be overwritten with newlines.

use super::{ContentFormat, Source};
use calltrace_model::record::Stamp;

/// Bytes compared at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// A collapse leaves at least this many bytes of the copied range until the last moment.
const COLLAPSED_BYTES_MIN: u64 = 512;

/// Maximum number of bytes that are overwritten with newlines: less than a block of the file
/// system.
const BLANKED_BYTES_MAX: u64 = 1 << 20;

/// The content that a plain file and an archive share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overlap {
    /// This many bytes at the plain file's beginning are in the archive (or were, and are newlines
    /// now).
    pub held_bytes: u64,
    /// Content offset, in the archive, of the part that holds them.
    pub part_start: u64,
}

/// How much of the beginning of plain `file` is the last part of `archive`; for an archive that is
/// not BGZF, its whole content counts as the last part. `None` when the file begins with other
/// content or is shorter than that part, when one of them can't be read that far, or when no record
/// with a time is near the part's beginning: lines without one (a banner, a traceback) may be
/// written twice.
pub fn overlap(file: &Source, archive: &Source) -> Option<Overlap> {
    if file.form() != ContentFormat::Plain {
        return None;
    }
    let part_start = archive.table().map_or(0, super::BgzfTable::last_part);
    let mut part = archive.reader(part_start);
    let mut ours = file.reader(0);
    let mut theirs_text = vec![0u8; CHUNK_BYTES];
    let mut ours_text = vec![0u8; CHUNK_BYTES];
    let mut held_bytes = 0;
    let mut blank_from: Option<u64> = None;
    let mut has_time = false;
    loop {
        let wanted = super::fill(&mut part, &mut theirs_text).ok()?;
        let got = super::fill(&mut ours, &mut ours_text[..wanted]).ok()?;
        if got < wanted {
            return None;
        }
        has_time |= holds_time(&theirs_text[..got]);
        let pairs = ours_text[..got].iter().zip(&theirs_text[..got]);
        for (at, (ours, theirs)) in pairs.enumerate() {
            // Newlines may be followed by equal bytes, because their write may have been torn.
            if ours == theirs {
                continue;
            }
            if *ours != b'\n' {
                return None;
            }
            blank_from = blank_from.or(Some(held_bytes + at as u64));
        }
        held_bytes += got as u64;
        if wanted < CHUNK_BYTES {
            break;
        }
    }
    let is_collapse = |from: u64| {
        archive.is_bgzf() && from >= COLLAPSED_BYTES_MIN && held_bytes - from <= BLANKED_BYTES_MAX
    };
    let is_proof = has_time && blank_from.is_none_or(is_collapse);
    is_proof.then_some(Overlap {
        held_bytes,
        part_start,
    })
}

/// Whether `archive` begins with all of plain `file`; readers skip such a file. `false` when one of
/// them can't be read that far, or when no record with a time is in the file.
pub fn is_beginning(file: &Source, archive: &Source) -> bool {
    file.form() == ContentFormat::Plain && is_copied(file, archive)
}

/// Whether `other` begins with all of a file, in any of the formats: `cp`, or a rotation that
/// copies. `false` when one of them can't be read that far, or when no record with a time is in the
/// file.
pub fn is_copied(file: &Source, other: &Source) -> bool {
    let (mut ours, mut theirs) = (file.reader(0), other.reader(0));
    let mut ours_text = vec![0u8; CHUNK_BYTES];
    let mut theirs_text = vec![0u8; CHUNK_BYTES];
    let mut has_time = false;
    loop {
        let Ok(wanted) = super::fill(&mut ours, &mut ours_text) else {
            return false;
        };
        let got = super::fill(&mut theirs, &mut theirs_text[..wanted]);
        if !got.is_ok_and(|got| ours_text[..wanted] == theirs_text[..got]) {
            return false;
        }
        has_time |= holds_time(&ours_text[..wanted]);
        if wanted < CHUNK_BYTES {
            return has_time;
        }
    }
}

/// Whether a line in `text` begins with a time.
fn holds_time(text: &[u8]) -> bool {
    let mut lines = text.split(|&b| b == b'\n');
    lines.any(|line| Stamp::parse_prefix(line).is_some())
}
