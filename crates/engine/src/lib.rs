//! Answers questions about log trees: the lines of a call, the calls that match. The engine chooses which
//! blocks to read, and merges by time.
//!
//! [`Engine::trace`] grows one call from an id. [`Engine::search`] finds calls, either from records that hold
//! something rare (`seeds`) or by sorting all records into calls (`sweep`). [`Engine::lines`] finds single
//! records. A caller that goes on to follow the files asks for an [`AnswerUpToNow`], which says how far they
//! were read. The engine does not know any command-line flag and prints nothing: answers go to a sink or are
//! returned, and name the files that could not be read.

#![allow(
    missing_docs,
    reason = "fields and variants that explain themselves have no comment"
)]

mod around;
mod corpus;
mod coverage;
mod figures;
mod glance;
mod grow;
mod kept;
mod lines;
mod numbering;
mod pass;
mod plan;
mod recent;
mod search;
mod seeds;
mod stats;
mod sweep;
mod table;
mod tabling;
mod tally;
mod trace;
mod up_to_now;
mod whole;
mod window;

use std::io;
use std::sync::Arc;

use rayon::{ThreadPool, ThreadPoolBuilder};

use calltrace_model::record::LogZone;
use calltrace_store::error::Error;
use calltrace_store::index::{self, IndexMemory};
use calltrace_store::scan::{Meter, Scanner, Tuning};
use calltrace_store::tree::LogFile;
use table::TableMemory;

pub use calltrace_store::index::MemoryLimits;
pub use corpus::{Corpus, Searched};
pub use coverage::Coverage;
pub use kept::RecordLimits;
pub use lines::{FoundLine, FoundLines, LinesQuestion, RecordField};
pub use recent::{last_written, recent_calls};
pub use search::{EachFound, FoundCalls, SearchQuestion, newest_first};
pub use stats::{MissedCall, Statistics, StatsQuestion, Within};
pub use table::{CallsWriter, TableRow, file_name as table_name, log_of as log_of_table};
pub use tabling::{BuiltTable, CheckedTable, TableState};
pub use tally::CallTally;
pub use trace::{Trace, TraceQuestion, TracedCall};
pub use up_to_now::{AfterAnswer, AnswerUpToNow, OpenCalls, ReadUpTo};

/// Answers questions about log trees.
#[derive(Debug)]
pub struct Engine {
    pool: ThreadPool,
    scanner: Scanner,
    zone: LogZone,
    memory: Option<Arc<IndexMemory>>,
    tables: Option<Arc<TableMemory>>,
}

impl Engine {
    /// An engine of `threads` threads (0: one per core), which cuts work as `tuning` says and reads record
    /// times in `zone`. Answers depend on the zone alone.
    ///
    /// # Errors
    /// When the threads can't be started.
    pub fn new(threads: usize, tuning: Tuning, zone: LogZone) -> Result<Engine, Error> {
        let pool = ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| Error::Threads {
                wanted: threads,
                source: io::Error::other(error),
            })?;
        Ok(Engine {
            pool,
            scanner: Scanner::new(tuning),
            zone,
            memory: None,
            tables: None,
        })
    }

    /// The engine's threads, for work that is not a question to it.
    pub fn pool(&self) -> &ThreadPool {
        &self.pool
    }

    /// An engine with its own threads and the same memory. A long question occupies the threads it runs on
    /// until its end; short questions on the other engine need not wait for it.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn with_own_threads(&self) -> Result<Engine, Error> {
        let threads = self.pool.current_num_threads();
        Ok(Engine {
            memory: self.memory.clone(),
            tables: self.tables.clone(),
            ..Engine::new(threads, self.scanner.tuning(), self.zone)?
        })
    }

    /// The same engine with a memory of plain files it reads and of tables of their calls, for a process that
    /// answers many questions. Answers do not depend on the memory.
    #[must_use]
    pub fn remembering(self, limits: MemoryLimits) -> Engine {
        Engine {
            memory: Some(Arc::new(IndexMemory::new(limits))),
            tables: Some(Arc::default()),
            ..self
        }
    }

    /// The number of remembered files, and the bytes of memory they take.
    pub fn remembered(&self) -> (usize, usize) {
        self.memory.as_ref().map_or((0, 0), |memory| memory.size())
    }

    /// Compares a file's index with the file; see [`index::check`].
    ///
    /// # Errors
    /// Returns a clause about the index that says what is wrong.
    pub fn check(&self, log: &LogFile) -> Result<Option<u64>, String> {
        self.pool.install(|| index::check(log, self.zone))
    }

    /// The meter that counts what is read.
    pub fn meter(&self) -> &Arc<Meter> {
        self.scanner.meter()
    }

    /// The zone of record times.
    pub fn zone(&self) -> LogZone {
        self.zone
    }
}
