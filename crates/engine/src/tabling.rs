//! Makes tables: calls that a table already has are taken from it, the rest is swept.

use super::Engine;
use super::corpus::Corpus;
use super::search::SearchQuestion;
use super::sweep::Sweep;
use super::table::{Binding, CallTable, CallTables, TableRow, WindowPart, encode, file_name};
use super::window::{LATEST, TimeWindow, first_second, is_born_since, touches, windows};
use calltrace_model::record::Stamp;
use calltrace_store::error::{Error, Trouble};
use calltrace_store::index::Index;
use calltrace_store::source::first_line_at;
use calltrace_store::tree::{EnterpriseName, FileName, Tree};

/// The table of a live file is rebuilt when the file has grown by this much time (milliseconds) since.
const GROWTH_MILLIS_MIN: i64 = 10 * 60_000;

/// Content written after the tables gets a table in memory once it is this long (bytes): sweeping it takes
/// some ten milliseconds.
const TAIL_BYTES_MIN: u64 = 2 << 20;

/// A table has about one byte for this many bytes of the logs that it covers.
const LOG_BYTES_PER_TABLE_BYTE: u64 = 40;

/// The average line of a log is shorter than this (bytes).
const LINE_BYTES_MAX: u64 = 64 << 10;

/// A table that is worth writing.
#[derive(Debug)]
pub struct BuiltTable {
    /// Its file name.
    pub name: String,
    /// Number of its calls.
    pub calls: usize,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// The result of comparing a table with its logs.
#[derive(Debug)]
pub struct CheckedTable {
    /// Its file name.
    pub name: String,
    /// The number of its calls, or a clause that says what is wrong with it.
    pub calls: Result<usize, String>,
}

/// The state of the table for a window of time.
#[derive(Debug)]
pub enum TableState {
    /// The table with this name is valid.
    Fresh(String),
    /// There is no valid table; this one was built.
    Built(BuiltTable),
    /// The first call of the window may still grow; the table would have this name.
    Open(String),
    /// No table can represent the window. The first field is the table's name, the second the reason as a
    /// clause about it.
    Useless(String, String),
}

impl Engine {
    /// Builds the missing and the invalid tables for the files of an enterprise, the newest first, and hands
    /// out the state of each window. Ends once `take` returns false.
    ///
    /// # Errors
    /// When the folder can't be listed, and the errors of `take`.
    pub fn build_tables(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        take: &mut (dyn FnMut(TableState) -> Result<bool, Error> + Send),
    ) -> Result<(), Error> {
        self.pool.install(|| {
            let corpus = Corpus::settled(tree, enterprise, self)?;
            // A damaged table is built again.
            let tables = CallTables::of(&corpus, self.zone, None).sound();
            for window in windows(corpus.beginnings(), TimeWindow::ALL) {
                let Some(log) = log_of(&corpus, window) else {
                    continue;
                };
                let name = file_name(&log);
                let parts = tables.parts(&corpus, window);
                let state = match is_fresh(&corpus, &parts, &name) {
                    true => TableState::Fresh(name),
                    false => match self.build(&corpus, window, parts) {
                        Ok(Some((calls, bytes))) => {
                            TableState::Built(BuiltTable { name, calls, bytes })
                        }
                        Ok(None) => TableState::Open(name),
                        Err(why) => TableState::Useless(name, why),
                    },
                };
                if !take(state)? {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Compares each table of an enterprise with its logs, in order of their names.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub fn check_tables(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
    ) -> Result<Vec<CheckedTable>, Error> {
        self.pool.install(|| {
            let corpus = Corpus::settled(tree, enterprise, self)?;
            let tables = CallTables::of(&corpus, self.zone, None);
            let useless = tables.useless.iter();
            let mut checked: Vec<CheckedTable> = useless
                .map(|(name, why)| CheckedTable {
                    name: name.clone(),
                    calls: Err(why.clone()),
                })
                .collect();
            for table in tables.all() {
                checked.push(CheckedTable {
                    name: table.name().to_owned(),
                    calls: self.check_table(&corpus, table),
                });
            }
            checked.sort_by(|a, b| a.name.cmp(&b.name));
            Ok(checked)
        })
    }

    fn check_table(&self, corpus: &Corpus, table: &CallTable) -> Result<usize, String> {
        let window = table.window();
        let question = SearchQuestion::default();
        let mut swept = Sweep::new(self, corpus, &question, window).rows()?.rows;
        sort(&mut swept);
        let listed = table.rows(window)?;
        match swept == listed {
            true => Ok(listed.len()),
            false => Err("differs from its logs".to_owned()),
        }
    }

    /// The calls that began within a window, as rows, with their binding.
    fn build(
        &self,
        corpus: &Corpus,
        window: TimeWindow,
        parts: Vec<WindowPart<'_>>,
    ) -> Result<Option<(usize, Vec<u8>)>, String> {
        if !is_worth_reading(corpus, window) {
            return Err("is not built: its logs have too many bytes for so few lines".to_owned());
        }
        let question = SearchQuestion::default();
        let mut rows: Vec<TableRow> = Vec::new();
        let mut unparsed: Vec<Stamp> = Vec::new();
        let mut troubles: Vec<Trouble> = Vec::new();
        let mut ends = (window.end, window.end);
        for part in parts {
            match part {
                WindowPart::Covered(table, window) => {
                    rows.extend(table.rows(window)?);
                    let times = table.binding().unparsed.iter();
                    unparsed.extend(times.filter(|at| window.holds(**at)));
                    troubles.extend_from_slice(table.troubles());
                    ends = (window.end, table.binding().reached);
                }
                WindowPart::Uncovered(window) => {
                    let swept = Sweep::new(self, corpus, &question, window).rows()?;
                    rows.extend(swept.rows);
                    unparsed.extend(swept.unparsed);
                    troubles.extend(swept.troubles);
                    ends = (swept.cut, swept.reached);
                    if swept.cut < window.end {
                        break;
                    }
                }
            }
        }
        let (cut, reached) = ends;
        // Nothing precedes the first of all records.
        let first = corpus.bounds.iter().filter_map(|bounds| bounds.first).min();
        let from = window.start.max(first.unwrap_or(window.start));
        if from >= cut {
            return Ok(None);
        }
        unparsed.retain(|at| *at < cut);
        unparsed.sort();
        sort(&mut rows);
        Trouble::tidy(&mut troubles);
        let window = TimeWindow {
            start: from,
            end: cut,
        };
        let born = first_second(self.zone, window);
        let is_carried = rows
            .iter()
            .any(|row| !is_born_since(&row.call.main_uid, born));
        let window = (window, is_carried);
        let binding = Binding::of(corpus, self.zone, window, reached, unparsed, &troubles);
        let binding = binding.ok_or("can't be told apart from a table of other files")?;
        let bytes = encode(&mut rows, &binding.encode(), self.zone)?;
        Ok(Some((rows.len(), bytes)))
    }
}

impl Engine {
    /// Builds a table in memory of the calls that the last part of a search swept, once that is worth it. The
    /// next search then sweeps only what is written until then. A small table before it is merged into it, so
    /// there are few.
    pub(super) fn remember_tail(&self, corpus: &Corpus, tables: &CallTables, until: Option<Stamp>) {
        let Some(memory) = &self.tables else {
            return;
        };
        let newest = windows(corpus.beginnings(), TimeWindow::ALL)[0];
        let tail = match tables.parts(corpus, newest).pop() {
            Some(WindowPart::Uncovered(tail)) => tail,
            _ => return,
        };
        let is_asked = until.is_none_or(|until| until > tail.start);
        let mut bytes = bytes_in(corpus, tail);
        if !is_asked || bytes < TAIL_BYTES_MIN {
            return;
        }
        let mut all = tail;
        while let Some((start, table_bytes)) = tables.memory_table_before(all.start) {
            let estimated = table_bytes * LOG_BYTES_PER_TABLE_BYTE;
            if estimated > 2 * bytes {
                break;
            }
            all.start = start;
            bytes += estimated;
        }
        if let Ok(Some((_, table))) = self.build(corpus, all, tables.parts(corpus, all)) {
            CallTables::keep(corpus, self.zone, memory, all.start, table);
        }
    }
}

/// An upper bound of the bytes that a sweep of a window reads.
fn bytes_in(corpus: &Corpus, window: TimeWindow) -> u64 {
    let sources = corpus.sources.iter().zip(&corpus.bounds);
    let near = sources.filter(|(_, bounds)| touches(**bounds, window));
    let bytes = near.map(|(source, bounds)| {
        let from = match bounds.ordered {
            true => first_line_at(source, window.start),
            false => 0,
        };
        source
            .content_bytes()
            .map_or(0, |all| all.saturating_sub(from))
    });
    bytes.sum()
}

/// Whether the files of a window consist of lines, and none is mostly a hole or a line of megabytes.
pub(crate) fn is_worth_reading(corpus: &Corpus, window: TimeWindow) -> bool {
    let has_lines = |index: &Index| {
        let content = index.content();
        content.bytes / LINE_BYTES_MAX <= content.lines
    };
    let near = corpus.indexes.iter().zip(&corpus.bounds);
    let mut near = near.filter(|(_, bounds)| touches(**bounds, window));
    near.all(|(index, _)| index.as_ref().is_none_or(has_lines))
}

/// Sorts rows into the order of a table.
fn sort(rows: &mut [TableRow]) {
    rows.sort_by(|a, b| (a.call.first, &a.call.main_uid).cmp(&(b.call.first, &b.call.main_uid)));
}

/// The log that a window begins with; recovered lines are used only if there are no others.
pub(crate) fn log_of(corpus: &Corpus, window: TimeWindow) -> Option<FileName> {
    let sources = corpus.sources.iter().zip(&corpus.bounds);
    let begins = sources.filter_map(|(source, bounds)| Some((bounds.first?, source)));
    let first = begins.filter(|(first, _)| *first >= window.start);
    let (_, source) =
        first.min_by_key(|(first, source)| (source.log.name.is_recovered(), *first))?;
    Some(source.log.name.clone())
}

/// Whether one table with this name covers all of a window; for a window that still grows, nearly all.
fn is_fresh(corpus: &Corpus, parts: &[WindowPart<'_>], name: &str) -> bool {
    match parts {
        [WindowPart::Covered(table, _)] => table.name() == name,
        [WindowPart::Covered(table, _), WindowPart::Uncovered(rest)] if rest.end == LATEST => {
            let newest = corpus.bounds.iter().filter_map(|bounds| bounds.last).max();
            let goes_on = table.binding().reached.plus_millis(GROWTH_MILLIS_MIN);
            table.name() == name && newest.is_none_or(|newest| newest < goes_on)
        }
        _ => false,
    }
}
