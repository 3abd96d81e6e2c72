//! The end of threads that work until they are told to stop.

use std::sync::atomic::{AtomicBool, Ordering};

/// Raises the flag when dropped, also when the test fails. Otherwise the test would
/// wait for its threads for ever.
pub struct RaisedAtEnd<'f>(pub &'f AtomicBool);

impl Drop for RaisedAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
