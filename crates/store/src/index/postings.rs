//! Looks up a key in a segment's pages.

use super::key::{IndexKey, KeyKind};
use super::layout::{PostingsPage, Segment};
use super::numbers::PageReader;
use super::store::Store;

impl Segment {
    /// The page that holds `key` if any does.
    pub(super) fn page_of(&self, key: IndexKey) -> Option<PostingsPage> {
        let pages = &self.pages[key.kind as usize];
        let end = pages.partition_point(|page| page.first_key <= key.value);
        end.checked_sub(1).map(|at| pages[at])
    }

    /// Appends the blocks that may hold `key`, counted from `base`; `store` holds the pages. `None`
    /// when the page is torn.
    pub(super) fn find(
        &self,
        store: &Store,
        key: IndexKey,
        base: u32,
        found: &mut Vec<u32>,
    ) -> Option<()> {
        let Some(page) = self.page_of(key) else {
            return Some(());
        };
        let bytes = store.read(page.section)?;
        let mut entries = PageReader::new(&bytes, page.first_key);
        let mut blocks = Vec::new();
        while let Some(at) = entries.next_into(&mut blocks) {
            if at < key.value {
                continue;
            }
            if at == key.value {
                let known = blocks.iter().filter(|block| **block < self.blocks);
                found.extend(known.map(|block| base + block));
            }
            break;
        }
        Some(())
    }

    /// Calls `each` with every key of a kind and its blocks. `None` when a page is torn.
    pub(super) fn each(
        &self,
        store: &Store,
        kind: KeyKind,
        each: &mut impl FnMut(u32, &[u32]),
    ) -> Option<()> {
        let mut blocks = Vec::new();
        for page in &self.pages[kind as usize] {
            let bytes = store.read(page.section)?;
            let mut entries = PageReader::new(&bytes, page.first_key);
            while let Some(key) = entries.next_into(&mut blocks) {
                each(key, &blocks);
            }
        }
        Some(())
    }
}
