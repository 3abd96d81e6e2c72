//! Looking a key up in a segment's pages.

use super::key::{Key, Kind};
use super::layout::{PageReader, Segment};
use super::store::Store;

/// The postings of one segment.
pub(super) struct Postings<'i> {
    store: &'i Store,
    segment: &'i Segment,
}

impl<'i> Postings<'i> {
    pub(super) fn new(store: &'i Store, segment: &'i Segment) -> Postings<'i> {
        Postings { store, segment }
    }

    /// Appends the blocks that may hold `key`, counted from `base` on. `None` when the page is
    /// torn.
    pub(super) fn find(&self, key: Key, base: u32, found: &mut Vec<u32>) -> Option<()> {
        let pages = &self.segment.pages[key.kind as usize];
        let behind = pages.partition_point(|page| page.first_key <= key.value);
        let Some(page) = behind.checked_sub(1).map(|at| pages[at]) else {
            return Some(());
        };
        let bytes = self.store.read(page.section)?;
        let mut entries = PageReader::new(&bytes, page.first_key);
        let mut blocks = Vec::new();
        while let Some(at) = entries.next_into(&mut blocks) {
            if at < key.value {
                continue;
            }
            if at == key.value {
                let known = blocks.iter().filter(|block| **block < self.segment.blocks);
                found.extend(known.map(|block| base + block));
            }
            break;
        }
        Some(())
    }

    /// Calls `each` with every key of a kind and its blocks. `None` when a page is torn.
    pub(super) fn each(&self, kind: Kind, each: &mut impl FnMut(u32, &[u32])) -> Option<()> {
        let mut blocks = Vec::new();
        for page in &self.segment.pages[kind as usize] {
            let bytes = self.store.read(page.section)?;
            let mut entries = PageReader::new(&bytes, page.first_key);
            while let Some(key) = entries.next_into(&mut blocks) {
                each(key, &blocks);
            }
        }
        Some(())
    }
}
