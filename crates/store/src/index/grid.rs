//! The blocks that content is cut into.

use super::layout::{Fingerprint, StorageFormat};
use crate::source::{BgzfBlock, Source, Span};

/// Length of a block of content that is not BGZF.
pub(super) const BLOCK_BYTES: u64 = 64 << 10;

/// Length of content that is parsed at once, approximately (bytes).
pub(super) const TASK_BYTES: u64 = 1 << 20;

/// The blocks that content is cut into.
pub(super) enum BlockGrid {
    /// Blocks of equal length.
    Even(EvenBlocks),
    /// The BGZF blocks.
    Bgzf(Vec<BgzfBlock>),
}

/// Blocks of equal length, except the last.
#[derive(Debug, Clone, Copy)]
pub(super) struct EvenBlocks {
    /// Content offset of the first block.
    from: u64,
    block_bytes: u64,
    /// Number of the last block, which reaches to the end of the content.
    last: u64,
}

impl EvenBlocks {
    /// Cuts a content of any length.
    pub(super) fn whole() -> EvenBlocks {
        EvenBlocks {
            from: 0,
            block_bytes: BLOCK_BYTES,
            last: u64::from(u32::MAX),
        }
    }

    /// Cuts a range. The rest belongs to the last block, so that a file that grows a bit at a time
    /// has no blocks of a few lines.
    pub(super) fn of(span: Span, block_bytes: u64) -> EvenBlocks {
        EvenBlocks {
            from: span.start,
            block_bytes,
            last: (span.bytes() / block_bytes).saturating_sub(1),
        }
    }

    fn block_of(self, offset: u64) -> u64 {
        ((offset - self.from) / self.block_bytes).min(self.last)
    }

    fn len(self, bytes: u64) -> u64 {
        bytes.div_ceil(self.block_bytes).min(self.last + 1)
    }

    fn length(self, block: u64, bytes: u64) -> u64 {
        let left = bytes - block * self.block_bytes;
        match block == self.last {
            true => left,
            false => left.min(self.block_bytes),
        }
    }
}

impl BlockGrid {
    pub(super) fn of(source: &Source, print: &Fingerprint) -> BlockGrid {
        match source.table() {
            Some(table) if print.stored != StorageFormat::Plain => {
                BlockGrid::Bgzf(table.blocks().to_vec())
            }
            _ => BlockGrid::Even(EvenBlocks::whole()),
        }
    }

    /// The block that the line at `offset` belongs to.
    pub(super) fn block_of(&self, offset: u64) -> u32 {
        let block = match self {
            BlockGrid::Even(even) => even.block_of(offset),
            BlockGrid::Bgzf(blocks) => blocks
                .partition_point(|b| b.content_at + u64::from(b.content_bytes) <= offset)
                as u64,
        };
        u32::try_from(block).expect("a file has under 2^32 blocks")
    }

    /// How many blocks there are in `bytes` of content.
    pub(super) fn len(&self, bytes: u64) -> u32 {
        match self {
            BlockGrid::Even(even) => u32::try_from(even.len(bytes)).expect("under 2^32 blocks"),
            BlockGrid::Bgzf(blocks) => u32::try_from(blocks.len()).expect("under 2^32 blocks"),
        }
    }

    /// Length of a block's content and of the block in the file; the whole content has `bytes`.
    pub(super) fn lengths(&self, block: u32, bytes: u64) -> (u32, u32) {
        match self {
            BlockGrid::Even(even) => {
                let length = even.length(u64::from(block), bytes);
                let length = u32::try_from(length).expect("two blocks at most");
                (length, length)
            }
            BlockGrid::Bgzf(blocks) => {
                let block = blocks[block as usize];
                (block.content_bytes, block.bytes)
            }
        }
    }

    /// Ranges of about [`TASK_BYTES`] up to content offset `end`, cut at the beginnings of blocks.
    pub(super) fn spans(&self, end: u64) -> Vec<Span> {
        let mut starts: Vec<u64> = match self {
            BlockGrid::Even(even) => (even.from..end).step_by(TASK_BYTES as usize).collect(),
            BlockGrid::Bgzf(blocks) => {
                let mut starts: Vec<u64> = Vec::new();
                for at in blocks.iter().map(|b| b.content_at) {
                    if starts.last().is_none_or(|last| at - last >= TASK_BYTES) {
                        starts.push(at);
                    }
                }
                starts
            }
        };
        starts.retain(|start| *start < end);
        starts.push(end);
        let pairs = starts.windows(2);
        pairs.map(|pair| Span::new(pair[0], pair[1])).collect()
    }

    pub(super) fn begins_at(&self, block: u32, offset: u64) -> bool {
        matches!(self, BlockGrid::Bgzf(blocks) if blocks[block as usize].content_at == offset)
    }
}
