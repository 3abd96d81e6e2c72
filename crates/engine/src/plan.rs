//! What to read for a question: candidates that an index names, or all of a source.

use std::sync::Arc;

use super::Corpus;
use calltrace_model::record::Stamp;
use calltrace_store::error::Trouble;
use calltrace_store::index::{self, Index, IndexKey};
use calltrace_store::scan::{Scanner, Task};
use calltrace_store::source::{Source, Span};

/// The lines that a question needs, as far as an index can show it.
#[derive(Debug, Clone, Copy)]
pub(super) enum WantedLines<'k> {
    /// Any lines; an index can't narrow them down.
    Any,
    /// Lines that one of the keys leads to.
    Keys(&'k [IndexKey]),
    /// No lines, only their times.
    Times,
}

impl<'k> WantedLines<'k> {
    /// Lines of the key, or any lines if there is no key.
    pub(super) fn of(key: Option<&'k IndexKey>) -> WantedLines<'k> {
        key.map_or(WantedLines::Any, |key| {
            WantedLines::Keys(std::slice::from_ref(key))
        })
    }
}

/// The content to read.
#[derive(Debug, Default)]
pub(super) struct ReadPlan {
    /// Stretches that may hold wanted lines, in order of source and place.
    pub tasks: Vec<Task>,
    /// Sources that an index answers for, as far as it covers them.
    pub indexed: Vec<u32>,
    /// Known damage in content that need not be read.
    pub troubles: Vec<Trouble>,
}

impl ReadPlan {
    /// Plans what to read of `sources`.
    pub(super) fn new(
        scanner: &Scanner,
        corpus: &Corpus,
        sources: &[(u32, Arc<Source>)],
        wanted: WantedLines<'_>,
    ) -> ReadPlan {
        let mut reading = ReadPlan::default();
        if let WantedLines::Keys(keys) = wanted {
            let of_source = |(number, _): &(u32, _)| corpus.indexes[*number as usize].as_ref();
            index::fetch_pages_ahead(sources.iter().filter_map(of_source), keys);
        }
        for (number, source) in sources {
            let index = corpus.indexes[*number as usize].as_ref();
            let candidates = index.and_then(|index| candidates(index, source, wanted));
            let (Some(index), Some(candidates)) = (index, candidates) else {
                reading
                    .tasks
                    .extend(scanner.tasks(&[(*number, Arc::clone(source))]));
                continue;
            };
            reading.indexed.push(*number);
            reading.tasks.extend(runs(*number, source, &candidates));
            reading.tasks.extend(tail(scanner, *number, source, index));
            let named = index.findings().map(|finding| finding.trouble(source));
            reading.troubles.extend(named);
        }
        reading
    }
}

/// The stretches that an index names. `None` when it can't name them, or when everything has to be decoded to
/// get there.
fn candidates(index: &Index, source: &Source, wanted: WantedLines<'_>) -> Option<Vec<Span>> {
    let keys = match wanted {
        WantedLines::Any => return None,
        WantedLines::Keys(keys) => keys,
        WantedLines::Times => &[],
    };
    let found = index.candidates(keys)?;
    if found.is_empty() {
        return Some(Vec::new());
    }
    if !source.is_seekable() {
        return None;
    }
    let blocks = index.blocks()?;
    let span = |at: u32| blocks.get(at as usize).map(|block| block.span);
    found.into_iter().map(span).collect()
}

/// Plans to read the blocks of an indexed source that may hold lines within the times `when` (both ends
/// inclusive) and of some keys (`None`: any). If the index lists no blocks, that is all the content that it
/// covers.
pub(super) fn blocks_near(
    number: u32,
    source: &Arc<Source>,
    index: &Index,
    keys: Option<&[IndexKey]>,
    when: (Stamp, Stamp),
) -> Vec<Task> {
    let whole = Span {
        start: 0,
        end: index.covered(),
    };
    let spans = || {
        let blocks = index.blocks()?;
        let near: Vec<bool> = are_near(blocks.iter().map(|b| b.times), None, when).collect();
        if !near.contains(&true) {
            return Some(Vec::new());
        }
        let span = |at: usize| Some(blocks.get(at)?.span).filter(|_| near[at]);
        Some(match keys {
            None => (0..blocks.len()).filter_map(span).collect(),
            Some(keys) => {
                let of_keys = index.candidates(keys)?;
                of_keys.iter().filter_map(|at| span(*at as usize)).collect()
            }
        })
    };
    let spans: Vec<Span> = spans().unwrap_or_else(|| vec![whole]);
    match (spans.first(), spans.last()) {
        // A source that can't be read from the middle is decoded once, up to the last block.
        (Some(first), Some(last)) if !source.is_seekable() => {
            let span = Span {
                start: first.start,
                end: last.end,
            };
            vec![task(number, source, span)]
        }
        _ => runs(number, source, &spans),
    }
}

/// Which of some consecutive blocks may hold lines within the times `when` (both ends inclusive), judged by
/// the times of the records in each block. A line that is not a record has the time of the record before it,
/// which may be in an earlier block; `before` is the time before the first block, if any.
pub(super) fn are_near(
    times: impl Iterator<Item = Option<(Stamp, Stamp)>>,
    before: Option<(Stamp, Stamp)>,
    (from, to): (Stamp, Stamp),
) -> impl Iterator<Item = bool> {
    let touches = move |(first, last): (Stamp, Stamp)| last >= from && first <= to;
    times.scan(before, move |before, own| {
        let is_near = own.is_none_or(touches) || before.is_some_and(touches);
        *before = own.or(*before);
        Some(is_near)
    })
}

/// Joins neighbouring spans into one task.
fn runs(number: u32, source: &Arc<Source>, spans: &[Span]) -> Vec<Task> {
    spans
        .chunk_by(|a, b| a.end == b.start)
        .map(|run| Span {
            start: run[0].start,
            end: run[run.len() - 1].end,
        })
        .map(|span| task(number, source, span))
        .collect()
}

/// The content that a growing file has gained since it was indexed.
fn tail(scanner: &Scanner, number: u32, source: &Arc<Source>, index: &Index) -> Vec<Task> {
    let (from, to) = (index.covered(), source.content_bytes().unwrap_or(0));
    let step = scanner.tuning().span_bytes;
    let starts = (0..to.saturating_sub(from).div_ceil(step)).map(|i| from + i * step);
    starts
        .map(|start| Span {
            start,
            end: to.min(start + step),
        })
        .map(|span| task(number, source, span))
        .collect()
}

fn task(number: u32, source: &Arc<Source>, span: Span) -> Task {
    Task {
        source: Arc::clone(source),
        index: number,
        span,
    }
}
