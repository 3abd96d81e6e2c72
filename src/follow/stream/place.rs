//! Where to go on in a file whose content has moved: what of it an archive has, and what a truncation
//! took.

use std::io;

use memchr::memrchr;

use super::{Ctx, LINE_BYTES_MAX, Looked, Stream};
use crate::follow::decide::{Moved, Resolution, resolve};
use crate::follow::files::{Files, OpenFile, ReadContent, read_full};
use crate::tree::Head;

/// What a collapse can leave blank at the front (bytes), and a head behind it.
const FRONT_BYTES: usize = (1 << 20) + 4096;

/// Said where it can't be known whether all was found.
const AGAIN: &str =
    "was rotated again before all of it was read; some of its lines may be in the archives only";

/// A content that is gone.
#[derive(Debug)]
pub(in crate::follow) struct Former {
    /// How it began.
    pub(in crate::follow) head: Head,
    /// Up to where it was handed out, or will be from an archive.
    pub(in crate::follow) position: u64,
    /// It was truncated: if there is a copy, that has the rest.
    pub(in crate::follow) truncated: bool,
}

/// Lines to be got from an archive before the file is read on.
pub(super) struct Recovery {
    read: ReadContent,
    at: u64,
    end: u64,
}

impl std::fmt::Debug for Recovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Recovery({}..{})", self.at, self.end)
    }
}

impl<H: OpenFile> Stream<H> {
    /// Finds out where to go on in a file that has another content than before (`moved`), or blank
    /// lines. True when the position is another than it was.
    pub(super) fn find_place<F: Files>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        moved: bool,
    ) -> io::Result<bool> {
        let archived = match self.head.tells() {
            true => ctx.files.archived(ctx.enterprise, &self.head)?,
            false => None,
        };
        let mut front = vec![0; FRONT_BYTES];
        let got = read_full(&self.file, &mut front, 0)?;
        front.truncate(got);
        let standing = self
            .head
            .standing(&front)
            .filter(|_| !moved || archived.is_some());
        if let Some(standing) = standing {
            self.torn = (standing < self.head.len()).then_some(standing);
        }
        let resolution = resolve(Moved {
            position: self.position,
            part_bytes: archived.as_ref().map(|archived| archived.bytes),
            blanks: standing.is_none().then(|| blanks(&front)),
        });
        match resolution {
            Resolution::Stands => return Ok(false),
            Resolution::Collapsed {
                position, guess, ..
            } if guess && !self.stood_at(position, position - blanks(&front))? => {
                self.start_over(&front);
            }
            Resolution::Truncated => self.start_over(&front),
            Resolution::Collapsed {
                recover, position, ..
            } => {
                let what = match archived.as_ref().is_some_and(|archived| archived.is_last) {
                    true => (
                        false,
                        "lost its front to a rotation; followed on from there",
                    ),
                    false => (true, AGAIN),
                };
                self.tell(ctx, what.0, what.1);
                let before = std::mem::replace(&mut self.position, position);
                if standing.is_none() {
                    self.begin_anew(&front, before.max(recover.end), false);
                }
                self.recovery = archived.filter(|_| !recover.is_empty()).map(|a| Recovery {
                    read: a.read,
                    at: recover.start,
                    end: recover.end,
                });
            }
        }
        self.rested = None;
        Ok(true)
    }

    /// The file begins with `front` from now on; of what it held, everything up to `position` is
    /// known.
    fn begin_anew(&mut self, front: &[u8], position: u64, truncated: bool) {
        self.torn = None;
        self.former = Some(Former {
            head: std::mem::replace(&mut self.head, Head::of(front)),
            position,
            truncated,
        });
    }

    /// The file was truncated. What was in it and not read is lost, unless there is a copy.
    fn start_over(&mut self, front: &[u8]) {
        self.begin_anew(front, self.position, true);
        self.position = 0;
        self.skips_line = false;
        self.trail.clear();
    }

    /// Whether the last `bytes` that were handed out, as far as they are kept, stand right before
    /// `position`.
    fn stood_at(&self, position: u64, bytes: u64) -> io::Result<bool> {
        let kept = usize::try_from(bytes).map_or(self.trail.len(), |n| n.min(self.trail.len()));
        let trail = &self.trail[self.trail.len() - kept..];
        let mut text = vec![0; trail.len()];
        let got = read_full(&self.file, &mut text, position - trail.len() as u64)?;
        Ok(!trail.is_empty() && text[..got] == *trail)
    }

    /// Hands out what only the archive has.
    pub(super) fn recover<F: Files>(&mut self, ctx: &mut Ctx<'_, F>) -> io::Result<Looked> {
        let Some(mut recovery) = self.recovery.take() else {
            return Ok(Looked::default());
        };
        let mut buffer = std::mem::take(ctx.buffer);
        let left = usize::try_from(recovery.end - recovery.at).unwrap_or(usize::MAX);
        let room = left.min(buffer.len());
        let read = (recovery.read)(&mut buffer[..room], recovery.at);
        let got = *read.as_ref().unwrap_or(&0);
        let whole = memrchr(b'\n', &buffer[..got]).map_or(0, |newline| newline + 1);
        let position = std::mem::replace(&mut self.position, recovery.at);
        self.hand_out(ctx, &buffer[..whole]);
        self.position = position;
        recovery.at += whole as u64;
        let stuck = whole == 0 && (got < room || room == left || room >= LINE_BYTES_MAX);
        if whole == 0 && !stuck {
            buffer.resize((room * 4).min(LINE_BYTES_MAX), 0);
        }
        *ctx.buffer = buffer;
        if stuck && recovery.at < recovery.end {
            let text = "lost its front to a rotation, and its lines could not all be read back from the archive";
            self.tell(ctx, true, text);
        } else if recovery.at < recovery.end {
            self.recovery = Some(recovery);
        }
        Ok(Looked {
            bytes: got,
            more: true,
        })
    }
}

/// Blank bytes at the front.
fn blanks(front: &[u8]) -> u64 {
    front.iter().take_while(|&&b| b == b'\n').count() as u64
}
