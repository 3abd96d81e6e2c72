//! Progress of reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts bytes of content. The numbers are for display only: no decision depends on them.
#[derive(Debug, Default)]
pub struct Meter {
    read: AtomicU64,
    ahead: AtomicU64,
}

impl Meter {
    /// Bytes read so far, and bytes still ahead as far as that is known.
    pub fn now(&self) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.read), of(&self.ahead))
    }

    /// Adds bytes that are still to be read.
    pub fn plan(self: &Arc<Meter>, bytes: u64) -> Gauge {
        self.ahead.fetch_add(bytes, Ordering::Relaxed);
        Gauge {
            meter: Arc::clone(self),
            left: bytes,
        }
    }
}

/// A part of the bytes still to be read. When it is dropped, the rest of it is no longer counted.
#[derive(Debug)]
pub struct Gauge {
    meter: Arc<Meter>,
    left: u64,
}

impl Gauge {
    /// Counts bytes as read.
    pub fn reads(&mut self, bytes: u64) {
        self.meter.read.fetch_add(bytes, Ordering::Relaxed);
        self.passes(bytes);
    }

    /// Counts bytes as skipped.
    pub fn passes(&mut self, bytes: u64) {
        let passed = bytes.min(self.left);
        self.left -= passed;
        self.meter.ahead.fetch_sub(passed, Ordering::Relaxed);
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        self.passes(self.left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_part_no_longer_counts_as_remaining() {
        let meter = Arc::new(Meter::default());
        let (mut one, other) = (meter.plan(100), meter.plan(50));
        one.reads(30);
        assert_eq!(meter.now(), (30, 120));
        one.passes(20);
        assert_eq!(meter.now(), (30, 100));
        // More than planned.
        one.reads(70);
        assert_eq!(meter.now(), (100, 50));
        drop(other);
        assert_eq!(meter.now(), (100, 0));
    }
}
