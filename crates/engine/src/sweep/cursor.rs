//! Goes forward through one source of a sweep, and parses it on all threads.

use std::sync::Arc;

use rayon::prelude::*;

use super::{ParsedRecords, SearchQuestion};
use crate::window::{EARLIEST, TableCoverage, TimeWindow};
use calltrace_model::call::Facts;
use calltrace_model::record::{Place, Record, Stamp};
use calltrace_store::error::Trouble;
use calltrace_store::scan::{
    Block, Blocks, Gauge, Meter, PrecedingState, PrecedingTimes, Scanner, Task, preceding_times,
    time_of_record,
};
use calltrace_store::source::{Source, Span, TimeBounds, first_line_at};

/// Number of tasks in which content is parsed at once.
const TASKS_AT_ONCE: u64 = 4;
const TASK_BYTES_MAX: u64 = 1 << 20;

/// The time that some content reaches is taken from this many of its last records.
const LAST_FACTS: usize = 16;

/// A position in one source, which moves forward.
pub(super) struct Cursor<'c> {
    pub(super) index: u32,
    source: &'c Arc<Source>,
    /// Next content offset, in a source that can be read from the middle.
    at: u64,
    /// The only reader of a source that can't be read from the middle.
    stream: Option<Blocks<'c>>,
    /// All records up to this time were parsed.
    pub(super) reached: Stamp,
    ordered: bool,
    pub(super) done: bool,
    /// How far a table covers the source.
    pub(super) coverage: Option<TableCoverage>,
    /// Records are read with their texts, and lines of no known kind with their times.
    pub(super) for_rows: bool,
    /// Plans the content that is still to be parsed.
    ahead: Gauge,
}

impl<'c> Cursor<'c> {
    pub(super) fn new(
        index: u32,
        source: &'c Arc<Source>,
        bounds: TimeBounds,
        window: TimeWindow,
        meter: &Arc<Meter>,
    ) -> Cursor<'c> {
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
            coverage: None,
            for_rows: false,
            ahead: meter.plan(source.content_bytes_about().saturating_sub(at)),
        }
    }

    /// Parses the next content on all threads.
    pub(super) fn parse_next(
        &mut self,
        scanner: &'c Scanner,
        question: &SearchQuestion,
        window: TimeWindow,
    ) -> ParsedRecords {
        let how = ParseMode {
            question,
            window,
            index: self.index,
            coverage: self.coverage,
            for_rows: self.for_rows,
        };
        let parts = match self.source.content_bytes() {
            Some(total) => self.parse_spans(scanner, how, total),
            None => self.parse_stream(scanner, how),
        };
        let mut all = ParsedRecords::default();
        for mut part in parts {
            all.facts.append(&mut part.facts);
            all.take_rest(&mut part);
        }
        // The earliest of the last few is used, since a wrong clock may date one of them years ahead.
        let last_facts = all.facts.iter().flatten().rev().take(LAST_FACTS);
        let last = last_facts.map(|f| f.at).min();
        if self.ordered {
            self.reached = self.reached.max(last.unwrap_or(self.reached));
        }
        all
    }

    fn parse_spans(
        &mut self,
        scanner: &Scanner,
        how: ParseMode<'_>,
        total: u64,
    ) -> Vec<ParsedRecords> {
        let task_bytes = scanner.tuning().span_bytes.min(TASK_BYTES_MAX);
        let mut tasks = Vec::new();
        let begin = self.at;
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
        self.ahead.passes(self.at - begin);
        let parts = scanner.run(&tasks, |_, blocks| {
            let mut parsed = ParsedRecords::default();
            while let Some(block) = blocks.next_block() {
                parse_block(how, &block, &mut parsed);
            }
            parsed
        });
        let with_troubles = |(mut parsed, troubles): (ParsedRecords, Vec<Trouble>)| {
            parsed.troubles.extend(troubles);
            parsed
        };
        parts.into_iter().map(with_troubles).collect()
    }

    /// Decodes on this thread, and parses on all threads.
    fn parse_stream(&mut self, scanner: &'c Scanner, how: ParseMode<'_>) -> Vec<ParsedRecords> {
        let source: &'c Source = self.source;
        // The stream does its own planning.
        self.ahead.passes(u64::MAX);
        let stream = self.stream.get_or_insert_with(|| scanner.stream(source));
        let mut texts: Vec<(u64, Vec<u8>, Option<PrecedingState>)> = Vec::new();
        let mut bytes = 0;
        while bytes < TASKS_AT_ONCE * TASK_BYTES_MAX {
            let Some(block) = stream.next_block() else {
                self.done = true;
                break;
            };
            bytes += block.text.len() as u64;
            let seen = block.preceding_times().and_then(PrecedingTimes::seen);
            texts.push((block.offset, block.text.to_vec(), seen));
        }
        let mut parts: Vec<ParsedRecords> = texts
            .par_iter()
            .map(|(offset, text, seen)| {
                let mut parsed = ParsedRecords::default();
                let known = preceding_times(source, *seen);
                let block = Block::of(*offset, text).after_content(&known);
                parse_block(how, &block, &mut parsed);
                parsed
            })
            .collect();
        if self.done
            && let Some(stream) = self.stream.take()
        {
            parts.push(ParsedRecords {
                troubles: scanner.end_stream(source, stream),
                ..ParsedRecords::default()
            });
        }
        parts
    }
}

/// How the content of a source is parsed.
#[derive(Debug, Clone, Copy)]
struct ParseMode<'q> {
    question: &'q SearchQuestion,
    window: TimeWindow,
    index: u32,
    coverage: Option<TableCoverage>,
    for_rows: bool,
}

fn parse_block(how: ParseMode<'_>, block: &Block<'_>, into: &mut ParsedRecords) {
    let (question, window) = (how.question, how.window);
    let from = window.reads_from();
    let filters = !question.filter.is_empty();
    let needs_texts = how.for_rows || question.digests || question.criteria.fault.is_some();
    let mut facts = Facts::for_block(block.text.len()).with_texts(needs_texts);
    for (at, line) in block.lines() {
        let record = Record::parse(line);
        let offset = block.offset + at as u64;
        let Some(time) = record.at else {
            // Such a line has the time of the record before it, so that only one window counts it.
            let time = || time_of_record(block, at, line).unwrap_or(EARLIEST);
            if !line.is_empty() && window.holds(time()) {
                into.unparsed += 1;
                into.unparsed_at.extend(how.for_rows.then(time));
            }
            continue;
        };
        let is_late = |coverage: TableCoverage| offset >= coverage.bytes && time < coverage.before;
        into.is_late |= how.coverage.is_some_and(is_late);
        if time < from {
            continue;
        }
        let place = Place {
            source: how.index,
            offset,
        };
        let matched = filters && question.filter.matches(&record, None);
        facts.push(&record, time, place).matched = matched;
    }
    into.facts.push(facts.finish());
}
