//! Limits how many files are packed at a time.
//!
//! A rotation of hundreds of enterprises waits most of the time: for disks to sync, and a second after each rename.
//! So many enterprises are processed in parallel. But packing takes memory and cores, which are few.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A counting semaphore.
#[derive(Debug)]
pub(crate) struct Semaphore {
    free: Mutex<usize>,
    left: Condvar,
}

/// One permit, returned when dropped.
#[derive(Debug)]
pub(crate) struct Permit<'g>(&'g Semaphore);

impl Semaphore {
    /// A semaphore with `places` permits, at least one.
    pub(crate) fn new(places: usize) -> Semaphore {
        Semaphore {
            free: Mutex::new(places.max(1)),
            left: Condvar::new(),
        }
    }

    /// Waits for a permit.
    pub(crate) fn acquire(&self) -> Permit<'_> {
        let full = |free: &mut usize| *free == 0;
        let waited = self.left.wait_while(self.lock(), full);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Permit(self)
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        // Nothing is done under the lock that could break the count.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.lock() += 1;
        self.0.left.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn at_most_as_many_threads_run_as_there_are_places() {
        let semaphore = Semaphore::new(2);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _pass = semaphore.acquire();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(most.into_inner() <= 2);
    }
}
