//! Bytes -> matching lines, in parallel, whole lines only.
//!
//! The pipeline: sources are cut into spans; each span is read in blocks of whole lines through one
//! recycled buffer; work is done block by block on all threads of the current rayon pool; results
//! come back in the order of sources and positions, regardless of the thread count. A line belongs
//! to the span that it begins in, so a line across an edge is seen exactly once.
//!
//! What to look for in a line is decided above (`engine`); lines are parsed below (`record`).

mod blocks;
mod finding;
mod meter;
mod needles;
mod preceding;

use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::error::Trouble;
use crate::source::{Source, Span, time_of_line};
use calltrace_model::record::{Place, Record, Stamp};

pub use blocks::{Block, Blocks, preceding_times};
pub use finding::{ContentFinding, LONG_LINE_BYTES};
pub use meter::{Gauge, Meter};
pub use needles::Needles;
pub use preceding::{PrecedingState, PrecedingTimes};

/// Content of objects that is fetched before it is read (bytes); about a tenth of it is compressed.
const AHEAD_BYTES: u64 = 32 << 20;

/// How a scan cuts and reads. Answers don't depend on it; tests run with tiny values.
#[derive(Debug, Clone, Copy)]
pub struct Tuning {
    /// Content that one task reads (bytes); small enough that the last tasks finish together.
    pub span_bytes: u64,
    /// Content read at once (bytes); small enough to stay in a core's second-level cache while it
    /// is searched.
    pub block_bytes: usize,
}

impl Default for Tuning {
    fn default() -> Self {
        Tuning {
            span_bytes: 8 << 20,
            block_bytes: 256 << 10,
        }
    }
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its time. A line without one takes that of the record before it (see [`PrecedingTimes`]), so
    /// that it keeps its place in the order; 0 if no record is near.
    pub at: Stamp,
    pub place: Place,
    /// Its bytes without the newline.
    pub text: Box<[u8]>,
}

/// A range of one source to be read.
#[derive(Debug, Clone)]
pub struct Task {
    pub source: Arc<Source>,
    /// The number of the source, for [`Place`].
    pub index: u32,
    pub span: Span,
}

/// Reads ranges and keeps the buffers.
#[derive(Debug, Default)]
pub struct Scanner {
    tuning: Tuning,
    buffers: Mutex<Vec<Vec<u8>>>,
    meter: Arc<Meter>,
}

impl Scanner {
    /// A scanner with the given tuning.
    pub fn new(tuning: Tuning) -> Scanner {
        Scanner {
            tuning,
            buffers: Mutex::new(Vec::new()),
            meter: Arc::default(),
        }
    }

    /// The meter of what is read.
    pub fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// The tasks that cover whole sources, in order. `index` is the number of each source.
    pub fn tasks(&self, sources: &[(u32, Arc<Source>)]) -> Vec<Task> {
        let cut = |(index, source): &(u32, Arc<Source>)| {
            let (index, source) = (*index, Arc::clone(source));
            source
                .spans(self.tuning.span_bytes)
                .into_iter()
                .map(move |span| Task {
                    source: Arc::clone(&source),
                    index,
                    span,
                })
                .collect::<Vec<_>>()
        };
        sources.iter().flat_map(cut).collect()
    }

    /// Runs `work` on every task, on all threads of the pool. The results are in the order of
    /// tasks.
    pub fn run<R: Send>(
        &self,
        tasks: &[Task],
        work: impl Fn(&Task, &mut Blocks<'_>) -> R + Sync,
    ) -> Vec<(R, Vec<Trouble>)> {
        let planned = tasks.iter().map(|task| self.plan(task));
        let planned: Vec<Gauge> = planned.collect();
        let ahead = fetch_first(tasks);
        tasks
            .par_iter()
            .zip(planned)
            .enumerate()
            .with_max_len(1)
            .map(|(at, (task, gauge))| {
                if let Some(later) = tasks.get(at + ahead) {
                    later.source.fetch_ahead(&[later.span]);
                }
                self.read_as(task, gauge, |blocks| work(task, blocks))
            })
            .collect()
    }

    fn plan(&self, task: &Task) -> Gauge {
        let whole = task.source.content_bytes_about();
        let end = task.span.end.min(whole);
        self.meter.plan(end.saturating_sub(task.span.start))
    }

    /// Runs `work` on one range, on this thread.
    pub fn read<R>(
        &self,
        task: &Task,
        work: impl FnOnce(&mut Blocks<'_>) -> R,
    ) -> (R, Vec<Trouble>) {
        self.read_as(task, self.plan(task), work)
    }

    fn read_as<R>(
        &self,
        task: &Task,
        gauge: Gauge,
        work: impl FnOnce(&mut Blocks<'_>) -> R,
    ) -> (R, Vec<Trouble>) {
        let buffer = self.take_buffer();
        let mut blocks = Blocks::new(&task.source, task.span, buffer).counted(gauge);
        let result = work(&mut blocks);
        let troubles = self.end_stream(&task.source, blocks);
        (result, troubles)
    }

    /// The blocks of a whole source, for a caller that reads them one by one and then calls
    /// [`Scanner::end_stream`].
    pub fn stream<'s>(&self, source: &'s Source) -> Blocks<'s> {
        let gauge = self.meter.plan(source.content_bytes_about());
        Blocks::new(source, Span::WHOLE, self.take_buffer()).counted(gauge)
    }

    /// Takes the buffer back and returns the troubles with the content.
    pub fn end_stream(&self, source: &Source, blocks: Blocks<'_>) -> Vec<Trouble> {
        let (buffer, findings) = blocks.finish();
        self.give_back(buffer);
        let trouble = |finding: &ContentFinding| finding.trouble(source);
        findings.iter().map(trouble).collect()
    }

    pub fn tuning(&self) -> Tuning {
        self.tuning
    }

    fn take_buffer(&self) -> Vec<u8> {
        let recycled = self.buffers.lock().ok().and_then(|mut all| all.pop());
        recycled.unwrap_or_else(|| vec![0; self.tuning.block_bytes])
    }

    fn give_back(&self, mut buffer: Vec<u8>) {
        // The memory of one long line must not be kept for the rest of the run.
        buffer.truncate(self.tuning.block_bytes);
        buffer.shrink_to_fit();
        if let Ok(mut all) = self.buffers.lock() {
            all.push(buffer);
        }
    }
}

/// Starts to fetch the first tasks that read objects, and returns their number.
fn fetch_first(tasks: &[Task]) -> usize {
    let mut bytes = 0;
    let mut first = tasks.iter().enumerate().map(|(at, task)| {
        task.source.fetch_ahead(&[task.span]);
        bytes += task.span.bytes().min(AHEAD_BYTES);
        (at + 1, bytes)
    });
    let enough = first.find(|(_, bytes)| *bytes >= AHEAD_BYTES);
    enough.map_or(tasks.len(), |(count, _)| count)
}

/// A line of a block as an owned [`Line`].
pub fn line(source: u32, block: &Block<'_>, at: usize, text: &[u8]) -> Line {
    let own = time_of_line(text);
    Line {
        at: own.or_else(|| time_before(block, at)).unwrap_or(Stamp(0)),
        place: Place {
            source,
            offset: block.offset + at as u64,
        },
        text: text.into(),
    }
}

/// The time of the record in a line of a block; for a line that is not a record, the time that
/// [`PrecedingTimes`] gives it. An index knows only the times of records.
pub fn time_of_record(block: &Block<'_>, at: usize, text: &[u8]) -> Option<Stamp> {
    Record::parse(text).at.or_else(|| time_before(block, at))
}

fn time_before(block: &Block<'_>, at: usize) -> Option<Stamp> {
    block
        .preceding_times()?
        .time_of(block.offset, block.text, at)
}
