//! Builds the index of a file by one read of all of it.
//!
//! Content is cut into blocks (those of BGZF, otherwise ranges of 64 KiB); a line belongs to the
//! block that it begins in. Ranges are parsed on all threads; their postings are collected in
//! segments, so that memory does not grow with the file.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use rayon::prelude::*;

use super::BuildSummary;
use super::fingerprint::fingerprint;
use super::grid::{BlockGrid, EvenBlocks, TASK_BYTES};
use super::key::{IndexKey, keys_of_fact, keys_of_line};
use super::layout::{ENTRY_BYTES, Fingerprint, Footer, FooterHead, MAGIC, Segment, StorageFormat};
use super::pages::{CountingWriter, write_pages};
use crate::scan::{Block, ContentFinding, Scanner, Task, Tuning};
use crate::source::{ContentDigest, ContentTally, Source, Span, TimeBounds};
use calltrace_model::call::Facts;
use calltrace_model::record::{LogZone, Place, Record, Stamp};

/// Blocks per segment: about 128 MiB of content, with postings that take 10 MB while they are
/// sorted.
pub(super) const SEGMENT_BLOCKS: u32 = 2048;

/// Content parsed at once: this many tasks of about [`TASK_BYTES`].
const TASKS_AT_ONCE: usize = 16;

/// Writes the index of `source`; for a plain file it covers the whole lines that are there now.
///
/// # Errors
/// When the source can't be read or is damaged (an index of it would not be correct), or `out`
/// can't be written.
pub fn build(source: &Source, zone: LogZone, out: &mut dyn Write) -> io::Result<BuildSummary> {
    let source = &Arc::new(source.whole());
    let print = fingerprint(source)?;
    let mut builder = Builder::new(out, BlockGrid::of(source, &print));
    builder.out.write(&MAGIC)?;
    match source.content_bytes() {
        Some(_) => builder.take_spans(&scanner(), source, print.covered)?,
        None => builder.take_stream(&scanner(), source)?,
    }
    let whole = Span::new(0, print.covered);
    builder.count_skipped_content(source, whole)?;
    builder.finish(print, TimeBounds::probe(source, zone))
}

fn scanner() -> Scanner {
    Scanner::new(Tuning {
        span_bytes: TASK_BYTES,
        ..Tuning::default()
    })
}

/// The index of a range of a plain file.
#[derive(Debug)]
pub(super) struct IndexPiece {
    pub segments: Vec<Segment>,
    /// The bytes that the segments' sections refer to.
    pub bytes: Vec<u8>,
    pub content: ContentDigest,
    /// Earliest and latest time of a record.
    pub times: Option<(Stamp, Stamp)>,
    pub has_timeless_blocks: bool,
    pub findings: Vec<ContentFinding>,
}

/// Builds the index of a range of a plain `source` that begins at a line's start and ends after a
/// line's end.
///
/// # Errors
/// When the source can't be read or is shorter than the range.
pub(super) fn build_piece(
    source: &Arc<Source>,
    span: Span,
    block_bytes: u64,
) -> io::Result<IndexPiece> {
    let mut bytes = Vec::new();
    let mut builder = Builder::new(
        &mut bytes,
        BlockGrid::Even(EvenBlocks::of(span, block_bytes)),
    );
    builder.take_spans(&scanner(), source, span.end)?;
    builder.count_skipped_content(source, span)?;
    let content = builder.close(Some(span.bytes()))?;
    let Builder {
        segments,
        span: times,
        has_timeless_blocks,
        findings,
        ..
    } = builder;
    Ok(IndexPiece {
        segments,
        bytes,
        content,
        times,
        has_timeless_blocks,
        findings,
    })
}

/// A parsed range of content.
#[derive(Default)]
struct ParsedStretch {
    /// By kind of key: key in the upper half, block in the lower; sorted, without duplicates.
    postings: [Vec<u64>; 3],
    /// Block, earliest and latest time.
    times: Vec<(u32, Stamp, Stamp)>,
    tally: ContentTally,
    findings: Vec<ContentFinding>,
    /// Blocks that begin with a line.
    begun: usize,
}

impl ParsedStretch {
    fn take(&mut self, grid: &BlockGrid, block: &Block<'_>) {
        self.tally.add(block.text);
        let mut facts = Facts::for_block(block.text.len());
        for (at, text) in block.lines() {
            let offset = block.offset + at as u64;
            let of = grid.block_of(offset);
            self.begun += usize::from(grid.begins_at(of, offset));
            let record = Record::parse(text);
            if let Some(at) = record.at {
                self.saw(of, at);
            }
            keys_of_line(text, |key| self.post(key, of));
            let place = Place { source: of, offset };
            facts.push(&record, Stamp(0), place);
        }
        for fact in &facts.finish() {
            keys_of_fact(fact, |key| self.post(key, fact.place.source));
        }
        for postings in &mut self.postings {
            postings.sort_unstable();
            postings.dedup();
        }
    }

    fn post(&mut self, key: IndexKey, block: u32) {
        self.postings[key.kind as usize].push(u64::from(key.value) << 32 | u64::from(block));
    }

    fn saw(&mut self, block: u32, at: Stamp) {
        match self.times.last_mut() {
            Some((last, first_at, last_at)) if *last == block => {
                *first_at = at.min(*first_at);
                *last_at = at.max(*last_at);
            }
            _ => self.times.push((block, at, at)),
        }
    }
}

/// Writes segments as they fill up.
struct Builder<'w> {
    out: CountingWriter<'w>,
    grid: BlockGrid,
    postings: [Vec<u64>; 3],
    times: Vec<(Stamp, Stamp)>,
    /// Blocks of the segments written.
    written_blocks: u32,
    segments: Vec<Segment>,
    tally: ContentTally,
    findings: Vec<ContentFinding>,
    begun: usize,
    span: Option<(Stamp, Stamp)>,
    has_timeless_blocks: bool,
}

const NEVER: (Stamp, Stamp) = (Stamp(i64::MAX), Stamp(i64::MIN));

impl<'w> Builder<'w> {
    fn new(out: &'w mut dyn Write, grid: BlockGrid) -> Builder<'w> {
        Builder {
            out: CountingWriter { out, at: 0 },
            grid,
            postings: Default::default(),
            times: Vec::new(),
            written_blocks: 0,
            segments: Vec::new(),
            tally: ContentTally::default(),
            findings: Vec::new(),
            begun: 0,
            span: None,
            has_timeless_blocks: false,
        }
    }

    /// Adds the content up to the offset `end`.
    fn take_spans(&mut self, scanner: &Scanner, source: &Arc<Source>, end: u64) -> io::Result<()> {
        let tasks: Vec<Task> = self
            .grid
            .spans(end)
            .into_iter()
            .map(|span| Task {
                source: Arc::clone(source),
                index: 0,
                span,
            })
            .collect();
        for tasks in tasks.chunks(TASKS_AT_ONCE) {
            let grid = &self.grid;
            let parts = scanner.run(tasks, |_, blocks| {
                let mut parsed = ParsedStretch::default();
                while let Some(block) = blocks.next_block() {
                    parsed.take(grid, &block);
                }
                parsed.findings = blocks.findings().to_vec();
                parsed
            });
            for (parsed, _) in parts {
                self.take(&parsed)?;
            }
        }
        Ok(())
    }

    fn take_stream(&mut self, scanner: &Scanner, source: &Source) -> io::Result<()> {
        let mut stream = scanner.stream(source);
        loop {
            let mut texts: Vec<(u64, Vec<u8>)> = Vec::new();
            while texts.len() < TASKS_AT_ONCE
                && let Some(block) = stream.next_block()
            {
                texts.push((block.offset, block.text.to_vec()));
            }
            let grid = &self.grid;
            let parts: Vec<ParsedStretch> = texts
                .par_iter()
                .map(|(offset, text)| {
                    let mut parsed = ParsedStretch::default();
                    let block = Block::of(*offset, text);
                    parsed.take(grid, &block);
                    parsed
                })
                .collect();
            for parsed in parts {
                self.take(&parsed)?;
            }
            if texts.is_empty() {
                break;
            }
        }
        self.note(stream.findings())?;
        scanner.end_stream(source, stream);
        Ok(())
    }

    /// Adds the next range; ranges come in order.
    fn take(&mut self, parsed: &ParsedStretch) -> io::Result<()> {
        self.note(&parsed.findings)?;
        self.tally.join(&parsed.tally);
        self.begun += parsed.begun;
        for (all, new) in self.postings.iter_mut().zip(&parsed.postings) {
            all.extend_from_slice(new);
        }
        for &(block, first, last) in &parsed.times {
            let at = (block - self.written_blocks) as usize;
            self.times.resize(self.times.len().max(at + 1), NEVER);
            let times = &mut self.times[at];
            *times = (times.0.min(first), times.1.max(last));
            let span = self.span.unwrap_or(NEVER);
            self.span = Some((span.0.min(first), span.1.max(last)));
        }
        // The last block may get more lines.
        while self.times.len() > SEGMENT_BLOCKS as usize {
            self.write_segment(SEGMENT_BLOCKS, u64::MAX)?;
        }
        Ok(())
    }

    fn note(&mut self, findings: &[ContentFinding]) -> io::Result<()> {
        for finding in findings {
            if let ContentFinding::Damaged { what, .. } = finding {
                return Err(io::Error::new(ErrorKind::InvalidData, what.clone()));
            }
            if !finding.is_hole() || !self.findings.iter().any(ContentFinding::is_hole) {
                self.findings.push(finding.clone());
            }
        }
        Ok(())
    }

    /// Writes the next `blocks` as a segment; `content_bytes` cuts the last block of the file.
    fn write_segment(&mut self, blocks: u32, content_bytes: u64) -> io::Result<()> {
        let base = self.written_blocks;
        let later = self.times.split_off(self.times.len().min(blocks as usize));
        let mut table = Vec::with_capacity(blocks as usize * ENTRY_BYTES);
        for at in 0..blocks {
            let (content, file) = self.grid.lengths(base + at, content_bytes);
            let (first, last) = self.times.get(at as usize).copied().unwrap_or(NEVER);
            self.has_timeless_blocks |= content > 0 && (first, last) == NEVER;
            table.extend_from_slice(&content.to_le_bytes());
            table.extend_from_slice(&file.to_le_bytes());
            table.extend_from_slice(&first.0.to_le_bytes());
            table.extend_from_slice(&last.0.to_le_bytes());
        }
        let mut segment = Segment {
            blocks,
            table: self.out.section(&table)?,
            ..Segment::default()
        };
        for (postings, pages) in self.postings.iter_mut().zip(&mut segment.pages) {
            let is_later = |posting: &u64| *posting as u32 >= base + blocks;
            let later = postings.iter().copied().filter(is_later).collect();
            postings.retain(|posting| !is_later(posting));
            postings.par_sort_unstable();
            postings.dedup();
            *pages = write_pages(&mut self.out, postings, base)?;
            *postings = later;
        }
        self.times = later;
        self.written_blocks += blocks;
        self.segments.push(segment);
        Ok(())
    }

    /// Counts the content again if the scan did not return all of it: it returns only a part of a
    /// line that is too long, and nothing of a hole.
    fn count_skipped_content(&mut self, source: &Source, span: Span) -> io::Result<()> {
        let is_passed_over = |f: &ContentFinding| {
            f.is_hole() || matches!(f, ContentFinding::LongLine { cut: true, .. })
        };
        let limit = match source.is_seekable() {
            true => span.bytes(),
            false => u64::MAX,
        };
        if self.tally.content().bytes == limit || !self.findings.iter().any(is_passed_over) {
            return Ok(());
        }
        self.tally = ContentTally::read(source.content_from(span.start).take(limit))?;
        Ok(())
    }

    /// Writes the rest. Content of another length than `bytes` is an error; `None` means that the
    /// length is not known.
    fn close(&mut self, bytes: Option<u64>) -> io::Result<ContentDigest> {
        let content = self.tally.content();
        if bytes.is_some_and(|bytes| bytes != content.bytes) {
            return Err(io::Error::other(
                "it changed, or holds a line that is too long",
            ));
        }
        let blocks = self.grid.len(content.bytes);
        while self.written_blocks < blocks {
            let next = (blocks - self.written_blocks).min(SEGMENT_BLOCKS);
            self.write_segment(next, content.bytes)?;
        }
        Ok(content)
    }

    fn finish(mut self, mut print: Fingerprint, probed: TimeBounds) -> io::Result<BuildSummary> {
        let content = self.close((print.stored != StorageFormat::Gzip).then_some(print.covered))?;
        if let BlockGrid::Bgzf(blocks) = &self.grid
            && self.begun == blocks.iter().filter(|b| b.content_bytes > 0).count()
        {
            print.stored = StorageFormat::BgzfOfLines;
        }
        let head = FooterHead {
            fingerprint: print,
            content,
            probed,
            first: self.span.map(|(first, _)| first),
            last: self.span.map(|(_, last)| last),
            has_timeless_blocks: self.has_timeless_blocks,
            findings: self.findings,
        };
        let footer = Footer {
            head,
            segments: self.segments,
        };
        self.out.tail(&footer.encode(), MAGIC)?;
        Ok(BuildSummary {
            content,
            index_bytes: self.out.at,
        })
    }
}
