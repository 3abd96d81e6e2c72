//! The index of one growing plain file, kept in memory.
//!
//! It covers the file's beginning. Its postings are in segments that never change: appended content
//! becomes a new segment, and small neighbouring segments are merged, so that a question searches
//! only a few. A question uses the segments that exist when it begins, and reads the content after
//! them.
//!
//! It is used only after a check of the file: the file must be as long as it was, or longer, begin
//! with the same bytes, and hold the same bytes before the end of what is covered. A file that
//! changed without growing must have the same checksum throughout.

use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

use super::build::{IndexPiece, SEGMENT_BLOCKS, build_piece};
use super::data::IndexData;
use super::fingerprint::current_fingerprint;
use super::layout::{Fingerprint, Footer, FooterHead, Segment, StorageFormat};
use super::pages::merged;
use super::store::Store;
use crate::object::FileState;
use crate::scan::ContentFinding;
use crate::source::{ContentDigest, ContentFormat, Source, Span, TimeBounds, last_line_end};
use crate::tree::LogFile;

/// Neighbours are merged unless the earlier is larger by more than this factor: of a day of 100 MB
/// about five segments are left, and a posting is copied about twenty times.
const MERGE_RATIO: u32 = 4;

/// A write sets the time of change a moment before the length: both are read this often.
const SETTLE_TRIES: u32 = 4;
const SETTLE_WAIT: Duration = Duration::from_micros(50);

#[derive(Debug)]
pub(super) struct LiveFile {
    seen: Mutex<LiveState>,
    /// Held by the thread that reads appended content.
    growing: Mutex<()>,
}

#[derive(Debug)]
struct LiveState {
    /// `None` once the file was found to be another, or to have changed.
    known: Option<Arc<IndexData>>,
    /// The state of the file at the last check.
    stat: FileState,
    /// The file can't be read further, or there is no memory left for it.
    is_stuck: bool,
}

impl LiveFile {
    /// Starts with the index on disk, or with an empty one.
    ///
    /// # Errors
    /// When the file can't be examined, or the index is torn.
    pub(super) fn new(log: &LogFile, on_disk: Option<&IndexData>) -> io::Result<LiveFile> {
        let state = log.file.state()?;
        let known = match on_disk {
            Some(known) => in_memory(known)?,
            None => empty_index(log, &state)?,
        };
        Ok(LiveFile {
            seen: Mutex::new(LiveState {
                known: Some(Arc::new(known)),
                stat: state,
                is_stuck: false,
            }),
            growing: Mutex::new(()),
        })
    }

    /// The index, if the file is still the same. `None` also while the index is empty: every file
    /// begins with nothing.
    pub(super) fn recall(&self, log: &LogFile) -> Option<Arc<IndexData>> {
        let mut seen = lock(&self.seen);
        if seen.known.as_ref()?.head.content.bytes == 0 {
            return None;
        }
        if !seen.holds(log).unwrap_or(false) {
            seen.known = None;
        }
        seen.known.clone()
    }

    /// Whether the file was found to be another, or to have changed.
    pub(super) fn is_gone(&self) -> bool {
        lock(&self.seen).known.is_none()
    }

    /// Reads further, up to the end of a line, at most `step_bytes` if no line is longer. `None`
    /// when there is nothing to read, when another thread is doing it, when it failed, or when
    /// there is no memory for the result.
    pub(super) fn grow(
        &self,
        log: &Arc<LogFile>,
        step_bytes: u64,
        block_bytes: u64,
        has_room: impl FnOnce(&IndexData) -> bool,
    ) -> Option<Arc<IndexData>> {
        // The lock is never waited for: its holder may be running on this thread.
        let _alone = match self.growing.try_lock() {
            Ok(alone) => alone,
            Err(TryLockError::Poisoned(left)) => left.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let old = {
            let seen = lock(&self.seen);
            seen.known.clone().filter(|_| !seen.is_stuck)?
        };
        let from = old.head.content.bytes;
        let grown = end_of_step(log, from, step_bytes).and_then(|end| match end > from {
            true => extended(&old, log, end, block_bytes).map(Some),
            false => Ok(None),
        });
        let mut seen = lock(&self.seen);
        let is_current = |known: &Arc<IndexData>| Arc::ptr_eq(known, &old);
        if !seen.known.as_ref().is_some_and(is_current) {
            return None;
        }
        match grown {
            Ok(None) => return None,
            Ok(Some(known)) if has_room(&known) => {
                seen.known = Some(Arc::new(known));
                return seen.known.clone();
            }
            // The file may have been truncated just now; the next try loses nothing.
            Err(_) if from == 0 => seen.known = None,
            Ok(Some(_)) | Err(_) => seen.is_stuck = true,
        }
        None
    }

    /// The memory that it takes (bytes).
    pub(super) fn bytes(&self) -> usize {
        lock(&self.seen).known.as_deref().map_or(0, bytes_of)
    }
}

impl LiveState {
    /// Whether the file still has the content that the index covers.
    fn holds(&mut self, log: &LogFile) -> io::Result<bool> {
        let Some(known) = &self.known else {
            return Ok(false);
        };
        let print = known.head.fingerprint;
        let mut now = log.file.state()?;
        for _ in 0..SETTLE_TRIES {
            if now.bytes != self.stat.bytes || now == self.stat {
                break;
            }
            thread::sleep(SETTLE_WAIT);
            now = log.file.state()?;
        }
        if now.bytes < self.stat.bytes.max(print.covered) {
            return Ok(false);
        }
        let changed_in_place = now.bytes == self.stat.bytes && now != self.stat;
        let content = known.head.content;
        if changed_in_place && log.file.crc32(content.bytes)? != content.crc {
            return Ok(false);
        }
        self.stat = now;
        Ok(current_fingerprint(print, log, &now)? == print)
    }
}

/// The memory that an index takes (bytes).
pub(super) fn bytes_of(known: &IndexData) -> usize {
    let of_segment = |segment: &Segment| {
        let pages = || segment.pages.iter().flatten();
        let bytes = segment.table.bytes + pages().map(|page| page.section.bytes).sum::<u32>();
        bytes as usize + pages().count() * size_of::<super::layout::PostingsPage>()
    };
    let segments = known.segments().unwrap_or_default();
    let segments = segments.iter().map(of_segment).sum::<usize>();
    let blocks = known.blocks().map_or(0, size_of_val);
    segments
        + blocks
        + known.head.findings.len() * size_of::<ContentFinding>()
        + size_of::<IndexData>()
}

/// An index without a block.
fn empty_index(log: &LogFile, state: &FileState) -> io::Result<IndexData> {
    let head = FooterHead {
        fingerprint: current_fingerprint(Fingerprint::of(StorageFormat::Plain), log, state)?,
        content: ContentDigest::default(),
        probed: TimeBounds::NONE,
        first: None,
        last: None,
        has_timeless_blocks: false,
        findings: Vec::new(),
    };
    let segments = Vec::new();
    Ok(IndexData::new(Footer { head, segments }, Vec::new()))
}

/// The same index, held in memory only.
fn in_memory(known: &IndexData) -> io::Result<IndexData> {
    let torn = || io::Error::new(ErrorKind::InvalidData, "an index is torn");
    let mut segments = Vec::new();
    let mut stores = Vec::new();
    for (segment, store) in known.stored_segments().ok_or_else(torn)? {
        let (segment, bytes) = merged(&[(segment, store)]).ok_or_else(torn)?;
        segments.push(segment);
        stores.push(Arc::new(Store::Memory(bytes)));
    }
    let head = known.head.clone();
    let known = IndexData::new(Footer { head, segments }, stores);
    known.blocks().ok_or_else(torn)?;
    Ok(known)
}

/// The end of the last whole line within the next `step_bytes`; if a line is longer, of the last
/// line in the file.
fn end_of_step(log: &LogFile, from: u64, step_bytes: u64) -> io::Result<u64> {
    let reach = log.bytes.min(from.saturating_add(step_bytes));
    let end = last_line_end(log, reach)?;
    match end > from || reach == log.bytes {
        true => Ok(end),
        false => last_line_end(log, log.bytes),
    }
}

/// The index extended by the lines up to `end`.
///
/// # Errors
/// When they can't be read, or the file changed in the meantime.
fn extended(
    old: &IndexData,
    log: &Arc<LogFile>,
    end: u64,
    block_bytes: u64,
) -> io::Result<IndexData> {
    let before = old.head.fingerprint;
    let wider = Fingerprint {
        covered: end,
        ..before
    };
    let print = current_fingerprint(wider, log, &log.file.state()?)?;
    let source = Arc::new(Source::known(Arc::clone(log), (ContentFormat::Plain, None)));
    let span = Span::new(before.covered, end);
    let piece = build_piece(&source, span, block_bytes)?;
    // Both fingerprints, before and after the read, are of the content that was read.
    let state = log.file.state()?;
    let stands = |print: Fingerprint| {
        Ok::<bool, io::Error>(current_fingerprint(print, log, &state)? == print)
    };
    if state.bytes < end || !stands(before)? || !stands(print)? {
        return Err(io::Error::other("it changed while it was read"));
    }
    joined(old, print, piece).ok_or_else(|| io::Error::other("its index is torn"))
}

/// `None` when the old index is torn.
fn joined(old: &IndexData, print: Fingerprint, piece: IndexPiece) -> Option<IndexData> {
    let mut head = old.head.clone();
    head.fingerprint = print;
    head.content = followed_by(head.content, piece.content);
    let times = || head.first.zip(head.last).into_iter().chain(piece.times);
    let (first, last) = (
        times().map(|(first, _)| first).min(),
        times().map(|(_, last)| last).max(),
    );
    (head.first, head.last) = (first, last);
    head.has_timeless_blocks |= piece.has_timeless_blocks;
    let has_hole = head.findings.iter().any(ContentFinding::is_hole);
    let fresh = piece.findings.into_iter();
    head.findings
        .extend(fresh.filter(|finding| !has_hole || !finding.is_hole()));
    let store = Arc::new(Store::Memory(piece.bytes));
    let mut stores = old.stores.clone();
    stores.extend(piece.segments.iter().map(|_| Arc::clone(&store)));
    let mut segments = old.segments()?.to_vec();
    segments.extend(piece.segments);
    merge_last(&mut segments, &mut stores);
    Some(IndexData::new(Footer { head, segments }, stores))
}

/// Merges the last segments, as long as those before are not much larger.
fn merge_last(segments: &mut Vec<Segment>, stores: &mut Vec<Arc<Store>>) {
    let mut blocks = 0;
    let small = segments.iter().rev().take_while(|segment| {
        let fits = blocks == 0
            || segment.blocks <= MERGE_RATIO * blocks && blocks + segment.blocks <= SEGMENT_BLOCKS;
        blocks += segment.blocks;
        fits
    });
    let from = segments.len() - small.count();
    if segments.len() - from < 2 {
        return;
    }
    let stores_of = stores[from..].iter().map(AsRef::as_ref);
    let parts: Vec<(&Segment, &Store)> = segments[from..].iter().zip(stores_of).collect();
    if let Some((segment, bytes)) = merged(&parts) {
        segments.truncate(from);
        stores.truncate(from);
        segments.push(segment);
        stores.push(Arc::new(Store::Memory(bytes)));
    }
}

fn followed_by(content: ContentDigest, next: ContentDigest) -> ContentDigest {
    let hasher = |of: ContentDigest| crc32fast::Hasher::new_with_initial_len(of.crc, of.bytes);
    let mut crc = hasher(content);
    crc.combine(&hasher(next));
    ContentDigest {
        bytes: content.bytes + next.bytes,
        lines: content.lines + next.lines,
        crc: crc.finalize(),
    }
}

/// The data under the lock is consistent at any moment, also after a panic.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
