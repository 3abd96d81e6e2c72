//! One pass over whole sources for one needle, which also draws a map of their times.
//!
//! The map makes the rest of a call cheap: after the pass, "the lines around 10:05" are a handful of blocks, regardless
//! of the order of the files. It is drawn from samples in every block, so a stretch out of order shows unless it is
//! shorter than the distance of samples. In a source with an index, only the blocks that the index names are read, and
//! the map is the index's own. In sources that can't be read from the middle, the blocks around each hit are kept, so
//! that they need not be decoded again from the start.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use memchr::memchr;
use rayon::prelude::*;

use super::kept::KeptLines;
use super::plan::{ReadPlan, WantedLines, are_near, blocks_near};
use super::{Corpus, Engine, RecordLimits};
use calltrace_model::call::Closure;
use calltrace_model::record::{Place, Record, Stamp, id};
use calltrace_store::error::Trouble;
use calltrace_store::index::{self, Index, IndexKey};
use calltrace_store::scan::{
    Block, Blocks, Line, Needles, PrecedingState, PrecedingTimes, Task, preceding_times,
    time_of_record,
};
use calltrace_store::source::{Source, Span};

/// Distance of sampled times within a block (bytes).
const SAMPLE_BYTES: usize = 32 << 10;

/// Lines of two workers are at most this far out of order (milliseconds).
const DISORDER_MILLIS: i64 = 5_000;

/// Number of blocks kept before and after a hit in a source that can't be read from the middle.
const KEPT_BEFORE: usize = 2;
const KEPT_AFTER: usize = 3;

/// Kept content in all at most (bytes); beyond that, content is decoded again.
const KEPT_BYTES_MAX: usize = 32 << 20;

/// A map of the times of sources.
#[derive(Debug, Default)]
pub(super) struct TimeMap {
    stretches: Vec<MappedBlock>,
    /// Sources with an index, which maps their beginning.
    indexed: Vec<u32>,
}

/// A block on the map.
#[derive(Debug)]
struct MappedBlock {
    index: u32,
    span: Span,
    /// Earliest and latest sampled time; `None` when no sample holds one.
    times: Option<(Stamp, Stamp)>,
    kept: Option<Arc<[u8]>>,
    /// What was known then of the content before it.
    seen: Option<PrecedingState>,
}

/// A piece of content to look at again.
pub(super) enum ContentPiece {
    /// It is still to be read.
    Unread(Task),
    /// It was kept from the pass.
    Buffered {
        index: u32,
        source: Arc<Source>,
        offset: u64,
        text: Arc<[u8]>,
        seen: Option<PrecedingState>,
    },
}

/// The result of a pass.
#[derive(Default)]
pub(super) struct PassResult<R> {
    pub found: Vec<R>,
    pub map: TimeMap,
    pub troubles: Vec<Trouble>,
}

impl<R> PassResult<R> {
    /// Adds the result of another pass over other sources.
    pub(super) fn append(&mut self, mut other: PassResult<R>) {
        self.found.append(&mut other.found);
        self.map.stretches.append(&mut other.map.stretches);
        self.map.stretches.sort_by_key(|s| (s.index, s.span.start));
        self.map.indexed.append(&mut other.map.indexed);
        self.troubles.append(&mut other.troubles);
    }
}

impl Engine {
    /// Reads `sources`, as far as they may hold `wanted` lines, and calls `take` with every line that holds a
    /// needle.
    pub(super) fn pass<R: Send>(
        &self,
        corpus: &Corpus,
        sources: &[(u32, Arc<Source>)],
        wanted: WantedLines<'_>,
        needles: &Needles,
        take: impl Fn(u32, &Block<'_>, usize, &[u8]) -> Option<R> + Sync,
    ) -> PassResult<R> {
        let kept_bytes = AtomicUsize::new(0);
        let reading = ReadPlan::new(&self.scanner, corpus, sources, wanted);
        let parts = self.scanner.run(&reading.tasks, |task, blocks| {
            let is_indexed = reading.indexed.contains(&task.index);
            let is_mapped = is_indexed && task.span.start < corpus.covered(task.index);
            let mut found = Vec::new();
            let mut stretches = Vec::new();
            let mut keeper = (!task.source.is_seekable()).then(|| Keeper::new(&kept_bytes));
            while let Some(block) = blocks.next_block() {
                let before = found.len();
                let seen = block.preceding_times().and_then(PrecedingTimes::seen);
                let is_whole = is_indexed || task.source.log.name.is_recovered();
                let mut times = match (is_mapped, is_whole) {
                    (true, _) => None,
                    (false, true) => all_times(block.text),
                    (false, false) => sample_times(block.text),
                };
                needles.lines(block.text, |at, text| {
                    // The time of a line that is out of order is kept once it was seen.
                    if let Some(at) = Stamp::parse_prefix(text) {
                        let (low, high) = times.unwrap_or((at, at));
                        times = Some((low.min(at), high.max(at)));
                    }
                    found.extend(take(task.index, &block, at, text));
                });
                if is_mapped {
                    continue;
                }
                stretches.push(MappedBlock {
                    index: task.index,
                    span: Span {
                        start: block.offset,
                        end: block.offset + block.text.len() as u64,
                    },
                    times,
                    kept: None,
                    seen,
                });
                if let Some(keeper) = &mut keeper {
                    keeper.saw(&block, found.len() > before, &mut stretches);
                }
            }
            (found, stretches)
        });
        let mut passed = PassResult {
            found: Vec::new(),
            map: TimeMap {
                stretches: Vec::new(),
                indexed: reading.indexed,
            },
            troubles: reading.troubles,
        };
        for ((found, stretches), troubles) in parts {
            passed.found.extend(found);
            passed.map.stretches.extend(stretches);
            passed.troubles.extend(troubles);
        }
        passed
    }

    /// The lines of some pieces that hold a needle and are within the times `when` (both ends inclusive) or
    /// have no time of their own, as far as lines of the call are kept. Blocks reach beyond that range, some
    /// more than others, and the result must not depend on that.
    pub(super) fn kept_of(
        &self,
        pieces: &[ContentPiece],
        needles: &Needles,
        when: (Stamp, Stamp),
        closure: &Closure,
        limits: RecordLimits,
    ) -> (KeptLines, Vec<Trouble>) {
        let all = Mutex::new((KeptLines::new(limits), Vec::new()));
        pieces.par_iter().with_max_len(1).for_each(|piece| {
            let mut kept = KeptLines::new(limits);
            let take = |place: Place, at, text: &[u8]| {
                let text = text.into();
                kept.offer(closure, Line { at, place, text });
            };
            let troubles = self.each_of_piece(piece, needles, when, |_| true, take);
            // Each result is joined at once: pieces that wait for each other would all take memory.
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.0.join(kept);
            all.1.extend(troubles);
        });
        all.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls `each` with the lines of a piece that hold a needle, that `wanted` accepts, and that have a time between
    /// `from` and `to` (both inclusive), in order of place. Returns the damage met. A line that is not a record has the
    /// time of the record before it.
    pub(super) fn each_of_piece(
        &self,
        piece: &ContentPiece,
        needles: &Needles,
        (from, to): (Stamp, Stamp),
        wanted: impl Fn(&[u8]) -> bool,
        mut each: impl FnMut(Place, Stamp, &[u8]),
    ) -> Vec<Trouble> {
        let mut each_of_block = |index: u32, block: &Block<'_>| {
            needles.lines(block.text, |at, text| {
                if !wanted(text) {
                    return;
                }
                let time = time_of_record(block, at, text);
                if let Some(time) = time.filter(|time| *time >= from && *time <= to) {
                    let offset = block.offset + at as u64;
                    let place = Place {
                        source: index,
                        offset,
                    };
                    each(place, time, text);
                }
            });
        };
        match piece {
            ContentPiece::Buffered {
                index,
                source,
                offset,
                text,
                seen,
            } => {
                let known = preceding_times(source, *seen);
                each_of_block(*index, &Block::of(*offset, text).after_content(&known));
                Vec::new()
            }
            ContentPiece::Unread(task) => {
                let read = |blocks: &mut Blocks<'_>| {
                    while let Some(block) = blocks.next_block() {
                        each_of_block(task.index, &block);
                    }
                };
                self.scanner.read(task, read).1
            }
        }
    }
}

impl TimeMap {
    /// The content to read to see every record between `from` and `to` (both inclusive) that one of `keys`
    /// leads to (`None`: every record).
    pub(super) fn pieces(
        &self,
        corpus: &Corpus,
        (from, to): (Stamp, Stamp),
        keys: Option<&[IndexKey]>,
    ) -> Vec<ContentPiece> {
        let (from, to) = (
            from.plus_millis(-DISORDER_MILLIS),
            to.plus_millis(DISORDER_MILLIS),
        );
        let mut pieces = self.scanned(corpus, (from, to));
        let indexed = self.indexed.iter().filter_map(|number| {
            let index = corpus.indexes[*number as usize].as_ref()?;
            index.may_hold(from, to).then_some((*number, index))
        });
        let indexed: Vec<(u32, &Index)> = indexed.collect();
        let its_indexes = indexed.iter().map(|(_, index)| *index);
        index::fetch_pages_ahead(its_indexes, keys.unwrap_or_default());
        for (number, index) in indexed {
            let source = &corpus.sources[number as usize];
            let tasks = blocks_near(number, source, index, keys, (from, to));
            pieces.extend(tasks.into_iter().map(ContentPiece::Unread));
        }
        for piece in &pieces {
            if let ContentPiece::Unread(task) = piece {
                task.source.fetch_ahead(&[task.span]);
            }
        }
        pieces
    }

    /// The content to read of the sources that a pass went through.
    fn scanned(&self, corpus: &Corpus, when: (Stamp, Stamp)) -> Vec<ContentPiece> {
        let of_source = self.stretches.chunk_by(|a, b| a.index == b.index);
        let near = of_source.flat_map(|stretches| {
            let times = stretches.iter().map(|stretch| stretch.times);
            let near = are_near(times, corpus.last_indexed(stretches[0].index), when);
            stretches.iter().zip(near).filter(|(_, is_near)| *is_near)
        });
        let mut wanted = near.map(|(stretch, _)| stretch).peekable();
        let mut pieces: Vec<ContentPiece> = Vec::new();
        while let Some(first) = wanted.next() {
            let mut of_source = vec![first];
            while let Some(next) = wanted.next_if(|s| s.index == first.index) {
                of_source.push(next);
            }
            let source = &corpus.sources[first.index as usize];
            if of_source.iter().all(|s| s.kept.is_some()) {
                pieces.extend(of_source.iter().filter_map(|s| s.as_buffered(source)));
                continue;
            }
            let touches = |a: &&MappedBlock, b: &&MappedBlock| a.span.end == b.span.start;
            // A source that can't be read from the middle is decoded once, up to the last stretch.
            let runs: Vec<&[&MappedBlock]> = if source.is_seekable() {
                of_source.chunk_by(touches).collect()
            } else {
                vec![&of_source]
            };
            pieces.extend(runs.into_iter().map(|run| {
                let (first, last) = (run[0], run[run.len() - 1]);
                ContentPiece::Unread(Task {
                    source: Arc::clone(source),
                    index: first.index,
                    span: Span {
                        start: first.span.start,
                        end: last.span.end,
                    },
                })
            }));
        }
        pieces
    }
}

impl MappedBlock {
    fn as_buffered(&self, source: &Arc<Source>) -> Option<ContentPiece> {
        Some(ContentPiece::Buffered {
            index: self.index,
            source: Arc::clone(source),
            offset: self.span.start,
            text: Arc::clone(self.kept.as_ref()?),
            seen: self.seen,
        })
    }
}

/// Keeps the blocks around hits.
struct Keeper<'a> {
    total: &'a AtomicUsize,
    /// The latest blocks, with their index among the stretches.
    ring: VecDeque<(usize, Vec<u8>)>,
    /// Blocks still to be kept after a hit.
    to_keep: usize,
}

impl<'a> Keeper<'a> {
    fn new(total: &'a AtomicUsize) -> Keeper<'a> {
        Keeper {
            total,
            ring: VecDeque::new(),
            to_keep: 0,
        }
    }

    /// Notes that the newest of `stretches` was read, with or without a hit.
    fn saw(&mut self, block: &Block<'_>, hit: bool, stretches: &mut [MappedBlock]) {
        let newest = stretches.len() - 1;
        if hit {
            self.to_keep = KEPT_AFTER;
            for (index, text) in self.ring.drain(..) {
                keep(self.total, &mut stretches[index], &text);
            }
        }
        if self.to_keep > 0 {
            self.to_keep -= 1;
            keep(self.total, &mut stretches[newest], block.text);
            return;
        }
        // The oldest buffer becomes the newest.
        let mut buffer = if self.ring.len() == KEPT_BEFORE {
            self.ring.pop_front().map(|(_, b)| b).unwrap_or_default()
        } else {
            Vec::new()
        };
        buffer.clear();
        buffer.extend_from_slice(block.text);
        self.ring.push_back((newest, buffer));
    }
}

fn keep(total: &AtomicUsize, stretch: &mut MappedBlock, text: &[u8]) {
    if total.fetch_add(text.len(), Ordering::Relaxed) + text.len() <= KEPT_BYTES_MAX {
        stretch.kept = Some(text.into());
    }
}

/// Earliest and latest of the times of some lines in a block: its first line with a time, its last, and one
/// every [`SAMPLE_BYTES`].
fn sample_times(text: &[u8]) -> Option<(Stamp, Stamp)> {
    let time = |line: &[u8]| Record::parse(line).at;
    let first = text.split(|&b| b == b'\n').find_map(time)?;
    let last = text.rsplit(|&b| b == b'\n').find_map(time)?;
    let between = (0..text.len())
        .step_by(SAMPLE_BYTES)
        .skip(1)
        .filter_map(|at| {
            let newline = memchr(b'\n', &text[at..])?;
            Stamp::parse_prefix(&text[at + newline + 1..])
        });
    let ends = (first.min(last), first.max(last));
    Some(between.fold(ends, |(low, high), at| (low.min(at), high.max(at))))
}

/// Earliest and latest time of all lines in a block. The content after an index is short, and few samples
/// could miss a late line that the samples of a whole file would show; recovered lines are all late.
fn all_times(text: &[u8]) -> Option<(Stamp, Stamp)> {
    let lines = text.split(|&b| b == b'\n');
    let widen = |span: Option<(Stamp, Stamp)>, at: Stamp| {
        let (low, high) = span.unwrap_or((at, at));
        Some((low.min(at), high.max(at)))
    };
    lines.filter_map(Stamp::parse_prefix).fold(None, widen)
}

/// The ids in `line` that contain `asked` and are longer: what the user may have meant.
pub(super) fn near_misses(line: &[u8], asked: &str) -> Vec<String> {
    memchr::memmem::find_iter(line, asked)
        .map(|at| id::surrounding_token(line, at, at + asked.len()))
        .filter(|token| *token != asked.as_bytes() && id::is_id(token))
        .map(|token| String::from_utf8_lossy(token).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_last_line_without_a_time_does_not_shorten_a_block() {
        let text = b"x\n2025-12-02 09:00:00,000|AST|dial|1.1|{}\n\
            2025-12-02 10:00:00,000|AST|hangup|1.1|{}\n\0\0\0\0\n";
        let at = |text: &[u8]| Stamp::parse_prefix(text).expect("a time");
        assert_eq!(
            sample_times(text),
            Some((
                at(b"2025-12-02 09:00:00,000"),
                at(b"2025-12-02 10:00:00,000")
            ))
        );
        assert_eq!(sample_times(b"junk\n"), None);
    }
}
