//! Indexes of archives that stay open.
//!
//! An archive does not change, so its index stays valid as long as the archive has its length and
//! both its times of change (only the kernel can set one of them). For each archive and question
//! this saves opening the index, and reading its footer and both ends of the archive.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Index;
use super::data::IndexData;
use crate::fsx::FileIdentity;
use crate::object::FileState;
use crate::source::TimeBounds;
use crate::tree::LogFile;

/// Open indexes, one descriptor each.
#[derive(Debug, Default)]
pub(super) struct OpenIndexes {
    entries: HashMap<FileIdentity, OpenIndex>,
}

#[derive(Debug)]
struct OpenIndex {
    known: Arc<IndexData>,
    probed: Option<TimeBounds>,
    stat: FileState,
    folder: PathBuf,
    used: u64,
}

impl OpenIndexes {
    /// The index of an archive that has not changed; `now` is the number of the question.
    pub(super) fn recall(&mut self, log: &LogFile, stat: FileState, now: u64) -> Option<Index> {
        let entry = self.entries.get_mut(&log.identity)?;
        if entry.stat != stat {
            self.entries.remove(&log.identity);
            return None;
        }
        entry.used = now;
        Some(Index::of_whole(Arc::clone(&entry.known), entry.probed))
    }

    /// Keeps an index that was just found to be valid for an archive with this `stat`, at most
    /// `most` in all.
    pub(super) fn keep(
        &mut self,
        log: &LogFile,
        index: &Index,
        stat: FileState,
        now: u64,
        most: usize,
    ) {
        let entry = OpenIndex {
            known: Arc::clone(&index.known),
            probed: index.probed,
            stat,
            folder: log.path.parent().unwrap_or(&log.path).to_owned(),
            used: now,
        };
        self.entries.insert(log.identity, entry);
        while self.entries.len() > most {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(oldest) = oldest.map(|(identity, _)| *identity) else {
                return;
            };
            self.entries.remove(&oldest);
        }
    }

    pub(super) fn forget_gone(&mut self, folder: &Path, there: &[Arc<LogFile>]) {
        self.entries.retain(|identity, entry| {
            entry.folder != folder || there.iter().any(|log| log.identity == *identity)
        });
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }
}
