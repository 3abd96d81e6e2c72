//! The catalog of an enterprise's archives: which of them may hold a number.
//!
//! A search over hundreds of enterprises asks thousands of files, and nearly all have no match; opening each
//! file and its index takes longer than the answer. The catalog of an enterprise is one file,
//! `.calltrace/catalog`, that lists the archives with their `stat`, and has postings number -> archives. Like
//! an index it may name too many archives, never too few, and only speed depends on it.
//!
//! Layout (numbers little-endian): `"CTCATLG\x01"`, pages of postings as in `layout` (an archive's
//! place in the list stands for the block), footer, and the same tail as an index has. Footer: u32
//! count of archives; each u32 length of its name, the name, u64 bytes, i64 time of change
//! (nanoseconds), i64 earliest and latest time as probed (i64::MIN for none), u32 1 if in order; then
//! u32 1 if numbers are posted, u32 count of pages, each u32 first key and its section.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::key::{IndexKey, KeyKind};
use super::layout::{PostingsPage, Segment, StorageFormat, TAIL_BYTES};
use super::numbers::{NumberReader, NumberWriter};
use super::pages::{CountingWriter, write_pages};
use super::sound::{self, end_of_pages};
use super::store::{Store, read_tail};
use super::{FOLDER, Index, open_own, read_own};
use crate::error::cant;
use crate::fsx::Folder;
use crate::object::StoredFile;
use crate::source::TimeBounds;
use crate::tree::{FileName, LogFile, ShippedDays, Snapshot};

const MAGIC: [u8; 8] = *b"CTCATLG\x01";

/// The most numbers that get postings. An enterprise with more has few large files with indexes
/// that answer as fast, and sorting must not take memory without bound.
const NUMBERS_MAX: usize = 200_000;

/// The name of its file.
pub const NAME: &str = "catalog";

/// No catalog is longer (bytes): a posting takes at most 15 bytes, an archive about a hundred.
const BYTES_MAX: u64 = 64 << 20;

/// The catalog of an enterprise.
#[derive(Debug)]
pub struct Catalog {
    store: Store,
    archives: Vec<CatalogArchive>,
    /// Pages of numbers; `None` when there are too many numbers for postings.
    numbers: Option<Segment>,
}

/// An archive in the catalog.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogArchive {
    pub name: String,
    /// The times of its records, from samples.
    pub bounds: TimeBounds,
    bytes: u64,
    modified: i64,
}

/// The path of an enterprise's catalog.
pub fn path(folder: &Path) -> PathBuf {
    folder.join(FOLDER).join(NAME)
}

/// Whether the catalog exists and lists exactly the archives of `snapshot` with a usable index.
pub fn is_fresh(snapshot: &Snapshot) -> bool {
    let Some(catalog) = snapshot.folder().and_then(Catalog::open) else {
        return false;
    };
    let indexed = indexed(snapshot);
    let archives: Option<Vec<CatalogArchive>> = indexed
        .iter()
        .map(|(log, index)| CatalogArchive::of(log, index))
        .collect();
    archives.is_some_and(|archives| archives == catalog.archives)
}

/// Writes the catalog of the archives with a usable index.
///
/// # Errors
/// When an index can't be read or `out` can't be written.
pub fn build(snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    let listed = indexed(snapshot).into_iter().map(NewEntry::of_log);
    write(&listed.collect::<io::Result<Vec<_>>>()?, None, out)
}

/// Writes a catalog that goes on from `old`: of `logs`, as [`build()`] does, and of the archives of
/// `old` that `is_kept` names and that are none of `logs`. So a catalog can list archives without having
/// their indexes.
///
/// # Errors
/// When an index or a page of `old` can't be read or `out` can't be written.
pub fn extend(
    old: Option<&Catalog>,
    is_kept: &dyn Fn(&CatalogArchive) -> bool,
    logs: &[Arc<LogFile>],
    out: &mut dyn Write,
) -> io::Result<()> {
    let new = logs
        .iter()
        .filter_map(|log| Some((log.as_ref(), usable(log)?)));
    let mut listed: Vec<NewEntry> = new.map(NewEntry::of_log).collect::<io::Result<_>>()?;
    let is_new = |name: &str| logs.iter().any(|log| log.name.full() == name);
    for (at, archive) in (0..).zip(old.iter().flat_map(|old| &old.archives)) {
        if is_kept(archive) && !is_new(&archive.name) {
            let numbers = Numbers::Old(at);
            let archive = archive.clone();
            listed.push(NewEntry { archive, numbers });
        }
    }
    listed.sort_by_key(|listed| FileName::parse(&listed.archive.name));
    write(&listed, old, out)
}

/// An archive that is to be listed.
struct NewEntry {
    archive: CatalogArchive,
    numbers: Numbers,
}

/// Where the numbers of an archive are known from.
enum Numbers {
    Index(Box<Index>),
    /// The archive has this place in the old catalog.
    Old(u32),
}

impl NewEntry {
    fn of_log((log, index): (&LogFile, Index)) -> io::Result<NewEntry> {
        Ok(NewEntry {
            archive: CatalogArchive::of(log, &index).ok_or_else(torn)?,
            numbers: Numbers::Index(Box::new(index)),
        })
    }
}

fn torn() -> io::Error {
    io::Error::other("an index or a catalog turned out to be torn")
}

fn write(listed: &[NewEntry], old: Option<&Catalog>, out: &mut dyn Write) -> io::Result<()> {
    let mut postings: Vec<u64> = Vec::new();
    let posting = |key: u32, number: u64| u64::from(key) << 32 | number;
    let mut new_places = HashMap::new();
    let mut fits = true;
    for (number, listed) in (0..).zip(listed) {
        match &listed.numbers {
            Numbers::Old(at) => {
                new_places.insert(*at, number);
            }
            Numbers::Index(index) if fits => {
                let from = postings.len();
                let post = |key: u32| postings.push(posting(key, number));
                index.known.keys_of(KeyKind::Phone, post).ok_or_else(torn)?;
                // A key may be in several segments of an index.
                postings[from..].sort_unstable();
                postings.dedup();
                fits = postings.len() <= NUMBERS_MAX;
            }
            Numbers::Index(_) => {}
        }
    }
    if let Some(old) = old.filter(|_| fits && !new_places.is_empty()) {
        fits = old.numbers.is_some();
        let mut post = |key: u32, places: &[u32]| {
            let there = places.iter().filter_map(|at| new_places.get(at));
            postings.extend(there.map(|number| posting(key, *number)));
        };
        if let Some(numbers) = &old.numbers {
            let read = numbers.each(&old.store, KeyKind::Phone, &mut post);
            read.ok_or_else(torn)?;
        }
        fits &= postings.len() <= NUMBERS_MAX;
    }
    if !fits {
        postings.clear();
    }
    postings.sort_unstable();
    let mut out = CountingWriter { out, at: 0 };
    out.write(&MAGIC)?;
    let pages = write_pages(&mut out, &postings, 0)?;
    let archives: Vec<&CatalogArchive> = listed.iter().map(|listed| &listed.archive).collect();
    out.tail(&encode(&archives, fits, &pages), MAGIC)
}

/// Builds the catalog again and compares it with the existing one. False when there is none.
///
/// # Errors
/// A clause about the catalog that says what is wrong.
pub fn check(snapshot: &Snapshot) -> Result<bool, String> {
    let Some(folder) = snapshot.folder() else {
        return Ok(false);
    };
    let there = match read_own(folder, NAME, BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(cant("be read", &error)),
    };
    let mut anew = Vec::new();
    build(snapshot, &mut anew).map_err(|error| format!("can't be compared: {error}"))?;
    match there == anew {
        true => Ok(true),
        false => Err("lists other archives than these".to_owned()),
    }
}

/// The archives with a usable index that records no damage.
fn indexed(snapshot: &Snapshot) -> Vec<(&LogFile, Index)> {
    let logs = snapshot.files.iter().map(AsRef::as_ref);
    logs.filter_map(|log: &LogFile| Some((log, usable(log)?)))
        .collect()
}

/// The index of an archive, if it can be used and records no damage.
fn usable(log: &LogFile) -> Option<Index> {
    let index = Index::open(log).ok().flatten()?;
    let is_archive = index.known.head.fingerprint.stored != StorageFormat::Plain;
    (is_archive && index.findings().next().is_none()).then_some(index)
}

impl CatalogArchive {
    /// `None` when the file can't be examined.
    fn of(log: &LogFile, index: &Index) -> Option<CatalogArchive> {
        Some(CatalogArchive {
            name: log.name.full(),
            bounds: index.known.head.probed,
            bytes: log.bytes,
            modified: log.file.state().ok()?.modified,
        })
    }

    /// Whether it is the entry of an archive of this name, length (bytes) and time of change
    /// (nanoseconds of Unix time).
    pub fn is_of(&self, name: &str, bytes: u64, modified: i64) -> bool {
        (self.name.as_str(), self.bytes, self.modified) == (name, bytes, modified)
    }
}

impl Catalog {
    /// The catalog in an enterprise's folder; `None` when there is no usable one.
    pub fn open(folder: &Folder) -> Option<Catalog> {
        let (file, _) = open_own(folder, NAME).ok()?;
        Catalog::of_file(StoredFile::local_of(file))
    }

    /// The catalog of an enterprise's shipped days; `None` when there is no usable one.
    pub fn of_shipped(days: &ShippedDays) -> Option<Catalog> {
        let object = Arc::clone(days.catalog.as_ref()?);
        Catalog::of_file(StoredFile::Object {
            object,
            modified: 0,
        })
    }

    /// The catalog in an open file; `None` when it is not usable.
    pub fn of_file(file: StoredFile) -> Option<Catalog> {
        let footer = read_tail(&file, MAGIC).ok()?;
        let (archives, pages) = decode(&footer)?;
        // Pages of numbers fill the file up to its footer.
        let pages_end = end_of_pages(pages.as_deref().unwrap_or_default(), MAGIC.len() as u64)?;
        let rest = (footer.len() + TAIL_BYTES) as u64;
        if pages_end.checked_add(rest) != Some(file.state().ok()?.bytes) {
            return None;
        }
        let numbers = pages.map(|pages| numbers_of(archives.len(), pages));
        Some(Catalog {
            store: Store::File(file),
            archives,
            numbers,
        })
    }

    /// The entry of the archive `name`, if the file still has this length and modification time.
    pub fn archive(&self, name: &FileName, bytes: u64, modified: i64) -> Option<&CatalogArchive> {
        let name = name.full();
        let is_it = |archive: &&CatalogArchive| {
            archive.name == name && archive.bytes == bytes && archive.modified == modified
        };
        self.archives.iter().find(is_it)
    }

    /// The archives that may hold the number with this `key`. `None` when the catalog does not show it.
    pub fn may_hold(&self, key: IndexKey) -> Option<Vec<&CatalogArchive>> {
        let numbers = self
            .numbers
            .as_ref()
            .filter(|_| key.kind == KeyKind::Phone)?;
        let mut found = Vec::new();
        numbers.find(&self.store, key, 0, &mut found)?;
        let archive = |at: u32| self.archives.get(at as usize);
        found.into_iter().map(archive).collect()
    }
}

fn encode(archives: &[&CatalogArchive], fits: bool, pages: &[PostingsPage]) -> Vec<u8> {
    let mut out = NumberWriter::default();
    out.count(archives.len());
    for archive in archives {
        out.count(archive.name.len());
        out.bytes(archive.name.as_bytes());
        out.u64(archive.bytes);
        out.u64(archive.modified.cast_unsigned());
        out.time(archive.bounds.first);
        out.time(archive.bounds.last);
        out.u32(u32::from(archive.bounds.ordered));
    }
    out.u32(u32::from(fits));
    out.count(pages.len());
    for page in pages {
        out.page(*page);
    }
    out.finish()
}

/// Pages of numbers as a segment with archives as its blocks.
fn numbers_of(archives: usize, pages: Vec<PostingsPage>) -> Segment {
    let mut numbers = Segment {
        blocks: u32::try_from(archives).unwrap_or(u32::MAX),
        ..Segment::default()
    };
    numbers.pages[KeyKind::Phone as usize] = pages;
    numbers
}

fn decode(footer: &[u8]) -> Option<(Vec<CatalogArchive>, Option<Vec<PostingsPage>>)> {
    let mut r = NumberReader::new(footer);
    let archive = |r: &mut NumberReader<'_>| {
        let name_bytes = r.u32()? as usize;
        Some(CatalogArchive {
            name: String::from_utf8(r.bytes(name_bytes)?.to_vec()).ok()?,
            bytes: r.u64()?,
            modified: r.i64()?,
            bounds: TimeBounds {
                first: r.time()?,
                last: r.time()?,
                ordered: r.u32()? != 0,
            },
        })
    };
    let archives: Vec<CatalogArchive> = (0..r.u32()?)
        .map(|_| archive(&mut r))
        .collect::<Option<_>>()?;
    let fits = r.u32()? != 0;
    let pages: Vec<PostingsPage> = (0..r.u32()?).map(|_| r.page()).collect::<Option<_>>()?;
    let is_real = |archive: &CatalogArchive| {
        let times = [archive.bounds.first, archive.bounds.last];
        let is_log = FileName::parse(&archive.name).is_some();
        is_log && times.into_iter().flatten().all(sound::is_real)
    };
    let is_sound = r.is_at_end() && archives.iter().all(is_real);
    is_sound.then_some((archives, fits.then_some(pages)))
}
