//! Traces one call as a whole from any of its ids.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::corpus::Searched;
use super::grow::{Grow, GrownCall};
use super::kept::{Class, KeptLines};
use super::pass::{PassResult, near_misses};
use super::plan::WantedLines;
use super::{Corpus, Engine, RecordLimits};
use calltrace_model::call::{Closure, Fact, Summary, reach};
use calltrace_model::record::{Place, Stamp, id};
use calltrace_store::error::{Error, TimeRange, Trouble};
use calltrace_store::index::IndexKey;
use calltrace_store::scan::{Line, Needles, line};
use calltrace_store::source::{Source, TimeBounds};
use calltrace_store::tree::{EnterpriseName, Tree};

/// Files that end this much (milliseconds) before an id's birth can't hold its call. The margin covers a
/// bridge that is older than the leg, and clocks that differ.
const BEFORE_BIRTH_MILLIS: i64 = reach::HORIZON_MILLIS + 2 * reach::QUIET_MILLIS;

/// Records of one id that are further apart than this (milliseconds) belong to two calls.
const CALL_MILLIS_MAX: i64 = 24 * 3_600_000;

/// Number of near misses that are offered.
const NEAR_MAX: usize = 3;

/// Selects the call to trace.
#[derive(Debug, Clone)]
pub struct TraceQuestion {
    /// Any id of the call, in full.
    pub id: String,
    /// Only joins that ids prove; no inferred joins.
    pub strict: bool,
    /// Read every file, including those that end well before the id's birth.
    pub every_file: bool,
    /// If several calls on different days have the id, take the first that continues at this time or later;
    /// `None` takes the newest.
    pub since: Option<Stamp>,
}

impl TraceQuestion {
    /// The newest call with this id, including inferred joins.
    pub fn of(id: String) -> TraceQuestion {
        TraceQuestion {
            id,
            strict: false,
            every_file: false,
            since: None,
        }
    }
}

/// The answer about one enterprise.
#[derive(Debug)]
pub struct Trace {
    pub enterprise: EnterpriseName,
    /// The call; `None` when the id was not found.
    pub call: Option<TracedCall>,
    /// Other ids that contain the one asked for.
    pub near: Vec<String>,
    /// The files and bytes that were read.
    pub searched: Searched,
    /// Troubles with files that could not be read, so that records may be missing from the answer.
    pub troubles: Vec<Trouble>,
    /// Notes on how the answer was found.
    pub notes: Vec<String>,
}

/// A whole call.
#[derive(Debug)]
pub struct TracedCall {
    /// Its lines, by time, then place.
    pub lines: Vec<Line>,
    /// The fact of each line, in the same order.
    pub facts: Vec<Fact>,
    /// Its legs, and why each belongs to it.
    pub closure: Closure,
    /// What happened.
    pub summary: Summary,
    /// At least this many more records belong to the call and are left out (see [`RecordLimits`]).
    pub left_out: u64,
    /// When other calls of the same id began, on other days.
    pub others: Vec<Stamp>,
    /// File names by the source index of a place.
    pub files: Vec<String>,
    sources: Vec<Arc<Source>>,
}

impl TracedCall {
    /// The file and line number of a place, as `events.log:81234`. Reads the file up to that line to count.
    pub fn place_text(&self, place: Place) -> String {
        let file = self
            .files
            .get(place.source as usize)
            .map_or("?", String::as_str);
        let Some(source) = self.sources.get(place.source as usize) else {
            return file.to_owned();
        };
        let mut reader = source.reader(0);
        let mut chunk = vec![0u8; COUNT_BYTES];
        let mut number = 1;
        while reader.position() < place.offset {
            let left = place.offset - reader.position();
            let room = usize::try_from(left)
                .unwrap_or(COUNT_BYTES)
                .min(COUNT_BYTES);
            match reader.read(&mut chunk[..room]) {
                Ok(0) => break,
                Ok(got) => number += memchr::memchr_iter(b'\n', &chunk[..got]).count(),
                Err(_) => {}
            }
        }
        format!("{file}:{number}")
    }
}

/// Bytes read at once to count lines.
const COUNT_BYTES: usize = 256 << 10;

impl Engine {
    /// Traces the call in one enterprise.
    ///
    /// # Errors
    /// When the enterprise's folder can't be listed.
    pub fn trace(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        question: &TraceQuestion,
    ) -> Result<Trace, Error> {
        self.trace_within(tree, enterprise, question, RecordLimits::default())
    }

    /// As [`Engine::trace`], with as many records as `limits` allow.
    ///
    /// # Errors
    /// As [`Engine::trace`].
    pub fn trace_within(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        question: &TraceQuestion,
        limits: RecordLimits,
    ) -> Result<Trace, Error> {
        self.pool.install(|| {
            Corpus::ask(tree, enterprise, self, |corpus| {
                self.trace_in(corpus, question, limits)
            })
        })
    }

    /// Traces in several enterprises in parallel; answers in their order, each as from
    /// [`Engine::trace_within`].
    pub fn trace_each(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        question: &TraceQuestion,
        limits: RecordLimits,
    ) -> Vec<Result<Trace, Error>> {
        let one =
            |enterprise: &EnterpriseName| self.trace_within(tree, enterprise, question, limits);
        self.pool
            .install(|| enterprises.par_iter().map(one).collect())
    }

    /// The lines of calls that a search found, each in order of time.
    ///
    /// # Errors
    /// When the enterprise's folder can't be listed.
    pub fn lines_of_calls(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        calls: &[&Summary],
        strict: bool,
    ) -> Result<Vec<Vec<Line>>, Error> {
        self.pool.install(|| {
            Corpus::ask(tree, enterprise, self, |corpus| {
                // The calls were found before, so their times are known; the pass only draws the map.
                let every = corpus.select(|_| true);
                let mains = Needles::new(calls.iter().map(|call| &call.main_uid));
                let passed: PassResult<Line> =
                    self.pass(corpus, &every, WantedLines::Times, &mains, |_, _, _, _| {
                        None
                    });
                let lines_of = |call: &&Summary| {
                    let key = IndexKey::of_text(call.main_uid.as_bytes());
                    let keys = key.as_ref().map(std::slice::from_ref);
                    let when = (call.first, call.last);
                    let pieces = passed.map.pieces(corpus, when, keys);
                    let needles = Needles::new([&call.main_uid]);
                    let closure = Closure::of(&call.main_uid);
                    let limits = RecordLimits::default();
                    let (known, _) = self.kept_of(&pieces, &needles, when, &closure, limits);
                    let known = known.into_lines();
                    let how = Grow {
                        strict,
                        since: Some(call.first),
                        limits,
                    };
                    self.grow(corpus, &passed.map, closure, &known, how).lines
                };
                calls.par_iter().map(lines_of).collect()
            })
        })
    }

    pub(super) fn trace_in(
        &self,
        corpus: &Corpus,
        question: &TraceQuestion,
        limits: RecordLimits,
    ) -> Trace {
        let born = id::epoch_seconds(question.id.as_bytes())
            .filter(|_| !question.every_file)
            .and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0))
            .map(|moment| self.zone.stamp(moment).plus_millis(-BEFORE_BIRTH_MILLIS));
        // For a file that is out of order, samples do not show the end.
        let ends_before = |bounds: TimeBounds| {
            bounds.ordered && matches!((bounds.last, born), (Some(last), Some(born)) if last < born)
        };
        let mut chosen = corpus.select(|bounds| !ends_before(bounds));
        let (mut passed, mut sought) = self.seek(corpus, &chosen, &question.id, limits);
        if !sought.has_records() && chosen.len() < corpus.sources.len() {
            // The id's time is wrong, or the files' times are: read the rest as well.
            let rest = corpus.select(ends_before);
            let (more, found) = self.seek(corpus, &rest, &question.id, limits);
            passed.append(more);
            sought.join(found);
            chosen = corpus.select(|_| true);
        }
        let mut trace = Trace {
            enterprise: corpus.enterprise.clone(),
            call: None,
            near: Vec::new(),
            searched: corpus.searched(&chosen),
            troubles: [
                corpus.troubles.clone(),
                std::mem::take(&mut passed.troubles),
            ]
            .concat(),
            notes: corpus.notes.clone(),
        };
        let closure = Closure::of(&question.id);
        let met = sought.met();
        let known = sought.into_lines();
        let how = Grow {
            strict: question.strict,
            since: question.since,
            limits,
        };
        let mut grown = self.grow(corpus, &passed.map, closure, &known, how);
        let shown = grown.lines.len() as u64;
        grown.left_out = grown.left_out.max(met.saturating_sub(shown));
        trace.troubles.extend(grown.troubles.iter().cloned());
        let window = grown.window;
        trace.call = traced(corpus, grown);
        let asked = match (&trace.call, window) {
            (Some(_), Some((from, to))) => TimeRange {
                from: Some(from),
                to: Some(to),
            },
            _ => TimeRange {
                from: born,
                to: born.map(|at| at.plus_millis(BEFORE_BIRTH_MILLIS + CALL_MILLIS_MAX)),
            },
        };
        corpus.judge(&mut trace.troubles, asked);
        if trace.call.is_none() {
            trace.near = near(&known, &question.id);
        }
        trace
    }

    /// Finds the lines that hold the id as a whole token, and longer ids that contain it, as far as they are
    /// kept.
    pub(super) fn seek(
        &self,
        corpus: &Corpus,
        sources: &[(u32, Arc<Source>)],
        asked: &str,
        limits: RecordLimits,
    ) -> (PassResult<()>, KeptLines) {
        let needles = Needles::one(asked, &corpus.sample());
        let key = IndexKey::of_text(asked.as_bytes());
        let wanted = WantedLines::of(key.as_ref());
        let closure = Closure::of(asked);
        let kept = Mutex::new(KeptLines::new(limits));
        let passed = self.pass(
            corpus,
            sources,
            wanted,
            &needles,
            |index, block, at, text| {
                memchr::memmem::find(text, asked.as_bytes())?;
                let line = line(index, block, at, text);
                // Facts are parsed before the lock is taken, so that threads wait for each other only while
                // adding.
                let class = Class::of(&closure, &line);
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.put(class, line);
                Some(())
            },
        );
        let kept = kept.into_inner().unwrap_or_else(PoisonError::into_inner);
        (passed, kept)
    }
}

fn traced(corpus: &Corpus, grown: GrownCall) -> Option<TracedCall> {
    let summary = Summary::of(&grown.facts)?;
    Some(TracedCall {
        lines: grown.lines,
        facts: grown.facts,
        closure: grown.closure,
        summary,
        left_out: grown.left_out,
        others: grown.others,
        files: corpus.names(),
        sources: corpus.sources.clone(),
    })
}

fn near(lines: &[Line], asked: &str) -> Vec<String> {
    let mut near: Vec<String> = lines
        .iter()
        .flat_map(|line| near_misses(&line.text, asked))
        .collect();
    near.sort();
    near.dedup();
    near.truncate(NEAR_MAX);
    near
}
