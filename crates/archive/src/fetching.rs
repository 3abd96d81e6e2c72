//! Fetches chunks: merges those that are close together into one request, bounds what is on its way, and keeps what
//! came in memory and on disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use object_store::path::Path as Key;
use tokio::sync::Semaphore;

use calltrace_store::tree::MANIFEST_SECONDS_MAX;

use crate::boot_time::BootTime;
use crate::disk_cache::{DiskCache, entry, parts_of_entry};
use crate::error::StoreFault;
use crate::health::Health;
use crate::pool::{Announced, ChunkId, Flight, Pool};
use crate::store_client::StoreClient;

/// Chunks in memory (bytes).
const POOL_BYTES: usize = 16 << 20;

/// Requests on their way at one time.
const REQUESTS_MAX: usize = 64;

/// At most this many of them are for chunks that no reader waits for yet, so the others need not queue behind them.
const AHEAD_MAX: usize = 48;

/// Bytes on their way at one time, in units of 1 KiB.
const FLYING_KIB_MAX: usize = 16 << 10;

/// Ranges that are closer together are fetched in one request (bytes): at 100 MB/s the gap costs less than half a
/// millisecond.
const GAP_BYTES_MAX: u64 = 64 << 10;

/// The longest range of one request (bytes). A longer one is split, and its parts are fetched at the same time.
const REQUEST_BYTES_MAX: u64 = 2 << 20;

/// For how long the end of a program waits for the disk.
const SETTLE_TIME: Duration = Duration::from_millis(500);

/// What all objects of an archive share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) client: Arc<StoreClient>,
    pub(crate) pool: Arc<Pool>,
    pub(crate) disk: Option<DiskCache>,
    pub(crate) health: Health,
    pub(crate) requests: Semaphore,
    pub(crate) ahead: Semaphore,
    flying_kib: Semaphore,
    /// Chunks that came and are not on disk yet.
    keeping: AtomicUsize,
}

/// What is needed to fetch chunks of an object.
#[derive(Debug, Clone)]
pub(crate) struct ObjectSource {
    /// The checksum of its address and of what the manifest says of it.
    pub(crate) id: [u8; 16],
    pub(crate) key: Key,
    pub(crate) bytes: u64,
    pub(crate) chunk_bytes: u64,
}

impl Shared {
    pub(crate) fn new(client: Arc<StoreClient>, disk: Option<DiskCache>) -> Shared {
        Shared {
            client,
            pool: Arc::new(Pool::new(POOL_BYTES)),
            disk,
            health: Health::default(),
            requests: Semaphore::new(REQUESTS_MAX),
            ahead: Semaphore::new(AHEAD_MAX),
            flying_kib: Semaphore::new(FLYING_KIB_MAX),
            keeping: AtomicUsize::new(0),
        }
    }

    /// Starts to fetch the chunks with these numbers, except those that are here or on their way, and returns at
    /// once, with the first of them. `is_ahead` says that no reader waits for them yet.
    pub(crate) fn start(
        self: &Arc<Shared>,
        source: &ObjectSource,
        numbers: impl IntoIterator<Item = u64>,
        is_ahead: bool,
    ) -> Option<Arc<Flight>> {
        let ids = numbers.into_iter().map(|number| source.chunk(number));
        let mut announced = self.pool.announce(ids);
        let one = announced.first();
        let runs = runs(&announced.numbers(), source.chunk_bytes);
        // From the end, so that what is split off is one run.
        for &(first, last) in runs.iter().rev() {
            let run = announced.split_off(first);
            let (shared, source) = (Arc::clone(self), source.clone());
            let fetch = async move { shared.fetch(&source, first, last, run, is_ahead).await };
            self.client.runtime().spawn(fetch);
        }
        one
    }

    /// Fetches the chunks `first` to `last` with one request.
    async fn fetch(
        &self,
        source: &ObjectSource,
        first: u64,
        last: u64,
        mut run: Announced,
        is_ahead: bool,
    ) {
        let _ahead = match is_ahead {
            true => self.ahead.acquire().await.ok(),
            false => None,
        };
        let _request = self.requests.acquire().await;
        let bytes = source.range(last).end - source.range(first).start;
        let kib = u32::try_from(bytes.div_ceil(1024)).expect("a request is short");
        let _flying = self.flying_kib.acquire_many(kib).await;
        let begin = Instant::now();
        let mut kept = Vec::new();
        let result = match self.health.check() {
            Err(fault) => Err(fault),
            Ok(()) => {
                let receive = self.receive(source, first, last, &mut run, &mut kept);
                let result = self.client.limited(receive).await;
                self.health.note(begin, &result);
                result
            }
        };
        if let Err(fault) = result {
            run.fail(&fault);
        }
        self.keep(kept).await;
    }

    /// Receives the chunks and passes on each as soon as it is whole.
    async fn receive(
        &self,
        source: &ObjectSource,
        first: u64,
        last: u64,
        run: &mut Announced,
        kept: &mut Vec<(String, Bytes)>,
    ) -> Result<(), StoreFault> {
        let range = source.range(first).start..source.range(last).end;
        let mut pieces = self.client.range(&source.key, range, source.bytes).await?;
        let mut number = first;
        let mut chunk = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            let mut piece = piece.map_err(|error| self.client.fault(&error))?;
            while !piece.is_empty() {
                if number > last {
                    return Err(StoreFault::Protocol);
                }
                let range = source.range(number);
                let length = usize::try_from(range.end - range.start).expect("a chunk is short");
                if chunk.is_empty() {
                    chunk.reserve(length);
                }
                let part = piece.split_to(piece.len().min(length - chunk.len()));
                chunk.extend_from_slice(&part);
                if chunk.len() == length {
                    let whole = chunk.split().freeze();
                    let id = source.chunk(number);
                    if self.disk.is_some() {
                        // Before anybody has it: the program may end as soon as it has what it asked for.
                        self.keeping.fetch_add(1, Ordering::Relaxed);
                        kept.push((id.name(), whole.clone()));
                    }
                    // What lies in a gap was not asked for, and is here.
                    if !run.land(id, &whole) {
                        self.pool.put(id, whole);
                    }
                    number += 1;
                }
            }
        }
        match number > last {
            true => Ok(()),
            false => Err(StoreFault::Protocol),
        }
    }

    /// The name of the entry of a kind in the cache on disk that is about an address of this store.
    pub(crate) fn name_on_disk(&self, kind: &str, address: &Path) -> String {
        let id = self.client.identity(address.display());
        format!("{kind}.{:032x}", u128::from_be_bytes(id))
    }

    /// What the store said to this or an earlier program, and how long ago it was asked, if that is less than
    /// [`MANIFEST_SECONDS_MAX`].
    pub(crate) fn recent(&self, name: &str) -> Option<(Bytes, Duration)> {
        let kept = self.disk.as_ref()?.get(name)?;
        let (asked, said) = parts_of_entry(&kept)?;
        let age = BootTime::now()?.since(asked)?;
        let is_recent = age < Duration::from_secs(MANIFEST_SECONDS_MAX);
        is_recent.then(|| (kept.slice_ref(said), age))
    }

    /// Keeps what the store said when it was asked at that moment, for the programs that follow.
    pub(crate) fn keep_recent(&self, name: &str, asked: Option<&BootTime>, said: &[u8]) {
        if let (Some(disk), Some(asked)) = (&self.disk, asked) {
            disk.put(name, &entry(&asked.to_string(), said));
        }
    }

    /// Writes chunks to the cache on disk. What is being written counts as on its way, so that it takes no more memory.
    async fn keep(&self, kept: Vec<(String, Bytes)>) {
        if self.disk.is_some() && !kept.is_empty() {
            tokio::task::block_in_place(|| {
                for (name, bytes) in kept {
                    if let Some(disk) = &self.disk {
                        disk.put(&name, &bytes);
                    }
                    self.keeping.fetch_sub(1, Ordering::Relaxed);
                }
            });
        }
    }

    /// Waits until what came is on disk, but not for long: the next run would only have to fetch it again.
    pub(crate) fn settle(&self) {
        let begin = Instant::now();
        while self.keeping.load(Ordering::Relaxed) > 0 && begin.elapsed() < SETTLE_TIME {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl ObjectSource {
    pub(crate) fn chunk(&self, number: u64) -> ChunkId {
        ChunkId {
            object: self.id,
            number,
        }
    }

    /// The bytes of a chunk; the last one is shorter.
    pub(crate) fn range(&self, number: u64) -> std::ops::Range<u64> {
        let begin = number * self.chunk_bytes;
        begin..self.bytes.min(begin + self.chunk_bytes)
    }
}

impl ChunkId {
    /// Its name in the cache on disk.
    pub(crate) fn name(self) -> String {
        format!("{:032x}.{}", u128::from_be_bytes(self.object), self.number)
    }
}

/// The requests for chunks with these numbers, which are sorted: first and last of each.
fn runs(numbers: &[u64], chunk_bytes: u64) -> Vec<(u64, u64)> {
    let gap_max = GAP_BYTES_MAX / chunk_bytes;
    let chunks_max = (REQUEST_BYTES_MAX / chunk_bytes).max(1);
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((first, last))
                if number - *last - 1 <= gap_max && number - *first < chunks_max =>
            {
                *last = number;
            }
            _ => runs.push((number, number)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_close_together_are_one_request() {
        let kib = 1024;
        assert_eq!(runs(&[], 64 * kib), []);
        assert_eq!(runs(&[3], 64 * kib), [(3, 3)]);
        assert_eq!(runs(&[0, 1, 3, 6, 7], 64 * kib), [(0, 3), (6, 7)]);
        assert_eq!(runs(&[0, 1, 3, 4], 256 * kib), [(0, 1), (3, 4)]);
        let many: Vec<u64> = (5..15).collect();
        assert_eq!(runs(&many, 256 * kib), [(5, 12), (13, 14)]);
    }
}
