//! Indexes that a long-running process keeps in memory.
//!
//! A live day has no index, or one of its beginning only, and most of an answer's time goes into
//! reading the rest again. This module keeps what was read before, per file (`live`), within a
//! limit in bytes: the files that were not used for longest are removed first, and files that are
//! gone from their folder at once. Indexes of archives stay open (`open_indexes`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::Index;
use super::data::IndexData;
use super::grid::BLOCK_BYTES;
use super::live::{LiveFile, bytes_of, lock};
use super::open_indexes::OpenIndexes;
use crate::fsx::FileIdentity;
use crate::source::{ContentFormat, is_compressed};
use crate::tree::LogFile;

/// Limits of what is kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryLimits {
    /// For all files together (bytes of memory); a file takes about a fiftieth of its length.
    pub bytes: usize,
    /// A file is kept in memory once more than this of it (bytes) is in no index.
    pub worth_bytes: u64,
    /// Appended content is added to memory once it is more than this (bytes); until then it is
    /// scanned.
    pub lag_bytes: u64,
    /// The most that one question adds to memory (bytes), so that no question pays for a whole day.
    pub step_bytes: u64,
    /// Content per block (bytes).
    pub block_bytes: u64,
    /// Indexes of archives that stay open (one descriptor each); a question with an open index
    /// opens none.
    pub open_indexes: usize,
}

impl Default for MemoryLimits {
    fn default() -> Self {
        MemoryLimits {
            bytes: 64 << 20,
            worth_bytes: 256 << 10,
            lag_bytes: BLOCK_BYTES,
            step_bytes: 16 << 20,
            block_bytes: BLOCK_BYTES,
            open_indexes: 128,
        }
    }
}

/// The indexes of many files, in memory.
#[derive(Debug)]
pub struct IndexMemory {
    limits: MemoryLimits,
    files: Mutex<RememberedFiles>,
}

#[derive(Debug, Default)]
struct RememberedFiles {
    entries: HashMap<FileIdentity, RememberedFile>,
    sealed: OpenIndexes,
    /// The number of questions so far.
    clock: u64,
}

#[derive(Debug)]
struct RememberedFile {
    file: Arc<LiveFile>,
    folder: PathBuf,
    bytes: usize,
    /// The number of the last question that used it.
    used: u64,
}

impl IndexMemory {
    /// An empty memory.
    pub fn new(limits: MemoryLimits) -> IndexMemory {
        IndexMemory {
            limits,
            files: Mutex::default(),
        }
    }

    /// The number of files in memory, and the bytes that they take.
    pub fn size(&self) -> (usize, usize) {
        let files = lock(&self.files);
        let bytes = files.entries.values().map(|entry| entry.bytes).sum();
        (files.entries.len(), bytes)
    }

    /// The number of open indexes of archives.
    pub fn open_indexes(&self) -> usize {
        lock(&self.files).sealed.len()
    }

    /// Finds a file's index, as [`Index::open`] does. An archive's index is then kept open, that of
    /// a plain file in memory if that is worth it.
    ///
    /// # Errors
    /// As [`Index::open`]; none for an index that is in memory.
    pub fn open(&self, log: &Arc<LogFile>) -> Result<Option<Index>, String> {
        // Taken before anything is read, so that a later change is seen the next time.
        let stat = log.file.state().ok();
        let stat = stat.filter(|stat| stat.bytes == log.bytes);
        let known = stat.and_then(|stat| {
            let mut files = lock(&self.files);
            let now = files.clock;
            files.sealed.recall(log, stat, now)
        });
        if let Some(index) = known.or_else(|| self.recall(log)) {
            return Ok(Some(index));
        }
        let opened = Index::open(log);
        let on_disk = opened.as_ref().ok().and_then(Option::as_ref);
        if let Some(taken_in) = self.take_in(log, on_disk) {
            // Faults of the index on disk no longer matter.
            return Ok(Some(taken_in));
        }
        if let (Some(index), Some(stat)) = (on_disk, stat)
            && index.form() != ContentFormat::Plain
        {
            let mut files = lock(&self.files);
            let now = files.clock;
            files
                .sealed
                .keep(log, index, stat, now, self.limits.open_indexes);
        }
        opened
    }

    /// The index in memory of a plain file, after appended content was added. `None` when there is
    /// none, or the file has changed.
    fn recall(&self, log: &Arc<LogFile>) -> Option<Index> {
        let file = lock(&self.files).used(log)?;
        let known = file.recall(log);
        if known.is_none() && file.is_gone() {
            lock(&self.files).forget(log.identity, &file);
        }
        let known = known?;
        let behind = log.bytes.saturating_sub(known.head.content.bytes);
        let fresh = (behind > self.limits.lag_bytes)
            .then(|| self.grown(log, &file))
            .flatten();
        Some(Index::of_beginning(fresh.unwrap_or(known), log.bytes))
    }

    /// Adds a file to memory if that is worth it; `on_disk` is its fresh index on disk. `None` when
    /// it is not worth it, or when another thread is adding it.
    fn take_in(&self, log: &Arc<LogFile>, on_disk: Option<&Index>) -> Option<Index> {
        let covered = on_disk.map_or(0, Index::covered);
        if log.bytes.saturating_sub(covered) <= self.limits.worth_bytes {
            return None;
        }
        let is_plain = match on_disk {
            Some(index) => index.form() == ContentFormat::Plain,
            None => !is_compressed(log).ok()?,
        };
        if !is_plain {
            return None;
        }
        let known = lock(&self.files).used(log);
        let file = match known {
            Some(file) => file,
            None => {
                let on_disk = on_disk.map(|index| index.known.as_ref());
                let file = LiveFile::new(log, on_disk).ok()?;
                lock(&self.files).insert(log, file)
            }
        };
        let known = self.grown(log, &file);
        if file.is_gone() {
            lock(&self.files).forget(log.identity, &file);
        }
        Some(Index::of_beginning(known?, log.bytes))
    }

    /// Removes the files of a folder that are not among `there`, the current ones.
    pub fn forget_gone(&self, folder: &Path, there: &[Arc<LogFile>]) {
        let mut files = lock(&self.files);
        files.sealed.forget_gone(folder, there);
        files.entries.retain(|identity, entry| {
            entry.folder != folder || there.iter().any(|log| log.identity == *identity)
        });
    }

    /// The index after more content was added; `None` when nothing was added.
    fn grown(&self, log: &Arc<LogFile>, file: &Arc<LiveFile>) -> Option<Arc<IndexData>> {
        let MemoryLimits {
            step_bytes,
            block_bytes,
            ..
        } = self.limits;
        let has_room = |known: &IndexData| self.has_room(log.identity, file, known);
        file.grow(log, step_bytes, block_bytes, has_room)
    }

    /// Records the memory that a file takes now, and removes others until all fit. False when it is
    /// too large on its own.
    fn has_room(&self, identity: FileIdentity, file: &Arc<LiveFile>, known: &IndexData) -> bool {
        let bytes = bytes_of(known);
        if bytes > self.limits.bytes {
            return false;
        }
        let mut files = lock(&self.files);
        let Some(entry) = files.entries.get_mut(&identity) else {
            return true;
        };
        if Arc::ptr_eq(&entry.file, file) {
            entry.bytes = bytes;
        }
        files.fit(self.limits.bytes, identity);
        true
    }
}

impl RememberedFiles {
    fn used(&mut self, log: &LogFile) -> Option<Arc<LiveFile>> {
        self.clock += 1;
        let entry = self.entries.get_mut(&log.identity)?;
        entry.used = self.clock;
        Some(Arc::clone(&entry.file))
    }

    /// Returns the file that is in memory then: another thread may have been faster.
    fn insert(&mut self, log: &LogFile, file: LiveFile) -> Arc<LiveFile> {
        let known_bytes = file.bytes();
        let entry = self
            .entries
            .entry(log.identity)
            .or_insert_with(|| RememberedFile {
                file: Arc::new(file),
                folder: log.path.parent().unwrap_or(&log.path).to_owned(),
                bytes: known_bytes,
                used: self.clock,
            });
        Arc::clone(&entry.file)
    }

    fn forget(&mut self, identity: FileIdentity, file: &Arc<LiveFile>) {
        let entry = self.entries.get(&identity);
        if entry.is_some_and(|entry| Arc::ptr_eq(&entry.file, file)) {
            self.entries.remove(&identity);
        }
    }

    /// Removes the files that were not used for longest until all take no more than `bytes`; `kept`
    /// stays.
    fn fit(&mut self, bytes: usize, kept: FileIdentity) {
        while self
            .entries
            .values()
            .map(|entry| entry.bytes)
            .sum::<usize>()
            > bytes
        {
            let others = self
                .entries
                .iter()
                .filter(|(identity, _)| **identity != kept);
            let Some(oldest) = others.min_by_key(|(_, entry)| entry.used).map(|(i, _)| *i) else {
                return;
            };
            self.entries.remove(&oldest);
        }
    }
}
