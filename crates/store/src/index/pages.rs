//! Writes postings as pages, and merges segments.

use std::io::{self, Write};

use super::key::KeyKind;
use super::layout::{ENTRY_BYTES, PAGE_BYTES, PostingsPage, Section, Segment};
use super::numbers::PageWriter;
use super::store::Store;

/// Writes postings, sorted and without duplicates, as pages; blocks count from `base`.
pub(super) fn write_pages(
    out: &mut CountingWriter<'_>,
    postings: &[u64],
    base: u32,
) -> io::Result<Vec<PostingsPage>> {
    let mut pages = Vec::new();
    let mut page = PageWriter::default();
    let mut first_key = 0;
    let mut keys = postings.chunk_by(|a, b| a >> 32 == b >> 32).peekable();
    while let Some(of_key) = keys.next() {
        let key = (of_key[0] >> 32) as u32;
        if page.bytes.is_empty() {
            first_key = key;
        }
        page.add(key, of_key.iter().map(|posting| *posting as u32 - base));
        if page.bytes.len() >= PAGE_BYTES || keys.peek().is_none() {
            let section = out.section(&page.bytes)?;
            pages.push(PostingsPage { first_key, section });
            page = PageWriter::default();
        }
    }
    Ok(pages)
}

/// A writer of an index that counts the bytes written.
pub(super) struct CountingWriter<'w> {
    pub(super) out: &'w mut dyn Write,
    pub(super) at: u64,
}

impl CountingWriter<'_> {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn section(&mut self, bytes: &[u8]) -> io::Result<Section> {
        let section = Section {
            at: self.at,
            bytes: u32::try_from(bytes.len()).expect("a table or a page is under 4 GiB"),
            crc: crc32fast::hash(bytes),
        };
        self.write(bytes)?;
        Ok(section)
    }

    /// Writes the footer and the tail that points to it.
    pub(super) fn tail(&mut self, footer: &[u8], magic: [u8; 8]) -> io::Result<()> {
        self.write(footer)?;
        let bytes = u32::try_from(footer.len()).expect("a footer is under 4 GiB");
        self.write(&bytes.to_le_bytes())?;
        self.write(&crc32fast::hash(footer).to_le_bytes())?;
        self.write(&magic)?;
        self.out.flush()
    }
}

/// Merges neighbouring segments, the earlier first. `None` when one is torn.
pub(super) fn merged(segments: &[(&Segment, &Store)]) -> Option<(Segment, Vec<u8>)> {
    let mut table = Vec::new();
    let mut postings: [Vec<u64>; 3] = Default::default();
    let mut base = 0;
    for (segment, store) in segments {
        table.extend_from_slice(&store.read(segment.table)?);
        for (kind, all) in KeyKind::ALL.into_iter().zip(&mut postings) {
            let mut post = |key: u32, blocks: &[u32]| {
                let of_key = |block: &u32| u64::from(key) << 32 | u64::from(base + block);
                all.extend(blocks.iter().map(of_key));
            };
            segment.each(store, kind, &mut post)?;
        }
        base += segment.blocks;
    }
    debug_assert_eq!(table.len(), base as usize * ENTRY_BYTES);
    let mut bytes = Vec::new();
    let mut out = CountingWriter {
        out: &mut bytes,
        at: 0,
    };
    let mut segment = Segment {
        blocks: base,
        table: out.section(&table).ok()?,
        ..Segment::default()
    };
    for (postings, pages) in postings.iter_mut().zip(&mut segment.pages) {
        postings.sort();
        *pages = write_pages(&mut out, postings, 0).ok()?;
    }
    bytes.shrink_to_fit();
    Some((segment, bytes))
}
