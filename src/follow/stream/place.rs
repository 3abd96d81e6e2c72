//! Where to go on in a file whose content has moved: what of it an archive has, and what a truncation
//! took.

use std::io;

use super::Stream;
use crate::follow::archives::{Recovery, archived};
use crate::follow::decide::{Moved, Resolution, resolve};
use crate::follow::files::{Files, OpenFile, read_full};
use crate::follow::outlet::{Ctx, Looked};
use crate::tree::Head;

/// Said where an archive is damaged.
const LOST: &str =
    "lost its front to a rotation, and its lines could not all be read back from the archive";

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

impl<H: OpenFile> Stream<H> {
    /// Finds out where to go on in a file that has another content than before (`moved`), or blank
    /// lines. True when the position is another than it was.
    pub(super) fn find_place<F: Files>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        moved: bool,
    ) -> io::Result<bool> {
        let archived = archived(ctx.files, ctx.enterprise, &self.head)?;
        self.unarchived = ctx.steady_names.filter(|_| archived.is_none());
        let part_bytes = archived.as_ref().map(|archived| (archived.bytes)());
        let part_bytes = part_bytes.transpose()?;
        let mut front = vec![0; Head::FRONT_BYTES];
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
            part_bytes,
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
                // What was rotated after that part is found as an archive of its own (`archives`).
                let what = "lost its front to a rotation; followed on from there";
                self.lines.tell(ctx, false, what);
                let before = std::mem::replace(&mut self.position, position);
                if standing.is_none() {
                    self.begin_anew(&front, before.max(recover.end), false);
                }
                self.recovery = archived
                    .filter(|_| !recover.is_empty())
                    .map(|archived| Recovery::new(archived, recover.start, recover.end));
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
    pub(super) fn recover<F: Files>(&mut self, ctx: &mut Ctx<'_, F>) -> Looked {
        let Some(mut recovery) = self.recovery.take() else {
            return Looked::default();
        };
        match recovery.next(ctx, &mut self.lines) {
            Ok(true) => self.recovery = Some(recovery),
            Ok(false) => {}
            Err(_) => self.lines.tell(ctx, true, LOST),
        }
        Looked {
            bytes: ctx.buffer.len(),
            more: true,
        }
    }
}

/// Blank bytes at the front.
fn blanks(front: &[u8]) -> u64 {
    front.iter().take_while(|&&b| b == b'\n').count() as u64
}
