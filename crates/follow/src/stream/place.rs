//! Finds where to go on in a file with moved content: which of it an archive holds, and what a
//! truncation removed.

use std::io;

use memchr::memrchr;

use super::FileStream;
use crate::archives::{Recovery, archived, archived_after, is_of_later_day};
use crate::decide::{Resolution, resolve};
use crate::file_system::{
    FileSystem, OpenFile, SEARCHED_BYTES, place_after, read_front, read_full,
};
use crate::outlet::{Ctx, LookProgress};
use calltrace_store::tree::Head;

/// News about a damaged archive.
const LOST: &str =
    "lost its first lines to a rotation, and not all of them could be read from the archive";

/// Content that the file no longer has.
#[derive(Debug)]
pub(crate) struct FormerContent {
    /// Its first bytes.
    pub(crate) head: Head,
    /// How far it was handed out, or will be from an archive.
    pub(crate) position: u64,
    /// The bytes right before the position; empty if they are not known.
    pub(crate) trail: Vec<u8>,
}

impl FormerContent {
    pub(crate) fn new(head: Head, position: u64, trail: Vec<u8>) -> FormerContent {
        FormerContent {
            head,
            position,
            trail,
        }
    }
}

impl<H: OpenFile> FileStream<H> {
    /// Finds where to go on in a file that has other content than before (`moved`) or blank lines. True when
    /// the position has changed.
    pub(super) fn find_place<F: FileSystem>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        moved: bool,
    ) -> io::Result<bool> {
        let archived = archived(ctx.files, ctx.enterprise, &self.head)?;
        self.unarchived = ctx.steady_names.filter(|_| archived.is_none());
        let part_bytes = archived.as_ref().map(|archived| (archived.bytes)());
        let part_bytes = part_bytes.transpose()?;
        let front = read_front(&self.file)?;
        let standing = self.head.standing(&self.text_in(&front)?);
        let standing = standing.filter(|_| !moved || archived.is_some());
        if let Some(standing) = standing {
            self.torn = (standing < self.head.len()).then_some(standing);
        }
        let blank_bytes = standing.is_none().then(|| blanks(&front));
        match resolve(self.position, part_bytes, blank_bytes) {
            Resolution::Stands => return Ok(false),
            // Blank lines alone are not a truncation.
            Resolution::Truncated if !moved => return Ok(false),
            Resolution::Collapsed {
                position, guess, ..
            } if guess && !self.stood_at(position, position - blanks(&front))? => {
                self.follow_trail(ctx, &front)?;
            }
            Resolution::Truncated => self.start_over(&front),
            Resolution::Collapsed {
                recover,
                position,
                guess,
            } => {
                // Content that was rotated after that part is found as an archive of its own (`archives`).
                let what = "lost its first lines to a rotation; followed from there on";
                self.lines.report(ctx, false, what);
                if standing.is_none() {
                    self.begin_anew(&front, self.position.max(recover.end));
                }
                self.position = position;
                if !guess {
                    // The bytes handed out last are not before the position.
                    self.trail.clear();
                }
                self.recovery = archived
                    .filter(|_| !recover.is_empty())
                    .map(|archived| Recovery::new(archived, recover.start, recover.end));
            }
        }
        self.rested = None;
        Ok(true)
    }

    /// The bytes at the place of the head, from the same moment as `front` if that is long enough.
    fn text_in(&self, front: &[u8]) -> io::Result<Vec<u8>> {
        let at = usize::try_from(self.head.at()).ok();
        let rest = at.and_then(|at| front.get(at..)).unwrap_or_default();
        if rest.len() >= self.head.len() || front.len() < Head::FRONT_BYTES {
            return Ok(rest[..rest.len().min(self.head.len())].to_vec());
        }
        let mut text = vec![0; self.head.len()];
        let got = read_full(&self.file, &mut text, self.head.at())?;
        text.truncate(got);
        Ok(text)
    }

    /// Records that the file now begins with `front`; its former content is known up to `position`.
    fn begin_anew(&mut self, front: &[u8], position: u64) {
        self.torn = None;
        let trail = match position == self.position {
            true => self.trail.clone(),
            false => Vec::new(),
        };
        let head = std::mem::replace(&mut self.head, Head::of(front));
        self.former = Some(FormerContent::new(head, position, trail));
    }

    /// Reads a truncated file from its beginning. Unread content is lost, unless there is a copy.
    fn start_over(&mut self, front: &[u8]) {
        self.begin_anew(front, self.position);
        self.was_truncated = true;
        self.position = 0;
        self.skips_line = false;
        self.trail.clear();
    }

    /// Finds the position after a rotation that took several days off the front, each into its own archive.
    /// The bytes handed out last are then in the present file, or in a later archive together with what
    /// followed them. If they are in neither, the file was truncated after its front was copied.
    fn follow_trail<F: FileSystem>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        front: &[u8],
    ) -> io::Result<()> {
        let whole = self.trail.clone();
        // If a trail crosses midnight, only its end is in one of them.
        let line = whole.len().checked_sub(1);
        let line = line.and_then(|last| memrchr(b'\n', &whole[..last]));
        let line = &whole[line.map_or(0, |newline| newline + 1)..];
        for trail in [&whole[..], line].into_iter().filter(|it| !it.is_empty()) {
            let place = match is_of_later_day(&Head::of(front), &self.head) {
                true => self.place_after(trail)?,
                false => None,
            };
            let archived = match place {
                Some(_) => None,
                None => archived_after(ctx.files, ctx.enterprise, &self.head, trail)?,
            };
            if place.is_none() && archived.is_none() {
                continue;
            }
            let what = "lost its first lines to a rotation; followed from there on";
            self.lines.report(ctx, false, what);
            self.begin_anew(front, self.position);
            self.position = place.unwrap_or_else(|| blanks(front));
            if place.is_none() {
                self.trail.clear();
                self.skips_line = false;
            }
            self.recovery = archived.filter(|recovery| !recovery.is_empty());
            return Ok(());
        }
        self.start_over(front);
        Ok(())
    }

    /// Whether the last `bytes` that were handed out, as far as they are kept, are right before `position`.
    fn stood_at(&self, position: u64, bytes: u64) -> io::Result<bool> {
        let kept = usize::try_from(bytes).map_or(self.trail.len(), |n| n.min(self.trail.len()));
        let trail = &self.trail[self.trail.len() - kept..];
        Ok(!trail.is_empty() && self.stands_before(position, trail)?)
    }

    /// Whether `trail` is right before `position`.
    pub(crate) fn stands_before(&self, position: u64, trail: &[u8]) -> io::Result<bool> {
        let Some(from) = position.checked_sub(trail.len() as u64) else {
            return Ok(false);
        };
        let mut text = vec![0; trail.len()];
        let got = read_full(&self.file, &mut text, from)?;
        Ok(text[..got] == *trail)
    }

    /// The offset right after the first occurrence of `trail` in the file; `None` when it does not occur.
    pub(crate) fn place_after(&self, trail: &[u8]) -> io::Result<Option<u64>> {
        place_after(trail, |into, at| read_full(&self.file, into, at))
    }

    /// The end of the last whole line within the first `bytes`; 0 when there is none.
    pub(crate) fn last_line_end(&self, bytes: u64) -> io::Result<u64> {
        let mut end = bytes;
        let mut text = vec![0; SEARCHED_BYTES];
        while end > 0 {
            let from = end.saturating_sub(SEARCHED_BYTES as u64);
            let room = usize::try_from(end - from).expect("at most a megabyte");
            let got = read_full(&self.file, &mut text[..room], from)?;
            if let Some(newline) = memrchr(b'\n', &text[..got]) {
                return Ok(from + newline as u64 + 1);
            }
            end = from;
        }
        Ok(0)
    }

    /// Hands out lines that only the archive holds.
    pub(super) fn recover<F: FileSystem>(&mut self, ctx: &mut Ctx<'_, F>) -> LookProgress {
        let Some(mut recovery) = self.recovery.take() else {
            return LookProgress::default();
        };
        match recovery.next(ctx, &mut self.lines) {
            Ok(true) => self.recovery = Some(recovery),
            Ok(false) => {}
            Err(_) => self.lines.report(ctx, true, LOST),
        }
        LookProgress {
            bytes: ctx.buffer.len(),
            more: true,
        }
    }
}

/// Number of blank bytes at the front.
fn blanks(front: &[u8]) -> u64 {
    front.iter().take_while(|&&b| b == b'\n').count() as u64
}
