//! BGZF: gzip with members that hold at most 64 KiB of content and state their length, so that
//! blocks can be found without decoding, and decoded in parallel.
//!
//! Layout of a block (SAM specification, section 4.1): a gzip header with `FEXTRA`, which holds the
//! subfield `BC` with `BSIZE` = length of the block minus one; raw deflate; CRC-32; `ISIZE`. An
//! empty block marks the end, but may be anywhere (files can be concatenated): the real end is the
//! end of the file.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock};

use libdeflater::Decompressor;

use super::{Damage, Span};
use crate::tree::LogFile;
use calltrace_model::record::Stamp;

/// Fixed gzip header, `XLEN`, and the subfield that BGZF writers put first.
const HEADER_BYTES: usize = 18;
const TRAILER_BYTES: usize = 8;
/// Most content that a block can hold.
const CONTENT_BYTES_MAX: u32 = 65_536;

/// Decoded blocks that are kept per file and shared by its readers.
const RECENT_MAX: usize = 24;

/// Knows the positions of a file's blocks and the times in them, so that the file need not be walked
/// through.
pub trait BlockPositions: fmt::Debug + Send + Sync {
    /// `None` when they turn out to be unknown.
    fn table(&self) -> Option<BgzfTable>;

    /// Content offset of the first block with a record of `at` or later, or of the end if there is
    /// none. `None` when the blocks turn out to be unknown.
    fn first_block_at(&self, at: Stamp) -> Option<u64>;
}

/// A BGZF file. The positions of its blocks come from a walk through all block headers, or from an
/// index.
#[derive(Debug)]
pub(super) struct Bgzf {
    pub(super) content_bytes: u64,
    /// Every block begins with a line.
    pub(super) blocks_of_lines: bool,
    positions: Option<Arc<dyn BlockPositions>>,
    table: OnceLock<BgzfTable>,
    /// The most recently decoded blocks, by number; a call is searched in the same few again and
    /// again.
    recent: Mutex<VecDeque<(usize, Arc<Vec<u8>>)>>,
}

impl Bgzf {
    /// A file with a known block table.
    pub(super) fn of(table: BgzfTable) -> Bgzf {
        let bgzf = Bgzf::known(table.content_bytes, false, None);
        Bgzf {
            table: table.into(),
            ..bgzf
        }
    }

    /// A file with known length and form, but without a block table yet.
    pub(super) fn known(
        content_bytes: u64,
        blocks_of_lines: bool,
        positions: Option<Arc<dyn BlockPositions>>,
    ) -> Bgzf {
        Bgzf {
            content_bytes,
            blocks_of_lines,
            positions,
            table: OnceLock::new(),
            recent: Mutex::new(VecDeque::new()),
        }
    }

    pub(super) fn table(&self, log: &LogFile) -> &BgzfTable {
        self.table.get_or_init(|| {
            let known = self.positions.as_ref().and_then(|known| known.table());
            // The file was walked through before; one that has changed since has no blocks to
            // trust.
            let read = || BgzfTable::read(log).ok().flatten();
            let table = known.or_else(read);
            table.unwrap_or_else(|| BgzfTable::of(Vec::new()))
        })
    }

    /// See [`BlockPositions::first_block_at`].
    pub(super) fn first_block_at(&self, at: Stamp) -> Option<u64> {
        self.positions.as_ref()?.first_block_at(at)
    }

    /// The same file, for another reader.
    pub(super) fn fresh(&self) -> Bgzf {
        Bgzf {
            content_bytes: self.content_bytes,
            blocks_of_lines: self.blocks_of_lines,
            positions: self.positions.clone(),
            table: self.table.clone(),
            recent: Mutex::default(),
        }
    }

    /// A reader of the content from `offset` on; with `keeps`, the blocks it decodes are kept for
    /// others.
    pub(super) fn reader<'s>(
        &'s self,
        log: &'s LogFile,
        offset: u64,
        keeps: bool,
    ) -> BgzfReader<'s> {
        let table = self.table(log);
        let next_block = table.block_of(offset);
        let skip = table
            .blocks
            .get(next_block)
            .map_or(0, |block| offset - block.content_at);
        BgzfReader {
            log,
            bgzf: self,
            table,
            keeps,
            next_block,
            inflate: Decompressor::new(),
            compressed: Vec::new(),
            content: Arc::default(),
            at: usize::try_from(skip).unwrap_or(0),
        }
    }

    fn recall(&self, number: usize) -> Option<Arc<Vec<u8>>> {
        let recent = self.recent.lock().ok()?;
        let found = recent.iter().find(|(kept, _)| *kept == number);
        found.map(|(_, content)| Arc::clone(content))
    }

    fn remember(&self, number: usize, content: &Arc<Vec<u8>>) {
        if let Ok(mut recent) = self.recent.lock() {
            if recent.len() == RECENT_MAX {
                recent.pop_front();
            }
            recent.push_back((number, Arc::clone(content)));
        }
    }
}

/// The positions of the blocks of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BgzfTable {
    blocks: Vec<BgzfBlock>,
    content_bytes: u64,
}

/// The position of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BgzfBlock {
    /// Offset of the block in the file.
    pub at: u64,
    /// Length of the block in the file.
    pub bytes: u32,
    /// Offset of its content.
    pub content_at: u64,
    /// Length of its content, from `ISIZE`; 0 closes a part.
    pub content_bytes: u32,
}

impl BgzfTable {
    /// The bytes of the file that hold a range of content; none for a range without content, such as that of the empty
    /// block at the end of every file.
    pub(super) fn file_range(&self, content: Span) -> Range<u64> {
        let first = self.block_of(content.start);
        let end = self
            .blocks
            .partition_point(|block| block.content_at < content.end);
        match self.blocks.get(first..end).unwrap_or_default() {
            [] => 0..0,
            held @ [first, ..] => {
                let last = held.last().unwrap_or(first);
                first.at..last.at + u64::from(last.bytes)
            }
        }
    }

    /// Walks through the block headers. `None` when the file is not BGZF from beginning to end: a
    /// file with a foreign member or a cut is decoded like any gzip.
    pub(super) fn read(log: &LogFile) -> io::Result<Option<BgzfTable>> {
        let mut blocks = Vec::new();
        let (mut at, mut content_at) = (0, 0);
        // One read covers the length at a block's end and the header of the next.
        let mut window = [0u8; 4 + HEADER_BYTES];
        log.file
            .read_exact_at(&mut window[4..], 0)
            .or_else(accept_end_of_file)?;
        while at < log.bytes {
            let Some(bytes) = block_bytes(&window[4..]) else {
                return Ok(None);
            };
            let next = at + u64::from(bytes);
            if next > log.bytes {
                return Ok(None);
            }
            window = [0u8; 4 + HEADER_BYTES];
            let room = usize::try_from(log.bytes - next).unwrap_or(usize::MAX);
            let wanted = 4 + room.min(HEADER_BYTES);
            log.file
                .read_exact_at(&mut window[..wanted], next - 4)
                .or_else(accept_end_of_file)?;
            let content_bytes = u32::from_le_bytes([window[0], window[1], window[2], window[3]]);
            if content_bytes > CONTENT_BYTES_MAX {
                return Ok(None);
            }
            blocks.push(BgzfBlock {
                at,
                bytes,
                content_at,
                content_bytes,
            });
            content_at += u64::from(content_bytes);
            at = next;
        }
        Ok(Some(BgzfTable::of(blocks)))
    }

    /// The table of blocks that an index has recorded.
    pub fn of(blocks: Vec<BgzfBlock>) -> BgzfTable {
        let content_bytes = blocks
            .last()
            .map_or(0, |b| b.content_at + u64::from(b.content_bytes));
        BgzfTable {
            blocks,
            content_bytes,
        }
    }

    /// The blocks, in order, including empty ones.
    pub fn blocks(&self) -> &[BgzfBlock] {
        &self.blocks
    }

    /// Whether a block begins with the content byte at `offset`.
    pub(super) fn has_block_at(&self, offset: u64) -> bool {
        self.blocks
            .binary_search_by_key(&offset, |b| b.content_at)
            .is_ok()
    }

    /// Content offsets where parts begin: at the front, and after each empty block that has content
    /// after it.
    pub fn parts(&self) -> Vec<u64> {
        let closed = self.blocks.iter().filter(|b| b.content_bytes == 0);
        let begins = closed.map(|b| b.content_at);
        let mut parts: Vec<u64> = std::iter::once(0).chain(begins).collect();
        parts.dedup();
        parts.retain(|&part| part == 0 || part < self.content_bytes);
        parts
    }

    /// Content offset where the last part begins.
    pub(super) fn last_part(&self) -> u64 {
        self.parts().last().copied().unwrap_or(0)
    }

    /// The block that holds the content byte at `offset`, or the number of blocks.
    fn block_of(&self, offset: u64) -> usize {
        self.blocks
            .partition_point(|b| b.content_at + u64::from(b.content_bytes) <= offset)
    }
}

fn accept_end_of_file(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Ok(()),
        _ => Err(error),
    }
}

/// The block's length, from a header in the form that every BGZF writer uses.
fn block_bytes(header: &[u8]) -> Option<u32> {
    let fixed = header[..4] == [0x1f, 0x8b, 8, 4];
    let xlen = u16::from_le_bytes([header[10], header[11]]);
    let subfield = header[12..16] == [b'B', b'C', 2, 0];
    let bytes = u32::from(u16::from_le_bytes([header[16], header[17]])) + 1;
    let sound = fixed && xlen == 6 && subfield && bytes as usize >= HEADER_BYTES + TRAILER_BYTES;
    sound.then_some(bytes)
}

/// Decodes blocks in order, from any content offset.
pub struct BgzfReader<'s> {
    log: &'s LogFile,
    bgzf: &'s Bgzf,
    table: &'s BgzfTable,
    keeps: bool,
    next_block: usize,
    inflate: Decompressor,
    compressed: Vec<u8>,
    content: Arc<Vec<u8>>,
    /// The next byte of `content` to return.
    at: usize,
}

impl fmt::Debug for BgzfReader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BgzfReader")
            .field("log", &self.log)
            .field("next_block", &self.next_block)
            .finish_non_exhaustive()
    }
}

impl BgzfReader<'_> {
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, Damage> {
        // When `content` is empty, `at` is the number of bytes to skip in the first block.
        while self.at >= self.content.len() {
            let Some(block) = self.table.blocks.get(self.next_block) else {
                return Ok(0);
            };
            let skip = if self.content.is_empty() { self.at } else { 0 };
            let number = self.next_block;
            self.next_block += 1;
            self.at = skip;
            if let Err(what) = self.decode(number, *block) {
                self.content = Arc::default();
                self.at = 0;
                return Err(Damage(format!(
                    "has a damaged block at compressed byte {} ({what})",
                    block.at
                )));
            }
            if self.content.is_empty() {
                self.at = 0;
            }
        }
        let got = into.len().min(self.content.len() - self.at);
        into[..got].copy_from_slice(&self.content[self.at..self.at + got]);
        self.at += got;
        Ok(got)
    }

    pub(super) fn position(&self) -> u64 {
        let next = self.table.blocks.get(self.next_block);
        let next_at = next.map_or(self.table.content_bytes, |block| block.content_at);
        if self.content.is_empty() {
            next_at + self.at as u64
        } else {
            next_at - (self.content.len() - self.at) as u64
        }
    }

    fn decode(&mut self, number: usize, block: BgzfBlock) -> Result<(), String> {
        if self.keeps
            && let Some(content) = self.bgzf.recall(number)
        {
            self.content = content;
            return Ok(());
        }
        if let Err(what) = self.inflate(block) {
            let range = block.at..block.at + u64::from(block.bytes);
            match self.log.file.forget(range) {
                true => self.inflate(block)?,
                false => return Err(what),
            }
        }
        if self.keeps {
            self.bgzf.remember(number, &self.content);
        }
        Ok(())
    }

    fn inflate(&mut self, block: BgzfBlock) -> Result<(), String> {
        let is_block = block.bytes as usize >= HEADER_BYTES + TRAILER_BYTES
            && block.content_bytes <= CONTENT_BYTES_MAX;
        if !is_block {
            return Err("there is no block of that length".to_owned());
        }
        self.compressed.resize(block.bytes as usize, 0);
        self.log
            .file
            .read_exact_at(&mut self.compressed, block.at)
            .map_err(|error| error.to_string())?;
        let (body, trailer) = self.compressed[HEADER_BYTES..]
            .split_at(block.bytes as usize - HEADER_BYTES - TRAILER_BYTES);
        if Arc::get_mut(&mut self.content).is_none() {
            self.content = Arc::default();
        }
        let content = Arc::get_mut(&mut self.content).expect("no other reader has the new block");
        content.resize(block.content_bytes as usize, 0);
        let got = self
            .inflate
            .deflate_decompress(body, content)
            .map_err(|error| error.to_string())?;
        if got != content.len() {
            return Err("the data ends early".to_owned());
        }
        let crc = u32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
        if crc32fast::hash(content) != crc {
            return Err("the checksum differs".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_content_is_held_by_its_blocks_and_none_by_the_empty_one_at_the_end() {
        let block = |at: u64, content_at: u64, content_bytes: u32| BgzfBlock {
            at,
            bytes: 100,
            content_at,
            content_bytes,
        };
        let table = BgzfTable::of(vec![
            block(0, 0, 1000),
            block(100, 1000, 1000),
            block(200, 2000, 0),
        ]);
        let range = |start, end| table.file_range(Span::new(start, end));
        assert_eq!(range(0, 1), 0..100);
        assert_eq!(range(999, 1001), 0..200);
        assert_eq!(range(1000, 2000), 100..200);
        assert_eq!(range(0, u64::MAX), 0..300);
        assert_eq!(range(2000, 2000), 0..0);
        assert_eq!(range(5000, 9000), 0..0);
    }
}
