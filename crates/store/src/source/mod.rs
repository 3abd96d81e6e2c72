//! One reader for plain, gzip and BGZF files; the content distinguishes them, never the name.
//!
//! A [`Source`] is an open log file with its format known. Positions are always offsets of the
//! *content*, the same for a file and its compressed form. Damage does not end a reader: it is
//! returned once, as [`Damage`], and the content that can still be decoded follows.

mod bgzf;
mod duplicates;
mod gzip;
mod other;
mod overlap;
mod pack;
mod probe;

use std::io::{self, Read};
use std::sync::Arc;

use crate::error::{TimeRange, Trouble, cant};
use crate::tree::{LogFile, Snapshot};

/// Estimated ratio of a packed log's content to its size.
const PACKED_ABOUT: u64 = 10;

pub use bgzf::{BgzfBlock, BgzfTable, BlockPositions};
pub use gzip::Trailing;
pub use other::{MARK_BYTES, packer_of};
pub use overlap::{Overlap, is_beginning, is_copied, overlap};
pub use pack::{ContentDigest, ContentTally, Packer};
pub use probe::{
    TimeBounds, first_line_at, first_time_after, last_line_end, text_before, time_around,
    time_of_line, times,
};

/// One log file with its format known.
#[derive(Debug)]
pub struct Source {
    /// The open file.
    pub log: Arc<LogFile>,
    format: FormatData,
    /// Content before this offset is skipped: another source has it.
    start: u64,
}

#[derive(Debug)]
enum FormatData {
    Plain,
    Gzip,
    Bgzf(bgzf::Bgzf),
}

/// The format of a file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContentFormat {
    /// Lines, not compressed.
    Plain,
    /// Gzip that can only be read from its beginning.
    Gzip,
    Bgzf {
        content_bytes: u64,
        /// Every block is known to begin with a line, so that a reader of one block need not look
        /// before it.
        blocks_of_lines: bool,
    },
}

/// A range of content: `start` inclusive, `end` exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Content offset of the first byte.
    pub start: u64,
    /// Content offset after the last byte; `u64::MAX` if the length is not known.
    pub end: u64,
}

impl Span {
    /// All content, regardless of its length.
    pub const WHOLE: Span = Span::new(0, u64::MAX);

    /// The range from `start` to before `end`.
    pub const fn new(start: u64, end: u64) -> Span {
        Span { start, end }
    }

    /// Its length (bytes); 0 if it ends before it begins.
    pub fn bytes(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// What stopped decoding, as a clause about the file: "is a truncated gzip".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage(pub String);

impl Source {
    /// Detects the format of a file.
    ///
    /// # Errors
    /// When the file can't be read, or holds neither lines of UTF-8 nor gzip.
    pub fn open(log: Arc<LogFile>) -> io::Result<Source> {
        let format = if !is_compressed(&log)? {
            FormatData::Plain
        } else {
            match BgzfTable::read(&log)? {
                Some(table) => FormatData::Bgzf(bgzf::Bgzf::of(table)),
                None => FormatData::Gzip,
            }
        };
        Ok(Source::new(log, format))
    }

    /// A file with a format that an index has recorded, so that it need not be walked through;
    /// `positions` knows the blocks of a BGZF file.
    pub fn known(
        log: Arc<LogFile>,
        (form, positions): (ContentFormat, Option<Arc<dyn BlockPositions>>),
    ) -> Source {
        let format = match form {
            ContentFormat::Plain => FormatData::Plain,
            ContentFormat::Gzip => FormatData::Gzip,
            ContentFormat::Bgzf {
                content_bytes,
                blocks_of_lines,
            } => FormatData::Bgzf(bgzf::Bgzf::known(content_bytes, blocks_of_lines, positions)),
        };
        Source::new(log, format)
    }

    fn new(log: Arc<LogFile>, format: FormatData) -> Source {
        Source {
            log,
            format,
            start: 0,
        }
    }

    /// The same file, with no part of it skipped.
    pub fn whole(&self) -> Source {
        let format = match &self.format {
            FormatData::Plain => FormatData::Plain,
            FormatData::Gzip => FormatData::Gzip,
            FormatData::Bgzf(bgzf) => FormatData::Bgzf(bgzf.fresh()),
        };
        Source::new(Arc::clone(&self.log), format)
    }

    /// The format of the content.
    pub fn form(&self) -> ContentFormat {
        match &self.format {
            FormatData::Plain => ContentFormat::Plain,
            FormatData::Gzip => ContentFormat::Gzip,
            FormatData::Bgzf(bgzf) => ContentFormat::Bgzf {
                content_bytes: bgzf.content_bytes,
                blocks_of_lines: bgzf.blocks_of_lines,
            },
        }
    }

    /// Whether another source has all of its content.
    pub fn is_hidden(&self) -> bool {
        self.start > 0 && self.start >= self.log.bytes
    }

    /// Whether a line is known to begin at `offset`.
    pub fn begins_line(&self, offset: u64) -> bool {
        offset == self.start
            || matches!(&self.format, FormatData::Bgzf(bgzf)
                if bgzf.blocks_of_lines && bgzf.table(&self.log).has_block_at(offset))
    }

    /// Whether it is BGZF from beginning to end.
    pub fn is_bgzf(&self) -> bool {
        matches!(self.format, FormatData::Bgzf(_))
    }

    /// The positions of the blocks of a BGZF file.
    pub fn table(&self) -> Option<&BgzfTable> {
        match &self.format {
            FormatData::Bgzf(bgzf) => Some(bgzf.table(&self.log)),
            _ => None,
        }
    }

    /// Starts to fetch what holds these ranges of content, if the file is an object that can be read
    /// from the middle; see [`crate::object::StoredFile::fetch_ahead`].
    pub fn fetch_ahead(&self, spans: &[Span]) {
        if !self.log.file.is_object() {
            return;
        }
        if let Some(table) = self.table() {
            let ranges: Vec<_> = spans.iter().map(|span| table.file_range(*span)).collect();
            self.log.file.fetch_ahead(&ranges);
        }
    }

    /// Skips all content before `offset`, where a line begins.
    pub fn hide_before(&mut self, offset: u64) {
        self.start = self.start.max(offset);
    }

    /// Content offset of the first line that counts; 0 unless another source has the content before
    /// it.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// The sources of a snapshot without duplicates (see `duplicates`), in reading order. `known`
    /// may give the recorded format of a file.
    pub fn open_all(
        snapshot: &Snapshot,
        known: impl Fn(&LogFile) -> Option<(ContentFormat, Option<Arc<dyn BlockPositions>>)>,
        troubles: &mut Vec<Trouble>,
    ) -> Vec<Source> {
        let mut sources = Vec::new();
        for log in &snapshot.files {
            let opened = match known(log) {
                Some(format) => Ok(Source::known(Arc::clone(log), format)),
                None => Source::open(Arc::clone(log)),
            };
            match opened {
                Ok(source) => sources.push(source),
                Err(error) => troubles.push(Trouble {
                    hides: Some(TimeRange {
                        from: None,
                        to: log.written_until(None),
                    }),
                    ..Trouble::cant(&log.path, "be read", &error)
                }),
            }
        }
        duplicates::drop_duplicates(&mut sources);
        sources
    }

    /// Whether reading can start in the middle of the content.
    pub fn is_seekable(&self) -> bool {
        !matches!(self.format, FormatData::Gzip)
    }

    /// Length of the content (bytes); `None` if only decoding all of it would show it.
    pub fn content_bytes(&self) -> Option<u64> {
        match &self.format {
            FormatData::Plain => Some(self.log.bytes),
            FormatData::Bgzf(bgzf) => Some(bgzf.content_bytes),
            FormatData::Gzip => None,
        }
    }

    /// Estimated length of the content (bytes), for progress: exact if it is known.
    pub fn content_bytes_about(&self) -> u64 {
        let guess = || self.log.bytes.saturating_mul(PACKED_ABOUT);
        self.content_bytes().unwrap_or_else(guess)
    }

    /// Cuts the content into ranges of about `span_bytes` that can be read in parallel; one range
    /// if reading can't start in the middle, none for an empty file.
    pub fn spans(&self, span_bytes: u64) -> Vec<Span> {
        let Some(total) = self.content_bytes() else {
            return vec![Span::WHOLE];
        };
        (0..total.div_ceil(span_bytes))
            .map(|i| Span::new(i * span_bytes, total.min((i + 1) * span_bytes)))
            .collect()
    }

    /// A reader of the content from `offset` on. If the content is not seekable, the bytes before
    /// `offset` are decoded and dropped.
    pub fn reader(&self, offset: u64) -> SourceReader<'_> {
        match &self.format {
            FormatData::Plain => SourceReader::Plain {
                log: &self.log,
                at: offset,
            },
            FormatData::Gzip => {
                SourceReader::Gzip(Box::new(gzip::GzipReader::new(&self.log, offset)))
            }
            FormatData::Bgzf(bgzf) => {
                SourceReader::Bgzf(Box::new(bgzf.reader(&self.log, offset, false)))
            }
        }
    }

    /// As [`Source::reader`], for callers that read only a few blocks and may come back: decoded
    /// blocks are kept for a while.
    pub fn reader_of_few(&self, offset: u64) -> SourceReader<'_> {
        match &self.format {
            FormatData::Bgzf(bgzf) => {
                SourceReader::Bgzf(Box::new(bgzf.reader(&self.log, offset, true)))
            }
            _ => self.reader(offset),
        }
    }

    /// At most `bytes` of the content from `offset` on; less if it ends or is damaged before that.
    pub fn text_at(&self, offset: u64, bytes: usize) -> Vec<u8> {
        let mut text = vec![0; bytes];
        let got = fill(&mut self.reader(offset), &mut text);
        text.truncate(got.unwrap_or_else(|before_damage| before_damage));
        text
    }

    /// All content from `offset` on, as bytes. Damage is an error of kind `InvalidData`, and so
    /// are, at the end, bytes after the content (see [`trailing`]): a caller that packs the content
    /// must not lose them.
    pub fn content_from(&self, offset: u64) -> impl Read + Send + '_ {
        ContentReader(self.reader(offset))
    }

    /// All content, as bytes; damage is an error of kind `InvalidData`.
    pub fn content(&self) -> impl Read + Send + '_ {
        self.content_from(0)
    }

    /// Whether a writer may still append to the content.
    pub fn may_grow(&self) -> bool {
        matches!(self.format, FormatData::Plain)
    }

    /// Reads bytes that a writer has appended since the file was opened, to complete a last line
    /// that was caught half-way. Returns 0 for compressed files.
    pub fn read_grown(&self, content_offset: u64, into: &mut [u8]) -> usize {
        match self.format {
            FormatData::Plain => self.log.file.read_at(into, content_offset).unwrap_or(0),
            _ => 0,
        }
    }
}

/// Whether a file begins as every gzip file does.
///
/// # Errors
/// When the file can't be read, or holds neither lines of UTF-8 nor gzip.
pub fn is_compressed(log: &LogFile) -> io::Result<bool> {
    let mut head = [0u8; MARK_BYTES];
    let got = log.file.read_at(&mut head, 0)?;
    match other::refusal(&head[..got]) {
        Some(why) => Err(io::Error::new(io::ErrorKind::InvalidData, why)),
        None => Ok(head[..got].starts_with(&gzip::MAGIC)),
    }
}

struct ContentReader<'s>(SourceReader<'s>);

impl Read for ContentReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let got = self
            .0
            .read(into)
            .map_err(|damage| io::Error::new(io::ErrorKind::InvalidData, damage.0))?;
        match self.0.trailing().filter(|_| got == 0 && !into.is_empty()) {
            Some(trailing) => Err(io::Error::new(io::ErrorKind::InvalidData, trailing)),
            None => Ok(got),
        }
    }
}

/// The bytes after the content, if they are the reason for `error`.
pub fn trailing(error: &io::Error) -> Option<Trailing> {
    error.get_ref()?.downcast_ref::<Trailing>().copied()
}

/// Sequential access to content.
#[derive(Debug)]
pub enum SourceReader<'s> {
    /// Directly from the file, up to the size it had when it was opened.
    Plain {
        log: &'s LogFile,
        at: u64,
    },
    /// Any gzip, with one member or several.
    Gzip(Box<gzip::GzipReader<'s>>),
    Bgzf(Box<bgzf::BgzfReader<'s>>),
}

impl SourceReader<'_> {
    /// Content offset of the next byte; after damage, of the content that follows it.
    pub fn position(&self) -> u64 {
        match self {
            SourceReader::Plain { at, .. } => *at,
            SourceReader::Gzip(reader) => reader.position(),
            SourceReader::Bgzf(reader) => reader.position(),
        }
    }

    /// The bytes after the content that are not part of it; known once the content has ended.
    pub fn trailing(&self) -> Option<Trailing> {
        match self {
            SourceReader::Gzip(reader) => reader.trailing(),
            SourceReader::Plain { .. } | SourceReader::Bgzf(_) => None,
        }
    }

    /// Reads some bytes and returns their number; 0 at the end (or for an empty buffer).
    ///
    /// # Errors
    /// [`Damage`] once for each damaged place; the next call continues after it.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, Damage> {
        match self {
            SourceReader::Plain { log, at } => {
                let left = usize::try_from(log.bytes.saturating_sub(*at)).unwrap_or(usize::MAX);
                let room = into.len().min(left);
                let got = read_retrying(log, &mut into[..room], *at).map_err(|error| {
                    // Continues at the next page, because disks fail by the page.
                    *at = (*at / 4096 + 1) * 4096;
                    Damage(cant("be read", &error))
                })?;
                *at += got as u64;
                Ok(got)
            }
            SourceReader::Gzip(reader) => reader.read(into),
            SourceReader::Bgzf(reader) => reader.read(into),
        }
    }
}

/// Fills the buffer as far as the content reaches. On damage, the error is the number of bytes
/// before it.
fn fill(reader: &mut SourceReader<'_>, into: &mut [u8]) -> Result<usize, usize> {
    let mut got = 0;
    while got < into.len() {
        match reader.read(&mut into[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(_) => return Err(got),
        }
    }
    Ok(got)
}

fn read_retrying(log: &LogFile, into: &mut [u8], at: u64) -> io::Result<usize> {
    loop {
        match log.file.read_at(into, at) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
