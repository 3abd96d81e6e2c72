//! The bytes of an index file, version 1. All numbers little-endian.
//!
//! ```text
//! file      = "CTINDEX\x01"  segment*  footer  tail
//! segment   = table  pages of seconds  pages of names  pages of phones
//! table     = one 24-byte entry per block:
//!               u32 content bytes, u32 bytes in the file (as content if that is not BGZF),
//!               i64 earliest and i64 latest record time (milliseconds of the log's wall clock;
//!               i64::MAX and i64::MIN in a block without any)
//! page      = entries, about 4 KiB of them, by key, each key in one page only:
//!               varint key minus the key before (the page's first key before the first),
//!               varint number of blocks minus one,
//!               varint zigzag(first block minus the first block of the entry before, or 0),
//!               for each further block varint (block minus the block before, minus one)
//! footer    = head, segments (see `Footer::encode`)
//! head      = fingerprint, content, times, findings (see `FooterHead::encode`)
//! tail      = u32 length of the footer, u32 CRC-32 of the footer, "CTINDEX\x01"
//! ```
//!
//! A varint is LEB128. Blocks count from 0 in their segment. Every table and page has its CRC-32 in
//! the footer, so that a question reads and checks only what it needs. An index that does not match
//! this layout is not used: there is no second version yet, so no other is read. Names that the
//! program learned to read since (`Linkedid`, `DestUniqueid`) need none: see the tests of `key`.

use super::numbers::{NumberReader, NumberWriter};
use crate::scan::ContentFinding;
use crate::source::{ContentDigest, TimeBounds, Trailing};
use calltrace_model::record::Stamp;

/// First and last bytes of an index file; the last of them is the version.
pub(super) const MAGIC: [u8; 8] = *b"CTINDEX\x01";

pub(super) const TAIL_BYTES: usize = 16;

pub(super) const ENTRY_BYTES: usize = 24;

/// A page is closed once it has this length.
pub(super) const PAGE_BYTES: usize = 4096;

/// The place of some bytes in the index file, and their checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Section {
    pub at: u64,
    pub bytes: u32,
    pub crc: u32,
}

/// A page of postings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PostingsPage {
    pub first_key: u32,
    pub section: Section,
}

/// A group of blocks with its own postings; bounds the memory that building takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Segment {
    /// Number of blocks.
    pub blocks: u32,
    pub table: Section,
    /// Pages by [`KeyKind`](super::key::KeyKind).
    pub pages: [Vec<PostingsPage>; 3],
}

/// How the content is stored; the footer holds the number of the variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StorageFormat {
    Plain,
    Gzip,
    /// Every block begins with a line.
    BgzfOfLines,
    Bgzf,
}

impl StorageFormat {
    /// All variants, each at its number.
    const ALL: [StorageFormat; 4] = [
        StorageFormat::Plain,
        StorageFormat::Gzip,
        StorageFormat::BgzfOfLines,
        StorageFormat::Bgzf,
    ];
}

/// Identifies the file that an index was built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint {
    pub stored: StorageFormat,
    /// Set for a plain file, which may grow; 0 for others, which may be copied.
    pub device: u64,
    /// As `device`.
    pub inode: u64,
    /// Length of the file when it was indexed.
    pub file_bytes: u64,
    /// For a plain file, the end of its last whole line; for BGZF, the content's length; for gzip,
    /// the file's length.
    pub covered: u64,
    /// Modification time (nanoseconds of Unix time).
    pub modified: i64,
    /// CRC-32 of the first bytes, and of the last ones before `covered`.
    pub head_crc: u32,
    pub tail_crc: u32,
}

impl Fingerprint {
    /// The fingerprint of an empty file, without device and times.
    pub(super) fn of(stored: StorageFormat) -> Fingerprint {
        Fingerprint {
            stored,
            device: 0,
            inode: 0,
            file_bytes: 0,
            covered: 0,
            modified: 0,
            head_crc: 0,
            tail_crc: 0,
        }
    }
}

/// The footer of an index.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Footer {
    pub head: FooterHead,
    pub segments: Vec<Segment>,
}

/// The first part of a footer: what an index knows without its tables and pages. A manifest holds
/// it, so that an index of a shipped day is opened without reading the object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FooterHead {
    pub fingerprint: Fingerprint,
    pub content: ContentDigest,
    /// Times from samples, so that answers don't depend on whether there is an index.
    pub probed: TimeBounds,
    /// The earliest time of all records.
    pub first: Option<Stamp>,
    pub last: Option<Stamp>,
    /// At least one block with content holds no record with a time.
    pub has_timeless_blocks: bool,
    pub findings: Vec<ContentFinding>,
}

impl FooterHead {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = NumberWriter::default();
        self.write(&mut out);
        out.finish()
    }

    /// `None` when the bytes are not a valid head.
    pub(super) fn decode(bytes: &[u8]) -> Option<FooterHead> {
        let mut r = NumberReader::new(bytes);
        let head = FooterHead::read(&mut r)?;
        r.is_at_end().then_some(head)
    }

    fn write(&self, out: &mut NumberWriter) {
        let f = &self.fingerprint;
        out.u32(f.stored as u32);
        for n in [f.device, f.inode, f.file_bytes, f.covered] {
            out.u64(n);
        }
        out.u64(f.modified.cast_unsigned());
        out.u32(f.head_crc);
        out.u32(f.tail_crc);
        out.u64(self.content.bytes);
        out.u64(self.content.lines);
        out.u32(self.content.crc);
        for time in [self.probed.first, self.probed.last, self.first, self.last] {
            out.time(time);
        }
        out.u32(u32::from(self.probed.ordered));
        out.u32(u32::from(self.has_timeless_blocks));
        out.count(self.findings.len());
        for finding in &self.findings {
            out.finding(finding);
        }
    }

    fn read(r: &mut NumberReader<'_>) -> Option<FooterHead> {
        let fingerprint = Fingerprint {
            stored: *StorageFormat::ALL.get(r.u32()? as usize)?,
            device: r.u64()?,
            inode: r.u64()?,
            file_bytes: r.u64()?,
            covered: r.u64()?,
            modified: r.i64()?,
            head_crc: r.u32()?,
            tail_crc: r.u32()?,
        };
        let content = ContentDigest {
            bytes: r.u64()?,
            lines: r.u64()?,
            crc: r.u32()?,
        };
        let (probed_first, probed_last) = (r.time()?, r.time()?);
        let (first, last) = (r.time()?, r.time()?);
        let probed = TimeBounds {
            first: probed_first,
            last: probed_last,
            ordered: r.u32()? != 0,
        };
        let has_timeless_blocks = r.u32()? != 0;
        let findings = (0..r.u32()?).map(|_| r.finding()).collect::<Option<_>>()?;
        Some(FooterHead {
            fingerprint,
            content,
            probed,
            first,
            last,
            has_timeless_blocks,
            findings,
        })
    }
}

impl Footer {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = NumberWriter::default();
        self.head.write(&mut out);
        out.count(self.segments.len());
        for segment in &self.segments {
            out.u32(segment.blocks);
            out.section(segment.table);
            for pages in &segment.pages {
                out.count(pages.len());
                for page in pages {
                    out.page(*page);
                }
            }
        }
        out.finish()
    }

    /// `None` when the bytes are not a valid footer.
    pub(super) fn decode(bytes: &[u8]) -> Option<Footer> {
        let mut r = NumberReader::new(bytes);
        let head = FooterHead::read(&mut r)?;
        let segments = (0..r.u32()?).map(|_| r.segment()).collect::<Option<_>>()?;
        r.is_at_end().then_some(Footer { head, segments })
    }
}

impl NumberWriter {
    pub(super) fn page(&mut self, page: PostingsPage) {
        self.u32(page.first_key);
        self.section(page.section);
    }

    fn section(&mut self, section: Section) {
        self.u64(section.at);
        self.u32(section.bytes);
        self.u32(section.crc);
    }

    /// Appends a finding. Damage is not recorded, because damaged files are not indexed.
    fn finding(&mut self, finding: &ContentFinding) {
        let kind = match finding {
            ContentFinding::HalfLine { .. } => 0,
            ContentFinding::LongLine { cut: false, .. } => 1,
            ContentFinding::LongLine { .. } => 2,
            ContentFinding::Hole { .. } => 3,
            ContentFinding::Damaged { .. } => 4,
            ContentFinding::Trailing(_) => 5,
        };
        let (offset, bytes) = match finding {
            ContentFinding::Trailing(Trailing { at, bytes }) => (*at, *bytes),
            _ => {
                let (offset, bytes) = finding.place().unwrap_or_default();
                (offset, bytes as u64)
            }
        };
        self.u32(kind);
        self.u64(offset);
        self.u64(bytes);
    }
}

impl NumberReader<'_> {
    fn section(&mut self) -> Option<Section> {
        Some(Section {
            at: self.u64()?,
            bytes: self.u32()?,
            crc: self.u32()?,
        })
    }

    fn finding(&mut self) -> Option<ContentFinding> {
        let kind = self.u32()?;
        let (offset, bytes) = (self.u64()?, usize::try_from(self.u64()?).ok()?);
        let long = |cut| ContentFinding::LongLine { offset, bytes, cut };
        match kind {
            0 => Some(ContentFinding::HalfLine { offset, bytes }),
            1 => Some(long(false)),
            2 => Some(long(true)),
            3 => Some(ContentFinding::Hole { offset, bytes }),
            5 => Some(ContentFinding::Trailing(Trailing {
                at: offset,
                bytes: bytes as u64,
            })),
            _ => None,
        }
    }

    fn segment(&mut self) -> Option<Segment> {
        let mut segment = Segment {
            blocks: self.u32()?,
            table: self.section()?,
            ..Segment::default()
        };
        for pages in &mut segment.pages {
            *pages = (0..self.u32()?)
                .map(|_| self.page())
                .collect::<Option<_>>()?;
        }
        Some(segment)
    }

    pub(super) fn page(&mut self) -> Option<PostingsPage> {
        Some(PostingsPage {
            first_key: self.u32()?,
            section: self.section()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::numbers::{PageReader, PageWriter};
    use super::*;

    #[test]
    fn a_page_returns_the_entries_that_were_put_in() {
        let entries: [(u32, &[u32]); 5] = [
            (7, &[3]),
            (8, &[0, 1, 2, 900]),
            (300_000, &[899]),
            (u32::MAX - 1, &[u32::MAX - 2, u32::MAX]),
            (u32::MAX, &[0]),
        ];
        let mut writer = PageWriter::default();
        for (key, blocks) in entries {
            writer.add(key, blocks.iter().copied());
        }
        let mut reader = PageReader::new(&writer.bytes, 7);
        let mut blocks = Vec::new();
        for (key, wanted) in entries {
            assert_eq!(reader.next_into(&mut blocks), Some(key));
            assert_eq!(blocks, wanted);
        }
        assert_eq!(reader.next_into(&mut blocks), None);
    }

    #[test]
    fn hostile_bytes_are_neither_a_footer_nor_a_page() {
        for bytes in [&[][..], &[0xff; 40], &[0; 400]] {
            assert_eq!(Footer::decode(bytes), None);
            let mut reader = PageReader::new(bytes, 0);
            let mut blocks = Vec::new();
            while reader.next_into(&mut blocks).is_some() {}
        }
    }
}
