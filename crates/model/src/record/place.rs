//! Where a line stands.

/// A place in the log: which source, and where its line begins in the content. Orders lines of
/// equal time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Index of the source among those of the question.
    pub source: u32,
    /// Content offset of the line's first byte (bytes).
    pub offset: u64,
}
