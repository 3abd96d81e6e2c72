//! The files that one question about one enterprise is asked of.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::Engine;
use calltrace_model::record::Stamp;
use calltrace_store::error::{Error, Times, Trouble};
use calltrace_store::fsx::Folder;
use calltrace_store::index::{Index, Memory};
use calltrace_store::source::{Bounds, Source, is_copied, overlap};
use calltrace_store::tree::{EnterpriseName, LogFile, Snapshot, Tree};

/// A set that moves this often while a question runs over it is answered from what was open.
pub(super) const ASK_TRIES: usize = 8;

/// Of a sample (bytes).
const SAMPLE_BYTES: usize = 256 << 10;

/// To scan less than this (bytes) it is not worth half a millisecond to look at a sample first.
const SCAN_BYTES_MIN: u64 = 48 << 20;

/// An enterprise's sources, open, with what is known of their times.
#[derive(Debug)]
pub struct Corpus {
    /// Whose.
    pub enterprise: EnterpriseName,
    /// The sources in reading order; a `Place` counts in this.
    pub sources: Vec<Arc<Source>>,
    /// The times of each source.
    pub bounds: Vec<Bounds>,
    /// The index of each source that has one.
    pub indexes: Vec<Option<Index>>,
    /// What could not be opened.
    pub troubles: Vec<Trouble>,
    /// What those who ask for explanations are told: indexes that are of no use, files that vanished
    /// while they were being opened.
    pub notes: Vec<String>,
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
                "{} is gone; its lines are elsewhere",
                path.display()
            ));
        }
        let mut indexes = open_indexes(&snapshot, engine.memory.as_deref(), &mut notes);
        let form = |log: &LogFile| indexes.get(&log.path).map(Index::form);
        let mut sources = Source::open_all(&snapshot, form, &mut troubles);
        let mut bounds: Vec<Bounds> = sources
            .iter()
            .map(|source| {
                let index = indexes.get(&source.log.path);
                let known = index.and_then(Index::bounds);
                known.unwrap_or_else(|| Bounds::probe(source, zone))
            })
            .collect();
        for at in hide_collapsed(&mut sources, &bounds) {
            bounds[at] = Bounds::probe(&sources[at], zone);
            // It also names what is wrong with lines that are passed over.
            indexes.remove(&sources[at].log.path);
        }
        for (copy, whole) in copies(&sources, &bounds) {
            notes.push(format!(
                "{} is a copy of what {} begins with; it is passed over",
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

    /// Opens all log files of an enterprise when none moves (a rotation), or after some tries.
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

    /// Asks `question` of the enterprise, and again if its files moved meanwhile (a rotation): an
    /// answer neither misses nor doubles a line because of that.
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

    /// Sorts what was wrong, and notes what of it matters to a question about records of the time `asked`.
    /// Where a file is out of the order of time, the records around damage prove nothing.
    pub(super) fn judge(&self, troubles: &mut Vec<Trouble>, asked: Times) {
        for trouble in troubles.iter_mut() {
            let of_file = |(source, _): &(&Arc<Source>, &Bounds)| source.log.path == trouble.path;
            let found = self.sources.iter().zip(&self.bounds).find(of_file);
            if let (Some((source, bounds)), Some(hides)) = (found, trouble.hides.as_mut()) {
                if !bounds.ordered {
                    *hides = Times::ANY;
                }
                // Of a gzip the end is when it was compressed.
                let last = bounds.last.filter(|_| source.is_seekable());
                let seen = hides.from.max(last.or(bounds.first));
                hides.to = hides.to.or_else(|| source.log.written_until(seen));
            }
        }
        Trouble::tidy(troubles);
        Trouble::judge(troubles, asked);
    }

    /// When files begin that a writer of the tree writes: about where days do. Recovered lines stand anywhere in
    /// the time of others, and cut no window of theirs.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = Stamp> {
        let files = self.sources.iter().zip(&self.bounds);
        let written = files.filter(|(source, _)| !source.log.name.is_recovered());
        written.filter_map(|(_, bounds)| bounds.first)
    }

    /// The folder that they lie in.
    pub(super) fn folder(&self) -> &Folder {
        self.snapshot.folder()
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

    /// Some text of the sources that must be scanned, for whoever wants to know what it is like;
    /// empty when there is little.
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

    /// Content offset up to which an index knows the source.
    pub(super) fn covered(&self, number: u32) -> u64 {
        let index = self.indexes.get(number as usize).and_then(Option::as_ref);
        index.map_or(0, Index::covered)
    }

    /// The times of the last records of a source that an index knows.
    pub(super) fn last_indexed(&self, number: u32) -> Option<(Stamp, Stamp)> {
        let index = self.indexes.get(number as usize)?.as_ref()?;
        index.blocks()?.iter().rev().find_map(|block| block.times)
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

    /// The sources' file names, for people.
    pub(super) fn names(&self) -> Vec<String> {
        self.sources.iter().map(|s| s.log.name.full()).collect()
    }
}

/// The indexes that can be used, by the path of their file; what is remembered goes before what is on
/// disk.
fn open_indexes(
    snapshot: &Snapshot,
    memory: Option<&Memory>,
    notes: &mut Vec<String>,
) -> HashMap<PathBuf, Index> {
    let mut indexes = HashMap::new();
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
        memory.forget_gone(snapshot.folder().path(), &snapshot.files);
    }
    indexes
}

/// Files whose whole content another one of another name begins with, by position, each with that other: `cp`,
/// or a rotation that copies and takes nothing off. Only two whose first records are of the same time are
/// compared, so that nothing is read where there are no copies.
fn copies(sources: &[Source], bounds: &[Bounds]) -> Vec<(usize, usize)> {
    let first = |at: &usize| bounds[*at].first;
    let mut begun: Vec<usize> = (0..sources.len())
        .filter(|at| sources[*at].start() == 0 && first(at).is_some())
        .collect();
    begun.sort_by_key(first);
    let mut copies: Vec<(usize, usize)> = Vec::new();
    for alike in begun.chunk_by(|a, b| first(a) == first(b)) {
        // Among equals the last stays, which is the live one if that is among them.
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

/// Passes over lines at the beginning of a plain file that are in an archive of another name as
/// well: a rotation that was taking them off the live file was killed. Those files are returned, by
/// position.
fn hide_collapsed(sources: &mut [Source], bounds: &[Bounds]) -> Vec<usize> {
    let held = |at: usize| {
        let file = &sources[at];
        let first = bounds[at].first.filter(|_| !file.is_bgzf())?;
        let shares = |(archive, its): &(&Source, &Bounds)| {
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
