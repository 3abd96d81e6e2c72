//! Reads a span of content in blocks of whole lines.

use std::thread;
use std::time::Duration;

use memchr::{memchr, memmem, memrchr};

use super::finding::{ContentFinding, LONG_LINE_BYTES};
use super::meter::Gauge;
use super::preceding::{PrecedingState, PrecedingTimes};
use crate::source::{Source, SourceReader, Span};
use calltrace_model::record::Stamp;

/// The most bytes kept of one line; the rest of it is skipped and reported.
const LINE_BYTES_MAX: usize = 32 << 20;

/// A run of NULs of this length is the hole of a truncated file, never text. The search for one
/// costs a hundredth of a scan.
const HOLE: &[u8] = &[0; 4];

/// A run of this many NULs at the beginning of a line is skipped: the line is the text that
/// follows.
const PASSED_OVER_BYTES: usize = LONG_LINE_BYTES;

/// A caller that reads a shorter span than this (bytes) reads only a few blocks and may come back.
const FEW_BYTES: u64 = 512 << 10;

/// Nearly every line is shorter; this much is read at once after a span's end.
const LINE_BYTES_USUAL_MAX: usize = 4096;

/// A last line without its newline may be in the middle of being written: number of waits for the
/// rest.
const GROWTH_TRIES: u32 = 5;
const GROWTH_WAIT: Duration = Duration::from_millis(3);

/// Whole lines with their newlines (the last line of a file may lack its own).
#[derive(Debug, Clone, Copy)]
pub struct Block<'b> {
    /// Content offset of the first byte.
    pub offset: u64,
    pub text: &'b [u8],
    /// What is known of the content before it; `None` if the times of lines without one are not
    /// needed.
    pub(super) preceding: Option<&'b PrecedingTimes<'b>>,
}

impl<'b> Block<'b> {
    /// A block of lines that were read before.
    pub fn of(offset: u64, text: &'b [u8]) -> Block<'b> {
        Block {
            offset,
            text,
            preceding: None,
        }
    }

    /// The same block, with what is known of the content before it.
    pub fn after_content(self, preceding: &'b PrecedingTimes<'b>) -> Block<'b> {
        Block {
            preceding: Some(preceding),
            ..self
        }
    }

    /// What is known of the content before it.
    pub fn preceding_times(&self) -> Option<&'b PrecedingTimes<'b>> {
        self.preceding
    }

    /// The lines: offset within the block, and bytes without the newline.
    pub fn lines(self) -> impl Iterator<Item = (usize, &'b [u8])> {
        let mut at = 0;
        std::iter::from_fn(move || {
            if at >= self.text.len() {
                return None;
            }
            let start = at;
            let end = memchr(b'\n', &self.text[start..]).map_or(self.text.len(), |n| start + n);
            at = end + 1;
            Some((start, &self.text[start..end]))
        })
    }
}

/// Reads the lines that begin in a span.
#[derive(Debug)]
pub struct Blocks<'s> {
    source: &'s Source,
    reader: SourceReader<'s>,
    span: Span,
    buffer: Vec<u8>,
    /// Content offset of `buffer[0]`.
    base: u64,
    /// The first byte of `buffer` that was not returned yet.
    from: usize,
    /// Length of the content in `buffer`.
    filled: usize,
    /// The next bytes belong to a line that is not returned: the one that the span's edge cuts, or
    /// the rest of a line that was too long.
    skipping: bool,
    done: bool,
    findings: Vec<ContentFinding>,
    /// No time was read yet after the last damage.
    is_after_damage: bool,
    last_time: Option<Stamp>,
    /// The current line begins with a long run of NULs, which is skipped.
    hole: Option<Hole>,
    /// Offset in `buffer` of the block that was returned last.
    handed: usize,
    preceding: PrecedingTimes<'s>,
    /// Counts what is returned.
    gauge: Option<Gauge>,
}

/// The times for lines without one in a source that is read again, from what is known of it.
pub fn preceding_times(source: &Source, seen: Option<PrecedingState>) -> PrecedingTimes<'_> {
    PrecedingTimes::new(source, each_block, seen)
}

/// Reads a span through a buffer of this many bytes.
fn each_block(
    source: &Source,
    span: Span,
    buffer_bytes: usize,
    goes_on: &mut dyn FnMut(u64, &[u8]) -> bool,
) {
    let mut blocks = Blocks::new(source, span, vec![0; buffer_bytes]);
    while let Some(block) = blocks.next_block() {
        if !goes_on(block.offset, block.text) {
            blocks.stop();
        }
    }
}

/// A long run of NULs at the beginning of a line.
#[derive(Debug, Clone, Copy)]
struct Hole {
    /// Content offset of the line.
    offset: u64,
    bytes: usize,
}

enum FillState {
    More,
    End,
    Broken(String),
}

impl<'s> Blocks<'s> {
    /// The lines that begin in `span`, read through `buffer`, which must not be empty.
    pub(super) fn new(source: &'s Source, span: Span, mut buffer: Vec<u8>) -> Blocks<'s> {
        buffer.resize(buffer.len().max(16), 0);
        let span = Span::new(span.start.max(source.start()), span.end);
        // One byte before the span shows whether a line begins with it, if that is not known.
        let begins_line = source.begins_line(span.start);
        let start = span.start - u64::from(!begins_line);
        Blocks {
            source,
            reader: if span.bytes() <= FEW_BYTES {
                source.reader_of_few(start)
            } else {
                source.reader(start)
            },
            span,
            buffer,
            base: start,
            from: 0,
            filled: 0,
            skipping: !begins_line,
            done: span.start >= span.end,
            findings: Vec::new(),
            is_after_damage: false,
            last_time: None,
            hole: None,
            handed: 0,
            preceding: preceding_times(source, None),
            gauge: None,
        }
    }

    /// These blocks, with a gauge that counts what is returned.
    pub(super) fn counted(self, gauge: Gauge) -> Blocks<'s> {
        let gauge = Some(gauge);
        Blocks { gauge, ..self }
    }

    /// The next whole lines; `None` when the span is done.
    pub fn next_block(&mut self) -> Option<Block<'_>> {
        loop {
            if self.done {
                return None;
            }
            let passed = &self.buffer[self.handed..self.from];
            self.preceding.pass(self.base + self.handed as u64, passed);
            self.drop_handed_out();
            // The end of a line that began earlier may be after the span.
            if !self.skipping && self.hole.is_none() && self.base >= self.span.end {
                self.done = true;
                return None;
            }
            let state = self.fill();
            if self.skipping && !self.skip_to_line(&state) {
                continue;
            }
            if self.pass_over_hole(&state) {
                continue;
            }
            let mut end = match self.whole_lines(&state) {
                Some(end) => end,
                None => continue,
            };
            if self.is_after_damage {
                self.note_end_of_damage(end);
            }
            if let FillState::Broken(what) = state {
                self.note_damage(what, end);
            }
            let start = self.from;
            let mut offset = self.base + start as u64;
            if let Some(hole) = self.hole.take() {
                self.note_hole(hole);
                offset = hole.offset;
                // The text is now shorter than the content, so the lines after it have other
                // offsets.
                let line =
                    memchr(b'\n', &self.buffer[start..end]).map(|newline| start + newline + 1);
                if let Some(line) = line.filter(|line| *line < end) {
                    self.done = false;
                    end = line;
                }
            }
            (self.handed, self.from) = (start, end);
            if start == end {
                continue;
            }
            self.look_for_hole(start, end);
            if let Some(gauge) = &mut self.gauge {
                gauge.reads((end - start) as u64);
            }
            let block = Block::of(offset, &self.buffer[start..end]);
            return Some(block.after_content(&self.preceding));
        }
    }

    pub fn stop(&mut self) {
        self.done = true;
    }

    /// The findings so far; complete once there are no more blocks.
    pub fn findings(&self) -> &[ContentFinding] {
        &self.findings
    }

    pub(super) fn finish(self) -> (Vec<u8>, Vec<ContentFinding>) {
        (self.buffer, self.findings)
    }

    /// Moves the rest to the front of the buffer.
    fn drop_handed_out(&mut self) {
        self.buffer.copy_within(self.from..self.filled, 0);
        self.filled -= self.from;
        (self.handed, self.from) = (0, 0);
        // The offset is not added up, because the reader skips bytes at damage.
        self.base = self.reader.position() - self.filled as u64;
    }

    /// Reads until the buffer is full, growing it for a line that fills it alone.
    fn fill(&mut self) -> FillState {
        if self.filled == self.buffer.len() && self.buffer.len() < LINE_BYTES_MAX {
            let bigger = (self.buffer.len() * 2).min(LINE_BYTES_MAX);
            self.buffer.resize(bigger, 0);
        }
        let mut after_span = 0;
        while self.filled < self.buffer.len() {
            // After the span only the rest of its last line is needed; it may be long.
            let left = self.span.end.saturating_sub(self.reader.position());
            let wanted = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .max(LINE_BYTES_USUAL_MAX)
                .max(after_span);
            let end = self.buffer.len().min(self.filled.saturating_add(wanted));
            match self.reader.read(&mut self.buffer[self.filled..end]) {
                Ok(0) => {
                    let trailing = self.reader.trailing().map(ContentFinding::Trailing);
                    self.findings.extend(trailing);
                    return FillState::End;
                }
                Ok(got) => {
                    self.filled += got;
                    after_span += if left == 0 { got } else { 0 };
                    if left == 0 && self.end_of_span().is_some() {
                        return FillState::More;
                    }
                }
                Err(damage) => return FillState::Broken(damage.0),
            }
        }
        FillState::More
    }

    /// Skips bytes up to the beginning of the next line. False while there is none yet.
    fn skip_to_line(&mut self, state: &FillState) -> bool {
        match memchr(b'\n', &self.buffer[..self.filled]) {
            Some(newline) => {
                self.from = newline + 1;
                self.skipping = false;
                self.done = self.base + self.from as u64 >= self.span.end;
                !self.done
            }
            None => {
                self.from = self.filled;
                match state {
                    // Lines that begin after the span are not needed, even if the next one is.
                    FillState::More => self.done = self.base + self.from as u64 >= self.span.end,
                    FillState::End => self.done = true,
                    FillState::Broken(what) => {
                        self.skipping = false;
                        self.note_damage(what.clone(), self.filled);
                    }
                }
                false
            }
        }
    }

    /// The end of the whole lines in the buffer that belong to the span. `None` when more must be
    /// read first.
    fn whole_lines(&mut self, state: &FillState) -> Option<usize> {
        if let Some(end) = self.end_of_span() {
            self.done = true;
            self.note_long_line(end);
            return Some(end);
        }
        match state {
            FillState::Broken(_) => Some(self.filled),
            FillState::End => {
                self.done = true;
                let end = self.complete_last_line();
                self.note_long_line(end);
                Some(end)
            }
            FillState::More => match memrchr(b'\n', &self.buffer[self.from..self.filled]) {
                Some(newline) => {
                    let end = self.from + newline + 1;
                    self.note_long_line(end);
                    Some(end)
                }
                None if self.filled - self.from < LINE_BYTES_MAX => None,
                None => {
                    self.findings.push(ContentFinding::LongLine {
                        offset: self.base + self.from as u64,
                        bytes: self.filled - self.from,
                        cut: true,
                    });
                    self.skipping = true;
                    Some(self.filled)
                }
            },
        }
    }

    /// The position after the newline of the last line that begins in the span, once it is in the
    /// buffer.
    fn end_of_span(&self) -> Option<usize> {
        let last = self.span.end.checked_sub(1)?.saturating_sub(self.base);
        let last = usize::try_from(last).ok()?;
        let last = last.max(self.from);
        let newline = memchr(b'\n', self.buffer.get(last..self.filled)?)?;
        Some(last + newline + 1)
    }

    /// At the end of the file, reads past the size that the file had, in case the last line was
    /// caught half-way; reports it if it stays half a line.
    fn complete_last_line(&mut self) -> usize {
        let line = memrchr(b'\n', &self.buffer[self.from..self.filled])
            .map_or(self.from, |newline| self.from + newline + 1);
        if line == self.filled {
            return self.filled;
        }
        for tries in 0..GROWTH_TRIES {
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled + 4096, 0);
            }
            let at = self.base + self.filled as u64;
            let got = self.source.read_grown(at, &mut self.buffer[self.filled..]);
            let grown = self.filled..self.filled + got;
            if let Some(newline) = memchr(b'\n', &self.buffer[grown.clone()]) {
                self.filled += newline + 1;
                return self.filled;
            }
            self.filled = grown.end;
            if got == 0 && (tries > 0 || !self.source.may_grow()) {
                break;
            }
            thread::sleep(GROWTH_WAIT);
        }
        self.findings.push(ContentFinding::HalfLine {
            offset: self.base + line as u64,
            bytes: self.filled - line,
        });
        self.filled
    }

    /// Skips a long run of NULs at the beginning of a line; it would otherwise be taken for the
    /// line. True when there are only NULs yet.
    fn pass_over_hole(&mut self, state: &FillState) -> bool {
        let text = &self.buffer[self.from..self.filled];
        let nuls = text.iter().take_while(|&&b| b == 0).count();
        if self.hole.is_none() && nuls < PASSED_OVER_BYTES {
            return false;
        }
        let line = self.base + self.from as u64;
        let hole = self.hole.get_or_insert(Hole {
            offset: line,
            bytes: 0,
        });
        hole.bytes += nuls;
        self.from += nuls;
        self.handed = self.from;
        self.from == self.filled && matches!(state, FillState::More)
    }

    fn note_hole(&mut self, Hole { offset, bytes }: Hole) {
        if !self.findings.iter().any(ContentFinding::is_hole) {
            self.findings.push(ContentFinding::Hole { offset, bytes });
        }
    }

    /// Reports the first run of NULs.
    fn look_for_hole(&mut self, start: usize, end: usize) {
        let text = &self.buffer[start..end];
        if memchr(0, text).is_none() || self.findings.iter().any(ContentFinding::is_hole) {
            return;
        }
        let Some(at) = memmem::find(text, HOLE) else {
            return;
        };
        let line = memrchr(b'\n', &text[..at]).map_or(0, |newline| newline + 1);
        let bytes = text[at..].iter().take_while(|&&b| b == 0).count();
        let offset = self.base + (start + line) as u64;
        self.note_hole(Hole { offset, bytes });
    }

    fn note_damage(&mut self, what: String, end: usize) {
        let lines = &self.buffer[..end];
        let seen = lines.rsplit(|&b| b == b'\n').find_map(Stamp::parse_prefix);
        self.last_time = seen.or(self.last_time);
        self.findings.push(ContentFinding::Damaged {
            what,
            after: self.last_time,
            until: None,
            end: self.reader.position(),
        });
        self.is_after_damage = true;
    }

    /// Searches the first time after damage.
    fn note_end_of_damage(&mut self, end: usize) {
        let mut lines = self.buffer[self.from..end].split(|&b| b == b'\n');
        let Some(first) = lines.find_map(Stamp::parse_prefix) else {
            return;
        };
        self.is_after_damage = false;
        for finding in &mut self.findings {
            if let ContentFinding::Damaged { until, .. } = finding {
                until.get_or_insert(first);
            }
        }
    }

    /// Records the buffer's first line if it is a long one. Only a buffer that had to grow can hold
    /// a long line, and only as its first.
    fn note_long_line(&mut self, end: usize) {
        if end - self.from <= LONG_LINE_BYTES {
            self.remember_time(end);
            return;
        }
        let bytes = memchr(b'\n', &self.buffer[self.from..end]).unwrap_or(end - self.from);
        if bytes > LONG_LINE_BYTES {
            self.findings.push(ContentFinding::LongLine {
                offset: self.base + self.from as u64,
                bytes,
                cut: false,
            });
        }
    }

    /// Remembers the time of the block's last line, in case damage follows it.
    fn remember_time(&mut self, end: usize) {
        let body = &self.buffer[self.from..end.max(self.from + 1) - 1];
        let last = memrchr(b'\n', body).map_or(0, |newline| newline + 1);
        self.last_time = Stamp::parse_prefix(&body[last..]).or(self.last_time);
    }
}
