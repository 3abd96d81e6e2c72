//! Lines that arrived. Many share one buffer: a separate allocation for each line would cost more than
//! reading it.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use calltrace_model::record::Stamp;
use calltrace_store::error::cant;
use calltrace_store::fsx::{is_out_of_descriptors, out_of_descriptors};
use calltrace_store::tree::EnterpriseName;

/// A line that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival<'b> {
    /// The enterprise that the line belongs to.
    pub enterprise: &'b EnterpriseName,
    /// The file's name when the line was read.
    pub file: &'b str,
    /// Content offset of the line when it was read. A collapse moves lines, so it may be elsewhere later.
    pub offset: u64,
    /// Its time. A line without a time has that of the line before it, or 0 when there is none.
    pub at: Stamp,
    /// Its bytes, without the newline and without NULs at its front.
    pub text: &'b [u8],
}

/// Something that happened to the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileNews {
    /// A sentence: `0367/events.log was truncated ...`.
    pub text: String,
    /// Every user gets the message; otherwise only users who asked for explanations.
    pub matters: bool,
    /// The process may not open more files. Such news comes once for each file that could not be opened.
    pub is_limit: bool,
}

impl FileNews {
    /// News for every user.
    pub(super) fn for_all(text: String) -> FileNews {
        FileNews::new(text, true)
    }

    pub(super) fn new(text: String, matters: bool) -> FileNews {
        FileNews {
            text,
            matters,
            is_limit: false,
        }
    }

    /// News that an operation failed and will be tried again.
    pub(super) fn failed(subject: &str, op: &str, error: &io::Error) -> FileNews {
        let is_limit = is_out_of_descriptors(error);
        let text = match is_limit {
            true => out_of_descriptors(),
            false => format!("{subject} {}; trying again", cant(op, error)),
        };
        FileNews {
            is_limit,
            ..FileNews::for_all(text)
        }
    }
}

/// Lines and news that are handed out together.
#[derive(Debug, Default)]
pub struct LineBatch {
    pub(super) pieces: Vec<RunSlice>,
    /// What happened to the files in the meantime.
    pub news: Vec<FileNews>,
}

impl LineBatch {
    /// Whether there are neither lines nor news.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.news.is_empty()
    }

    /// The lines, merged by time.
    pub fn lines(&self) -> impl Iterator<Item = Arrival<'_>> {
        let lines = |piece: &'_ RunSlice| piece.lines.clone();
        self.pieces
            .iter()
            .flat_map(move |piece| lines(piece).map(|number| piece.run.line(number)))
    }
}

/// Some lines of a run.
#[derive(Debug)]
pub(super) struct RunSlice {
    pub(super) run: Arc<LineRun>,
    pub(super) lines: Range<usize>,
}

/// Lines of one file that were read together.
#[derive(Debug)]
pub(super) struct LineRun {
    enterprise: Arc<EnterpriseName>,
    file: Arc<str>,
    text: Vec<u8>,
    marks: Vec<Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    at: Stamp,
    offset: u64,
    /// End of the line in the text of the run (exclusive).
    end: usize,
}

impl LineRun {
    /// An empty run with room for `bytes` of text.
    pub(super) fn new(enterprise: &Arc<EnterpriseName>, file: &Arc<str>, bytes: usize) -> LineRun {
        LineRun {
            enterprise: Arc::clone(enterprise),
            file: Arc::clone(file),
            text: Vec::with_capacity(bytes),
            marks: Vec::new(),
        }
    }

    /// Adds the next line.
    pub(super) fn push(&mut self, offset: u64, at: Stamp, line: &[u8]) {
        self.text.extend_from_slice(line);
        let end = self.text.len();
        self.marks.push(Mark { at, offset, end });
    }

    pub(super) fn len(&self) -> usize {
        self.marks.len()
    }

    /// How much memory its lines take (bytes).
    pub(super) fn bytes(&self) -> usize {
        self.text.len() + self.marks.len() * size_of::<Mark>()
    }

    /// The time of the line at `number`.
    pub(super) fn time(&self, number: usize) -> Stamp {
        self.marks[number].at
    }

    fn line(&self, number: usize) -> Arrival<'_> {
        let mark = self.marks[number];
        let start = number
            .checked_sub(1)
            .map_or(0, |before| self.marks[before].end);
        Arrival {
            enterprise: &self.enterprise,
            file: &self.file,
            offset: mark.offset,
            at: mark.at,
            text: &self.text[start..mark.end],
        }
    }
}
