//! The index of one log file: which blocks of it may hold what.
//!
//! [`build()`] makes it by one read of the file, [`Index::open`] finds it again. It answers two
//! questions: which blocks may hold a [`Key`], and which blocks may hold records of some time. What
//! it says are candidates; whoever asked looks at the lines. An index may name too much, never too
//! little. It is a file `<name>.idx` in the folder `.calltrace` beside the log, bytes as in
//! `layout`, and knows the file it was built from by a fingerprint: if that differs, or a checksum
//! does, the index is as good as none, and the file is read.
//!
//! Of a plain file, which may grow, the index covers the beginning; what follows is read.
//!
//! This room lies above `call`: only that knows which names a record has, and posting exactly those
//! is what keeps the index from naming too little.

mod build;
pub mod catalog;
mod check;
mod key;
mod layout;
mod postings;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};

use crate::error::reason;
use crate::record::Stamp;
use crate::scan::Finding;
use crate::source::{BgzfBlock, BgzfTable, Bounds, Content, Form, Source, Span, last_line_end};
use crate::tree::{LogFile, open_regular};

pub use build::build;
pub use check::check;
pub use key::Key;

use layout::{ENTRY_BYTES, Fingerprint, Footer, MAGIC, Section, Stored, TAIL_BYTES};
use postings::Postings;

/// The folder of indexes, in an enterprise's folder.
pub const FOLDER: &str = ".calltrace";

/// Bytes at either end of a file that its fingerprint looks at.
const PRINT_BYTES: usize = 4096;

/// Read at once from an index's end: mostly all that leads to the rest.
const END_BYTES: usize = 16 << 10;

/// No part of an index is longer (bytes): of one that says so nothing is believed.
const PART_BYTES_MAX: u32 = 256 << 20;

/// A live file is worth indexing again when it grew by this much (bytes), and by a quarter.
const GROWTH_BYTES_MIN: u64 = 128 << 10;

/// Keys whose blocks are remembered.
const LOOKED_UP_MAX: usize = 10_000;

/// What an index was built from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Built {
    /// The content that was read.
    pub content: Content,
    /// Earliest time of a record; `None` when no line has one.
    pub first: Option<Stamp>,
    /// Latest time of a record.
    pub last: Option<Stamp>,
    /// Length of the index (bytes).
    pub index_bytes: u64,
}

/// Whether a file's index can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It can.
    Fresh {
        /// The content it covers.
        content: Content,
        /// Earliest time of a record in it.
        first: Option<Stamp>,
        /// Latest time of a record in it.
        last: Option<Stamp>,
    },
    /// There is none.
    Missing,
    /// It can't, for this reason, a clause about the index: "is of another file".
    Stale(String),
    /// It can, but the file has grown so much that it is worth making anew.
    Behind {
        /// What it does not cover.
        bytes: u64,
    },
}

/// Where a log file's index is: `.calltrace/<name>.idx` in its folder.
pub fn path_of(log: &Path) -> PathBuf {
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    log.with_file_name(FOLDER).join(format!("{name}.idx"))
}

/// Whether a log file's index can be used.
pub fn state(log: &LogFile) -> State {
    let index = match Index::open(log) {
        Ok(Some(index)) => index,
        Ok(None) => return State::Missing,
        Err(why) => return State::Stale(why),
    };
    let Footer {
        content,
        first,
        last,
        ..
    } = index.footer;
    let beyond = log.bytes - index.footer.fingerprint.covered.min(log.bytes);
    let is_plain = index.footer.fingerprint.stored == Stored::Plain;
    if is_plain && beyond >= GROWTH_BYTES_MIN && beyond >= content.bytes / 4 {
        return State::Behind { bytes: beyond };
    }
    State::Fresh {
        content,
        first,
        last,
    }
}

/// The index of a log file, open.
#[derive(Debug)]
pub struct Index {
    file: File,
    footer: Footer,
    blocks: OnceLock<Option<Vec<Block>>>,
    /// What was looked up before: a call that grows asks for the same names again.
    found: Mutex<HashMap<Key, Vec<u32>>>,
}

/// A block as the index knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Its content: the lines that begin here belong to it.
    pub span: Span,
    /// Earliest and latest time of its records; `None` when none has one.
    pub times: Option<(Stamp, Stamp)>,
    file_bytes: u32,
}

impl Index {
    /// Finds a log file's index. `None` when there is none.
    ///
    /// # Errors
    /// Why the one that is there can't be used, as a clause about it.
    pub fn open(log: &LogFile) -> Result<Option<Index>, String> {
        let file = match open_regular(&path_of(&log.path)) {
            Ok((file, _)) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(format!("can't be read: {}", reason(&error))),
        };
        let footer = read_tail(&file, MAGIC)?;
        let footer = Footer::decode(&footer).ok_or("is torn")?;
        if !is_of(&footer.fingerprint, log).map_err(|e| reason(&e))? {
            return Err("is of another file, or the file changed".to_owned());
        }
        Ok(Some(Index {
            file,
            footer,
            blocks: OnceLock::new(),
            found: Mutex::default(),
        }))
    }

    /// How the file's content is stored.
    pub fn form(&self) -> Form {
        let content_bytes = self.footer.content.bytes;
        match self.footer.fingerprint.stored {
            Stored::Plain => Form::Plain,
            Stored::Gzip => Form::Gzip,
            stored => Form::Bgzf {
                content_bytes,
                blocks_of_lines: stored == Stored::BgzfOfLines,
            },
        }
    }

    /// The times of the file's records, as a probe of it says; `None` when it has grown since.
    pub fn bounds(&self, log: &LogFile) -> Option<Bounds> {
        (log.bytes == self.footer.fingerprint.file_bytes).then_some(self.footer.probed)
    }

    /// Content offset up to which the index knows the file; all of a compressed one.
    pub fn covered(&self) -> u64 {
        self.footer.content.bytes
    }

    /// Whether records between `from` and `to`, both inclusive, may be in the content covered:
    /// there are some, or lines without a time.
    pub fn may_hold(&self, from: Stamp, to: Stamp) -> bool {
        let Some((first, last)) = self.footer.first.zip(self.footer.last) else {
            return true;
        };
        let timeless = self.footer.has_timeless_blocks;
        timeless || (last >= from && first <= to)
    }

    /// What is wrong with the content covered.
    pub fn findings(&self) -> &[Finding] {
        &self.footer.findings
    }

    /// The blocks, in order. `None` when the index turns out to be torn.
    pub fn blocks(&self) -> Option<&[Block]> {
        self.blocks.get_or_init(|| self.read_blocks()).as_deref()
    }

    /// Where the blocks of a BGZF file are; of no use for others.
    pub fn bgzf_table(&self) -> Option<BgzfTable> {
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

    /// The blocks (counted from 0) that may hold one of `keys`, in order. `None` when the index
    /// turns out to be torn.
    pub fn candidates(&self, keys: &[Key]) -> Option<Vec<u32>> {
        let mut all = Vec::new();
        for key in keys {
            let before = self.found.lock().ok().and_then(|f| f.get(key).cloned());
            all.append(&mut match before {
                Some(found) => found,
                None => self.look_up(*key)?,
            });
        }
        all.sort_unstable();
        all.dedup();
        Some(all)
    }

    fn look_up(&self, key: Key) -> Option<Vec<u32>> {
        let mut blocks = Vec::new();
        let mut base = 0;
        for segment in &self.footer.segments {
            Postings::new(&self.file, segment).find(key, base, &mut blocks)?;
            base += segment.blocks;
        }
        if let Ok(mut found) = self.found.lock()
            && found.len() < LOOKED_UP_MAX
        {
            found.insert(key, blocks.clone());
        }
        Some(blocks)
    }

    /// Calls `each` with every key of a kind, in order within a segment. `None` when the index
    /// turns out to be torn.
    fn keys_of(&self, kind: key::Kind, mut each: impl FnMut(u32)) -> Option<()> {
        for segment in &self.footer.segments {
            Postings::new(&self.file, segment).keys(kind, &mut each)?;
        }
        Some(())
    }

    fn read_blocks(&self) -> Option<Vec<Block>> {
        let mut blocks = Vec::new();
        let mut at = 0;
        for segment in &self.footer.segments {
            let table = read_section(&self.file, segment.table)?;
            for entry in table.as_chunks::<ENTRY_BYTES>().0 {
                let (lengths, times) = entry.split_first_chunk::<8>()?;
                let [content, file] = [&lengths[..4], &lengths[4..]]
                    .map(|n| u32::from_le_bytes(n.try_into().unwrap_or_default()));
                let [first, last] = [&times[..8], &times[8..]]
                    .map(|n| Stamp(i64::from_le_bytes(n.try_into().unwrap_or_default())));
                let end = at + u64::from(content);
                blocks.push(Block {
                    span: Span { start: at, end },
                    times: (first <= last).then_some((first, last)),
                    file_bytes: file,
                });
                at = end;
            }
        }
        (at == self.footer.content.bytes).then_some(blocks)
    }
}

/// The footer of an index or a catalog, as bytes that have the right checksum.
fn read_tail(file: &File, magic: [u8; 8]) -> Result<Vec<u8>, String> {
    let torn = |_| "is torn".to_owned();
    let bytes = file.metadata().map_err(torn)?.len();
    let end_bytes = usize::try_from(bytes).map_or(END_BYTES, |bytes| bytes.min(END_BYTES));
    let mut end = vec![0; end_bytes];
    file.read_exact_at(&mut end, bytes - end_bytes as u64)
        .map_err(torn)?;
    let Some((rest, tail)) = end.split_last_chunk::<TAIL_BYTES>() else {
        return Err("is torn".to_owned());
    };
    if tail[8..15] == magic[..7] && tail[15] != magic[7] {
        return Err(format!("is of version {}", tail[15]));
    }
    if tail[8..] != magic {
        return Err("is torn".to_owned());
    }
    let footer_bytes = u32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
    let crc = u32::from_le_bytes([tail[4], tail[5], tail[6], tail[7]]);
    let before = (bytes - TAIL_BYTES as u64).checked_sub(u64::from(footer_bytes));
    let at = before
        .filter(|_| footer_bytes <= PART_BYTES_MAX)
        .ok_or("is torn")?;
    let footer = match rest.len().checked_sub(footer_bytes as usize) {
        Some(from) => rest[from..].to_vec(),
        None => {
            let mut footer = vec![0; footer_bytes as usize];
            file.read_exact_at(&mut footer, at).map_err(torn)?;
            footer
        }
    };
    if crc32fast::hash(&footer) != crc {
        return Err("is torn".to_owned());
    }
    Ok(footer)
}

/// Reads a table or a page; `None` when it is not what the footer says.
fn read_section(file: &File, section: Section) -> Option<Vec<u8>> {
    if section.bytes > PART_BYTES_MAX {
        return None;
    }
    let mut bytes = vec![0; section.bytes as usize];
    file.read_exact_at(&mut bytes, section.at).ok()?;
    (crc32fast::hash(&bytes) == section.crc).then_some(bytes)
}

/// What tells the file that `source` reads from all others.
fn fingerprint(source: &Arc<Source>) -> io::Result<Fingerprint> {
    let log = &source.log;
    let stored = match source.form() {
        Form::Plain => Stored::Plain,
        Form::Gzip => Stored::Gzip,
        Form::Bgzf { .. } => Stored::Bgzf,
    };
    let metadata = log.file.metadata()?;
    let covered = if stored == Stored::Plain {
        last_line_end(log, log.bytes)?
    } else {
        source.content_bytes().unwrap_or(log.bytes)
    };
    let print = Fingerprint {
        stored,
        device: 0,
        inode: 0,
        file_bytes: log.bytes,
        covered,
        modified: modified(&metadata),
        head_crc: 0,
        tail_crc: 0,
    };
    look(print, log, &metadata)
}

/// The fingerprint that the file has now, were it the one that `print` is of.
fn look(
    print: Fingerprint,
    log: &LogFile,
    metadata: &std::fs::Metadata,
) -> io::Result<Fingerprint> {
    let is_plain = print.stored == Stored::Plain;
    let known = if is_plain {
        print.covered
    } else {
        print.file_bytes
    };
    let crc = |from: u64, bytes: u64| {
        let mut text = [0u8; PRINT_BYTES];
        let text = &mut text[..usize::try_from(bytes).unwrap_or(PRINT_BYTES)];
        log.file.read_exact_at(text, from)?;
        Ok::<u32, io::Error>(crc32fast::hash(text))
    };
    let bytes = known.min(PRINT_BYTES as u64);
    Ok(Fingerprint {
        device: if is_plain { metadata.dev() } else { 0 },
        inode: if is_plain { metadata.ino() } else { 0 },
        head_crc: crc(0, bytes)?,
        tail_crc: crc(known - bytes, bytes)?,
        ..print
    })
}

/// Whether the file is the one that `print` is of.
fn is_of(print: &Fingerprint, log: &LogFile) -> io::Result<bool> {
    let metadata = log.file.metadata()?;
    let has_grown = print.stored == Stored::Plain && log.bytes > print.file_bytes;
    if !has_grown && (log.bytes != print.file_bytes || modified(&metadata) != print.modified) {
        return Ok(false);
    }
    Ok(look(*print, log, &metadata)? == *print)
}

fn modified(metadata: &std::fs::Metadata) -> i64 {
    metadata.mtime().saturating_mul(1_000_000_000) + metadata.mtime_nsec()
}
