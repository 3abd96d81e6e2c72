//! What an index may ask of the program that reads it. Its bytes may be those of a hostile writer, so
//! what they say of lengths is checked before memory is allocated.

use super::layout::{Section, Segment};

/// No index is longer (bytes). A file's size alone is no limit: a file with holes has any size.
const INDEX_BYTES_MAX: u64 = 2 << 30;

/// The tables of an index together (bytes): those of an 80 GB log.
const TABLES_BYTES_MAX: u64 = 32 << 20;

/// A page of postings (bytes): it is closed at 4 KiB, and one key with all blocks of such a log fits.
const PAGE_BYTES_MAX: u64 = 4 << 20;

/// Whether segments can be those of a file of so many bytes: each section is within it, no two of
/// them share bytes, and none takes more memory than a sound one does.
pub(super) fn fit(segments: &[Segment], file_bytes: u64) -> bool {
    let is_within = |section: Section| {
        let end = section.at.checked_add(u64::from(section.bytes));
        end.is_some_and(|end| end <= file_bytes)
    };
    let tables = || segments.iter().map(|segment| segment.table);
    let pages = || {
        let pages = segments.iter().flat_map(|segment| segment.pages.iter());
        pages.flatten().map(|page| page.section)
    };
    let bytes = |section: Section| u64::from(section.bytes);
    let table_bytes: u64 = tables().map(bytes).sum();
    let page_bytes: u64 = pages().map(bytes).sum();
    file_bytes <= INDEX_BYTES_MAX
        && table_bytes <= TABLES_BYTES_MAX
        && table_bytes + page_bytes <= file_bytes
        && pages().all(|page| bytes(page) <= PAGE_BYTES_MAX)
        && tables().chain(pages()).all(is_within)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_that_the_file_can_not_hold_are_not_believed() {
        let segment = |at, bytes| Segment {
            table: Section { at, bytes, crc: 0 },
            ..Segment::default()
        };
        assert!(fit(&[segment(8, 24)], 100));
        assert!(!fit(&[segment(90, 24)], 100), "beyond the end");
        assert!(!fit(&[segment(u64::MAX, 24)], 100), "beyond all numbers");
        let same = vec![segment(8, 24); 5];
        assert!(!fit(&same, 100), "the same bytes again and again");
        assert!(!fit(&[segment(8, 1 << 30)], 1 << 40), "a file with holes");
    }
}
