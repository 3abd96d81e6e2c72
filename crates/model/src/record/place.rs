//! The position of a line.

/// A position in the log: the source, and where the line begins in its content. It orders lines with equal
/// times.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The index of the source among the sources of the question.
    pub source: u32,
    /// The offset of the line's first byte in the content (bytes).
    pub offset: u64,
}
