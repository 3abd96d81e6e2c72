//! The contents of an index, in a file or in memory.

use std::sync::{Arc, OnceLock};

use super::IndexBlock;
use super::key::{IndexKey, KeyKind};
use super::layout::{ENTRY_BYTES, Footer, FooterHead, MAGIC, Segment, StorageFormat};
use super::numbers::NumberReader;
use super::sound;
use super::store::{END_BYTES, Store, read_tail};
use crate::object::StoredFile;
use crate::source::{BgzfBlock, BgzfTable, BlockPositions, Span};
use calltrace_model::record::Stamp;

/// The footer, and where the segments are stored.
#[derive(Debug)]
pub(super) struct IndexData {
    pub head: FooterHead,
    /// `None` in it when the index turned out to be torn. Read when they are first needed, if only
    /// the head was known.
    segments: OnceLock<Option<Vec<Segment>>>,
    /// One per segment, or one for all.
    pub stores: Vec<Arc<Store>>,
    blocks: OnceLock<Option<Vec<IndexBlock>>>,
}

impl IndexData {
    pub(super) fn of_file(footer: Footer, file: StoredFile) -> IndexData {
        IndexData::new(footer, vec![Arc::new(Store::File(file))])
    }

    pub(super) fn new(footer: Footer, stores: Vec<Arc<Store>>) -> IndexData {
        IndexData {
            head: footer.head,
            segments: OnceLock::from(Some(footer.segments)),
            stores,
            blocks: OnceLock::new(),
        }
    }

    /// The index in `file`, of which nothing was read yet.
    pub(super) fn unread(head: FooterHead, file: StoredFile) -> IndexData {
        IndexData {
            head,
            segments: OnceLock::new(),
            stores: vec![Arc::new(Store::File(file))],
            blocks: OnceLock::new(),
        }
    }

    /// The segments. `None` when the index is torn.
    pub(super) fn segments(&self) -> Option<&[Segment]> {
        self.segments
            .get_or_init(|| self.read_segments())
            .as_deref()
    }

    fn read_segments(&self) -> Option<Vec<Segment>> {
        let Store::File(file) = self.stores.first()?.as_ref() else {
            return None;
        };
        let encoded = read_tail(file, MAGIC).ok()?;
        let footer = Footer::decode(&encoded).filter(|footer| footer.head == self.head)?;
        let index_bytes = file.state().ok()?.bytes;
        sound::check(&footer, index_bytes, encoded.len() as u64).ok()?;
        Some(footer.segments)
    }

    /// The segments, each with its store. `None` when the index is torn.
    pub(super) fn stored_segments(&self) -> Option<impl Iterator<Item = (&Segment, &Arc<Store>)>> {
        let last = self.stores.len().saturating_sub(1);
        let segments = self.segments()?.iter().enumerate();
        Some(segments.map(move |(at, segment)| (segment, &self.stores[at.min(last)])))
    }

    /// The blocks, in order. `None` when the index is torn.
    pub(super) fn blocks(&self) -> Option<&[IndexBlock]> {
        self.blocks.get_or_init(|| self.read_blocks()).as_deref()
    }

    /// The blocks that may hold `key`, in order. `None` when the index is torn.
    pub(super) fn blocks_of(&self, key: IndexKey) -> Option<Vec<u32>> {
        let mut blocks = Vec::new();
        let mut base = 0;
        for (segment, store) in self.stored_segments()? {
            segment.find(store, key, base, &mut blocks)?;
            base += segment.blocks;
        }
        Some(blocks)
    }

    /// Calls `each` with every key of a kind, in order within a segment. `None` when the index is
    /// torn.
    pub(super) fn keys_of(&self, kind: KeyKind, mut each: impl FnMut(u32)) -> Option<()> {
        for (segment, store) in self.stored_segments()? {
            segment.each(store, kind, &mut |key, _| each(key))?;
        }
        Some(())
    }

    /// Starts to fetch the footer, if the index is an object and its footer was not read.
    pub(super) fn fetch_footer_ahead(&self) {
        if let (None, Some(Store::File(file))) =
            (self.segments.get(), self.stores.first().map(AsRef::as_ref))
        {
            file.fetch_end_ahead(END_BYTES as u64);
        }
    }

    /// Starts to fetch the pages that `keys` lead to, and the table of blocks, if the index is an
    /// object.
    pub(super) fn fetch_ahead(&self, keys: &[IndexKey]) {
        for (segment, store) in self.stored_segments().into_iter().flatten() {
            let pages = keys.iter().filter_map(|key| segment.page_of(*key));
            let sections = pages.map(|page| page.section).chain([segment.table]);
            store.fetch_ahead(sections);
        }
    }

    fn read_blocks(&self) -> Option<Vec<IndexBlock>> {
        let stored = self.head.fingerprint.stored;
        let mut blocks = Vec::new();
        let (mut at, mut file_at) = (0, 0);
        for (segment, store) in self.stored_segments()? {
            let table = store.read(segment.table)?;
            for entry in table.as_chunks::<ENTRY_BYTES>().0 {
                let mut entry = NumberReader::new(entry);
                let (content, file) = (entry.u32()?, entry.u32()?);
                let (first, last) = (Stamp(entry.i64()?), Stamp(entry.i64()?));
                let end = at + u64::from(content);
                let has_times = first <= last;
                let is_timed = sound::is_real(first) && sound::is_real(last);
                if !sound::is_block(stored, content, file) || (has_times && !is_timed) {
                    return None;
                }
                file_at += u64::from(file);
                blocks.push(IndexBlock {
                    span: Span::new(at, end),
                    times: has_times.then_some((first, last)),
                    file_bytes: file,
                });
                at = end;
            }
        }
        let is_bgzf = matches!(stored, StorageFormat::Bgzf | StorageFormat::BgzfOfLines);
        let fits = at == self.head.content.bytes
            && (!is_bgzf || file_at == self.head.fingerprint.file_bytes);
        fits.then_some(blocks)
    }
}

impl BlockPositions for IndexData {
    fn first_block_at(&self, at: Stamp) -> Option<u64> {
        let is_at = |block: &&IndexBlock| block.times.is_some_and(|(_, last)| last >= at);
        let found = self.blocks()?.iter().find(is_at);
        Some(found.map_or(self.head.content.bytes, |block| block.span.start))
    }

    fn table(&self) -> Option<BgzfTable> {
        let mut at = 0;
        let blocks = self.blocks()?.iter().map(|block| {
            let content_bytes = u32::try_from(block.span.end - block.span.start).ok()?;
            let found = BgzfBlock {
                at,
                bytes: block.file_bytes,
                content_at: block.span.start,
                content_bytes,
            };
            at += u64::from(block.file_bytes);
            Some(found)
        });
        Some(BgzfTable::of(blocks.collect::<Option<_>>()?))
    }
}
