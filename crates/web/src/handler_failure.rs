//! Failures between a request and its handler.

/// Why the handler of a request did not answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HandlerFailure {
    /// Path and query are too long.
    TooLong,
    /// The path can't be read.
    Malformed,
    Panicked,
    /// The handler exceeded the time limit of a request.
    TimedOut,
}
