//! An object that is read like a file.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use calltrace_store::object::StoredObject;
use calltrace_store::tree::EnterpriseName;

use crate::error::StoreFault;
use crate::fetching::{ObjectSource, Shared};
use crate::manifest::{ObjectKind, ObjectRef};
use crate::pool::ChunkLookup;
use crate::readahead::Readahead;

/// Chunks of a log (bytes): some seven BGZF blocks, as the lines of a call are often in blocks next to each other. Scans
/// fetch many chunks with one request.
const LOG_CHUNK_BYTES: u64 = 64 << 10;

/// Chunks of other objects (bytes): queries read pages of 4 KiB here and there.
const OTHER_CHUNK_BYTES: u64 = 16 << 10;

/// A single read fetches and returns at most this much (bytes).
const READ_BYTES_MAX: u64 = 4 << 20;

/// What is fetched ahead at one request of the caller (bytes): more would push itself out of memory.
const AHEAD_BYTES_MAX: u64 = 8 << 20;

/// An object of an [`crate::Archive`].
pub(crate) struct ArchiveObject {
    shared: Arc<Shared>,
    url: PathBuf,
    /// The fault of a key that can't be right.
    source: Result<ObjectSource, StoreFault>,
    bytes: u64,
    /// `None` for an object with readers that announce what they will read.
    readahead: Option<Mutex<Readahead>>,
}

impl ArchiveObject {
    pub(crate) fn new(
        shared: &Arc<Shared>,
        enterprise: &EnterpriseName,
        object: &ObjectRef,
        kind: ObjectKind,
    ) -> ArchiveObject {
        let url = shared.client.url_of(enterprise, &object.key);
        let (bytes, crc32) = (object.bytes, object.crc32);
        let (chunk_bytes, readahead) = match kind {
            ObjectKind::Log => (LOG_CHUNK_BYTES, Some(Mutex::default())),
            ObjectKind::Index | ObjectKind::Table | ObjectKind::Catalog => {
                (OTHER_CHUNK_BYTES, None)
            }
        };
        let address = format!("{}\n{bytes}\n{crc32}\n{chunk_bytes}", url.display());
        let id = shared.client.identity(address);
        let key = shared.client.key(enterprise, &object.key);
        let source = key.map(|key| ObjectSource {
            id,
            key,
            bytes,
            chunk_bytes,
        });
        ArchiveObject {
            shared: Arc::clone(shared),
            url,
            source,
            bytes,
            readahead,
        }
    }

    /// The chunks that hold a range.
    fn chunks(&self, source: &ObjectSource, range: &Range<u64>) -> Range<u64> {
        let end = range.end.min(self.bytes);
        match range.start < end {
            true => range.start / source.chunk_bytes..end.div_ceil(source.chunk_bytes),
            false => 0..0,
        }
    }

    /// Those of the chunks that are neither in memory nor on disk nor on their way.
    fn absent(&self, source: &ObjectSource, chunks: Range<u64>) -> Vec<u64> {
        let is_absent = |number: &u64| {
            let id = source.chunk(*number);
            let disk = self.shared.disk.as_ref();
            !self.shared.pool.has(id) && !disk.is_some_and(|disk| disk.has(&id.name()))
        };
        chunks.filter(is_absent).collect()
    }

    /// A chunk: from memory, else from the disk, else from the store.
    fn chunk(&self, source: &ObjectSource, number: u64) -> Result<Bytes, StoreFault> {
        let id = source.chunk(number);
        let range = source.range(number);
        loop {
            match self.shared.pool.get(id) {
                ChunkLookup::Here(bytes) => return Ok(bytes),
                ChunkLookup::Coming(flight) => return flight.wait(),
                ChunkLookup::Absent => {}
            }
            let kept = self
                .shared
                .disk
                .as_ref()
                .and_then(|disk| disk.get(&id.name()));
            if let Some(kept) = kept.filter(|kept| kept.len() as u64 == range.end - range.start) {
                self.shared.pool.put(id, kept.clone());
                return Ok(kept);
            }
            // None if another reader has announced it at this moment.
            if let Some(flight) = self.shared.start(source, [number], false) {
                return flight.wait();
            }
        }
    }

    fn read(&self, into: &mut [u8], at: u64) -> Result<usize, StoreFault> {
        let source = self.source.as_ref().map_err(Clone::clone)?;
        let wanted = (into.len() as u64).min(READ_BYTES_MAX);
        let range = at..self.bytes.min(at.saturating_add(wanted));
        let chunks = self.chunks(source, &range);
        if chunks.is_empty() {
            return Ok(0);
        }
        if chunks.end - chunks.start > 1 {
            self.shared
                .start(source, self.absent(source, chunks.clone()), false);
        }
        let ahead = self.readahead.as_ref().map_or(0..0, |readahead| {
            let mut readahead = readahead.lock().unwrap_or_else(PoisonError::into_inner);
            readahead.note(chunks.clone(), source.chunk_bytes)
        });
        let ahead = ahead.start..ahead.end.min(self.bytes.div_ceil(source.chunk_bytes));
        if !ahead.is_empty() {
            self.shared.start(source, self.absent(source, ahead), true);
        }
        let mut done = 0;
        for number in chunks {
            let chunk = match self.chunk(source, number) {
                Ok(chunk) => chunk,
                // The next read meets the fault.
                Err(_) if done > 0 => break,
                Err(fault) => return Err(fault),
            };
            let begin = at + done as u64 - source.range(number).start;
            let part = &chunk[usize::try_from(begin).expect("it lies in the chunk")..];
            let length = part.len().min(into.len() - done);
            into[done..done + length].copy_from_slice(&part[..length]);
            done += length;
        }
        Ok(done)
    }
}

impl StoredObject for ArchiveObject {
    fn url(&self) -> &Path {
        &self.url
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        Ok(self.read(into, at)?)
    }

    fn fetch_ahead(&self, ranges: &[Range<u64>]) {
        let Ok(source) = &self.source else { return };
        let mut wanted: Vec<u64> = Vec::new();
        for range in ranges {
            wanted.extend(self.absent(source, self.chunks(source, range)));
        }
        wanted.sort_unstable();
        wanted.dedup();
        wanted
            .truncate(usize::try_from(AHEAD_BYTES_MAX / source.chunk_bytes).expect("it is small"));
        self.shared.start(source, wanted, true);
    }

    fn forget(&self, range: Range<u64>) {
        let Ok(source) = &self.source else { return };
        for number in self.chunks(source, &range) {
            let id = source.chunk(number);
            self.shared.pool.remove(id);
            if let Some(disk) = &self.shared.disk {
                disk.remove(&id.name());
            }
        }
    }
}

impl fmt::Debug for ArchiveObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ArchiveObject").field(&self.url).finish()
    }
}
