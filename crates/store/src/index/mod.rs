//! The index of one log file: which of its blocks may hold a key or a time.
//!
//! [`build()`] makes it by one read of the file, [`Index::open`] finds it. It answers two
//! questions: which blocks may hold an [`IndexKey`], and which blocks may hold records of some
//! time. The answers are candidates; the caller checks the lines. An index may name too many
//! blocks, never too few. It is a file `<name>.idx` in the folder `.calltrace` next to the log, in
//! the format of `layout`, and identifies its log file by a fingerprint: if the fingerprint or a
//! checksum differs, the index is ignored and the log is read.
//!
//! For a plain file, which may grow, the index covers the beginning; the rest is read.
//!
//! This module depends on `call`: only that knows which names a record has, and postings for
//! exactly those names keep the index from naming too few blocks.

mod build;
pub mod catalog;
mod check;
mod data;
mod fingerprint;
mod grid;
mod key;
mod layout;
mod live;
mod memory;
mod numbers;
mod open_indexes;
mod pages;
mod postings;
mod sound;
mod store;

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::error::{cant, reason};
use crate::fsx::{Folder, Purpose, read_small};
use crate::object::StoredFile;
use crate::scan::ContentFinding;
use crate::source::{BlockPositions, ContentDigest, ContentFormat, Span, TimeBounds};
use crate::tree::{FileName, LogFile, LogPlace};
use calltrace_model::record::Stamp;

pub use build::build;
pub use check::check;
pub use key::IndexKey;
pub use memory::{IndexMemory, MemoryLimits};

use data::IndexData;
use fingerprint::is_same_file;
use layout::{Footer, FooterHead, MAGIC, StorageFormat};
use sound::is_trusted;
use store::{END_BYTES, read_tail};

/// The folder of indexes in an enterprise's folder.
pub const FOLDER: &str = ".calltrace";

/// A live file is indexed again when it grew by this much (bytes) and by a quarter.
const GROWTH_BYTES_MIN: u64 = 128 << 10;

/// A manifest holds the head of no index that is longer (bytes): that of a log with more than some
/// fifty faults.
const HEAD_BYTES_MAX: usize = 1 << 10;

/// The most keys with remembered blocks.
const LOOKED_UP_MAX: usize = 10_000;

/// The size of an index that was built, and of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildSummary {
    /// The content that was read.
    pub content: ContentDigest,
    /// Length of the index (bytes).
    pub index_bytes: u64,
}

/// Whether a file's index can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IndexState {
    /// The index can be used; `first` and `last` are the earliest and latest record time in it.
    Fresh {
        content: ContentDigest,
        first: Option<Stamp>,
        last: Option<Stamp>,
    },
    Missing,
    /// The index can't be used; the clause about it gives the reason: "belongs to another file".
    Stale(String),
    /// The index can be used, but the file has grown so much that it should be built again.
    Behind {
        /// Length of the content that it does not cover.
        bytes: u64,
    },
}

/// The path of a log file's index: `.calltrace/<name>.idx` in its folder.
pub fn path_of(log: &Path) -> PathBuf {
    let name = log.file_name().unwrap_or_default().to_string_lossy();
    log.with_file_name(FOLDER).join(format!("{name}.idx"))
}

/// The name of a log file's index.
pub fn file_name(log: &FileName) -> String {
    format!("{}.idx", log.full())
}

/// The name of the log with an index called `name`; `None` for a name that is not that of an index.
pub fn log_of(name: &str) -> Option<FileName> {
    FileName::parse(name.strip_suffix(".idx")?)
}

/// The time when the index of a log in `folder` was made (seconds of Unix time); `None` when there
/// is none.
pub fn made_at(folder: &Folder, log: &FileName) -> Option<i64> {
    let own = folder.subfolder(FOLDER).ok()?;
    Some(own.stat(&file_name(log)).ok()?.st_mtime)
}

/// Length of a log file's index (bytes); `None` when there is none.
pub fn bytes_of(log: &LogFile) -> Option<u64> {
    match &log.place {
        LogPlace::Folder(folder) => {
            let own = folder.subfolder(FOLDER).ok()?;
            let stat = own.stat(&file_name(&log.name)).ok()?;
            u64::try_from(stat.st_size).ok()
        }
        LogPlace::Shipped(day) => day.index.as_ref().map(|index| index.bytes()),
    }
}

/// Starts to fetch what [`Index::open`] reads of those files that are objects.
pub fn fetch_ahead(logs: &[Arc<LogFile>]) {
    for log in logs {
        if let LogPlace::Shipped(day) = &log.place
            && let (Some(index), None) = (&day.index, &day.index_head)
        {
            day.object(index).fetch_end_ahead(END_BYTES as u64);
        }
    }
}

/// Starts to fetch what [`Index::candidates`] and [`Index::blocks`] of these indexes read, as far
/// as they are objects.
pub fn fetch_pages_ahead<'i>(indexes: impl Iterator<Item = &'i Index> + Clone, keys: &[IndexKey]) {
    indexes
        .clone()
        .for_each(|index| index.known.fetch_footer_ahead());
    indexes.for_each(|index| index.known.fetch_ahead(keys));
}

/// The head of the index of a shipped day, if its manifest holds it.
fn head_in_manifest(log: &LogFile) -> Option<FooterHead> {
    match &log.place {
        LogPlace::Shipped(day) => FooterHead::decode(day.index_head.as_ref()?),
        LogPlace::Folder(_) => None,
    }
}

/// Opens the index of a log.
fn open_file(log: &LogFile) -> io::Result<StoredFile> {
    match &log.place {
        LogPlace::Folder(folder) => {
            let own = folder.subfolder(FOLDER)?;
            let (file, _) = own.open_file(&file_name(&log.name), Purpose::Read)?;
            Ok(StoredFile::local_of(file))
        }
        LogPlace::Shipped(day) => match &day.index {
            Some(object) => Ok(day.object(object)),
            None => Err(io::ErrorKind::NotFound.into()),
        },
    }
}

/// Opens a file in calltrace's folder for reading, if root or the folder's owner owns it.
///
/// # Errors
/// `PermissionDenied` if another user owns it; otherwise as [`Folder::open_file`].
pub fn open_own(folder: &Folder, name: &str) -> io::Result<(File, Metadata)> {
    let (file, metadata) = folder.subfolder(FOLDER)?.open_file(name, Purpose::Read)?;
    if is_trusted(metadata.uid(), folder.metadata()?.uid()) {
        return Ok((file, metadata));
    }
    Err(io::Error::new(
        io::ErrorKind::PermissionDenied,
        "it is owned by neither root nor the owner of the folder",
    ))
}

/// Reads all of a file that [`open_own`] opens.
///
/// # Errors
/// `FileTooLarge` when it is longer than `bytes_max`: nothing is read then; otherwise as
/// [`open_own`].
pub fn read_own(folder: &Folder, name: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
    let (file, metadata) = open_own(folder, name)?;
    read_small(file, &metadata, bytes_max)
}

/// Whether a log file's index can be used.
pub fn state(log: &LogFile) -> IndexState {
    state_of(log, &Index::open(log))
}

/// Whether the index of a log file can be used, if `opened` is the result of opening it.
pub fn state_of(log: &LogFile, opened: &Result<Option<Index>, String>) -> IndexState {
    let index = match opened {
        Ok(Some(index)) => index,
        Ok(None) => return IndexState::Missing,
        Err(why) => return IndexState::Stale(why.clone()),
    };
    let FooterHead {
        fingerprint,
        content,
        first,
        last,
        ..
    } = index.known.head;
    let beyond = log.bytes - fingerprint.covered.min(log.bytes);
    let is_plain = fingerprint.stored == StorageFormat::Plain;
    if is_plain && beyond >= GROWTH_BYTES_MIN && beyond >= content.bytes / 4 {
        return IndexState::Behind { bytes: beyond };
    }
    IndexState::Fresh {
        content,
        first,
        last,
    }
}

/// The open index of a log file.
#[derive(Debug)]
pub struct Index {
    known: Arc<IndexData>,
    /// Length of the content that it answers for: an index in memory may know content that was
    /// appended after its log file was opened.
    covered: u64,
    /// The file's times from samples, if they are known.
    probed: Option<TimeBounds>,
    /// Earlier lookups: a trace that grows looks up the same names again.
    found: Mutex<HashMap<IndexKey, Vec<u32>>>,
}

/// A block in the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexBlock {
    /// Its content; the lines that begin in it belong to it.
    pub span: Span,
    /// Earliest and latest time of its records; `None` when none has one.
    pub times: Option<(Stamp, Stamp)>,
    file_bytes: u32,
}

impl Index {
    /// Opens a log file's index. `None` when there is none.
    ///
    /// # Errors
    /// Returns a clause that says why the index can't be used.
    pub fn open(log: &LogFile) -> Result<Option<Index>, String> {
        let file = match open_file(log) {
            Ok(opened) => opened,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cant("be read", &error)),
        };
        let state = file.state().map_err(|e| reason(&e))?;
        let its = log.file.state().map_err(|e| reason(&e))?;
        if let (Some(ours), Some(about)) = (state.owner, its.owner)
            && !is_trusted(ours, about)
        {
            return Err("is owned by neither root nor the owner of its file".to_owned());
        }
        let known = match head_in_manifest(log) {
            Some(head) => {
                sound::check_head(&head)?;
                IndexData::unread(head, file)
            }
            None => {
                let encoded = read_tail(&file, MAGIC)?;
                let footer = Footer::decode(&encoded).ok_or("is torn")?;
                sound::check(&footer, state.bytes, encoded.len() as u64)?;
                IndexData::of_file(footer, file)
            }
        };
        let print = &known.head.fingerprint;
        if !is_same_file(print, log, &its).map_err(|e| reason(&e))? {
            return Err("belongs to another file, or the file changed".to_owned());
        }
        let probed = (log.bytes == print.file_bytes).then_some(known.head.probed);
        Ok(Some(Index::of_whole(Arc::new(known), probed)))
    }

    /// An index that answers for everything it covers.
    fn of_whole(known: Arc<IndexData>, probed: Option<TimeBounds>) -> Index {
        Index {
            covered: known.head.content.bytes,
            known,
            probed,
            found: Mutex::default(),
        }
    }

    /// An index that answers for the first `bytes` of a plain file.
    fn of_beginning(known: Arc<IndexData>, bytes: u64) -> Index {
        let blocks = known.blocks().unwrap_or_default();
        let whole = blocks.partition_point(|block| block.span.end <= bytes);
        let covered = whole.checked_sub(1).map_or(0, |last| blocks[last].span.end);
        Index {
            covered,
            known,
            probed: None,
            found: Mutex::default(),
        }
    }

    /// The part of it that a manifest holds (see `layout`), so that readers of a shipped day need
    /// not open the index. `None` if that is too long.
    pub fn head_for_manifest(&self) -> Option<Vec<u8>> {
        let head = self.known.head.encode();
        (head.len() <= HEAD_BYTES_MAX).then_some(head)
    }

    /// How the file's content is stored.
    pub fn form(&self) -> ContentFormat {
        let content_bytes = self.known.head.content.bytes;
        match self.known.head.fingerprint.stored {
            StorageFormat::Plain => ContentFormat::Plain,
            StorageFormat::Gzip => ContentFormat::Gzip,
            stored => ContentFormat::Bgzf {
                content_bytes,
                blocks_of_lines: stored == StorageFormat::BgzfOfLines,
            },
        }
    }

    /// The times of the file's records, from samples; `None` when it has grown since.
    pub fn bounds(&self) -> Option<TimeBounds> {
        self.probed
    }

    /// Earliest and latest time of all records in the content that the index file covers.
    pub fn times(&self) -> (Option<Stamp>, Option<Stamp>) {
        (self.known.head.first, self.known.head.last)
    }

    /// Content offset up to which the index covers the file; all of a compressed one.
    pub fn covered(&self) -> u64 {
        self.covered
    }

    /// Length and checksum of the content that the index file covers.
    pub fn content(&self) -> ContentDigest {
        self.known.head.content
    }

    /// Whether the covered content may hold records between `from` and `to`, both inclusive: it has
    /// such records, or lines without a time.
    pub fn may_hold(&self, from: Stamp, to: Stamp) -> bool {
        let head = &self.known.head;
        let Some((first, last)) = head.first.zip(head.last) else {
            return true;
        };
        head.has_timeless_blocks || (last >= from && first <= to)
    }

    /// The faults of the covered content.
    pub fn findings(&self) -> impl Iterator<Item = &ContentFinding> {
        let covered = self.covered;
        let offset = |finding: &ContentFinding| finding.place().map_or(0, |(offset, _)| offset);
        let is_there = move |finding: &&ContentFinding| offset(finding) < covered;
        self.known.head.findings.iter().filter(is_there)
    }

    /// The blocks, in order. `None` when the index is torn.
    pub fn blocks(&self) -> Option<&[IndexBlock]> {
        let blocks = self.known.blocks()?;
        let there = blocks.partition_point(|block| block.span.end <= self.covered);
        blocks.get(..there)
    }

    /// How the file's content is stored, and what knows the blocks of a BGZF file.
    pub fn format(&self) -> (ContentFormat, Option<Arc<dyn BlockPositions>>) {
        let positions: Arc<dyn BlockPositions> = Arc::<IndexData>::clone(&self.known);
        (self.form(), Some(positions))
    }

    /// The blocks (counted from 0) that may hold one of `keys`, in order. `None` when the index is
    /// torn.
    pub fn candidates(&self, keys: &[IndexKey]) -> Option<Vec<u32>> {
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

    fn look_up(&self, key: IndexKey) -> Option<Vec<u32>> {
        let mut blocks = self.known.blocks_of(key)?;
        if self.covered < self.known.head.content.bytes {
            let there = self.blocks()?.len();
            blocks.retain(|block| (*block as usize) < there);
        }
        if let Ok(mut found) = self.found.lock()
            && found.len() < LOOKED_UP_MAX
        {
            found.insert(key, blocks.clone());
        }
        Some(blocks)
    }
}
