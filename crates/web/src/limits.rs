//! What one request may cost, and all of them together.

use std::time::Duration;

use super::access::tries::TryLimits;

/// What one request may cost, and all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A request that is not answered by then is refused.
    pub request: Duration,
    /// Requests that work in the engine at one time; each of them uses all its threads. At most half
    /// of them are lists, which may read everything: who asks for a call is not to wait for those.
    pub working: usize,
    /// Requests that wait for that.
    pub waiting: usize,
    /// How long each of them waits.
    pub wait: Duration,
    /// Bytes of path and query.
    pub uri_bytes: usize,
    /// Wrong tokens and signatures.
    pub tries: TryLimits,
}

impl Default for Limits {
    /// 30 s; twice as many at work as there are cores; 64 waiting for 5 s; 8 KiB.
    fn default() -> Limits {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Limits {
            request: Duration::from_secs(30),
            working: 2 * cores,
            waiting: 64,
            wait: Duration::from_secs(5),
            uri_bytes: 8 << 10,
            tries: TryLimits::default(),
        }
    }
}

/// How long work may take by its nature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// It reads a few blocks, as a rule.
    Short,
    /// It may read all there is.
    Long,
}
