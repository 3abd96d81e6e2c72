//! Faults in the content of a file.

use std::fmt;

use crate::error::{TimeRange, Trouble};
use crate::source::{Source, Trailing, time_around};
use calltrace_model::record::Stamp;

/// No writer makes lines this long; such a line is read and reported.
pub const LONG_LINE_BYTES: usize = 1 << 20;

/// In a file that is in order, the times of neighbouring lines go back by less than this
/// (milliseconds).
const DISORDER_MILLIS: i64 = 60_000;

/// A fault in a range of content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentFinding {
    /// Decoding stopped; `after` is the last time that could be read.
    Damaged {
        /// What is broken, as a clause about the file.
        what: String,
        /// The last time before the damage.
        after: Option<Stamp>,
        /// The first time after the damage, as far as that was read.
        until: Option<Stamp>,
        /// Content offset after the damage.
        end: u64,
    },
    /// There are bytes after the content that are not part of it.
    Trailing(Trailing),
    /// A line longer than [`LONG_LINE_BYTES`]; `cut` if not all of it was kept.
    LongLine {
        /// Content offset of the line.
        offset: u64,
        /// Length of the part that was kept.
        bytes: usize,
        /// The rest was skipped.
        cut: bool,
    },
    /// The file ends in the middle of a line.
    HalfLine {
        /// Content offset of the line.
        offset: u64,
        /// Length of the part that exists.
        bytes: usize,
    },
    /// A run of NUL bytes, as a truncation leaves under a writer without O_APPEND.
    Hole {
        /// Content offset of the line.
        offset: u64,
        /// Number of NUL bytes in that line.
        bytes: usize,
    },
}

impl ContentFinding {
    /// Content offset of the faulty line, and the number of faulty bytes; `None` for damage.
    pub fn place(&self) -> Option<(u64, usize)> {
        match *self {
            ContentFinding::Damaged { .. } | ContentFinding::Trailing(_) => None,
            ContentFinding::LongLine { offset, bytes, .. }
            | ContentFinding::HalfLine { offset, bytes }
            | ContentFinding::Hole { offset, bytes } => Some((offset, bytes)),
        }
    }

    /// Whether it is a run of NULs.
    pub fn is_hole(&self) -> bool {
        matches!(self, ContentFinding::Hole { .. })
    }

    /// The trouble with the file that the fault is in. The records around the fault show which
    /// times it may hide.
    pub fn trouble(&self, source: &Source) -> Trouble {
        let hides = self.hides(source);
        Trouble {
            at: self.place().map_or(0, |(offset, _)| offset),
            first_only: self.is_hole(),
            hides,
            matters: hides.is_some(),
            ..Trouble::new(&source.log.path, self.to_string())
        }
    }

    fn hides(&self, source: &Source) -> Option<TimeRange> {
        let (before, later) = match *self {
            ContentFinding::LongLine { cut: false, .. } | ContentFinding::Trailing(_) => {
                return None;
            }
            ContentFinding::LongLine { offset, bytes, .. } => {
                let (before, _) = time_around(source, offset);
                let (_, later) = time_around(source, offset + bytes as u64);
                (before, later)
            }
            // The content after the end, and further runs of NULs, are not known.
            ContentFinding::HalfLine { offset, .. } | ContentFinding::Hole { offset, .. } => {
                (time_around(source, offset).0, None)
            }
            ContentFinding::Damaged {
                after, until, end, ..
            } => match (after, until) {
                (Some(_), Some(_)) => (after, until),
                // Only at the edge of a range that was read can the neighbouring record be read.
                _ if source.is_seekable() => {
                    let around = time_around(source, end);
                    (after.or(around.0), until.or(around.1))
                }
                _ => (after, until),
            },
        };
        let wide = |at: Stamp, by: i64| at.plus_millis(by * DISORDER_MILLIS);
        Some(TimeRange {
            from: before.map(|at| wide(at.min(later.unwrap_or(at)), -1)),
            to: later.map(|at| wide(at.max(before.unwrap_or(at)), 1)),
        })
    }
}

impl fmt::Display for ContentFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContentFinding::Damaged {
                what, after: None, ..
            } => write!(f, "{what}"),
            ContentFinding::Damaged {
                what,
                after: Some(at),
                ..
            } => write!(f, "{what} after {}", at.to_record_text()),
            ContentFinding::Trailing(trailing) => write!(f, "{trailing}"),
            ContentFinding::LongLine { offset, bytes, cut } => {
                let mib = *bytes as f64 / f64::from(1 << 20);
                let cut = if *cut {
                    ", of which only that much was read"
                } else {
                    ""
                };
                write!(f, "has a line of {mib:.1} MiB at byte {offset}{cut}")
            }
            ContentFinding::HalfLine { offset, bytes } => write!(
                f,
                "ends in the middle of a line ({bytes} bytes from byte {offset} on)"
            ),
            ContentFinding::Hole { offset, bytes } => {
                write!(
                    f,
                    "has a run of {bytes} NUL bytes in the line at byte {offset}"
                )
            }
        }
    }
}
