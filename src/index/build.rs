//! Makes the index of a file, by one read of all of it.
//!
//! Content is cut into blocks (those of BGZF, else stretches of 64 KiB); a line belongs to the one
//! it begins in. Stretches are parsed on all threads; their postings come together in segments, so
//! that memory does not grow with the file.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use rayon::prelude::*;

use super::key::{Key, keys_of_fact, keys_of_line};
use super::layout::{
    ENTRY_BYTES, Footer, MAGIC, PAGE_BYTES, Page, PageWriter, Section, Segment, Stored,
};
use super::{Built, Fingerprint, fingerprint};
use crate::call::Facts;
use crate::record::{LogZone, Record, Stamp};
use crate::scan::{Block, Finding, Place, Scanner, Task, Tuning};
use crate::source::{BgzfBlock, Bounds, Source, Span, Tally};

/// A block of content that is not BGZF.
pub(super) const BLOCK_BYTES: u64 = 64 << 10;

/// Blocks of a segment: some 128 MiB of content, whose postings take 10 MB while they are sorted.
const SEGMENT_BLOCKS: u32 = 2048;

/// Content parsed at once: this many tasks of about this many bytes.
const TASKS_AT_ONCE: usize = 16;
const TASK_BYTES: u64 = 1 << 20;

/// Writes the index of `source`; of a plain file it covers the whole lines that are there now.
///
/// # Errors
/// When the source can't be read or is damaged (then there is nothing sound to index), or `out`
/// can't be written.
pub fn build(source: &Source, zone: LogZone, out: &mut dyn Write) -> io::Result<Built> {
    let source = &Arc::new(source.whole());
    let print = fingerprint(source)?;
    let grid = Grid::of(source, &print);
    let scanner = Scanner::new(Tuning {
        span_bytes: TASK_BYTES,
        ..Tuning::default()
    });
    let mut builder = Builder::new(out, grid)?;
    match source.content_bytes() {
        Some(_) => builder.take_spans(&scanner, source, print.covered)?,
        None => builder.take_stream(&scanner, source)?,
    }
    builder.count_what_was_passed_over(source, print.covered)?;
    builder.finish(print, Bounds::probe(source, zone))
}

/// How content is cut into blocks.
enum Grid {
    /// Every [`BLOCK_BYTES`].
    Even,
    /// As the BGZF blocks.
    Bgzf(Vec<BgzfBlock>),
}

impl Grid {
    fn of(source: &Source, print: &Fingerprint) -> Grid {
        match source.table() {
            Some(table) if print.stored != Stored::Plain => Grid::Bgzf(table.blocks().to_vec()),
            _ => Grid::Even,
        }
    }

    /// The block that the line at `offset` belongs to.
    fn block_of(&self, offset: u64) -> u32 {
        let block = match self {
            Grid::Even => offset / BLOCK_BYTES,
            Grid::Bgzf(blocks) => blocks
                .partition_point(|b| b.content_at + u64::from(b.content_bytes) <= offset)
                as u64,
        };
        u32::try_from(block).expect("a file has under 2^32 blocks")
    }

    /// How many blocks there are in `bytes` of content.
    fn len(&self, bytes: u64) -> u32 {
        match self {
            Grid::Even => u32::try_from(bytes.div_ceil(BLOCK_BYTES)).expect("under 2^32 blocks"),
            Grid::Bgzf(blocks) => u32::try_from(blocks.len()).expect("under 2^32 blocks"),
        }
    }

    /// Length of a block's content and of the block in the file.
    fn lengths(&self, block: u32, bytes: u64) -> (u32, u32) {
        match self {
            Grid::Even => {
                let start = u64::from(block) * BLOCK_BYTES;
                let length = (bytes - start).min(BLOCK_BYTES);
                let length = u32::try_from(length).expect("64 KiB at most");
                (length, length)
            }
            Grid::Bgzf(blocks) => {
                let block = blocks[block as usize];
                (block.content_bytes, block.bytes)
            }
        }
    }

    /// Stretches of about [`TASK_BYTES`], cut where blocks begin.
    fn spans(&self, bytes: u64) -> Vec<Span> {
        let mut starts: Vec<u64> = match self {
            Grid::Even => (0..bytes).step_by(TASK_BYTES as usize).collect(),
            Grid::Bgzf(blocks) => {
                let mut starts: Vec<u64> = Vec::new();
                for at in blocks.iter().map(|b| b.content_at) {
                    if starts.last().is_none_or(|last| at - last >= TASK_BYTES) {
                        starts.push(at);
                    }
                }
                starts
            }
        };
        starts.retain(|start| *start < bytes);
        starts.push(bytes);
        let span = |pair: &[u64]| Span {
            start: pair[0],
            end: pair[1],
        };
        starts.windows(2).map(span).collect()
    }

    fn begins_at(&self, block: u32, offset: u64) -> bool {
        matches!(self, Grid::Bgzf(blocks) if blocks[block as usize].content_at == offset)
    }
}

/// What a stretch of content gave.
#[derive(Default)]
struct Parsed {
    /// By `Kind`: key in the upper half, block in the lower; in order, each once.
    postings: [Vec<u64>; 3],
    /// Block, earliest and latest time.
    times: Vec<(u32, Stamp, Stamp)>,
    tally: Tally,
    findings: Vec<Finding>,
    /// Blocks that begin with a line.
    begun: usize,
}

impl Parsed {
    fn take(&mut self, grid: &Grid, block: &Block<'_>) {
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

    fn post(&mut self, key: Key, block: u32) {
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
    out: Counted<'w>,
    grid: Grid,
    postings: [Vec<u64>; 3],
    times: Vec<(Stamp, Stamp)>,
    /// Blocks of the segments written.
    written_blocks: u32,
    segments: Vec<Segment>,
    tally: Tally,
    findings: Vec<Finding>,
    begun: usize,
    span: Option<(Stamp, Stamp)>,
    has_timeless_blocks: bool,
}

const NEVER: (Stamp, Stamp) = (Stamp(i64::MAX), Stamp(i64::MIN));

impl<'w> Builder<'w> {
    fn new(out: &'w mut dyn Write, grid: Grid) -> io::Result<Builder<'w>> {
        let mut out = Counted { out, at: 0 };
        out.write(&MAGIC)?;
        Ok(Builder {
            out,
            grid,
            postings: Default::default(),
            times: Vec::new(),
            written_blocks: 0,
            segments: Vec::new(),
            tally: Tally::default(),
            findings: Vec::new(),
            begun: 0,
            span: None,
            has_timeless_blocks: false,
        })
    }

    fn take_spans(
        &mut self,
        scanner: &Scanner,
        source: &Arc<Source>,
        bytes: u64,
    ) -> io::Result<()> {
        let tasks: Vec<Task> = self
            .grid
            .spans(bytes)
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
                let mut parsed = Parsed::default();
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
            let parts: Vec<Parsed> = texts
                .par_iter()
                .map(|(offset, text)| {
                    let mut parsed = Parsed::default();
                    let block = Block {
                        offset: *offset,
                        text,
                    };
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

    /// Takes the next stretch; stretches come in order.
    fn take(&mut self, parsed: &Parsed) -> io::Result<()> {
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

    fn note(&mut self, findings: &[Finding]) -> io::Result<()> {
        for finding in findings {
            if let Finding::Damaged { what, .. } = finding {
                return Err(io::Error::new(ErrorKind::InvalidData, what.clone()));
            }
            let is_hole = |f: &Finding| matches!(f, Finding::Hole { .. });
            if !is_hole(finding) || !self.findings.iter().any(is_hole) {
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

    /// Of a line that is too long only a part is handed out; then content is counted once more.
    fn count_what_was_passed_over(&mut self, source: &Source, bytes: u64) -> io::Result<()> {
        let is_cut = |f: &Finding| matches!(f, Finding::LongLine { cut: true, .. });
        if !self.findings.iter().any(is_cut) {
            return Ok(());
        }
        let limit = if source.is_seekable() {
            bytes
        } else {
            u64::MAX
        };
        self.tally = Tally::read(source.content().take(limit))?;
        Ok(())
    }

    fn finish(mut self, mut print: Fingerprint, probed: Bounds) -> io::Result<Built> {
        let content = self.tally.content();
        if content.bytes != print.covered && print.stored != Stored::Gzip {
            return Err(io::Error::other(
                "it changed, or holds a line that is too long",
            ));
        }
        let blocks = self.grid.len(content.bytes);
        while self.written_blocks < blocks {
            let next = (blocks - self.written_blocks).min(SEGMENT_BLOCKS);
            self.write_segment(next, content.bytes)?;
        }
        if let Grid::Bgzf(blocks) = &self.grid
            && self.begun == blocks.iter().filter(|b| b.content_bytes > 0).count()
        {
            print.stored = Stored::BgzfOfLines;
        }
        let footer = Footer {
            fingerprint: print,
            content,
            probed,
            first: self.span.map(|(first, _)| first),
            last: self.span.map(|(_, last)| last),
            has_timeless_blocks: self.has_timeless_blocks,
            findings: self.findings,
            segments: self.segments,
        };
        self.out.tail(&footer.encode(), MAGIC)?;
        Ok(Built {
            content,
            first: footer.first,
            last: footer.last,
            index_bytes: self.out.at,
        })
    }
}

/// Writes postings, sorted, each once, as pages; blocks count from `base` on.
pub(super) fn write_pages(
    out: &mut Counted<'_>,
    postings: &[u64],
    base: u32,
) -> io::Result<Vec<Page>> {
    let mut pages = Vec::new();
    let mut page = PageWriter::default();
    let mut first_key = 0;
    let mut keys = postings.chunk_by(|a, b| a >> 32 == b >> 32).peekable();
    while let Some(of_key) = keys.next() {
        let key = (of_key[0] >> 32) as u32;
        if page.bytes.is_empty() {
            first_key = key;
        }
        page.add(key, of_key.iter().map(|posting| *posting as u32 - base));
        if page.bytes.len() >= PAGE_BYTES || keys.peek().is_none() {
            let section = out.section(&page.bytes)?;
            pages.push(Page { first_key, section });
            page = PageWriter::default();
        }
    }
    Ok(pages)
}

/// Where an index is written to.
pub(super) struct Counted<'w> {
    pub(super) out: &'w mut dyn Write,
    pub(super) at: u64,
}

impl Counted<'_> {
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    fn section(&mut self, bytes: &[u8]) -> io::Result<Section> {
        let section = Section {
            at: self.at,
            bytes: u32::try_from(bytes.len()).expect("a table or a page is under 4 GiB"),
            crc: crc32fast::hash(bytes),
        };
        self.write(bytes)?;
        Ok(section)
    }

    /// The footer and what leads to it.
    pub(super) fn tail(&mut self, footer: &[u8], magic: [u8; 8]) -> io::Result<()> {
        self.write(footer)?;
        let bytes = u32::try_from(footer.len()).expect("a footer is under 4 GiB");
        self.write(&bytes.to_le_bytes())?;
        self.write(&crc32fast::hash(footer).to_le_bytes())?;
        self.write(&magic)?;
        self.out.flush()
    }
}
