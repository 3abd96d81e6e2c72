//! The end of threads that work until they are told to stop.

use std::sync::atomic::{AtomicBool, Ordering};

/// Raises the flag when dropped, also by a test that fails: nobody else would, and the test would
/// wait for its threads for ever.
pub struct RaisedAtEnd<'f>(pub &'f AtomicBool);

impl Drop for RaisedAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
