//! Chunks of objects in memory: those that were read last, and those that are on their way.
//!
//! A chunk is fetched once however many readers wait for it. The memory is bounded; the chunk that was not read for
//! the longest time is dropped first.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::error::StoreFault;

/// The memory of an entry without its bytes (bytes).
const ENTRY_BYTES: usize = 256;

/// A chunk: the object by its identity, and its number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ChunkId {
    pub(crate) object: [u8; 16],
    pub(crate) number: u64,
}

/// A chunk that is on its way.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    landed: Mutex<Option<Result<Bytes, StoreFault>>>,
    arrival: Condvar,
}

impl Flight {
    /// Waits for the chunk. The fetch has a time limit.
    pub(crate) fn wait(&self) -> Result<Bytes, StoreFault> {
        let landed = self.landed.lock().unwrap_or_else(PoisonError::into_inner);
        let landed = self.arrival.wait_while(landed, |landed| landed.is_none());
        let landed = landed.unwrap_or_else(PoisonError::into_inner);
        landed.clone().expect("it was waited for")
    }
}

#[derive(Debug)]
enum Slot {
    Coming(Arc<Flight>),
    Here(Bytes, u64),
}

/// What the pool knows of a chunk.
pub(crate) enum ChunkLookup {
    Here(Bytes),
    Coming(Arc<Flight>),
    Absent,
}

/// Chunks in memory.
#[derive(Debug)]
pub(crate) struct Pool {
    state: Mutex<PoolState>,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct PoolState {
    slots: HashMap<ChunkId, Slot>,
    /// Those that are here, by when they were used.
    order: BTreeMap<u64, ChunkId>,
    bytes: usize,
    uses: u64,
}

impl Pool {
    pub(crate) fn new(bytes_max: usize) -> Pool {
        Pool {
            state: Mutex::default(),
            bytes_max,
        }
    }

    /// A chunk, which then counts as just used.
    pub(crate) fn get(&self, id: ChunkId) -> ChunkLookup {
        let state = &mut *self.state();
        match state.slots.get_mut(&id) {
            None => ChunkLookup::Absent,
            Some(Slot::Coming(flight)) => ChunkLookup::Coming(Arc::clone(flight)),
            Some(Slot::Here(bytes, used)) => {
                state.order.remove(used);
                state.uses += 1;
                *used = state.uses;
                state.order.insert(state.uses, id);
                ChunkLookup::Here(bytes.clone())
            }
        }
    }

    /// Whether it is here or on its way.
    pub(crate) fn has(&self, id: ChunkId) -> bool {
        self.state().slots.contains_key(&id)
    }

    /// Keeps a chunk that was read from the disk.
    pub(crate) fn put(&self, id: ChunkId, bytes: Bytes) {
        let mut state = self.state();
        if !state.slots.contains_key(&id) {
            state.put(id, bytes, self.bytes_max);
        }
    }

    /// Forgets a chunk, unless it is on its way.
    pub(crate) fn remove(&self, id: ChunkId) {
        let state = &mut *self.state();
        if let Some(Slot::Here(bytes, used)) = state.slots.get(&id) {
            state.bytes -= bytes.len() + ENTRY_BYTES;
            state.order.remove(used);
            state.slots.remove(&id);
        }
    }

    /// Announces chunks: those that are neither here nor on their way are the caller's to fetch.
    pub(crate) fn announce(self: &Arc<Pool>, ids: impl IntoIterator<Item = ChunkId>) -> Announced {
        let mut state = self.state();
        let mut flights = BTreeMap::new();
        for id in ids {
            if let Entry::Vacant(free) = state.slots.entry(id) {
                let flight = Arc::new(Flight::default());
                free.insert(Slot::Coming(Arc::clone(&flight)));
                flights.insert(id, flight);
            }
        }
        Announced {
            pool: Arc::clone(self),
            flights,
        }
    }

    /// Bytes of all chunks that are here.
    pub(crate) fn bytes(&self) -> usize {
        self.state().bytes
    }

    fn land(&self, id: ChunkId, flight: &Flight, landed: Result<Bytes, StoreFault>) {
        let mut state = self.state();
        state.slots.remove(&id);
        if let Ok(bytes) = &landed {
            state.put(id, bytes.clone(), self.bytes_max);
        }
        drop(state);
        *flight.landed.lock().unwrap_or_else(PoisonError::into_inner) = Some(landed);
        flight.arrival.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PoolState {
    fn put(&mut self, id: ChunkId, bytes: Bytes, bytes_max: usize) {
        self.uses += 1;
        self.bytes += bytes.len() + ENTRY_BYTES;
        self.order.insert(self.uses, id);
        self.slots.insert(id, Slot::Here(bytes, self.uses));
        while self.bytes > bytes_max
            && let Some((_, oldest)) = self.order.pop_first()
        {
            if let Some(Slot::Here(bytes, _)) = self.slots.remove(&oldest) {
                self.bytes -= bytes.len() + ENTRY_BYTES;
            }
        }
    }
}

/// Chunks that the owner fetches. Those that it drops count as not fetched, so no reader waits in vain.
#[derive(Debug)]
pub(crate) struct Announced {
    pool: Arc<Pool>,
    flights: BTreeMap<ChunkId, Arc<Flight>>,
}

impl Announced {
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.flights.keys().map(|id| id.number).collect()
    }

    /// The first of them.
    pub(crate) fn first(&self) -> Option<Arc<Flight>> {
        self.flights.values().next().map(Arc::clone)
    }

    /// Splits off the chunks with a number of at least `number`.
    pub(crate) fn split_off(&mut self, number: u64) -> Announced {
        let first = self.flights.keys().find(|id| id.number >= number).copied();
        let flights = first.map(|first| self.flights.split_off(&first));
        Announced {
            pool: Arc::clone(&self.pool),
            flights: flights.unwrap_or_default(),
        }
    }

    /// Gives a chunk to the readers that wait for it; false if it was not announced.
    pub(crate) fn land(&mut self, id: ChunkId, bytes: &Bytes) -> bool {
        let flight = self.flights.remove(&id);
        if let Some(flight) = &flight {
            self.pool.land(id, flight, Ok(bytes.clone()));
        }
        flight.is_some()
    }

    /// Tells all who wait that the rest does not come.
    pub(crate) fn fail(&mut self, fault: &StoreFault) {
        while let Some((id, flight)) = self.flights.pop_first() {
            self.pool.land(id, &flight, Err(fault.clone()));
        }
    }
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.fail(&StoreFault::Unreachable("the program is ending".to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> ChunkId {
        ChunkId {
            object: [7; 16],
            number,
        }
    }

    #[test]
    fn a_chunk_is_announced_once_and_all_who_wait_get_it() {
        let pool = Arc::new(Pool::new(1 << 20));
        let mut mine = pool.announce([id(0), id(1)]);
        assert_eq!(pool.announce([id(0), id(2)]).numbers(), [2]);
        assert!(
            matches!(pool.get(id(2)), ChunkLookup::Absent),
            "it was dropped"
        );
        let ChunkLookup::Coming(flight) = pool.get(id(0)) else {
            panic!("it is on its way");
        };
        std::thread::scope(|scope| {
            let waiting = [(); 4].map(|()| scope.spawn(|| flight.wait()));
            assert!(mine.land(id(0), &Bytes::from_static(b"chunk")));
            for waiting in waiting {
                let got = waiting.join().expect("it does not panic");
                assert_eq!(got.as_deref(), Ok(&b"chunk"[..]));
            }
        });
        assert!(!mine.land(id(0), &Bytes::new()), "it has landed");
        mine.fail(&StoreFault::Missing);
        assert!(
            matches!(pool.get(id(1)), ChunkLookup::Absent),
            "it is asked for again"
        );
        assert!(matches!(pool.get(id(0)), ChunkLookup::Here(_)));
    }

    #[test]
    fn memory_is_bounded_and_the_longest_unused_chunk_goes_first() {
        let pool = Pool::new(4 * (1000 + ENTRY_BYTES));
        let chunk = Bytes::from(vec![1; 1000]);
        for number in 0..4 {
            pool.put(id(number), chunk.clone());
        }
        assert!(matches!(pool.get(id(0)), ChunkLookup::Here(_)));
        pool.put(id(4), chunk.clone());
        assert!(pool.has(id(0)) && !pool.has(id(1)) && pool.has(id(4)));
        assert_eq!(pool.bytes(), 4 * (1000 + ENTRY_BYTES));
        for number in 0..5 {
            pool.remove(id(number));
        }
        assert_eq!(pool.bytes(), 0);
    }
}
