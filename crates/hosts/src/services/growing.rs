//! A log that is being written: what has come since it was read last.
//!
//! The file is looked at by its path. One that has been replaced (another inode) or emptied (shorter than what was
//! read) is read from its beginning; what its predecessor had in store by then is read first.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calltrace_model::record::LogZone;
use memchr::{memchr, memchr_iter, memrchr};

use super::files::{Opened, open, shown};
use super::parser::Parser;
use super::{Place, Reading, Unreadable};

/// Read at once.
const PIECE_BYTES: usize = 256 << 10;

/// A request of which no answer was seen is handed out when the log has records that are so much later (milliseconds).
const ANSWER_MILLIS: i64 = 2_000;

/// The same after so many looks at which nothing came.
const QUIET_LOOKS_MAX: u32 = 10;

/// A log that grows.
#[derive(Debug)]
pub struct Growing {
    path: PathBuf,
    parser: Parser,
    file: Option<Opened>,
    /// Read so far (bytes).
    at: u64,
    /// The beginning of a line whose end has not come.
    torn: Vec<u8>,
    piece: Vec<u8>,
    /// Looks since something came.
    quiet_looks: u32,
}

impl Growing {
    /// A log that is followed from its end on, or from its beginning if it is not there yet.
    ///
    /// # Errors
    /// When it is there and can't be read.
    pub fn begin(path: &Path, zone: LogZone) -> Result<Growing, Unreadable> {
        let file = match path.exists() {
            true => Some(open(path)?),
            false => None,
        };
        let mut growing = Growing {
            path: path.to_owned(),
            parser: Parser::new(Place {
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

    /// Passes over the whole lines that are there, and counts them.
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

    /// What has come since the last look. A request that waits for its answer is handed out when the log goes on
    /// without one for two seconds, or after ten looks at which nothing came.
    pub fn look(&mut self) -> Reading {
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
        // What nothing was added to is whole.
        if self.quiet_looks > 1 {
            self.parser.settle();
        }
        let newest = self.parser.newest_millis();
        self.parser.take(match self.quiet_looks < QUIET_LOOKS_MAX {
            true => newest.saturating_sub(ANSWER_MILLIS),
            false => i64::MAX,
        })
    }

    /// The rest, and nothing comes after it.
    pub fn finish(mut self) -> Reading {
        self.read_on();
        self.parser.finish()
    }

    /// Where it is looked at, for messages.
    pub fn source(&self) -> Arc<str> {
        shown(&self.path)
    }

    /// Whether anything came.
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
            // An endless line is cut by the parser; it must not be kept here.
            if self.torn.len() < super::records::TEXT_BYTES_MAX {
                self.torn.extend_from_slice(rest);
            }
        }
        came
    }
}
