//! Search by what only a whole call shows: all records of a stretch of time, sorted into calls.
//!
//! The stretch is cut where files begin (about days), and the newest window is swept first, so that fifty
//! missed calls cost one day, not fifteen. Within a window, records go forward in time: blocks are parsed on
//! all threads while the blocks before them are joined on one. Calls are judged and dropped as soon as they
//! are over.

mod begun;
mod cursor;
mod queue;
mod rows;

use std::sync::Arc;

use rayon::prelude::*;

use super::search::{CallCollector, SearchQuestion, accept};
use super::table::{CallTable, CallTables, WindowPart};
use super::window::{EARLIEST, LATEST, TableCoverage, TimeWindow, touches, windows};
use super::{Corpus, Engine, RecordLimits};
use begun::{EndedChannels, is_remnant};
use calltrace_model::call::{Component, Fact, Joiner, Summary, reach, straighten};
use calltrace_model::record::Stamp;
use calltrace_store::error::Trouble;
use cursor::Cursor;
use queue::RecordQueue;

/// The result of parsing some content.
#[derive(Default)]
struct ParsedRecords {
    /// One list per task, in order: appending the lists would copy every fact once more.
    facts: Vec<Vec<Fact>>,
    troubles: Vec<Trouble>,
    unparsed: u64,
    /// Times of lines of no known kind, kept only where table rows are made of the calls.
    unparsed_at: Vec<Stamp>,
    /// A record was written late: a table already covers its time.
    is_late: bool,
}

impl ParsedRecords {
    /// Adds all of another result except its facts.
    fn take_rest(&mut self, other: &mut ParsedRecords) {
        self.troubles.append(&mut other.troubles);
        self.unparsed += std::mem::take(&mut other.unparsed);
        self.unparsed_at.append(&mut other.unparsed_at);
        self.is_late |= other.is_late;
    }
}

impl Engine {
    /// Finds the calls from `tables`, and from a sweep of the windows without one.
    ///
    /// # Errors
    /// Returns a clause that says what is wrong with a table; then the answer can't be used.
    pub(super) fn search_sweep(
        &self,
        corpus: &Corpus,
        question: &SearchQuestion,
        tables: &CallTables,
        calls: &mut CallCollector<'_>,
    ) -> Result<(), String> {
        let mut swept: Vec<TimeWindow> = Vec::new();
        let windows = windows(corpus.beginnings(), TimeWindow::asked(&question.criteria));
        let bytes_of = |window: &TimeWindow| {
            let sources = corpus.sources.iter().zip(&corpus.bounds);
            let near = sources.filter(|(_, bounds)| touches(**bounds, *window));
            near.map(|(source, _)| source.content_bytes_about()).sum()
        };
        calls.fetch_ahead(tables);
        let mut ahead = self.meter().plan(windows.iter().map(bytes_of).sum());
        let mut windows = windows.into_iter();
        while let Some(window) = windows.next() {
            ahead.passes(bytes_of(&window));
            let mut before: Vec<Arc<CallTable>> = Vec::new();
            for part in tables.parts(corpus, window) {
                match part {
                    WindowPart::Covered(table, window) => {
                        calls.enter(self.zone, window, &before);
                        calls.take_from_table(table, window)?;
                        before.push(Arc::clone(table));
                    }
                    WindowPart::Uncovered(window) => {
                        calls.enter(self.zone, window, &before);
                        let coverage = tables.coverage_before(window.start);
                        Sweep::new(self, corpus, question, window)
                            .after_tables(&coverage)
                            .run(calls);
                        if calls.is_late {
                            return Err("lacks a record that was written late".to_owned());
                        }
                    }
                }
            }
            swept.push(window);
            if calls.is_full(window.start) {
                calls.may_match_more = windows.len() > 0;
                break;
            }
        }
        calls.count_from_tables()?;
        let chosen = corpus.select(|bounds| swept.iter().any(|window| touches(bounds, *window)));
        calls.searched = corpus.searched(&chosen);
        Ok(())
    }
}

/// The sweep of one window.
pub(super) struct Sweep<'c> {
    engine: &'c Engine,
    corpus: &'c Corpus,
    question: &'c SearchQuestion,
    window: TimeWindow,
    /// Whether there are records just before the window, where a call may have begun.
    has_older: bool,
    /// Calls that are over, and may have begun before the window.
    unsure: Vec<Component>,
    taken: EndedChannels,
    cursors: Vec<Cursor<'c>>,
    waiting: RecordQueue,
    joiner: Joiner,
    /// The sweep continues at least until this time.
    settled: Stamp,
    /// The latest time of a record.
    newest: Stamp,
}

impl<'c> Sweep<'c> {
    pub(super) fn new(
        engine: &'c Engine,
        corpus: &'c Corpus,
        question: &'c SearchQuestion,
        window: TimeWindow,
    ) -> Sweep<'c> {
        let cursors = (0..)
            .zip(&corpus.sources)
            .zip(&corpus.bounds)
            .filter(|(_, bounds)| touches(**bounds, window))
            .map(|((index, source), bounds)| {
                Cursor::new(index, source, *bounds, window, engine.scanner.meter())
            })
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
            taken: EndedChannels::default(),
            question,
            window,
            cursors,
            waiting: RecordQueue::default(),
            joiner: Joiner::keeping(RecordLimits::default().records).letting_go(engine.zone),
            settled: EARLIEST,
            newest: EARLIEST,
        }
    }

    /// The same sweep for a time before which a table covers the calls; `coverage` is how far the table goes
    /// in each source.
    fn after_tables(mut self, coverage: &[Option<TableCoverage>]) -> Sweep<'c> {
        for cursor in &mut self.cursors {
            cursor.coverage = coverage.get(cursor.index as usize).copied().flatten();
        }
        self
    }

    fn run(mut self, calls: &mut CallCollector<'_>) {
        self.walk(LATEST, calls, Sweep::judge);
        let rest = self.joiner.take_all();
        // Sweeps of neighbouring windows read some records twice.
        calls.records_left_out = calls.records_left_out.max(self.joiner.left_out());
        self.judge(rest, calls);
        let own = self.begun_here(calls);
        self.accept_all(own, calls);
    }

    /// The calls that may still grow after `now`, joined from all records.
    pub(super) fn open_calls(mut self, now: Stamp, calls: &mut CallCollector<'_>) -> Joiner {
        self.walk(now, calls, |_, _, _| {});
        for slot in self.joiner.quiet(now) {
            self.joiner.take(slot);
        }
        self.joiner
    }

    /// Goes through all records of the window. Calls that are over on the way, by the time `until` at the
    /// latest, are handed to `take`.
    fn walk(
        &mut self,
        until: Stamp,
        calls: &mut CallCollector<'_>,
        mut take: impl FnMut(&mut Self, Vec<Component>, &mut CallCollector<'_>),
    ) -> Stamp {
        let mut parsed = ParsedRecords::default();
        let reached = loop {
            let open = self.cursors.iter_mut().filter(|c| !c.done);
            let next = open.min_by_key(|c| c.reached);
            let more = next.is_some();
            let feed = std::mem::take(&mut parsed);
            let (joiner, newest) = (&mut self.joiner, &mut self.newest);
            let (scanner, question, window) = (&self.engine.scanner, self.question, self.window);
            // Records parsed before are joined while the next ones are parsed.
            let (fresh, ()) = rayon::join(
                || next.map(|cursor| cursor.parse_next(scanner, question, window)),
                || calls.feed(joiner, newest, feed),
            );
            let parsed_until = self.all_parsed_until();
            parsed = self.waiting.pass(fresh.unwrap_or_default(), parsed_until);
            let now = self.all_pushed_until(&parsed).min(until);
            let over = self.take_over(now);
            take(self, over, calls);
            let is_past = now > self.window.end.max(self.settled);
            if !more || is_past && !self.has_own_calls() {
                break now;
            }
        };
        let rest = self.waiting.take_until(LATEST);
        for parsed in [parsed, rest] {
            calls.feed(&mut self.joiner, &mut self.newest, parsed);
        }
        if !self.question.strict {
            self.merge_inferred(LATEST);
        }
        reached.min(self.newest)
    }

    /// All records up to this time have been parsed.
    fn all_parsed_until(&self) -> Stamp {
        let open = self.cursors.iter().filter(|c| !c.done);
        open.map(|c| c.reached).min().unwrap_or(LATEST)
    }

    /// All records up to this time have been joined.
    fn all_pushed_until(&self, pending: &ParsedRecords) -> Stamp {
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

    /// Takes the calls that are over out of the joiner, together with the parts that are joined by inference.
    fn take_over(&mut self, now: Stamp) -> Vec<Component> {
        if !self.question.strict {
            self.merge_inferred(now);
        }
        let over = self.joiner.quiet(self.engine.zone.written_until(now));
        over.into_iter()
            .map(|slot| self.joiner.take(slot))
            .collect()
    }

    /// Joins parts without a common id, once everything that began near them has been joined.
    fn merge_inferred(&mut self, now: Stamp) {
        self.joiner
            .infer(|part| part.is_older_than(reach::NEIGHBOUR_MILLIS, now));
    }

    /// Collects those calls that belong to the window and are asked for. Calls of which that is not known yet
    /// are kept.
    fn judge(&mut self, over: Vec<Component>, calls: &mut CallCollector<'_>) {
        let own = self.own(over);
        self.accept_all(own, calls);
    }

    /// The calls that belong to the window, in the order of their beginnings. Calls of which that is not
    /// known yet are kept.
    fn own(&mut self, over: Vec<Component>) -> Vec<Component> {
        let (zone, window) = (self.engine.zone, self.window);
        let mut own = over;
        own.par_iter_mut().with_min_len(64).for_each(|component| {
            straighten(zone, &mut component.facts);
            component.facts.sort_by_key(|f| (f.at, f.place));
        });
        own.sort_by_key(|call| call.facts.first().map(|first| first.at));
        own.retain(|call| {
            let is_own = call
                .facts
                .first()
                .is_some_and(|first| window.holds(first.at));
            self.taken.is_new(&call.facts) && is_own && !is_remnant(zone, &call.facts)
        });
        let unsure: Vec<Component> = own
            .extract_if(.., |call| self.may_be_older(&call.facts))
            .collect();
        self.unsure.extend(unsure);
        own
    }

    fn accept_all(&self, own: Vec<Component>, calls: &mut CallCollector<'_>) {
        let question = self.question;
        let accepted: Vec<Summary> = own
            .into_par_iter()
            .with_min_len(64)
            .filter_map(|call| accept(question, &call.facts))
            .collect();
        for summary in accepted {
            calls.push(summary);
        }
    }
}

impl CallCollector<'_> {
    fn feed(&mut self, joiner: &mut Joiner, newest: &mut Stamp, parsed: ParsedRecords) {
        self.troubles.extend(parsed.troubles);
        self.unparsed += parsed.unparsed;
        self.unparsed_at.extend(parsed.unparsed_at);
        self.is_late |= parsed.is_late;
        for fact in parsed.facts.into_iter().flatten() {
            *newest = fact.at.max(*newest);
            joiner.push(fact);
        }
    }
}
