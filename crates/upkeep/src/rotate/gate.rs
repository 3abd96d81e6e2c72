//! How many files are packed at a time.
//!
//! A rotation of hundreds of enterprises waits most of the time: for disks to sync, and a second
//! after each rename. So many enterprises are worked on side by side; but packing takes memory and
//! cores, and of those there are few.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Lets a few in at a time.
#[derive(Debug)]
pub(super) struct Gate {
    free: Mutex<usize>,
    left: Condvar,
}

/// Somebody is in; leaves when dropped.
#[derive(Debug)]
pub(super) struct Pass<'g>(&'g Gate);

impl Gate {
    /// A gate for `places` at a time, one at least.
    pub(super) fn new(places: usize) -> Gate {
        Gate {
            free: Mutex::new(places.max(1)),
            left: Condvar::new(),
        }
    }

    /// Waits for a place.
    pub(super) fn enter(&self) -> Pass<'_> {
        let full = |free: &mut usize| *free == 0;
        let waited = self.left.wait_while(self.lock(), full);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
        Pass(self)
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        // Nothing is done under the lock that could break the count.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass<'_> {
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
    fn no_more_are_in_than_there_are_places() {
        let gate = Gate::new(2);
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _pass = gate.enter();
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
