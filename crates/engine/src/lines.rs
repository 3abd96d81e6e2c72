//! Single records that match, in order of time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::corpus::Searched;
use super::plan::{ReadPlan, WantedLines};
use super::seeds::key_of;
use super::{Corpus, Engine};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{Body, Place, Record};
use calltrace_store::error::{Error, TimeRange, Trouble};
use calltrace_store::scan::{Block, Line, Needles, Task, line};
use calltrace_store::source::{Source, Span, TimeBounds};
use calltrace_store::tree::{EnterpriseName, Tree};

/// Selects records of one enterprise.
#[derive(Debug, Clone, Default)]
pub struct LinesQuestion {
    /// The conditions on a record.
    pub filter: RecordFilter,
    /// At most this many, the newest; `None` for all.
    pub limit: Option<usize>,
    /// Only the number of matches is wanted; no line is kept.
    pub count_only: bool,
    /// Also count the matches by this field of a record.
    pub by: Option<RecordField>,
    /// Lines of the same file shown before each.
    pub before: usize,
    /// Lines of the same file shown after each.
    pub after: usize,
}

/// A field of a record to count by; a record without it counts under the empty word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordField {
    Event,
    /// The kind of record: `ast`, `tg`, `http`, `sql`, `unparsed`.
    Kind,
    /// The action of a Telegram record.
    Action,
}

impl RecordField {
    fn word<'l>(self, record: &Record<'l>) -> &'l [u8] {
        match (self, &record.body) {
            (RecordField::Event, Body::Ast(ast)) => ast.event,
            (RecordField::Action, Body::Tg(tg)) => tg.action,
            (RecordField::Kind, body) => match body {
                Body::Ast(_) => b"ast",
                Body::Tg(_) => b"tg",
                Body::Http(_) => b"http",
                Body::Sql(_) => b"sql",
                Body::Unparsed => b"unparsed",
            },
            _ => b"",
        }
    }
}

/// How many records match, in all and for each word.
#[derive(Debug, Default)]
pub(super) struct LineCounts {
    matches: usize,
    groups: BTreeMap<Box<[u8]>, usize>,
}

impl LineCounts {
    fn add(&mut self, by: Option<RecordField>, record: &Record<'_>) {
        self.matches += 1;
        let Some(word) = by.map(|by| by.word(record)) else {
            return;
        };
        match self.groups.get_mut(word) {
            Some(count) => *count += 1,
            None => {
                self.groups.insert(word.into(), 1);
            }
        }
    }

    fn join(&mut self, other: LineCounts) {
        self.matches += other.matches;
        for (word, count) in other.groups {
            *self.groups.entry(word).or_default() += count;
        }
    }
}

/// The answer about one enterprise.
#[derive(Debug)]
pub struct FoundLines {
    pub enterprise: EnterpriseName,
    /// The lines, oldest first; with context, in the order of files and places.
    pub lines: Vec<FoundLine>,
    /// Records that matched (context lines do not count), up to the limit.
    pub count: usize,
    /// Matches in all that was read, regardless of the limit.
    pub matches: usize,
    /// Matches for each word, if [`LinesQuestion::by`] was given.
    pub groups: BTreeMap<Box<[u8]>, usize>,
    /// More records may match: files that can't hold a newer record were not read once the limit was reached.
    pub may_match_more: bool,
    /// More records match than the limit.
    pub is_cut: bool,
    /// File names by the source index of a place.
    pub files: Vec<String>,
    /// The files and bytes that were read.
    pub searched: Searched,
    /// Troubles with files that could not be read.
    pub troubles: Vec<Trouble>,
    /// Notes on how the answer was found.
    pub notes: Vec<String>,
}

/// A line of the answer.
#[derive(Debug, Clone)]
pub struct FoundLine {
    pub line: Line,
    /// Whether the line matches; otherwise it is context.
    pub matched: bool,
}

impl FoundLines {
    /// The name of the file that holds a line of the answer.
    pub fn file_of(&self, line: &Line) -> &str {
        let name = self.files.get(line.place.source as usize);
        name.map_or("?", String::as_str)
    }
}

impl LinesQuestion {
    /// The time range that the answer depends on. Once the limit is reached, older records do not matter.
    pub(super) fn asked(&self, found: &[Line]) -> TimeRange {
        let is_full = self.limit.is_some_and(|limit| found.len() >= limit);
        let oldest = found.first().map(|line| line.at);
        TimeRange {
            from: self.filter.since.max(oldest.filter(|_| is_full)),
            to: self.filter.until,
        }
    }
}

impl FoundLine {
    pub(super) fn matching(line: Line) -> FoundLine {
        FoundLine {
            line,
            matched: true,
        }
    }
}

impl Engine {
    /// Finds records in one enterprise.
    ///
    /// # Errors
    /// When the enterprise's folder can't be listed.
    pub fn lines(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        question: &LinesQuestion,
    ) -> Result<FoundLines, Error> {
        self.pool.install(|| {
            Corpus::ask(tree, enterprise, self, |corpus| {
                self.lines_in(corpus, question)
            })
        })
    }

    pub(super) fn lines_in(&self, corpus: &Corpus, question: &LinesQuestion) -> FoundLines {
        let sample = corpus.sample();
        let needles = question.filter.needle().map(|n| Needles::one(n, &sample));
        let mut chosen = corpus.select(|bounds| may_hold(bounds, &question.filter));
        // Newest first: one file often reaches the limit.
        chosen.sort_by_key(|(i, _)| std::cmp::Reverse(corpus.bounds[*i as usize].first));
        let mut found: Vec<Line> = Vec::new();
        let mut troubles = corpus.troubles.clone();
        let mut read = Vec::new();
        let (mut all, mut may_match_more) = (LineCounts::default(), false);
        // One record more shows whether there are more than the limit.
        let limit = question.limit.map(|limit| limit.saturating_add(1));
        let wider = LinesQuestion {
            limit,
            ..question.clone()
        };
        for source in chosen {
            let bounds = corpus.bounds[source.0 as usize];
            if is_full(&found, bounds, limit) {
                may_match_more = true;
                continue;
            }
            let (lines, counted, named) =
                self.lines_of_source(corpus, &source, &wider, needles.as_ref());
            troubles.extend(named);
            all.join(counted);
            read.push(source);
            found.extend(lines);
            found.sort_by_key(|line| (line.at, line.place));
            keep_newest(&mut found, limit);
        }
        let is_cut = question.limit.is_some_and(|limit| found.len() > limit);
        keep_newest(&mut found, question.limit);
        corpus.judge(&mut troubles, question.asked(&found));
        let count = if question.count_only {
            all.matches
        } else {
            found.len()
        };
        let lines = if question.before + question.after > 0 {
            self.with_context(corpus, &found, question)
        } else {
            found.into_iter().map(FoundLine::matching).collect()
        };
        FoundLines {
            enterprise: corpus.enterprise.clone(),
            lines,
            count,
            matches: all.matches,
            groups: all.groups,
            may_match_more,
            is_cut,
            files: corpus.names(),
            searched: corpus.searched(&read),
            troubles,
            notes: corpus.notes.clone(),
        }
    }

    fn lines_of_source(
        &self,
        corpus: &Corpus,
        source: &(u32, Arc<Source>),
        question: &LinesQuestion,
        needles: Option<&Needles>,
    ) -> (Vec<Line>, LineCounts, Vec<Trouble>) {
        let key = key_of(&question.filter);
        let wanted = WantedLines::of(key.as_ref());
        let reading = ReadPlan::new(&self.scanner, corpus, std::slice::from_ref(source), wanted);
        let (lines, count, mut troubles) = self.lines_of_tasks(&reading.tasks, question, needles);
        troubles.extend(reading.troubles);
        (lines, count, troubles)
    }

    /// The lines of some stretches that pass the filter, and their number. If a stretch has many more than
    /// the limit, only the newest are kept.
    pub(super) fn lines_of_tasks(
        &self,
        tasks: &[Task],
        question: &LinesQuestion,
        needles: Option<&Needles>,
    ) -> (Vec<Line>, LineCounts, Vec<Trouble>) {
        let filter = &question.filter;
        let parts = self.scanner.run(tasks, |task, blocks| {
            let mut lines = Vec::new();
            let mut counted = LineCounts::default();
            while let Some(block) = blocks.next_block() {
                let mut take = |at: usize, text: &[u8]| {
                    let record = Record::parse(text);
                    // A record without a time is judged by the times of its neighbours.
                    let time = match record.at {
                        Some(at) => at,
                        None => line(task.index, &block, at, text).at,
                    };
                    if !text.is_empty() && filter.matches(&record, Some(time)) {
                        counted.add(question.by, &record);
                        if !question.count_only {
                            lines.push(line(task.index, &block, at, text));
                        }
                    }
                };
                match needles {
                    Some(needles) => needles.lines(block.text, take),
                    None => block.lines().for_each(|(at, text)| take(at, text)),
                }
                if let Some(limit) = question.limit
                    && lines.len() / 2 > limit
                {
                    lines.sort_by_key(|line: &Line| (line.at, line.place));
                    keep_newest(&mut lines, question.limit);
                }
            }
            (lines, counted)
        });
        let mut all = (Vec::new(), LineCounts::default(), Vec::new());
        for ((lines, counted), named) in parts {
            all.0.extend(lines);
            all.1.join(counted);
            all.2.extend(named);
        }
        all
    }

    /// The lines around each match, by another walk through the files that have matches.
    fn with_context(
        &self,
        corpus: &Corpus,
        found: &[Line],
        question: &LinesQuestion,
    ) -> Vec<FoundLine> {
        let mut places: Vec<Place> = found.iter().map(|line| line.place).collect();
        places.sort();
        let mut all = Vec::new();
        for of_source in places.chunk_by(|a, b| a.source == b.source) {
            let index = of_source[0].source;
            let source = &corpus.sources[index as usize];
            let mut walk = ContextWalk::new(of_source, question, index);
            let task = Task {
                source: source.clone(),
                index,
                span: Span {
                    start: 0,
                    end: u64::MAX,
                },
            };
            self.scanner.read(&task, |blocks| {
                while let Some(block) = blocks.next_block() {
                    if !walk.block(&block) {
                        blocks.stop();
                    }
                }
            });
            all.append(&mut walk.out);
        }
        all
    }
}

/// A walk through a file that collects lines and their context.
struct ContextWalk<'q> {
    wanted: &'q [Place],
    question: &'q LinesQuestion,
    index: u32,
    before: VecDeque<Line>,
    after: usize,
    out: Vec<FoundLine>,
}

impl<'q> ContextWalk<'q> {
    fn new(wanted: &'q [Place], question: &'q LinesQuestion, index: u32) -> ContextWalk<'q> {
        ContextWalk {
            wanted,
            question,
            index,
            before: VecDeque::new(),
            after: 0,
            out: Vec::new(),
        }
    }

    /// Takes the lines of a block. False when no more lines are wanted.
    fn block(&mut self, block: &Block<'_>) -> bool {
        for (at, text) in block.lines() {
            let offset = block.offset + at as u64;
            let next = self.wanted.first().map(|place| place.offset);
            if next == Some(offset) {
                self.wanted = &self.wanted[1..];
                self.out.extend(self.before.drain(..).map(context));
                self.out.push(FoundLine {
                    line: line(self.index, block, at, text),
                    matched: true,
                });
                self.after = self.question.after;
            } else if self.after > 0 {
                self.after -= 1;
                self.out.push(context(line(self.index, block, at, text)));
            } else if next.is_none() {
                return false;
            } else if self.question.before > 0 {
                if self.before.len() == self.question.before {
                    self.before.pop_front();
                }
                self.before.push_back(line(self.index, block, at, text));
            }
        }
        true
    }
}

fn context(line: Line) -> FoundLine {
    FoundLine {
        line,
        matched: false,
    }
}

/// Whether a source can hold records of the filter's time range.
fn may_hold(bounds: TimeBounds, filter: &RecordFilter) -> bool {
    let ended = matches!((bounds.last, filter.since), (Some(last), Some(since)) if last < since);
    let later =
        matches!((bounds.first, filter.until), (Some(first), Some(until)) if first >= until);
    !bounds.ordered || (!ended && !later)
}

/// Whether there are enough lines and all are newer than everything in the source.
pub(super) fn is_full(found: &[Line], bounds: TimeBounds, limit: Option<usize>) -> bool {
    let full = limit.is_some_and(|limit| found.len() >= limit);
    let oldest = found.first().map(|line| line.at);
    full && bounds.ordered
        && matches!((bounds.last, oldest), (Some(last), Some(oldest)) if last < oldest)
}

/// Keeps the last `limit` of some ordered lines.
pub(super) fn keep_newest(lines: &mut Vec<Line>, limit: Option<usize>) {
    if let Some(limit) = limit
        && lines.len() > limit
    {
        lines.drain(..lines.len() - limit);
    }
}
