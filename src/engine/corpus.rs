//! The files that one question about one enterprise is asked of.

use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Trouble};
use crate::record::{LogZone, Stamp};
use crate::source::{Bounds, Source};
use crate::tree::{EnterpriseName, Snapshot, Tree};

/// A set that moves this often while a question runs over it is answered from what was open.
const ASK_TRIES: usize = 3;

/// Of a sample (bytes).
const SAMPLE_BYTES: usize = 256 << 10;

/// An enterprise's sources, open, with what is known of their times.
#[derive(Debug)]
pub struct Corpus {
    /// Whose.
    pub enterprise: EnterpriseName,
    /// The sources in reading order; a `Place` counts in this.
    pub sources: Vec<Arc<Source>>,
    /// The times of each source.
    pub bounds: Vec<Bounds>,
    /// What could not be opened.
    pub troubles: Vec<Trouble>,
    /// Files that vanished while they were being opened.
    pub gone: Vec<PathBuf>,
    snapshot: Snapshot,
}

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Searched {
    /// Files that were read, of all there are.
    pub files: usize,
    /// Files there are.
    pub files_known: usize,
    /// Earliest time in them.
    pub from: Option<Stamp>,
    /// Latest time in them, as far as it is known.
    pub to: Option<Stamp>,
}

impl Corpus {
    /// Opens all log files of an enterprise.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub fn open(tree: &Tree, enterprise: &EnterpriseName, zone: LogZone) -> Result<Corpus, Error> {
        let mut snapshot = Snapshot::open(enterprise, &tree.folder(enterprise))?;
        let mut troubles = std::mem::take(&mut snapshot.troubles);
        let sources = Source::open_all(&snapshot, &mut troubles);
        let bounds = sources.iter().map(|s| Bounds::probe(s, zone)).collect();
        snapshot.troubles = troubles.clone();
        Ok(Corpus {
            enterprise: enterprise.clone(),
            sources,
            bounds,
            troubles,
            gone: std::mem::take(&mut snapshot.gone),
            snapshot,
        })
    }

    /// Asks `question` of the enterprise, and again if its files moved meanwhile (a rotation): an
    /// answer neither misses nor doubles a line because of that.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub fn ask<A>(
        tree: &Tree,
        enterprise: &EnterpriseName,
        zone: LogZone,
        question: impl Fn(&Corpus) -> A,
    ) -> Result<A, Error> {
        let mut tries = 1;
        loop {
            let corpus = Corpus::open(tree, enterprise, zone)?;
            let answer = question(&corpus);
            if tries == ASK_TRIES || !corpus.snapshot.has_moved() {
                return Ok(answer);
            }
            tries += 1;
        }
    }

    /// The sources, with their indices, that `wanted` takes by their bounds.
    pub(super) fn select(&self, wanted: impl Fn(Bounds) -> bool) -> Vec<(u32, Arc<Source>)> {
        (0..)
            .zip(&self.sources)
            .zip(&self.bounds)
            .filter(|(_, bounds)| wanted(**bounds))
            .map(|((index, source), _)| (index, Arc::clone(source)))
            .collect()
    }

    /// Some text of the sources, for whoever wants to know what it is like.
    pub(super) fn sample(&self) -> Vec<u8> {
        let largest = self
            .sources
            .iter()
            .max_by_key(|source| source.content_bytes());
        let mut text = vec![0; SAMPLE_BYTES];
        let mut got = 0;
        if let Some(source) = largest {
            let mut reader = source.reader(source.content_bytes().unwrap_or(0) / 2);
            while let Ok(n) = reader.read(&mut text[got..])
                && n > 0
            {
                got += n;
            }
        }
        text.truncate(got);
        text
    }

    /// What it means to have read `chosen`.
    pub(super) fn searched(&self, chosen: &[(u32, Arc<Source>)]) -> Searched {
        let bounds = || {
            chosen
                .iter()
                .filter_map(|(i, _)| self.bounds.get(*i as usize))
        };
        Searched {
            files: chosen.len(),
            files_known: self.sources.len(),
            from: bounds().filter_map(|b| b.first).min(),
            to: bounds().filter_map(|b| b.last.or(b.first)).max(),
        }
    }

    /// A source's file name, for people.
    pub fn name_of(&self, index: u32) -> String {
        self.sources
            .get(index as usize)
            .map_or_else(String::new, |s| s.log.name.full())
    }
}
