//! Plain, gzip and BGZF behind one reader; told apart by content, never by name.
//!
//! A [`Source`] is one open log file with its format known. Positions are always offsets of the
//! *content*, the same for a file and its compressed form. Damage does not end a reader: it is
//! handed out once, as [`Damage`], and what can still be decoded follows.

mod bgzf;
mod gzip;
mod probe;
mod twins;

use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::error::{Trouble, reason};
use crate::tree::{LogFile, Snapshot};

pub use probe::{Bounds, first_line_at};

/// One log file with its format known.
#[derive(Debug)]
pub struct Source {
    /// The open file.
    pub log: Arc<LogFile>,
    format: Format,
}

#[derive(Debug)]
enum Format {
    Plain,
    Gzip,
    Bgzf(bgzf::Table),
}

/// A stretch of content: `start` inclusive, `end` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Content offset of the first byte.
    pub start: u64,
    /// Content offset behind the last byte; `u64::MAX` where the length is not known.
    pub end: u64,
}

/// What stopped decoding, as a clause about the file: "is a truncated gzip".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage(pub String);

impl Source {
    /// Finds out what is in the file.
    ///
    /// # Errors
    /// When it can't be read at all.
    pub fn open(log: Arc<LogFile>) -> io::Result<Source> {
        let mut magic = [0u8; 2];
        let got = log.file.read_at(&mut magic, 0)?;
        let format = if got < 2 || magic != gzip::MAGIC {
            Format::Plain
        } else {
            match bgzf::Table::read(&log)? {
                Some(table) => Format::Bgzf(table),
                None => Format::Gzip,
            }
        };
        Ok(Source { log, format })
    }

    /// The sources of a snapshot, each content once (see `twins`), in reading order.
    pub fn open_all(snapshot: &Snapshot, troubles: &mut Vec<Trouble>) -> Vec<Arc<Source>> {
        let mut sources = Vec::new();
        for log in &snapshot.files {
            match Source::open(Arc::clone(log)) {
                Ok(source) => sources.push(source),
                Err(error) => troubles.push(Trouble::new(
                    &log.path,
                    format!("can't be read: {}", reason(&error)),
                )),
            }
        }
        twins::drop_doubles(&mut sources);
        sources.into_iter().map(Arc::new).collect()
    }

    /// Whether content can be read from the middle.
    pub fn is_seekable(&self) -> bool {
        !matches!(self.format, Format::Gzip)
    }

    /// Bytes of content; `None` where only decoding all of it would tell.
    pub fn content_bytes(&self) -> Option<u64> {
        match &self.format {
            Format::Plain => Some(self.log.bytes),
            Format::Bgzf(table) => Some(table.content_bytes()),
            Format::Gzip => None,
        }
    }

    /// Cuts the content into stretches of about `span_bytes` that can be read side by side; one
    /// stretch where it can't be read from the middle, none for an empty file.
    pub fn spans(&self, span_bytes: u64) -> Vec<Span> {
        let Some(total) = self.content_bytes() else {
            return vec![Span {
                start: 0,
                end: u64::MAX,
            }];
        };
        (0..total.div_ceil(span_bytes))
            .map(|i| Span {
                start: i * span_bytes,
                end: total.min((i + 1) * span_bytes),
            })
            .collect()
    }

    /// A reader of the content from `offset` on. Where the content is not seekable the bytes
    /// before `offset` are decoded and dropped.
    pub fn reader(&self, offset: u64) -> Reader<'_> {
        match &self.format {
            Format::Plain => Reader::Plain {
                log: &self.log,
                at: offset,
            },
            Format::Gzip => Reader::Gzip(Box::new(gzip::GzipReader::new(&self.log, offset))),
            Format::Bgzf(table) => {
                Reader::Bgzf(Box::new(bgzf::BgzfReader::new(&self.log, table, offset)))
            }
        }
    }

    /// Whether a writer may still append to the content.
    pub fn may_grow(&self) -> bool {
        matches!(self.format, Format::Plain)
    }

    /// Bytes that a writer has put behind the end that the file had when it was opened; used to
    /// complete a last line that was caught half-way. Nothing for compressed files.
    pub fn read_grown(&self, content_offset: u64, into: &mut [u8]) -> usize {
        match self.format {
            Format::Plain => self.log.file.read_at(into, content_offset).unwrap_or(0),
            _ => 0,
        }
    }
}

/// Sequential access to content.
#[derive(Debug)]
pub enum Reader<'s> {
    /// Straight from the file, up to the size it had when it was opened.
    Plain {
        /// The file.
        log: &'s LogFile,
        /// Offset of the next byte.
        at: u64,
    },
    /// Any gzip: one member or many.
    Gzip(Box<gzip::GzipReader<'s>>),
    /// Blocked gzip.
    Bgzf(Box<bgzf::BgzfReader<'s>>),
}

impl Reader<'_> {
    /// Content offset of the next byte; after damage, of what follows it.
    pub fn position(&self) -> u64 {
        match self {
            Reader::Plain { at, .. } => *at,
            Reader::Gzip(reader) => reader.position(),
            Reader::Bgzf(reader) => reader.position(),
        }
    }

    /// Reads some bytes; 0 at the end (or for an empty buffer).
    ///
    /// # Errors
    /// [`Damage`] once for each damaged place; the next call goes on behind it.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, Damage> {
        match self {
            Reader::Plain { log, at } => {
                let left = usize::try_from(log.bytes.saturating_sub(*at)).unwrap_or(usize::MAX);
                let room = into.len().min(left);
                let got = read_retrying(log, &mut into[..room], *at).map_err(|error| {
                    // Behind the broken place: one page on, as a disk fails by the page.
                    *at = (*at / 4096 + 1) * 4096;
                    Damage(format!("can't be read: {}", reason(&error)))
                })?;
                *at += got as u64;
                Ok(got)
            }
            Reader::Gzip(reader) => reader.read(into),
            Reader::Bgzf(reader) => reader.read(into),
        }
    }
}

fn read_retrying(log: &LogFile, into: &mut [u8], at: u64) -> io::Result<usize> {
    loop {
        match log.file.read_at(into, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
