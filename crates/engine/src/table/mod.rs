//! Tables of calls: the result of sweeping sealed days, kept next to their indexes.
//!
//! A table is a Parquet file `<name>.calls.parquet` in the folder `.calltrace`, with one row per call that
//! began within a window of time (`row` has its columns). It is bound to the content it was made of
//! (`binding`) and has a checksum. If either does not match, the table is ignored and the records are swept,
//! which costs only time. [`crate::Engine::search`] reads what tables cover of each window
//! ([`CallTables::parts`]) and sweeps the rest.

mod assembling;
mod binding;
mod column;
mod columns;
mod file;
mod leaf;
mod memory;
mod reading;
mod row;
mod search;
mod texts;
mod writing;

use std::io;
use std::sync::Arc;

use rayon::prelude::*;

use crate::corpus::Corpus;
use crate::window::{TableCoverage, TimeWindow, touches};
use calltrace_model::call::{Criteria, reach};
use calltrace_model::record::{LogZone, Stamp};
use calltrace_store::error::Trouble;
use calltrace_store::fsx::Folder;
use calltrace_store::index;
use calltrace_store::object::StoredFile;
use calltrace_store::source::Source;
use calltrace_store::tree::{FileName, LogPlace};
use file::TableFile;

use binding::BindingMatch;
pub(crate) use binding::{Binding, DISORDER_MILLIS};
pub(crate) use file::encode;
pub(crate) use memory::TableMemory;
pub use row::TableRow;
pub(crate) use search::{CallPosition, ColumnChoice, PickedCalls, complete};
pub use writing::CallsWriter;

/// The name shown for tables that exist only in memory.
const OWN: &str = "in memory";

/// Bytes at a table's end that mostly hold its footer.
const FOOTER_BYTES_USUAL: u64 = 32 << 10;

/// A table has no calls that began further than this from the records of its day (milliseconds).
const NEAR_MILLIS: i64 = 48 * 3_600_000;

/// The ending of a table's file name.
const ENDING: &str = ".calls.parquet";

/// The reason for ignoring a sound table that does not match the present files.
pub(crate) const OF_OTHER_FILES: &str = "belongs to other files, or the files have changed";

/// The file name of the table of a log.
pub fn file_name(log: &FileName) -> String {
    format!("{}{ENDING}", log.full())
}

/// The log to which the table with the file name `name` belongs; `None` for other file names.
pub fn log_of(name: &str) -> Option<FileName> {
    FileName::parse(name.strip_suffix(ENDING)?)
}

/// A table that is valid for the files of a corpus.
#[derive(Debug)]
pub(crate) struct CallTable {
    name: String,
    file: Arc<TableFile>,
    binding: Binding,
    held: BindingMatch,
}

/// The tables that are valid for the files of a corpus, in order of time.
#[derive(Debug, Default)]
pub(crate) struct CallTables {
    all: Vec<Arc<CallTable>>,
    /// Tables that can't be used, each with a clause that gives the reason.
    pub(crate) useless: Vec<(String, String)>,
}

/// A part of a window.
#[derive(Debug)]
pub(crate) enum WindowPart<'t> {
    /// A table has the calls that began in it.
    Covered(&'t Arc<CallTable>, TimeWindow),
    /// It must be swept.
    Uncovered(TimeWindow),
}

impl CallTables {
    /// Finds the tables of a corpus, in its folder and in memory.
    pub(crate) fn of(corpus: &Corpus, zone: LogZone, memory: Option<&TableMemory>) -> CallTables {
        CallTables::near(corpus, zone, memory, TimeWindow::ALL)
    }

    /// As [`CallTables::of`], without those of shipped days that are far from the time that is asked about: opening
    /// one costs a request.
    pub(crate) fn near(
        corpus: &Corpus,
        zone: LogZone,
        memory: Option<&TableMemory>,
        asked: TimeWindow,
    ) -> CallTables {
        let mut tables = CallTables::default();
        let listed: Vec<ListedTable> = local(corpus).chain(shipped(corpus, asked)).collect();
        let opened: Vec<_> = listed
            .into_par_iter()
            .map(|listed| {
                let file = listed.open(zone, memory);
                let table = file.and_then(|file| CallTable::of(corpus, &listed.name, file, zone));
                table.map_err(|why| (listed.name, why))
            })
            .collect();
        for table in opened {
            match table {
                Ok(table) => tables.all.push(Arc::new(table)),
                Err(useless) => tables.useless.push(useless),
            }
        }
        if let Some(memory) = memory {
            tables.recall(corpus, zone, memory);
        }
        tables
            .all
            .sort_by_key(|table| (table.held.from, table.binding.cut));
        tables
    }

    /// Adds the tables in memory, and drops those that are no longer valid.
    fn recall(&mut self, corpus: &Corpus, zone: LogZone, memory: &TableMemory) {
        let folder = corpus.path();
        for own in memory.memory_tables_of(folder) {
            match CallTable::of(corpus, OWN, Arc::clone(&own.file), zone) {
                Ok(table) => self.all.push(Arc::new(table)),
                Err(_) => memory.retain_memory_tables(folder, |other| other.from != own.from),
            }
        }
    }

    /// Keeps only the tables that match the checksum noted in them.
    pub(crate) fn sound(mut self) -> CallTables {
        self.all.retain(|table| table.file.matches_checksum());
        self
    }

    pub(crate) fn all(&self) -> &[Arc<CallTable>] {
        &self.all
    }

    /// Notes for users who ask for explanations.
    pub(crate) fn notes(&self) -> impl Iterator<Item = String> + '_ {
        let note = |(name, why): &(String, String)| {
            format!("the table {name} {why}; its calls are searched for in the logs")
        };
        self.useless.iter().map(note)
    }

    /// Only the tables that can answer these criteria.
    pub(crate) fn for_criteria(mut self, criteria: &Criteria) -> CallTables {
        // An empty name matches no person; the records decide what it means.
        let names = [&criteria.extensions, &criteria.trunks, &criteria.chats];
        if names.into_iter().flatten().any(String::is_empty) {
            self.all.clear();
        }
        // The faults of a call may depend on the time until some hours after its end.
        if criteria.fault.is_some() {
            self.all.retain(|table| {
                let settled = table.binding.reached.plus_millis(2 * reach::HORIZON_MILLIS);
                criteria.now.is_none_or(|now| now >= settled)
            });
        }
        self
    }

    /// Keeps a table of calls that began from `from` on in memory.
    pub(crate) fn keep(
        corpus: &Corpus,
        zone: LogZone,
        memory: &TableMemory,
        from: Stamp,
        bytes: Vec<u8>,
    ) {
        // A table that can't be read is not kept; the next question sweeps as this one did.
        if let Ok(file) = TableFile::in_memory(bytes, zone) {
            let file = Arc::new(file);
            memory.keep_memory_table(corpus.path(), memory::MemoryTable { from, file });
        }
    }

    /// The table in memory that ends where a window starts: the start of its time, and its length (bytes).
    pub(crate) fn memory_table_before(&self, start: Stamp) -> Option<(Stamp, u64)> {
        let mut own = self.all.iter().filter(|table| table.name == OWN);
        let table = own.find(|table| table.binding.cut == start)?;
        Some((table.held.from, table.file.bytes()))
    }

    /// The parts of a window, in order of time.
    pub(crate) fn parts(&self, corpus: &Corpus, window: TimeWindow) -> Vec<WindowPart<'_>> {
        let mut parts = Vec::new();
        // Nothing precedes the first of all records.
        let firsts: Option<Vec<Stamp>> = corpus.bounds.iter().map(|bounds| bounds.first).collect();
        let first = firsts.and_then(|firsts| firsts.into_iter().min());
        let first = first.unwrap_or(window.start);
        let start = window.start.max(first).min(window.end);
        let mut at = start;
        for table in &self.all {
            let covered = TimeWindow {
                start: table.held.from.max(at),
                end: table.binding.cut.min(window.end),
            };
            let is_whole =
                covered.start == table.held.from.max(first) && covered.end == table.binding.cut;
            // Damage in files is known only for a table as a whole, not for a part of it.
            if covered.start >= covered.end || !is_whole && !table.held.troubles.is_empty() {
                continue;
            }
            if at < covered.start {
                let end = covered.start;
                parts.push(WindowPart::Uncovered(TimeWindow { start: at, end }));
            }
            parts.push(WindowPart::Covered(table, covered));
            at = covered.end;
        }
        // Without tables the window is swept as one.
        if parts.is_empty() {
            return vec![WindowPart::Uncovered(window)];
        }
        if at < window.end {
            let end = window.end;
            parts.push(WindowPart::Uncovered(TimeWindow { start: at, end }));
        }
        parts
    }

    /// By source, how far the table goes that ends where a window starts.
    pub(crate) fn coverage_before(&self, start: Stamp) -> Vec<Option<TableCoverage>> {
        let table = self.all.iter().find(|table| table.binding.cut == start);
        let Some(table) = table else {
            return Vec::new();
        };
        let before = table.binding.reached.plus_millis(-DISORDER_MILLIS);
        let coverage = |bytes: &Option<u64>| bytes.map(|bytes| TableCoverage { before, bytes });
        table.held.read.iter().map(coverage).collect()
    }
}

/// A table that is not opened yet.
struct ListedTable<'c> {
    name: String,
    at: TablePlace<'c>,
}

enum TablePlace<'c> {
    Folder(&'c Folder),
    Shipped(StoredFile),
}

/// The tables in the folder of a corpus that have their logs there.
fn local(corpus: &Corpus) -> impl Iterator<Item = ListedTable<'_>> {
    let listed = |folder: &Folder| folder.subfolder(index::FOLDER)?.names();
    let folder = corpus.folder();
    let names = folder.and_then(|folder| listed(folder).ok().map(|names| (folder, names)));
    names.into_iter().flat_map(move |(folder, names)| {
        let names = names.into_iter().filter_map(|name| name.into_string().ok());
        let is_wanted = |name: &String| log_of(name).is_some_and(|log| is_there(corpus, &log));
        names.filter(is_wanted).map(move |name| ListedTable {
            name,
            at: TablePlace::Folder(folder),
        })
    })
}

/// The tables of the shipped days of a corpus that are near the time that is asked about, with their footers on the way.
fn shipped(corpus: &Corpus, asked: TimeWindow) -> impl Iterator<Item = ListedTable<'_>> {
    let asked = asked.widened(NEAR_MILLIS);
    let table_of = |source: &Arc<Source>| match &source.log.place {
        LogPlace::Shipped(day) => day.table.as_ref().map(|table| ListedTable {
            name: table.url().display().to_string(),
            at: TablePlace::Shipped(day.object(table)),
        }),
        LogPlace::Folder(_) => None,
    };
    let days = corpus.sources.iter().zip(&corpus.bounds);
    let near = days.filter(|(_, bounds)| touches(**bounds, asked));
    let tables: Vec<ListedTable<'_>> = near.filter_map(|(source, _)| table_of(source)).collect();
    for table in &tables {
        if let TablePlace::Shipped(file) = &table.at {
            file.fetch_end_ahead(FOOTER_BYTES_USUAL);
        }
    }
    tables.into_iter()
}

impl ListedTable<'_> {
    /// Opens it, unless it is remembered.
    ///
    /// # Errors
    /// Why it can't be used, as a clause about it.
    fn open(&self, zone: LogZone, memory: Option<&TableMemory>) -> Result<Arc<TableFile>, String> {
        let unread = |error: io::Error| format!("can't be read: {error}");
        let file = match &self.at {
            TablePlace::Folder(folder) => {
                let (file, _) = index::open_own(folder, &self.name).map_err(unread)?;
                StoredFile::local_of(file)
            }
            TablePlace::Shipped(file) => file.clone(),
        };
        let state = file.state().map_err(unread)?;
        let read = || TableFile::in_file(file, state.bytes, zone);
        match memory {
            Some(memory) => memory.opened(state, read),
            None => read().map(Arc::new),
        }
    }
}

/// Whether a log is still in a corpus: a table may outlive its log.
fn is_there(corpus: &Corpus, log: &FileName) -> bool {
    let mut sources = corpus.sources.iter();
    sources.any(|source| source.log.name.stem == log.stem)
}

impl CallTable {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The window of time in which its calls began.
    pub(crate) fn window(&self) -> TimeWindow {
        TimeWindow {
            start: self.held.from,
            end: self.binding.cut,
        }
    }

    /// Damage in the files that it was made of.
    pub(crate) fn troubles(&self) -> &[Trouble] {
        &self.held.troubles
    }

    pub(crate) fn binding(&self) -> &Binding {
        &self.binding
    }

    /// Takes the table in a file, if it is valid for a corpus.
    ///
    /// # Errors
    /// Returns a clause that says why it can't be used.
    fn of(
        corpus: &Corpus,
        name: &str,
        file: Arc<TableFile>,
        zone: LogZone,
    ) -> Result<CallTable, String> {
        let binding = file.noted(file::BINDING).and_then(Binding::decode);
        let binding = binding.ok_or("was made by another version of calltrace, or is damaged")?;
        if file.rows() as u64 > binding.content_bytes() / file::CALL_BYTES_MIN {
            return Err("has more calls than its logs have room for".to_owned());
        }
        let held = binding
            .held(corpus, zone)
            .filter(|held| held.from < binding.cut)
            .ok_or(OF_OTHER_FILES)?;
        Ok(CallTable {
            name: name.to_owned(),
            file,
            binding,
            held,
        })
    }
}
