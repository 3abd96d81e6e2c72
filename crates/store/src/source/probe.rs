//! The times of a file's records, from a few reads: time bounds, and the search for a time.
//!
//! Records are nearly in the order of time, but not quite (two workers, misfiled days). So these
//! answers only show where to look first and which files end *well* before a time; they never prove
//! that a line does not exist.

use std::io::{self, BufRead as _, BufReader, Read as _};

use memchr::{memchr, memrchr};

use super::{FormatData, Source, fill, gzip};
use crate::tree::LogFile;
use calltrace_model::record::{LogZone, Stamp};

/// Bytes read at once from a file's end.
const CHUNK_BYTES: usize = 256 * 1024;

/// Samples between both ends of a file.
const SAMPLES: u64 = 16;
/// Bytes read per sample: some dozens of lines.
const SAMPLE_BYTES: usize = 16 * 1024;
/// Times that go back by less than this (milliseconds) are two workers' lines, not disorder.
const DISORDER_MILLIS: i64 = 60_000;
/// The record before a place is searched in this much content before it: two blocks of BGZF and
/// what is between.
const LOOK_BACK_BYTES: u64 = 192 << 10;
/// A bisection searches this far for the next line with a time.
const SEEK_BYTES_MAX: u64 = 1 << 20;

/// Earliest and latest time of a file's records, as far as samples show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeBounds {
    /// The earliest time seen; `None` when no sample holds a time.
    pub first: Option<Stamp>,
    /// The latest time seen; `None` when the end can't be read without decoding everything.
    pub last: Option<Stamp>,
    /// The samples are in the order of time, so that bisection finds a time.
    pub ordered: bool,
}

impl TimeBounds {
    /// The bounds of a file without a record.
    pub const NONE: TimeBounds = TimeBounds {
        first: None,
        last: None,
        ordered: true,
    };

    /// Samples a file: both ends and 16 places between if it is seekable; otherwise its beginning,
    /// and for its end the time that gzip has recorded.
    ///
    /// Recovered lines are in no order, so that a sample shows nothing about the rest; they are
    /// few, and all of them are read.
    pub fn probe(source: &Source, zone: LogZone) -> TimeBounds {
        if source.log.name.is_recovered() {
            return TimeBounds::of_all(source);
        }
        let mut bounds = TimeBounds::NONE;
        let mut text = vec![0u8; SAMPLE_BYTES];
        let Some(total) = source.content_bytes() else {
            bounds.add(times(sample(source, 0, &mut text)));
            bounds.last = gzip::written_before(&source.log).and_then(|seconds| {
                Some(zone.stamp(chrono::DateTime::from_timestamp(seconds, 0)?))
            });
            return bounds;
        };
        let reach = total.saturating_sub(SAMPLE_BYTES as u64);
        let start = source.start();
        if total > start && times(sample(source, start, &mut text)).next().is_none() {
            // A hole or junk at the front: the beginning is not known.
            bounds.ordered = false;
            return bounds;
        }
        let reach = reach.max(start);
        let step = ((reach - start) / SAMPLES).max(SAMPLE_BYTES as u64);
        for i in (0..SAMPLES).take_while(|i| start + i * step < reach) {
            bounds.add(times(sample(source, start + i * step, &mut text)));
        }
        // The end may overlap the sample before it; then its lines say nothing about order.
        let (ordered, overlaps) = (bounds.ordered, (reach - start) % step < SAMPLE_BYTES as u64);
        let end: Vec<Stamp> = times(sample(source, reach, &mut text)).collect();
        if end.is_empty() {
            // A long last line, or junk: the end is not known.
            bounds.last = None;
            bounds.ordered = false;
            return bounds;
        }
        bounds.add(end.into_iter());
        bounds.ordered = if overlaps { ordered } else { bounds.ordered };
        bounds
    }

    /// The bounds of all lines; unknown if not all can be read.
    fn of_all(source: &Source) -> TimeBounds {
        let mut bounds = TimeBounds::NONE;
        let mut lines = BufReader::new(source.content_from(source.start()));
        let mut line = Vec::new();
        loop {
            line.clear();
            let piece = &mut lines.by_ref().take(SAMPLE_BYTES as u64);
            match piece.read_until(b'\n', &mut line) {
                Ok(0) => return bounds,
                Ok(_) => bounds.add(time_of_line(&line).into_iter()),
                Err(_) => {
                    let ordered = false;
                    return TimeBounds {
                        ordered,
                        ..TimeBounds::NONE
                    };
                }
            }
        }
    }

    /// Adds the times of the next sample.
    fn add(&mut self, times: impl Iterator<Item = Stamp>) {
        for at in times {
            let back = self
                .last
                .is_some_and(|last| last.since(at) > DISORDER_MILLIS);
            self.ordered &= !back;
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
    }
}

/// Approximate content offset of the first line written at `at` or later: of the block that has it,
/// if an index knows the times in blocks, otherwise by bisection, which is exact only where lines
/// are in order. 0 if the content is not seekable.
pub fn first_line_at(source: &Source, at: Stamp) -> u64 {
    if let FormatData::Bgzf(bgzf) = &source.format
        && let Some(offset) = bgzf.first_block_at(at)
    {
        return offset.max(source.start());
    }
    let (Some(total), false) = (
        source.content_bytes(),
        matches!(source.format, FormatData::Gzip),
    ) else {
        return 0;
    };
    let mut text = vec![0u8; SAMPLE_BYTES];
    let (mut low, mut high) = (source.start(), total);
    while high - low > SAMPLE_BYTES as u64 {
        let middle = low + (high - low) / 2;
        match time_after(source, middle, high, &mut text) {
            Some(found) if found < at => low = middle,
            _ => high = middle,
        }
    }
    low
}

/// The end of the last whole line in a plain file's first `end` bytes; 0 when there is none.
///
/// # Errors
/// When the file can't be read, or is shorter.
pub fn last_line_end(log: &LogFile, mut end: u64) -> io::Result<u64> {
    let mut text = vec![0u8; CHUNK_BYTES];
    while end > 0 {
        let (start, text) = text_before(log, end, &mut text)?;
        if let Some(newline) = memrchr(b'\n', text) {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// The last of a file's first `end` bytes, as many as `text` has room for, and their offset.
///
/// # Errors
/// When the file can't be read, or is shorter.
pub fn text_before<'t>(log: &LogFile, end: u64, text: &'t mut [u8]) -> io::Result<(u64, &'t [u8])> {
    let start = end.saturating_sub(text.len() as u64);
    let wanted = usize::try_from(end - start).expect("a chunk fits memory");
    log.file.read_exact_at(&mut text[..wanted], start)?;
    Ok((start, &text[..wanted]))
}

/// The time of the first line with a time that begins after content offset `from` (or at it, where
/// it is the first that counts). `None` when there is none near.
pub fn first_time_after(source: &Source, from: u64) -> Option<Stamp> {
    let mut text = vec![0u8; SAMPLE_BYTES];
    time_after(source, from, u64::MAX, &mut text)
}

/// The times of the last line with a time that begins before content offset `at`, and of the first
/// one after it. `None` if there is none near; damage between them and `at` is skipped.
pub fn time_around(source: &Source, at: u64) -> (Option<Stamp>, Option<Stamp>) {
    let from = at.saturating_sub(LOOK_BACK_BYTES).max(source.start());
    let wanted = usize::try_from(at.saturating_sub(from)).expect("it is near");
    let text = source.text_at(from, wanted);
    (times(&text).next_back(), first_time_after(source, at))
}

/// The time of the first line with a time that begins after `from`.
fn time_after(source: &Source, from: u64, end: u64, text: &mut [u8]) -> Option<Stamp> {
    let mut at = from;
    while at < end.min(from + SEEK_BYTES_MAX) {
        let sampled = sample(source, at, text);
        if sampled.is_empty() {
            return None;
        }
        if let Some(found) = times(sampled).next() {
            return Some(found);
        }
        at += sampled.len() as u64;
    }
    None
}

/// The text at `offset`, from the next line's beginning on (the content itself begins with a line).
fn sample<'t>(source: &Source, offset: u64, text: &'t mut [u8]) -> &'t [u8] {
    let got = fill(&mut source.reader(offset), text);
    let text = &text[..got.unwrap_or_else(|before_damage| before_damage)];
    if offset == source.start() {
        return text;
    }
    memchr(b'\n', text).map_or(&[], |newline| &text[newline + 1..])
}

/// The times of the lines in `text`, which begins with a line.
pub fn times(text: &[u8]) -> impl DoubleEndedIterator<Item = Stamp> {
    text.split(|&b| b == b'\n').filter_map(time_of_line)
}

/// The time that a line begins with; NULs of a hole before it are skipped.
pub fn time_of_line(line: &[u8]) -> Option<Stamp> {
    let nuls = line.iter().take_while(|&&b| b == 0).count();
    Stamp::parse_prefix(&line[nuls..])
}
