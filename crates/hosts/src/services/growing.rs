//! A log that is being written: reads what was added since the last read.
//!
//! The file is opened by its path each time. A file that was replaced (another inode) or emptied (shorter than the
//! position) is read from its beginning, after the rest of its predecessor.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calltrace_model::record::LogZone;
use memchr::{memchr, memchr_iter, memrchr};

use super::files::{OpenLogFile, open, shown};
use super::parser::Parser;
use super::{LogContents, RecordContext, Unreadable};

/// Size of one read (bytes).
const PIECE_BYTES: usize = 256 << 10;

/// A request without an answer is returned when the log has records that are this much later (milliseconds).
const ANSWER_MILLIS: i64 = 2_000;

/// It is also returned after this number of reads without new data.
const QUIET_LOOKS_MAX: u32 = 10;

/// A growing log.
#[derive(Debug)]
pub struct GrowingLog {
    path: PathBuf,
    parser: Parser,
    file: Option<OpenLogFile>,
    /// Position in the file (bytes).
    at: u64,
    /// The beginning of an unfinished line.
    torn: Vec<u8>,
    piece: Vec<u8>,
    /// Reads without new data.
    quiet_looks: u32,
}

impl GrowingLog {
    /// Follows a log from its end, or from its beginning if it does not exist yet.
    ///
    /// # Errors
    /// When the file exists and cannot be read.
    pub fn begin(path: &Path, zone: LogZone) -> Result<GrowingLog, Unreadable> {
        let file = match path.exists() {
            true => Some(open(path)?),
            false => None,
        };
        let mut growing = GrowingLog {
            path: path.to_owned(),
            parser: Parser::new(RecordContext {
                source: shown(path),
                zone,
            }),
            at: 0,
            file,
            torn: Vec::new(),
            piece: vec![0; PIECE_BYTES],
            quiet_looks: 0,
        };
        growing.skip();
        Ok(growing)
    }

    /// Skips the whole lines that exist, and counts them.
    fn skip(&mut self) {
        let Some(opened) = &self.file else {
            return;
        };
        let (mut at, mut lines) = (0, 0);
        while let Ok(got @ 1..) = opened.file.read_at(&mut self.piece, at) {
            let piece = &self.piece[..got];
            lines += memchr_iter(b'\n', piece).count() as u64;
            if let Some(last) = memrchr(b'\n', piece) {
                self.at = at + last as u64 + 1;
            }
            at += got as u64;
        }
        self.parser.skip_lines(lines);
    }

    /// Returns what was added since the last call. A request without its answer is returned when the log goes on
    /// without one for two seconds, or after ten calls without new data.
    pub fn look(&mut self) -> LogContents {
        let mut came = self.read_on();
        if let Ok(now) = open(&self.path) {
            let known = self.file.as_ref().map(|file| file.identity);
            let is_emptied = now.bytes() < self.at;
            if known != Some(now.identity) || is_emptied {
                self.torn.clear();
                self.parser.begin_file(shown(&self.path));
                (self.file, self.at) = (Some(now), 0);
                came |= self.read_on();
            }
        }
        self.quiet_looks = match came {
            true => 0,
            false => self.quiet_looks.saturating_add(1),
        };
        // A record is complete if nothing was added to it.
        if self.quiet_looks > 1 {
            self.parser.settle();
        }
        let newest = self.parser.newest_millis();
        self.parser.take(match self.quiet_looks < QUIET_LOOKS_MAX {
            true => newest.saturating_sub(ANSWER_MILLIS),
            false => i64::MAX,
        })
    }

    /// Returns the rest at the end of the log.
    pub fn finish(mut self) -> LogContents {
        self.read_on();
        self.parser.finish()
    }

    /// Its path, for messages.
    pub fn source(&self) -> Arc<str> {
        shown(&self.path)
    }

    /// Reads new data; returns whether there was any.
    fn read_on(&mut self) -> bool {
        let Some(opened) = &self.file else {
            return false;
        };
        let mut came = false;
        while let Ok(got @ 1..) = opened.file.read_at(&mut self.piece, self.at) {
            came = true;
            self.at += got as u64;
            let mut rest = &self.piece[..got];
            while let Some(end) = memchr(b'\n', rest) {
                match self.torn.is_empty() {
                    true => self.parser.line(&rest[..end]),
                    false => {
                        self.torn.extend_from_slice(&rest[..end]);
                        self.parser.line(&std::mem::take(&mut self.torn))
                    }
                };
                rest = &rest[end + 1..];
            }
            // The parser cuts endless lines; this buffer must stay bounded as well.
            if self.torn.len() < super::records::TEXT_BYTES_MAX {
                self.torn.extend_from_slice(rest);
            }
        }
        came
    }
}
