//! Search by what only a whole call shows: all records of a stretch of time sorted into calls.
//!
//! The stretch is cut at the beginnings of files (about days), and the newest piece is swept first,
//! so that fifty missed calls cost one day, not fifteen. Within a piece, records go forward in
//! time: blocks are parsed on all threads while the ones before them are joined on one. Calls are
//! judged and forgotten as soon as they are over.

mod begun;
mod waiting;

use std::sync::Arc;

use rayon::prelude::*;

use super::search::{Calls, SearchQuestion, accept};
use super::{Corpus, Engine, RecordLimits};
use calltrace_model::call::{Component, Fact, Facts, Joiner, Summary, reach, straighten};
use calltrace_model::record::{Place, Record, Stamp};
use calltrace_store::error::Trouble;
use calltrace_store::scan::{Before, Block, Blocks, Scanner, Seen, Task, before, time_of_record};
use calltrace_store::source::{Bounds, Source, Span, first_line_at};
use waiting::Waiting;

/// Content parsed at once: this many tasks of this many bytes.
const TASKS_AT_ONCE: u64 = 4;
const TASK_BYTES_MAX: u64 = 1 << 20;

/// So many last records of a content say how far it goes.
const FACTS_BEHIND: usize = 16;

/// Pieces shorter than this (milliseconds) are swept with the next.
const WINDOW_MILLIS_MIN: i64 = 6 * 3_600_000;

/// Before every record.
pub(super) const EARLIEST: Stamp = Stamp(i64::MIN / 4);
/// After every record.
pub(super) const LATEST: Stamp = Stamp(i64::MAX / 4);

/// A stretch of time: the calls that began in it are its own. End exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    pub start: Stamp,
    pub end: Stamp,
}

impl Window {
    /// From when on records are read.
    fn reads_from(self) -> Stamp {
        self.start.plus_millis(-reach::QUIET_MILLIS)
    }

    /// Whether the time lies in the window.
    fn holds(self, at: Stamp) -> bool {
        at >= self.start && at < self.end
    }
}

/// What parsing some content gave.
#[derive(Default)]
struct Parsed {
    /// A list a task, in order: appending them would copy every fact once more.
    facts: Vec<Vec<Fact>>,
    troubles: Vec<Trouble>,
    unparsed: u64,
}

impl Engine {
    pub(super) fn search_sweep(
        &self,
        corpus: &Corpus,
        question: &SearchQuestion,
        calls: &mut Calls<'_>,
    ) {
        let mut swept: Vec<Window> = Vec::new();
        for window in windows(
            &corpus.bounds,
            question.criteria.since,
            question.criteria.until,
        ) {
            Sweep::new(self, corpus, question, window).run(calls);
            swept.push(window);
            if calls.is_full(window.start) {
                break;
            }
        }
        let chosen = corpus.select(|bounds| swept.iter().any(|window| touches(bounds, *window)));
        calls.searched = corpus.searched(&chosen);
    }
}

/// The sweep of one window.
pub(super) struct Sweep<'c> {
    engine: &'c Engine,
    corpus: &'c Corpus,
    question: &'c SearchQuestion,
    window: Window,
    /// There are records just before the window, where a call may have begun.
    has_older: bool,
    /// Calls that are over, and may have begun before the window.
    unsure: Vec<Component>,
    cursors: Vec<Cursor<'c>>,
    waiting: Waiting,
    joiner: Joiner,
}

impl<'c> Sweep<'c> {
    pub(super) fn new(
        engine: &'c Engine,
        corpus: &'c Corpus,
        question: &'c SearchQuestion,
        window: Window,
    ) -> Sweep<'c> {
        let cursors = (0..)
            .zip(&corpus.sources)
            .zip(&corpus.bounds)
            .filter(|(_, bounds)| touches(**bounds, window))
            .map(|((index, source), bounds)| Cursor::new(index, source, *bounds, window))
            .collect();
        let before = window.start.plus_millis(-reach::HORIZON_MILLIS);
        let has_older = corpus.bounds.iter().any(|b| {
            b.first.is_none_or(|first| first < window.start)
                && b.last.is_none_or(|last| last >= before)
        });
        Sweep {
            engine,
            corpus,
            has_older,
            unsure: Vec::new(),
            question,
            window,
            cursors,
            waiting: Waiting::default(),
            joiner: Joiner::keeping(RecordLimits::default().records),
        }
    }

    fn run(mut self, calls: &mut Calls<'_>) {
        self.walk(LATEST, calls, Sweep::judge);
        let rest = self.joiner.take_all();
        // Sweeps of neighbouring stretches read some records twice.
        calls.records_left_out = calls.records_left_out.max(self.joiner.left_out());
        self.judge(rest, calls);
        let own = self.begun_here(calls);
        self.accept_all(own, calls);
    }

    /// The calls that something may still be added to after `now`, joined as far as records go.
    pub(super) fn open_calls(mut self, now: Stamp, calls: &mut Calls<'_>) -> Joiner {
        self.walk(now, calls, |_, _, _| {});
        for slot in self.joiner.quiet(now) {
            self.joiner.take(slot);
        }
        self.joiner
    }

    /// Goes through all records of the window; what is over on the way, by the time `until` at the
    /// latest, is handed to `take`.
    fn walk(
        &mut self,
        until: Stamp,
        calls: &mut Calls<'_>,
        take: impl Fn(&mut Self, Vec<Component>, &mut Calls<'_>),
    ) {
        let mut parsed = Parsed::default();
        loop {
            let open = self.cursors.iter_mut().filter(|c| !c.done);
            let next = open.min_by_key(|c| c.reached);
            let more = next.is_some();
            let feed = std::mem::take(&mut parsed);
            let joiner = &mut self.joiner;
            let (scanner, question, window) = (&self.engine.scanner, self.question, self.window);
            // What was parsed before is joined while the next is parsed.
            let (fresh, ()) = rayon::join(
                || next.map(|cursor| cursor.parse_next(scanner, question, window)),
                || calls.feed(joiner, feed),
            );
            let parsed_until = self.all_parsed_until();
            parsed = self.waiting.pass(fresh.unwrap_or_default(), parsed_until);
            let now = self.all_pushed_until(&parsed).min(until);
            let over = self.take_over(now);
            take(self, over, calls);
            if !more || (now > self.window.end && !self.has_own_calls()) {
                break;
            }
        }
        calls.feed(&mut self.joiner, parsed);
        let rest = self.waiting.take_until(LATEST);
        calls.feed(&mut self.joiner, rest);
        if !self.question.strict {
            self.merge_inferred(LATEST);
        }
    }

    /// Every record up to this time has been parsed.
    fn all_parsed_until(&self) -> Stamp {
        let open = self.cursors.iter().filter(|c| !c.done);
        open.map(|c| c.reached).min().unwrap_or(LATEST)
    }

    /// Every record up to this time has been joined.
    fn all_pushed_until(&self, pending: &Parsed) -> Stamp {
        let pending = pending.facts.iter().flatten().map(|f| f.at).min();
        let waiting = self.waiting.first();
        let not_joined = pending.into_iter().chain(waiting);
        not_joined
            .chain([self.all_parsed_until()])
            .min()
            .unwrap_or(LATEST)
    }

    /// Whether a call that began in the window may still grow.
    fn has_own_calls(&self) -> bool {
        self.joiner
            .components()
            .any(|(_, c)| c.facts.iter().any(|f| f.at < self.window.end))
    }

    /// Takes the calls that are over out of the joiner, with the parts that circumstance joins.
    fn take_over(&mut self, now: Stamp) -> Vec<Component> {
        if !self.question.strict {
            self.merge_inferred(now);
        }
        let over = self.joiner.quiet(self.engine.zone.written_until(now));
        over.into_iter()
            .map(|slot| self.joiner.take(slot))
            .collect()
    }

    /// Joins parts that share no id, once everything that began near them has been joined.
    fn merge_inferred(&mut self, now: Stamp) {
        self.joiner
            .infer(|part| part.is_older_than(reach::NEIGHBOUR_MILLIS, now));
    }

    /// Collects those calls that are the window's own and are asked for; of some that is not known yet.
    fn judge(&mut self, over: Vec<Component>, calls: &mut Calls<'_>) {
        let zone = self.engine.zone;
        let mut own: Vec<Component> = over
            .into_par_iter()
            .with_min_len(64)
            .filter_map(|mut component| {
                straighten(zone, &mut component.facts);
                component.facts.sort_by_key(|f| (f.at, f.place));
                let first = component.facts.first()?.at;
                self.window.holds(first).then_some(component)
            })
            .collect();
        let unsure: Vec<Component> = own
            .extract_if(.., |call| self.may_be_older(&call.facts))
            .collect();
        self.unsure.extend(unsure);
        self.accept_all(own, calls);
    }

    fn accept_all(&self, own: Vec<Component>, calls: &mut Calls<'_>) {
        let accepted: Vec<Summary> = own
            .into_par_iter()
            .with_min_len(64)
            .filter_map(|call| accept(self.question, &call.facts))
            .collect();
        for summary in accepted {
            calls.push(summary);
        }
    }
}

impl Calls<'_> {
    fn feed(&mut self, joiner: &mut Joiner, parsed: Parsed) {
        self.troubles.extend(parsed.troubles);
        self.unparsed += parsed.unparsed;
        for fact in parsed.facts.into_iter().flatten() {
            joiner.push(fact);
        }
    }
}

/// Goes through one source, forward.
struct Cursor<'c> {
    index: u32,
    source: &'c Arc<Source>,
    /// Next content offset, of a source that can be read from the middle.
    at: u64,
    /// The one reader of a source that can't.
    stream: Option<Blocks<'c>>,
    /// All records up to this time were parsed.
    reached: Stamp,
    ordered: bool,
    done: bool,
}

impl<'c> Cursor<'c> {
    fn new(index: u32, source: &'c Arc<Source>, bounds: Bounds, window: Window) -> Cursor<'c> {
        let from = window.reads_from();
        let at = if bounds.ordered && bounds.first.is_some_and(|first| first < from) {
            first_line_at(source, from)
        } else {
            0
        };
        Cursor {
            index,
            source,
            at,
            stream: None,
            reached: bounds
                .first
                .filter(|_| bounds.ordered)
                .map_or(EARLIEST, |first| first.max(from)),
            ordered: bounds.ordered,
            done: false,
        }
    }

    /// Parses the next content on all threads.
    fn parse_next(
        &mut self,
        scanner: &'c Scanner,
        question: &SearchQuestion,
        window: Window,
    ) -> Parsed {
        let parts = match self.source.content_bytes() {
            Some(total) => self.parse_spans(scanner, question, window, total),
            None => self.parse_stream(scanner, question, window),
        };
        let mut all = Parsed::default();
        for mut part in parts {
            all.facts.append(&mut part.facts);
            all.troubles.append(&mut part.troubles);
            all.unparsed += part.unparsed;
        }
        // The earliest of some, as one may be dated years ahead by a clock that was wrong.
        let behind = all.facts.iter().flatten().rev().take(FACTS_BEHIND);
        let last = behind.map(|f| f.at).min();
        if self.ordered {
            self.reached = self.reached.max(last.unwrap_or(self.reached));
        }
        all
    }

    fn parse_spans(
        &mut self,
        scanner: &Scanner,
        question: &SearchQuestion,
        window: Window,
        total: u64,
    ) -> Vec<Parsed> {
        let task_bytes = scanner.tuning().span_bytes.min(TASK_BYTES_MAX);
        let mut tasks = Vec::new();
        for _ in 0..TASKS_AT_ONCE {
            if self.at >= total {
                break;
            }
            let end = total.min(self.at + task_bytes);
            tasks.push(Task {
                source: Arc::clone(self.source),
                index: self.index,
                span: Span {
                    start: self.at,
                    end,
                },
            });
            self.at = end;
        }
        self.done = self.at >= total;
        let parts = scanner.run(&tasks, |task, blocks| {
            let mut parsed = Parsed::default();
            while let Some(block) = blocks.next_block() {
                parse_block(question, window, task.index, &block, &mut parsed);
            }
            parsed
        });
        let with_troubles = |(mut parsed, troubles): (Parsed, Vec<Trouble>)| {
            parsed.troubles.extend(troubles);
            parsed
        };
        parts.into_iter().map(with_troubles).collect()
    }

    /// Decodes on this thread, parses on all.
    fn parse_stream(
        &mut self,
        scanner: &'c Scanner,
        question: &SearchQuestion,
        window: Window,
    ) -> Vec<Parsed> {
        let source: &'c Source = self.source;
        let stream = self.stream.get_or_insert_with(|| scanner.stream(source));
        let mut texts: Vec<(u64, Vec<u8>, Option<Seen>)> = Vec::new();
        let mut bytes = 0;
        while bytes < TASKS_AT_ONCE * TASK_BYTES_MAX {
            let Some(block) = stream.next_block() else {
                self.done = true;
                break;
            };
            bytes += block.text.len() as u64;
            let seen = block.before().and_then(Before::seen);
            texts.push((block.offset, block.text.to_vec(), seen));
        }
        let mut parts: Vec<Parsed> = texts
            .par_iter()
            .map(|(offset, text, seen)| {
                let mut parsed = Parsed::default();
                let known = before(source, *seen);
                let block = Block::of(*offset, text).behind(&known);
                parse_block(question, window, self.index, &block, &mut parsed);
                parsed
            })
            .collect();
        if self.done
            && let Some(stream) = self.stream.take()
        {
            parts.push(Parsed {
                troubles: scanner.end_stream(source, stream),
                ..Parsed::default()
            });
        }
        parts
    }
}

fn parse_block(
    question: &SearchQuestion,
    window: Window,
    index: u32,
    block: &Block<'_>,
    into: &mut Parsed,
) {
    let from = window.reads_from();
    let filters = !question.filter.is_empty();
    let needs_texts = question.criteria.fault.is_some();
    let mut facts = Facts::for_block(block.text.len()).with_texts(needs_texts);
    for (at, line) in block.lines() {
        let record = Record::parse(line);
        let Some(time) = record.at else {
            // It is of the time of a record before it, so that windows count it once.
            let time = || time_of_record(block, at, line).unwrap_or(EARLIEST);
            into.unparsed += u64::from(!line.is_empty() && window.holds(time()));
            continue;
        };
        if time < from {
            continue;
        }
        let place = Place {
            source: index,
            offset: block.offset + at as u64,
        };
        let matched = filters && question.filter.matches(&record, None);
        facts.push(&record, time, place).matched = matched;
    }
    into.facts.push(facts.finish());
}

/// Whether a source may hold records of calls that began in the window.
fn touches(bounds: Bounds, window: Window) -> bool {
    let beyond = window.end.plus_millis(reach::HORIZON_MILLIS);
    bounds.first.is_none_or(|first| first < beyond)
        && bounds.last.is_none_or(|last| last >= window.reads_from())
}

/// The time asked for, cut where files begin; newest first.
fn windows(bounds: &[Bounds], since: Option<Stamp>, until: Option<Stamp>) -> Vec<Window> {
    let (since, until) = (since.unwrap_or(EARLIEST), until.unwrap_or(LATEST));
    let mut starts: Vec<Stamp> = bounds.iter().filter_map(|b| b.first).collect();
    // Nothing is before the first of all.
    let first = starts.iter().min().copied();
    starts.retain(|start| *start > since && *start < until && Some(*start) != first);
    starts.sort();
    let mut windows = Vec::new();
    let mut end = until;
    for start in starts.into_iter().rev() {
        if end.since(start) >= WINDOW_MILLIS_MIN {
            windows.push(Window { start, end });
            end = start;
        }
    }
    windows.push(Window { start: since, end });
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_the_time_asked_for_once() {
        let bounds = |hours: i64| Bounds {
            first: Some(Stamp(hours * 3_600_000)),
            last: None,
            ordered: true,
        };
        let all = [bounds(24), bounds(0), bounds(48), bounds(49)];
        let found = windows(&all, None, Some(Stamp(60 * 3_600_000)));
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!(found[0].end, Stamp(60 * 3_600_000));
        assert_eq!(found.last().map(|s| s.start), Some(EARLIEST));
        for pair in found.windows(2) {
            assert_eq!(pair[0].start, pair[1].end);
        }
    }
}
