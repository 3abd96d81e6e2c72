//! What can come between a request and its handler.

/// Why a request was not answered by its handler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopped {
    /// Path and query are too long.
    TooLong,
    /// Its path can't be read.
    Malformed,
    /// The handler panicked.
    Broken,
    /// The handler took too long.
    Late,
}
