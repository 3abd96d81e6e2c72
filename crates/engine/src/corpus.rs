//! The open files of one enterprise that one question is answered from.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Engine;
use calltrace_model::record::Stamp;
use calltrace_store::error::{Error, TimeRange, Trouble};
use calltrace_store::fsx::Folder;
use calltrace_store::index::{self, Index, IndexMemory};
use calltrace_store::source::{Source, TimeBounds, is_copied, overlap};
use calltrace_store::tree::{EnterpriseName, LogFile, Snapshot, Tree};

/// If the files move this often while a question runs, it is answered from the files that were open.
pub(super) const ASK_TRIES: usize = 8;

/// Size of a sample (bytes).
const SAMPLE_BYTES: usize = 256 << 10;

/// Below this many bytes to scan, a sample (half a millisecond) is not worth its time.
const SCAN_BYTES_MIN: u64 = 48 << 20;

/// The open sources of an enterprise, with what is known of their times.
#[derive(Debug)]
pub struct Corpus {
    pub enterprise: EnterpriseName,
    /// The sources in reading order; the source number of a `Place` is an index into this.
    pub sources: Vec<Arc<Source>>,
    /// The time bounds of each source.
    pub bounds: Vec<TimeBounds>,
    /// The index of each source that has one.
    pub indexes: Vec<Option<Index>>,
    /// Files and content that could not be read.
    pub troubles: Vec<Trouble>,
    /// Notes for users who ask for explanations: indexes that can't be used, files that vanished while they
    /// were being opened.
    pub notes: Vec<String>,
    snapshot: Snapshot,
}

/// How much of the logs was searched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Searched {
    /// Number of files that were read.
    pub files: usize,
    /// Number of files of the enterprise.
    pub files_known: usize,
    /// Earliest time in the files that were read.
    pub from: Option<Stamp>,
    /// Latest time in them, as far as it is known.
    pub to: Option<Stamp>,
}

impl Corpus {
    /// Opens all log files of an enterprise.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub fn open(
        tree: &Tree,
        enterprise: &EnterpriseName,
        engine: &Engine,
    ) -> Result<Corpus, Error> {
        let snapshot = Snapshot::of(tree, enterprise)?;
        Ok(Self::of(snapshot, engine))
    }

    /// The files of a snapshot.
    pub(super) fn of(mut snapshot: Snapshot, engine: &Engine) -> Corpus {
        let zone = engine.zone;
        let mut troubles = std::mem::take(&mut snapshot.troubles);
        let mut notes = Vec::new();
        for path in &snapshot.gone {
            notes.push(format!(
                "{} is gone; its lines are in other files",
                path.display()
            ));
        }
        let mut indexes = open_indexes(&snapshot, engine.memory.as_deref(), &mut notes);
        let form = |log: &LogFile| indexes.get(&log.path).map(Index::format);
        let mut sources = Source::open_all(&snapshot, form, &mut troubles);
        let mut bounds: Vec<TimeBounds> = sources
            .iter()
            .map(|source| {
                let index = indexes.get(&source.log.path);
                let known = index.and_then(Index::bounds);
                known.unwrap_or_else(|| TimeBounds::probe(source, zone))
            })
            .collect();
        for at in hide_collapsed(&mut sources, &bounds) {
            bounds[at] = TimeBounds::probe(&sources[at], zone);
            // Its index also reports damage in lines that are skipped.
            indexes.remove(&sources[at].log.path);
        }
        for (copy, whole) in copies(&sources, &bounds) {
            notes.push(format!(
                "{} is a copy of the beginning of {}; it is skipped",
                sources[copy].log.path.display(),
                sources[whole].log.name.full()
            ));
            sources[copy].hide_before(u64::MAX);
        }
        let mut known = bounds.into_iter();
        let bounds = sources
            .iter()
            .filter_map(|source| known.next().filter(|_| !source.is_hidden()))
            .collect();
        sources.retain(|source| !source.is_hidden());
        snapshot.troubles = troubles.clone();
        Corpus {
            enterprise: snapshot.enterprise.clone(),
            indexes: sources
                .iter()
                .map(|source| indexes.remove(&source.log.path))
                .collect(),
            sources: sources.into_iter().map(Arc::new).collect(),
            bounds,
            troubles,
            notes,
            snapshot,
        }
    }

    /// Opens all log files of an enterprise, again if they move in the meantime (a rotation), up to a number of tries.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub(super) fn settled(
        tree: &Tree,
        enterprise: &EnterpriseName,
        engine: &Engine,
    ) -> Result<Corpus, Error> {
        let mut tries = 1;
        loop {
            let corpus = Corpus::open(tree, enterprise, engine)?;
            if tries == ASK_TRIES || !corpus.snapshot.has_moved() {
                return Ok(corpus);
            }
            tries += 1;
        }
    }

    /// Asks `question` of the enterprise, and asks again if the files moved in the meantime (a rotation), so that the
    /// answer neither misses nor repeats a line because of the move.
    ///
    /// # Errors
    /// When the folder can't be listed.
    pub fn ask<A>(
        tree: &Tree,
        enterprise: &EnterpriseName,
        engine: &Engine,
        question: impl Fn(&Corpus) -> A,
    ) -> Result<A, Error> {
        let mut tries = 1;
        loop {
            let corpus = Corpus::open(tree, enterprise, engine)?;
            let answer = question(&corpus);
            if tries == ASK_TRIES || !corpus.snapshot.has_moved() {
                return Ok(answer);
            }
            tries += 1;
        }
    }

    /// Sorts the troubles and marks those that concern records of the time `asked`. In a file that is out of
    /// order, the records around damage prove nothing about the time of the lost ones.
    pub(super) fn judge(&self, troubles: &mut Vec<Trouble>, asked: TimeRange) {
        for trouble in troubles.iter_mut() {
            let of_file =
                |(source, _): &(&Arc<Source>, &TimeBounds)| source.log.path == trouble.path;
            let found = self.sources.iter().zip(&self.bounds).find(of_file);
            if let (Some((source, bounds)), Some(hides)) = (found, trouble.hides.as_mut()) {
                if !bounds.ordered {
                    *hides = TimeRange::ANY;
                }
                // For a gzip the end is the time of compression.
                let last = bounds.last.filter(|_| source.is_seekable());
                let seen = hides.from.max(last.or(bounds.first));
                hides.to = hides.to.or_else(|| source.log.written_until(seen));
            }
        }
        Trouble::tidy(troubles);
        Trouble::judge(troubles, asked);
    }

    /// The times at which the files of the tree's writers begin, which is about where days do. Recovered lines are
    /// excluded: their times may be anywhere among those of others and must not cut windows.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = Stamp> {
        let files = self.sources.iter().zip(&self.bounds);
        let written = files.filter(|(source, _)| !source.log.name.is_recovered());
        written.filter_map(|(_, bounds)| bounds.first)
    }

    /// The folder of the local files; `None` where there are only shipped days.
    pub(super) fn folder(&self) -> Option<&Folder> {
        self.snapshot.folder()
    }

    /// See [`Snapshot::path`].
    pub(super) fn path(&self) -> &Path {
        self.snapshot.path()
    }

    /// The sources that `wanted` accepts by their bounds, with their numbers.
    pub(super) fn select(&self, wanted: impl Fn(TimeBounds) -> bool) -> Vec<(u32, Arc<Source>)> {
        (0..)
            .zip(&self.sources)
            .zip(&self.bounds)
            .filter(|(_, bounds)| wanted(**bounds))
            .map(|((index, source), _)| (index, Arc::clone(source)))
            .collect()
    }

    /// Some text of the sources that must be scanned, as a sample; empty when there is little to scan.
    pub(super) fn sample(&self) -> Vec<u8> {
        let unknown = |(source, index): &(&Arc<Source>, &Option<Index>)| {
            let covered = index.as_ref().map_or(0, Index::covered);
            source
                .content_bytes()
                .map(|bytes| bytes.saturating_sub(covered))
        };
        let pairs = || self.sources.iter().zip(&self.indexes);
        let is_little = pairs().map(|pair| unknown(&pair)).sum::<Option<u64>>();
        let largest = pairs().max_by_key(unknown).map(|(source, _)| source);
        let mut text = vec![0; SAMPLE_BYTES];
        let mut got = 0;
        if let Some(source) = largest
            && is_little.is_none_or(|bytes| bytes >= SCAN_BYTES_MIN)
        {
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

    /// Content offset up to which an index covers the source.
    pub(super) fn covered(&self, number: u32) -> u64 {
        let index = self.indexes.get(number as usize).and_then(Option::as_ref);
        index.map_or(0, Index::covered)
    }

    /// The times of the last records of a source that its index covers.
    pub(super) fn last_indexed(&self, number: u32) -> Option<(Stamp, Stamp)> {
        let index = self.indexes.get(number as usize)?.as_ref()?;
        index.blocks()?.iter().rev().find_map(|block| block.times)
    }

    /// The [`Searched`] that reading `chosen` amounts to.
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

    /// The sources' file names, as shown to users.
    pub(super) fn names(&self) -> Vec<String> {
        self.sources.iter().map(|s| s.log.name.full()).collect()
    }
}

/// The usable indexes, by the path of their file; a remembered index is preferred to one on disk.
fn open_indexes(
    snapshot: &Snapshot,
    memory: Option<&IndexMemory>,
    notes: &mut Vec<String>,
) -> HashMap<PathBuf, Index> {
    let mut indexes = HashMap::new();
    index::fetch_ahead(&snapshot.files);
    for log in &snapshot.files {
        let opened = match memory {
            Some(memory) => memory.open(log),
            None => Index::open(log),
        };
        let index = opened.unwrap_or_else(|why| {
            let path = log.path.display();
            notes.push(format!("the index of {path} {why}; the file is scanned"));
            None
        });
        indexes.extend(index.map(|index| (log.path.clone(), index)));
    }
    if let Some(memory) = memory {
        memory.forget_gone(snapshot.path(), &snapshot.files);
    }
    indexes
}

/// Files that repeat the beginning of a file with another name, by position, each with that other file. They are left
/// by `cp`, or by a rotation that copied and took nothing off. Only files with first records of the same time are
/// compared, so that a tree without copies costs no reading.
fn copies(sources: &[Source], bounds: &[TimeBounds]) -> Vec<(usize, usize)> {
    let first = |at: &usize| bounds[*at].first;
    let mut begun: Vec<usize> = (0..sources.len())
        .filter(|at| sources[*at].start() == 0 && first(at).is_some())
        .collect();
    begun.sort_by_key(first);
    let mut copies: Vec<(usize, usize)> = Vec::new();
    for alike in begun.chunk_by(|a, b| first(a) == first(b)) {
        // Among equal files the last one stays, which is the live one if it is among them.
        for copy in alike {
            let is_there =
                |whole: &&usize| *whole != copy && copies.iter().all(|(gone, _)| gone != *whole);
            let mut wholes = alike.iter().rev().filter(is_there);
            let whole = wholes.find(|whole| is_copied(&sources[*copy], &sources[**whole]));
            copies.extend(whole.map(|whole| (*copy, *whole)));
        }
    }
    copies
}

/// Hides lines at the beginning of a plain file that an archive of another name holds as well, because a
/// rotation was killed while taking them off the live file. Returns the positions of such files.
fn hide_collapsed(sources: &mut [Source], bounds: &[TimeBounds]) -> Vec<usize> {
    let held = |at: usize| {
        let file = &sources[at];
        let first = bounds[at].first.filter(|_| !file.is_bgzf())?;
        let shares = |(archive, its): &(&Source, &TimeBounds)| {
            archive.is_bgzf()
                && archive.log.name.stem != file.log.name.stem
                && its.last.is_some_and(|last| last >= first)
        };
        let mut archives = sources.iter().zip(bounds).filter(shares);
        archives.find_map(|(archive, _)| overlap(file, archive))
    };
    let all: Vec<_> = (0..sources.len()).map(held).collect();
    let mut hidden = Vec::new();
    for (at, held) in all.into_iter().enumerate() {
        if let Some(held) = held {
            sources[at].hide_before(held.held_bytes);
            hidden.push(at);
        }
    }
    hidden
}
