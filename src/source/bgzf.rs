//! BGZF: gzip whose members hold at most 64 KiB of content and say how long they are, so that
//! blocks can be found without decoding and decoded side by side.
//!
//! Layout of a block (SAM specification, section 4.1): a gzip header with `FEXTRA`, in it the
//! subfield `BC` with `BSIZE` = length of the block minus one; raw deflate; CRC-32; `ISIZE`. An
//! empty block marks the end, but may stand anywhere (files are concatenated): the real end is
//! the end of the file.

use std::io;
use std::os::unix::fs::FileExt;

use flate2::{Decompress, FlushDecompress, Status};

use super::Damage;
use crate::tree::LogFile;

/// Fixed gzip header, `XLEN`, and the subfield that BGZF writers put first.
const HEADER_BYTES: usize = 18;
const TRAILER_BYTES: usize = 8;
/// Most content that a block can hold.
const CONTENT_BYTES_MAX: u32 = 65_536;

/// Where the blocks of a file are.
#[derive(Debug)]
pub(super) struct Table {
    blocks: Vec<Block>,
    content_bytes: u64,
}

#[derive(Debug, Clone, Copy)]
struct Block {
    /// Offset of the block in the file.
    at: u64,
    /// Length of the block in the file.
    bytes: u32,
    /// Offset of its content.
    content_at: u64,
    /// Length of its content, from `ISIZE`.
    content_bytes: u32,
}

impl Table {
    /// Walks the block headers. `None` when the file is not BGZF from front to back: a foreign
    /// member or a cut is decoded as any gzip is.
    pub(super) fn read(log: &LogFile) -> io::Result<Option<Table>> {
        let mut table = Table {
            blocks: Vec::new(),
            content_bytes: 0,
        };
        let mut at = 0;
        // One read covers the length at a block's end and the header of the next.
        let mut window = [0u8; 4 + HEADER_BYTES];
        log.file
            .read_exact_at(&mut window[4..], 0)
            .or_else(eof_is_no_block)?;
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
                .or_else(eof_is_no_block)?;
            let content_bytes = u32::from_le_bytes([window[0], window[1], window[2], window[3]]);
            if content_bytes > CONTENT_BYTES_MAX {
                return Ok(None);
            }
            table.blocks.push(Block {
                at,
                bytes,
                content_at: table.content_bytes,
                content_bytes,
            });
            table.content_bytes += u64::from(content_bytes);
            at = next;
        }
        Ok(Some(table))
    }

    pub(super) fn content_bytes(&self) -> u64 {
        self.content_bytes
    }

    /// The block that holds the content byte at `offset`, or the number of blocks.
    fn block_of(&self, offset: u64) -> usize {
        self.blocks
            .partition_point(|b| b.content_at + u64::from(b.content_bytes) <= offset)
    }
}

fn eof_is_no_block(error: io::Error) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Ok(()),
        _ => Err(error),
    }
}

/// The block's length, from a header as every BGZF writer makes it.
fn block_bytes(header: &[u8]) -> Option<u32> {
    let fixed = header[..4] == [0x1f, 0x8b, 8, 4];
    let xlen = u16::from_le_bytes([header[10], header[11]]);
    let subfield = header[12..16] == [b'B', b'C', 2, 0];
    let bytes = u32::from(u16::from_le_bytes([header[16], header[17]])) + 1;
    let sound = fixed && xlen == 6 && subfield && bytes as usize >= HEADER_BYTES + TRAILER_BYTES;
    sound.then_some(bytes)
}

/// Decodes blocks in order, from any content offset.
#[derive(Debug)]
pub struct BgzfReader<'s> {
    log: &'s LogFile,
    table: &'s Table,
    next_block: usize,
    inflate: Decompress,
    compressed: Vec<u8>,
    content: Vec<u8>,
    /// Next byte of `content` to hand out.
    at: usize,
}

impl<'s> BgzfReader<'s> {
    pub(super) fn new(log: &'s LogFile, table: &'s Table, offset: u64) -> BgzfReader<'s> {
        let next_block = table.block_of(offset);
        let skip = table
            .blocks
            .get(next_block)
            .map_or(0, |block| offset - block.content_at);
        BgzfReader {
            log,
            table,
            next_block,
            inflate: Decompress::new(false),
            compressed: Vec::new(),
            content: Vec::new(),
            at: usize::try_from(skip).unwrap_or(0),
        }
    }

    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, Damage> {
        // `at` past the end of an empty `content` is what is to be skipped of the first block.
        while self.at >= self.content.len() {
            let Some(block) = self.table.blocks.get(self.next_block) else {
                return Ok(0);
            };
            let skip = if self.content.is_empty() { self.at } else { 0 };
            self.next_block += 1;
            self.at = skip;
            if let Err(what) = self.decode(*block) {
                self.content.clear();
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

    fn decode(&mut self, block: Block) -> Result<(), String> {
        self.compressed.resize(block.bytes as usize, 0);
        self.log
            .file
            .read_exact_at(&mut self.compressed, block.at)
            .map_err(|error| error.to_string())?;
        let (body, trailer) = self.compressed[HEADER_BYTES..]
            .split_at(block.bytes as usize - HEADER_BYTES - TRAILER_BYTES);
        self.content.resize(block.content_bytes as usize, 0);
        self.inflate.reset(false);
        let status = self
            .inflate
            .decompress(body, &mut self.content, FlushDecompress::Finish)
            .map_err(|error| error.to_string())?;
        let whole = self.inflate.total_out() == u64::from(block.content_bytes);
        if status != Status::StreamEnd || !whole {
            return Err("the data ends early".to_owned());
        }
        let crc = u32::from_le_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
        if crc32fast::hash(&self.content) != crc {
            return Err("the checksum differs".to_owned());
        }
        Ok(())
    }
}
