//! The tables that a long-lived process remembers: tables on disk that it has opened and checked, and tables
//! in memory for the hours that `rotate` has not sealed yet.
//!
//! Answers do not depend on this memory: a table in memory is bound to the logs like one on disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::file::TableFile;
use calltrace_model::record::Stamp;
use calltrace_store::object::FileState;

/// Number of tables on disk that stay open (descriptors).
const OPEN_MAX: usize = 128;

/// Bytes of tables in memory, for all enterprises together; a day of 100 MB takes about 2.5 MB.
const MEMORY_BYTES_MAX: u64 = 32 << 20;

/// The memory of tables.
#[derive(Debug, Default)]
pub(crate) struct TableMemory {
    known: Mutex<KnownTables>,
}

#[derive(Debug, Default)]
struct KnownTables {
    /// A file that is unchanged has the same state: the kernel sets its time of change.
    open: HashMap<FileState, (Arc<TableFile>, u64)>,
    own: HashMap<PathBuf, (Vec<MemoryTable>, u64)>,
    /// Number of questions so far.
    clock: u64,
}

/// A table in memory.
#[derive(Debug, Clone)]
pub(super) struct MemoryTable {
    /// It has the calls that began at this time or later.
    pub(super) from: Stamp,
    pub(super) file: Arc<TableFile>,
}

impl TableMemory {
    /// The table in the file with this state. It is read only if it is not remembered.
    ///
    /// # Errors
    /// The error of `read`.
    pub(super) fn opened(
        &self,
        state: FileState,
        read: impl FnOnce() -> Result<TableFile, String>,
    ) -> Result<Arc<TableFile>, String> {
        let now = self.lock().tick();
        if let Some((file, used)) = self.lock().open.get_mut(&state) {
            *used = now;
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(read()?);
        let mut known = self.lock();
        known.open.insert(state, (Arc::clone(&file), now));
        if known.open.len() > OPEN_MAX {
            let oldest = known.open.iter().min_by_key(|(_, (_, used))| *used);
            let oldest = oldest.map(|(state, _)| *state);
            oldest.and_then(|state| known.open.remove(&state));
        }
        Ok(file)
    }

    /// The tables in memory for the logs in a folder.
    pub(super) fn memory_tables_of(&self, folder: &Path) -> Vec<MemoryTable> {
        let mut known = self.lock();
        let now = known.tick();
        let own = known.own.get_mut(folder).map(|(own, used)| {
            *used = now;
            own.clone()
        });
        own.unwrap_or_default()
    }

    /// Keeps only those tables in memory of a folder that `wanted` accepts.
    pub(super) fn retain_memory_tables(
        &self,
        folder: &Path,
        wanted: impl Fn(&MemoryTable) -> bool,
    ) {
        if let Some((own, _)) = self.lock().own.get_mut(folder) {
            own.retain(wanted);
        }
    }

    /// Keeps a table in memory, and drops those that cover the same time. When memory is full, the tables of
    /// the enterprises with the oldest last question are dropped first.
    pub(super) fn keep_memory_table(&self, folder: &Path, table: MemoryTable) {
        let mut known = self.lock();
        let now = known.tick();
        let (own, used) = known.own.entry(folder.to_owned()).or_default();
        *used = now;
        own.retain(|other| other.from < table.from);
        own.push(table);
        while known.memory_bytes() > MEMORY_BYTES_MAX {
            let oldest = known.own.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(folder, _)| folder.clone()) else {
                return;
            };
            known.own.remove(&oldest);
        }
    }

    fn lock(&self) -> MutexGuard<'_, KnownTables> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KnownTables {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn memory_bytes(&self) -> u64 {
        let all = self.own.values().flat_map(|(own, _)| own);
        all.map(|own| own.file.bytes()).sum()
    }
}
