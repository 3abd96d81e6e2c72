//! The time of lines that have none: lines of a traceback, the rest of a torn line.
//!
//! Such a line takes the time of the last record that begins in the [`NEAR_BYTES`] before it; in
//! the file's first [`NEAR_BYTES`], if there is none before it, it takes that of the first record
//! there. The answer must not depend on which blocks were read, so the content before a block is
//! read if nothing else is known about it.

use std::cell::Cell;

use crate::source::{Source, Span};
use calltrace_model::record::{Record, Stamp};

/// A record further away than this (bytes) gives no time to a line without one.
const NEAR_BYTES: u64 = 256 << 10;

/// Bytes read first: nearly every line is a record.
const LOOK_BYTES: usize = 16 << 10;

/// The time of a record and where it begins.
#[derive(Debug, Clone, Copy)]
struct TimedRecord {
    offset: u64,
    at: Stamp,
}

/// What is known of the content up to an offset.
#[derive(Debug, Clone, Copy)]
pub struct PrecedingState {
    until: u64,
    /// The last record that begins before it, if one is near.
    last: Option<TimedRecord>,
}

/// Reads content block by block, each with its offset and whole lines, until the callback returns
/// false.
pub(super) type ReadBlocks = fn(&Source, Span, usize, &mut dyn FnMut(u64, &[u8]) -> bool);

/// The times that lines without one take: knows the last record before the lines that are being
/// read.
#[derive(Debug)]
pub struct PrecedingTimes<'s> {
    source: &'s Source,
    read: ReadBlocks,
    seen: Cell<Option<PrecedingState>>,
    /// The first record of the file, once it was needed.
    first: Cell<Option<Option<Stamp>>>,
}

impl<'s> PrecedingTimes<'s> {
    /// For a source and what is known of it; `read` reads more of it in blocks.
    pub(super) fn new(
        source: &'s Source,
        read: ReadBlocks,
        seen: Option<PrecedingState>,
    ) -> PrecedingTimes<'s> {
        PrecedingTimes {
            source,
            read,
            seen: Cell::new(seen),
            first: Cell::new(None),
        }
    }

    /// What is known, to pass to [`super::preceding_times()`] when the same content is read again.
    pub fn seen(&self) -> Option<PrecedingState> {
        self.seen.get()
    }

    /// Moves past content that was read.
    pub(super) fn pass(&self, offset: u64, text: &[u8]) {
        let known = self.seen.get().filter(|seen| seen.until >= offset);
        let from = known.map_or(0, |seen| at(seen.until, offset).min(text.len()));
        let found = last_record(offset + from as u64, &text[from..]);
        let before = self.seen.get();
        // If there is no record here and nothing was known before, nothing is known now.
        if found.is_some() || before.is_some() {
            self.seen.set(Some(PrecedingState {
                until: offset + text.len() as u64,
                last: found.or_else(|| before?.last),
            }));
        }
    }

    /// The time for the line at `line_at` of a block that begins at `block_offset`; the line has no
    /// time of its own.
    pub(super) fn time_of(&self, block_offset: u64, text: &[u8], line_at: usize) -> Option<Stamp> {
        let offset = block_offset + line_at as u64;
        // Knowledge of a later place says nothing about an earlier one.
        let known = self.seen.get().filter(|seen| seen.until <= offset);
        let from = known.map_or(0, |seen| at(seen.until, block_offset));
        let found = last_record(block_offset + from as u64, &text[from..line_at]);
        let last = found
            .or_else(|| match known {
                Some(seen) => seen.last,
                None => self.look_back(block_offset),
            })
            .filter(|last| offset - last.offset <= NEAR_BYTES);
        self.seen.set(Some(PrecedingState {
            until: offset,
            last,
        }));
        let is_first = offset - self.source.start() < NEAR_BYTES;
        last.map(|last| last.at)
            .or_else(|| self.first().filter(|_| is_first))
    }

    /// The last record that begins before `offset` and near it.
    fn look_back(&self, offset: u64) -> Option<TimedRecord> {
        [LOOK_BYTES as u64, NEAR_BYTES]
            .into_iter()
            .find_map(|bytes| {
                let start = offset.saturating_sub(bytes).max(self.source.start());
                let span = Span::new(start, offset);
                let mut last = None;
                (self.read)(self.source, span, LOOK_BYTES, &mut |offset, text| {
                    last = last_record(offset, text).or(last);
                    true
                });
                last
            })
    }

    fn first(&self) -> Option<Stamp> {
        if let Some(known) = self.first.get() {
            return known;
        }
        let start = self.source.start();
        let span = Span::new(start, start + NEAR_BYTES);
        let mut first = None;
        (self.read)(self.source, span, LOOK_BYTES, &mut |_, text| {
            let mut lines = text.split(|&b| b == b'\n');
            first = lines.find_map(|line| Record::parse(line).at);
            first.is_none()
        });
        self.first.set(Some(first));
        first
    }
}

/// The position of content offset `until` in a block that begins at `offset`.
fn at(until: u64, offset: u64) -> usize {
    usize::try_from(until.saturating_sub(offset)).expect("within a block")
}

/// The last record in lines that begin at `offset`.
fn last_record(offset: u64, text: &[u8]) -> Option<TimedRecord> {
    let mut end = text.len();
    while end > 0 {
        let start = memchr::memrchr(b'\n', &text[..end - 1]).map_or(0, |newline| newline + 1);
        let line = text[start..end].strip_suffix(b"\n");
        if let Some(at) = Record::parse(line.unwrap_or(&text[start..end])).at {
            let offset = offset + start as u64;
            return Some(TimedRecord { offset, at });
        }
        end = start;
    }
    None
}
