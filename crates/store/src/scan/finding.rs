//! What is wrong with content that was read.

use std::fmt;
use std::path::Path;

use crate::error::{Trouble, TroubleKind};
use crate::source::Trailing;
use calltrace_model::record::Stamp;

/// No writer makes lines this long; one that is there is read, and named.
pub const LONG_LINE_BYTES: usize = 1 << 20;

/// What was found wrong with a stretch of content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Decoding broke off; `after` is the last time that could be read.
    Damaged {
        /// What broke, as a clause about the file.
        what: String,
        /// The last time before it.
        after: Option<Stamp>,
    },
    /// Something stands behind the content, and is no part of it.
    Trailing(Trailing),
    /// A line over [`LONG_LINE_BYTES`]; cut where not all of it was kept.
    LongLine {
        /// Content offset of its first byte.
        offset: u64,
        /// Its length as far as it was kept.
        bytes: usize,
        /// The rest was passed over.
        cut: bool,
    },
    /// The file ends in the middle of a line.
    HalfLine {
        /// Content offset of its first byte.
        offset: u64,
        /// What there is of it.
        bytes: usize,
    },
    /// A run of NUL bytes, as truncation under a writer without O_APPEND leaves.
    Hole {
        /// Content offset of the line it is in.
        offset: u64,
        /// NUL bytes in that line.
        bytes: usize,
    },
}

impl Finding {
    /// Content offset of the line that something is wrong with, and the bytes that are; `None` for damage.
    pub fn place(&self) -> Option<(u64, usize)> {
        match *self {
            Finding::Damaged { .. } | Finding::Trailing(_) => None,
            Finding::LongLine { offset, bytes, .. }
            | Finding::HalfLine { offset, bytes }
            | Finding::Hole { offset, bytes } => Some((offset, bytes)),
        }
    }

    /// Whether it is a run of NULs.
    pub fn is_hole(&self) -> bool {
        matches!(self, Finding::Hole { .. })
    }

    /// As trouble with the file at `path`.
    pub fn trouble(&self, path: &Path) -> Trouble {
        Trouble {
            at: self.place().map_or(0, |(offset, _)| offset),
            first_only: self.is_hole(),
            kind: match self {
                Finding::Trailing(_) => TroubleKind::Harmless,
                _ => TroubleKind::Hides,
            },
            ..Trouble::new(path, self.to_string())
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Damaged { what, after: None } => write!(f, "{what}"),
            Finding::Damaged {
                what,
                after: Some(at),
            } => write!(f, "{what} after {}", at.to_record_text()),
            Finding::Trailing(trailing) => write!(f, "{trailing}"),
            Finding::LongLine { offset, bytes, cut } => {
                let mib = *bytes as f64 / f64::from(1 << 20);
                let cut = if *cut {
                    ", of which only that much was read"
                } else {
                    ""
                };
                write!(f, "has a line of {mib:.1} MiB at byte {offset}{cut}")
            }
            Finding::HalfLine { offset, bytes } => write!(
                f,
                "ends in the middle of a line ({bytes} bytes from byte {offset} on)"
            ),
            Finding::Hole { offset, bytes } => {
                write!(
                    f,
                    "has a run of {bytes} NUL bytes in the line at byte {offset}"
                )
            }
        }
    }
}
