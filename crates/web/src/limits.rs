//! Limits of one request, and of all requests together.

use std::time::Duration;

use super::access::tries::TryLimits;

/// Limits of one request, and of all requests together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// The time limit of a request.
    pub request: Duration,
    /// Requests that work in the engine at a time; each of them uses all its threads. At most half of
    /// them may be lists, which may read everything, so that requests for one call do not wait for those.
    pub working: usize,
    /// Requests that wait for a place among them.
    pub waiting: usize,
    /// The longest time that each of them waits.
    pub wait: Duration,
    /// The longest path and query (bytes).
    pub uri_bytes: usize,
    /// Limits of wrong tokens and signatures.
    pub tries: TryLimits,
}

impl Default for RequestLimits {
    /// 30 s; twice as many requests at work as there are cores; 64 waiting for 5 s; 8 KiB.
    fn default() -> RequestLimits {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        RequestLimits {
            request: Duration::from_secs(30),
            working: 2 * cores,
            waiting: 64,
            wait: Duration::from_secs(5),
            uri_bytes: 8 << 10,
            tries: TryLimits::default(),
        }
    }
}

/// How much work an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// It usually reads a few blocks.
    Short,
    /// It may read everything.
    Long,
}
