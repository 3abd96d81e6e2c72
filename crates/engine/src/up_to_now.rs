//! Answers about what the files hold up to now, and how far that goes, for callers that go on to follow the
//! files.
//!
//! History and arriving lines join without a gap or a repeat: the files are opened; each file that may grow
//! is cut after its last whole line; the question is asked of exactly that content; and the open files are
//! handed out with the offset of the cut. A last line that is still being written is never in the answer: it
//! arrives later.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use rayon::prelude::*;

use super::corpus::ASK_TRIES;
use super::lines::{is_full, keep_newest};
use super::search::CallCollector;
use super::sweep::Sweep;
use super::window::{LATEST, TimeWindow};
use super::{Corpus, Engine, FoundLine, FoundLines, LinesQuestion, SearchQuestion};
use super::{RecordLimits, Trace, TraceQuestion};
use calltrace_model::call::{Joiner, reach};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::Stamp;
use calltrace_store::error::{Error, TimeRange, Trouble};
use calltrace_store::scan::{Line, Needles, Task};
use calltrace_store::source::{
    Source, Span, TimeBounds, first_time_after, is_compressed, last_line_end,
};
use calltrace_store::tree::{EnterpriseName, Head, LogFile, Snapshot, Tree};

/// A file is read backwards in steps, each this many times larger than the one before.
const STEP_GROWTH: u64 = 4;

/// The largest step, counted in spans that are read in parallel.
const STEP_SPANS_MAX: u64 = 4;

/// Lines of one file are at most this far out of order (milliseconds). A file with samples that show more is read
/// whole.
const DISORDER_MILLIS: i64 = 60_000;

/// A file that may grow, and how far it was read.
#[derive(Debug)]
pub struct ReadUpTo {
    /// The open file, with its length at that time.
    pub log: Arc<LogFile>,
    /// Content offset after the newline of the last whole line; 0 when there is none.
    pub end: u64,
    /// Its first bytes at that time.
    pub head: Head,
}

/// An answer about one enterprise, and the offsets at which later content will begin.
#[derive(Debug)]
pub struct AnswerUpToNow<A> {
    pub answer: A,
    /// The files that may grow, each once, in reading order; empty with [`AfterAnswer::Close`].
    pub files: Vec<ReadUpTo>,
    /// Time of the newest record, as far as samples show; `None` when there is no record.
    pub newest: Option<Stamp>,
}

/// Calls that may still grow.
#[derive(Debug)]
pub struct OpenCalls {
    pub calls: Joiner,
    /// Troubles with files that could not be read.
    pub troubles: Vec<Trouble>,
    /// Notes on how the answer was found.
    pub notes: Vec<String>,
}

/// What happens to files that may grow once the question is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAnswer {
    /// They are handed out open, to be followed.
    Follow,
    /// They are closed: the files of many enterprises could exceed the limit of open files.
    Close,
}

/// Which files a question reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileSelection {
    All,
    /// The files that may grow, and the newest of the others.
    Newest,
}

/// The files of a snapshot; those that may grow are cut after their last whole line.
struct CutSnapshot {
    files: Vec<Arc<LogFile>>,
    ends: Vec<ReadUpTo>,
}

impl Engine {
    /// The records that a question asks for in each of several enterprises, searched in parallel; answers in
    /// the order of the enterprises.
    ///
    /// With a limit and no start of the time range, only the newest files are searched: those that may grow,
    /// and the newest compressed one. The answer has no context lines.
    pub fn lines_up_to_now(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        question: &LinesQuestion,
        then: AfterAnswer,
    ) -> Vec<Result<AnswerUpToNow<FoundLines>, Error>> {
        let newest = question.limit.filter(|_| question.filter.since.is_none());
        self.each(enterprises, |enterprise| match newest {
            Some(limit) => self.ask_now(
                tree,
                enterprise,
                (FileSelection::Newest, then),
                |corpus, whole| {
                    let mut found = self.newest_in(corpus, question, limit);
                    found.searched.files_known = whole.files.len();
                    found
                },
            ),
            None => self.ask_now(tree, enterprise, (FileSelection::All, then), |corpus, _| {
                self.lines_in(corpus, question)
            }),
        })
    }

    /// Traces the call in several enterprises in parallel; answers in their order.
    pub fn trace_up_to_now(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        question: &TraceQuestion,
        then: AfterAnswer,
    ) -> Vec<Result<AnswerUpToNow<Trace>, Error>> {
        self.each(enterprises, |enterprise| {
            self.ask_now(tree, enterprise, (FileSelection::All, then), |corpus, _| {
                self.trace_in(corpus, question, RecordLimits::default())
            })
        })
    }

    /// The calls of several enterprises that may still grow at the time `now` (or that of the newest record,
    /// if that is later), in parallel; answers in the order of the enterprises. Their records are those of
    /// the last [`reach::HORIZON_MILLIS`], marked if they pass `filter`.
    pub fn open_calls(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        filter: &RecordFilter,
        now: Stamp,
    ) -> Vec<Result<AnswerUpToNow<OpenCalls>, Error>> {
        let question = SearchQuestion {
            filter: filter.clone(),
            ..SearchQuestion::default()
        };
        self.each(enterprises, |enterprise| {
            self.ask_now(
                tree,
                enterprise,
                (FileSelection::All, AfterAnswer::Follow),
                |corpus, _| {
                    let now = newest_known(corpus).map_or(now, |newest| newest.max(now));
                    self.open_in(corpus, &question, now)
                },
            )
        })
    }

    fn each<A: Send>(
        &self,
        enterprises: &[EnterpriseName],
        ask: impl Fn(&EnterpriseName) -> Result<A, Error> + Send + Sync,
    ) -> Vec<Result<A, Error>> {
        self.pool
            .install(|| enterprises.par_iter().map(ask).collect())
    }

    /// Asks `question` of the whole lines that exist now, and asks again if the files moved in the meantime. The
    /// question also gets the set of all files.
    fn ask_now<A>(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        (files, then): (FileSelection, AfterAnswer),
        question: impl Fn(&Corpus, &Snapshot) -> A,
    ) -> Result<AnswerUpToNow<A>, Error> {
        let mut tries = 1;
        loop {
            let whole = Snapshot::of(tree, enterprise)?;
            let cut = cut(&whole, files)?;
            let corpus = Corpus::of(whole.with_files(cut.files), self);
            let answer = question(&corpus, &whole);
            // The files as they were opened: a cut file would hide that its last bytes are gone.
            if tries == ASK_TRIES || !whole.has_moved() {
                let files = match then {
                    AfterAnswer::Follow => cut.ends,
                    AfterAnswer::Close => Vec::new(),
                };
                return Ok(AnswerUpToNow {
                    answer,
                    files,
                    newest: newest_known(&corpus),
                });
            }
            tries += 1;
        }
    }

    fn open_in(&self, corpus: &Corpus, question: &SearchQuestion, now: Stamp) -> OpenCalls {
        let recent = TimeWindow {
            start: now.plus_millis(-reach::HORIZON_MILLIS),
            end: LATEST,
        };
        let mut seen = CallCollector::new(corpus, question);
        let calls = Sweep::new(self, corpus, question, recent).open_calls(now, &mut seen);
        let asked = TimeRange {
            from: Some(recent.reads_from()),
            to: None,
        };
        corpus.judge(&mut seen.troubles, asked);
        OpenCalls {
            calls,
            troubles: seen.troubles,
            notes: corpus.notes.clone(),
        }
    }

    /// The newest matching records, file by file, starting with the file that ends last.
    fn newest_in(&self, corpus: &Corpus, question: &LinesQuestion, limit: usize) -> FoundLines {
        let needle = question.filter.needle();
        let needles = needle.map(|needle| Needles::one(needle, &corpus.sample()));
        let mut chosen = corpus.select(|_| limit > 0);
        chosen.sort_by_key(|(i, _)| Reverse(corpus.bounds[*i as usize].last));
        let mut found: Vec<Line> = Vec::new();
        let mut troubles = corpus.troubles.clone();
        let mut read = Vec::new();
        for source in chosen {
            let bounds = corpus.bounds[source.0 as usize];
            if is_full(&found, bounds, Some(limit)) {
                continue;
            }
            let named = self.add_newest(&source, bounds, question, needles.as_ref(), &mut found);
            troubles.extend(named);
            read.push(source);
        }
        corpus.judge(&mut troubles, question.asked(&found));
        FoundLines {
            enterprise: corpus.enterprise.clone(),
            count: found.len(),
            matches: found.len(),
            groups: BTreeMap::new(),
            may_match_more: true,
            is_cut: found.len() >= limit,
            lines: found.into_iter().map(FoundLine::matching).collect(),
            files: corpus.names(),
            searched: corpus.searched(&read),
            troubles,
            notes: corpus.notes.clone(),
        }
    }

    /// Adds the newest matches of a file to those `found` in others, and keeps the newest of all. The file is
    /// read backwards until there are enough and earlier content can't hold a newer one.
    fn add_newest(
        &self,
        (number, source): &(u32, Arc<Source>),
        bounds: TimeBounds,
        question: &LinesQuestion,
        needles: Option<&Needles>,
        found: &mut Vec<Line>,
    ) -> Vec<Trouble> {
        let tuning = self.scanner.tuning();
        let step_max = (STEP_SPANS_MAX * tuning.span_bytes).max(1);
        let mut step = (tuning.block_bytes as u64).clamp(1, step_max);
        let mut troubles = Vec::new();
        let mut end = source.content_bytes().unwrap_or(u64::MAX);
        while end > source.start() {
            let from = match source.is_seekable() {
                true => end.saturating_sub(step).max(source.start()),
                false => source.start(),
            };
            let tasks = tasks_between(*number, source, from, end, tuning.span_bytes);
            let (lines, _, named) = self.lines_of_tasks(&tasks, question, needles);
            troubles.extend(named);
            found.extend(lines);
            found.sort_by_key(|line| (line.at, line.place));
            keep_newest(found, question.limit);
            let enough = question.limit.is_none_or(|limit| found.len() >= limit);
            let reached = first_time_after(source, from).map(|at| at.plus_millis(DISORDER_MILLIS));
            let oldest = found.first().map(|line| line.at);
            if enough
                && bounds.ordered
                && matches!((reached, oldest), (Some(reached), Some(oldest)) if reached < oldest)
            {
                break;
            }
            end = from;
            step = (step * STEP_GROWTH).min(step_max);
        }
        troubles
    }
}

/// The stretch in pieces that are read in parallel; one piece if the source can't be read from the middle.
fn tasks_between(
    number: u32,
    source: &Arc<Source>,
    from: u64,
    end: u64,
    span_bytes: u64,
) -> Vec<Task> {
    let task = |span| Task {
        source: Arc::clone(source),
        index: number,
        span,
    };
    if !source.is_seekable() {
        return vec![task(Span { start: from, end })];
    }
    (0..(end - from).div_ceil(span_bytes))
        .map(|i| from + i * span_bytes)
        .map(|start| Span {
            start,
            end: end.min(start + span_bytes),
        })
        .map(task)
        .collect()
}

/// Time of the newest record, as far as samples show. For a gzip that can't be read from its end only the
/// time of compression is known, which is not the time of a record.
fn newest_known(corpus: &Corpus) -> Option<Stamp> {
    let latest = |exact: bool| {
        let pairs = corpus.sources.iter().zip(&corpus.bounds);
        let of_kind = pairs.filter(|(source, _)| source.is_seekable() == exact);
        of_kind.filter_map(|(_, bounds)| bounds.last).max()
    };
    latest(true).or_else(|| latest(false))
}

fn cut(whole: &Snapshot, which: FileSelection) -> Result<CutSnapshot, Error> {
    let mut cut = CutSnapshot {
        files: Vec::new(),
        ends: Vec::new(),
    };
    // A file that can't be read at all is named when it is opened as a source.
    let packed = |log: &Arc<LogFile>| is_compressed(log).unwrap_or(true);
    let newest = whole.files.iter().rposition(packed);
    for (at, log) in whole.files.iter().enumerate() {
        if packed(log) {
            if which == FileSelection::All || newest == Some(at) {
                cut.files.push(Arc::clone(log));
            }
            continue;
        }
        let (whole_lines, end) = whole_lines(log)
            .map_err(|error| Error::io(&log.path, "look for its last line", error))?;
        cut.files.push(whole_lines);
        let is_new = |known: &ReadUpTo| known.log.identity != log.identity;
        // An archive that is being written may still be empty.
        let may_grow = !log.name.gz || log.bytes > 1;
        if may_grow && cut.ends.iter().all(is_new) {
            // A file that can't be read is named when it is followed.
            let head = Head::read(&log.file).unwrap_or_default();
            let log = Arc::clone(log);
            cut.ends.push(ReadUpTo { log, end, head });
        }
    }
    Ok(cut)
}

/// The file up to the end of its last whole line, and that end.
fn whole_lines(log: &Arc<LogFile>) -> io::Result<(Arc<LogFile>, u64)> {
    // If the end can't be read (it was taken off just now, or the disk fails), nothing is cut. Either the set
    // has moved and is looked at again, or reading it will name the damage.
    match last_line_end(log, log.bytes) {
        Ok(end) if end < log.bytes => Ok((Arc::new(log.cut(end)), end)),
        Ok(_) | Err(_) => Ok((Arc::clone(log), log.bytes)),
    }
}
