//! Checks whether an index is plausible: its numbers are compared with the file it describes and
//! with its own length before memory or time is spent on them.
//!
//! An index is in a folder that the writers of logs may write to, and a correct checksum proves
//! only that it was written completely. The lengths of two existing files bound what passes here:
//! the log (deflate packs at most 1032 bytes into one) and the index. An index that passes may
//! still be wrong about its file; only a comparison (`check`) shows that.

use super::build::SEGMENT_BLOCKS;
use super::grid::BLOCK_BYTES;
use super::layout::{
    ENTRY_BYTES, Footer, FooterHead, MAGIC, PostingsPage, Section, StorageFormat, TAIL_BYTES,
};
use crate::scan::ContentFinding;
use calltrace_model::record::Stamp;

/// Deflate can't pack more content than this into one byte.
const CONTENT_PER_BYTE_MAX: u64 = 1032;

/// The shortest BGZF block in a file (bytes): header and trailer.
const BGZF_BYTES_MIN: u64 = 26;

/// The longest BGZF block in a file, and the longest content of one (bytes).
const BGZF_BYTES_MAX: u32 = 65_536;

/// No page of postings is longer (bytes): it is closed at 4 KiB, and its last entry names at most
/// all blocks of a segment.
const PAGE_BYTES_MAX: u32 = 16 << 10;

/// The first millisecond that no record can state.
const TIME_END: i64 = 253_402_300_800_000;

/// The message about an index that is not plausible.
const UNSOUND: &str = "does not fit its file";

/// Whether a file that calltrace made can be trusted: the user `ours` who owns it is root, or the
/// owner `about` of the file that it describes.
pub(super) fn is_trusted(ours: u32, about: u32) -> bool {
    ours == 0 || ours == about
}

/// Checks a footer against the length of the file that it describes (which the fingerprint holds),
/// the length of the index, and its own.
///
/// # Errors
/// A clause about the index that says what is wrong.
pub(super) fn check(footer: &Footer, index_bytes: u64, footer_bytes: u64) -> Result<(), String> {
    check_head(&footer.head)?;
    let sound = has_its_blocks(footer) && fills_index(footer, index_bytes, footer_bytes).is_some();
    sound.then_some(()).ok_or_else(|| UNSOUND.to_owned())
}

/// Checks the head of a footer, as [`check`] does.
///
/// # Errors
/// As [`check`].
pub(super) fn check_head(head: &FooterHead) -> Result<(), String> {
    let sound = fits_file(head) && has_real_times(head);
    sound.then_some(()).ok_or_else(|| UNSOUND.to_owned())
}

/// Whether there can be as many blocks.
fn has_its_blocks(footer: &Footer) -> bool {
    let print = &footer.head.fingerprint;
    let blocks: u64 = footer.segments.iter().map(|s| u64::from(s.blocks)).sum();
    match print.stored {
        StorageFormat::Plain | StorageFormat::Gzip => {
            blocks == footer.head.content.bytes.div_ceil(BLOCK_BYTES)
        }
        StorageFormat::Bgzf | StorageFormat::BgzfOfLines => {
            blocks <= print.file_bytes / BGZF_BYTES_MIN
        }
    }
}

/// Whether the content can be that of the file.
fn fits_file(head: &FooterHead) -> bool {
    let (print, content) = (&head.fingerprint, &head.content);
    let content_max = print.file_bytes.saturating_mul(CONTENT_PER_BYTE_MAX);
    let fits = match print.stored {
        StorageFormat::Plain => print.covered <= print.file_bytes && content.bytes == print.covered,
        StorageFormat::Gzip => print.covered == print.file_bytes && content.bytes <= content_max,
        StorageFormat::Bgzf | StorageFormat::BgzfOfLines => {
            content.bytes == print.covered && content.bytes <= content_max
        }
    };
    let is_inside = |finding: &ContentFinding| {
        let end = finding.place();
        let end = end.and_then(|(offset, bytes)| offset.checked_add(bytes as u64));
        end.is_some_and(|end| end <= content.bytes)
    };
    fits && content.lines <= content.bytes && head.findings.iter().all(is_inside)
}

fn has_real_times(head: &FooterHead) -> bool {
    let probed = head.probed;
    let all = [probed.first, probed.last, head.first, head.last];
    let in_order = |first: Option<Stamp>, last: Option<Stamp>| match (first, last) {
        (Some(first), Some(last)) => first <= last,
        _ => true,
    };
    all.into_iter().flatten().all(is_real) && in_order(head.first, head.last)
}

/// Whether a record can have this time.
pub(super) fn is_real(at: Stamp) -> bool {
    (0..TIME_END).contains(&at.0)
}

/// Whether tables and pages fill the index from its beginning to its footer, without gaps and in
/// order.
fn fills_index(footer: &Footer, index_bytes: u64, footer_bytes: u64) -> Option<()> {
    let mut at = MAGIC.len() as u64;
    for segment in &footer.segments {
        let table_bytes = u64::from(segment.blocks) * ENTRY_BYTES as u64;
        let is_table = u64::from(segment.table.bytes) == table_bytes;
        if !is_table || !(1..=SEGMENT_BLOCKS).contains(&segment.blocks) {
            return None;
        }
        at = end_of_section(segment.table, at)?;
        for pages in &segment.pages {
            at = end_of_pages(pages, at)?;
        }
    }
    let end = at
        .checked_add(footer_bytes)?
        .checked_add(TAIL_BYTES as u64)?;
    (end == index_bytes).then_some(())
}

/// The end of pages that must begin at `at` and be in the order of their keys.
pub(super) fn end_of_pages(pages: &[PostingsPage], mut at: u64) -> Option<u64> {
    let mut before = None;
    for page in pages {
        let is_page = (1..=PAGE_BYTES_MAX).contains(&page.section.bytes);
        if !is_page || before.is_some_and(|key| key >= page.first_key) {
            return None;
        }
        before = Some(page.first_key);
        at = end_of_section(page.section, at)?;
    }
    Some(at)
}

fn end_of_section(section: Section, at: u64) -> Option<u64> {
    (section.at == at).then(|| at.checked_add(u64::from(section.bytes)))?
}

/// Whether a block with this much content can take this much of the file.
pub(super) fn is_block(stored: StorageFormat, content_bytes: u32, file_bytes: u32) -> bool {
    match stored {
        StorageFormat::Plain | StorageFormat::Gzip => content_bytes == file_bytes,
        StorageFormat::Bgzf | StorageFormat::BgzfOfLines => {
            let file_range = BGZF_BYTES_MIN as u32..=BGZF_BYTES_MAX;
            content_bytes <= BGZF_BYTES_MAX && file_range.contains(&file_bytes)
        }
    }
}
