//! One open file: reads what is appended, line by line, through truncations and collapses.
//!
//! `position` is the beginning of the first line that was not handed out; a line without its newline
//! is read again when the file has changed, so nothing of it need be kept. Whatever is read counts
//! only if the file still begins as it did *after* reading ([`decide`]).
//!
//! While lines are being taken off the front there is a moment when some are blank already and the
//! file has not moved yet. Writers write no blank lines, so one that is met is taken for that moment
//! until a look at the archives shows otherwise; and since the line before it may have lost its end,
//! it waits for the same look.

mod place;

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use memchr::{memchr, memmem, memrchr};

use super::archives::Recovery;
use super::decide::{Action, Now, Seen, decide};
use super::files::{Files, OpenFile, Stat, read_full};
use super::merge::Lane;
use super::outlet::{Ctx, LINE_BYTES_MAX, Lines, Looked};
use calltrace_store::tree::Head;

pub(super) use place::Former;

/// Of the blank bytes before a head so many are looked at again.
const BLANKS_CHECKED: u64 = 256;

/// Kept of what was handed out last, to know the place again (bytes).
const TRAIL_BYTES: usize = 256;

/// A file that is followed.
#[derive(Debug)]
pub(super) struct Stream<H> {
    pub(super) file: H,
    pub(super) lines: Lines,
    /// What it was like when everything up to its end had been looked at.
    pub(super) rested: Option<Stat>,
    pub(super) stat: Stat,
    pub(super) position: u64,
    pub(super) head: Head,
    /// So much of the head has not been blanked, while a collapse is under way.
    torn: Option<usize>,
    trail: Vec<u8>,
    recovery: Option<Recovery>,
    /// As of these changes of names no archive begins as this file does.
    unarchived: Option<SystemTime>,
    /// In a line that is longer than can be handed out.
    skips_line: bool,
    told_of_hole: bool,
    /// What it held until the last look, when it holds something else now.
    pub(super) former: Option<Former>,
    /// That was because it was truncated.
    pub(super) was_truncated: bool,
}

impl<H: OpenFile> Stream<H> {
    /// A file of which everything before `position` is known.
    pub(super) fn new(
        file: H,
        name: Arc<str>,
        lane: Lane,
        stat: Stat,
        position: u64,
        head: Head,
    ) -> Self {
        let trail_bytes = position.min(TRAIL_BYTES as u64);
        let mut trail = vec![0; TRAIL_BYTES.min(usize::try_from(position).unwrap_or(usize::MAX))];
        let got = read_full(&file, &mut trail, position - trail_bytes);
        trail.truncate(got.unwrap_or(0));
        Stream {
            file,
            lines: Lines::new(name, lane),
            rested: None,
            stat,
            position,
            head,
            torn: None,
            trail,
            recovery: None,
            unarchived: None,
            skips_line: false,
            told_of_hole: false,
            former: None,
            was_truncated: false,
        }
    }

    /// Whether everything that was there at the last look has been handed out, but for a line without
    /// its newline.
    pub(super) fn is_read(&self) -> bool {
        self.recovery.is_none() && self.rested.is_some()
    }

    /// What was handed out last, as far as it is kept.
    pub(super) fn trail(&self) -> Vec<u8> {
        self.trail.clone()
    }

    /// Whether lines of it are being read from an archive.
    pub(super) fn is_recovering(&self) -> bool {
        self.recovery.is_some()
    }

    /// Whether the file begins as `head` says at this moment.
    pub(super) fn begins_now(&self, head: &Head) -> bool {
        let mut front = vec![0; head.reach()];
        let got = read_full(&self.file, &mut front, 0);
        got.is_ok_and(|got| Head::of(&front[..got]).agrees(head))
    }

    /// Reads what is new, up to the budget.
    ///
    /// # Errors
    /// When the file can't be read; the next look tries again.
    pub(super) fn look<F: Files>(&mut self, ctx: &mut Ctx<'_, F>) -> io::Result<Looked> {
        if self.recovery.is_some() {
            return Ok(self.recover(ctx));
        }
        let stat = self.file.stat()?;
        let before = std::mem::replace(&mut self.stat, stat);
        // Nothing was written in between, as far as the file system tells.
        let is_same = |was: Stat| (was.bytes, was.modified) == (stat.bytes, stat.modified);
        if self.rested.is_some_and(is_same) {
            return Ok(Looked::default());
        }
        self.rested = None;
        let room = ctx.buffer.len();
        let got = read_full(&self.file, ctx.buffer, self.position)?;
        // What was just read may be of the beginning as well, and must be what still stands there.
        let head = match self.torn {
            Some(standing) => self.head.first(standing),
            None => {
                let mut head = self.head.clone();
                head.extend(self.position, &ctx.buffer[..got]);
                head
            }
        };
        let begins = self.text_at(&head)?;
        let seen = Seen {
            identity: before.identity,
            position: self.position,
            head: &head,
        };
        let now = Now {
            identity: stat.identity,
            // What was read is there, even if it came after `stat`.
            bytes: stat.bytes.max(self.position + got as u64),
            head: &begins,
        };
        let shrunk = got == 0 && stat.bytes < self.position;
        match decide(seen, now) {
            Action::Read if !shrunk => {
                if self.torn.is_none() {
                    self.head = head;
                }
                self.take(ctx, got, got == room, stat)
            }
            Action::Rest if !shrunk => {
                self.rested = Some(stat);
                Ok(Looked::default())
            }
            _ => {
                self.find_place(ctx, true)?;
                Ok(Looked {
                    bytes: got,
                    more: true,
                })
            }
        }
    }

    /// What stands where the head stood; nothing when what was blank before it is not so any more.
    fn text_at(&self, head: &Head) -> io::Result<Vec<u8>> {
        let blank_bytes = head.at().min(BLANKS_CHECKED);
        let blank = usize::try_from(blank_bytes).expect("some hundreds");
        let mut text = vec![0; blank + head.len()];
        let got = read_full(&self.file, &mut text, head.at() - blank_bytes)?;
        text.truncate(got);
        let is_blank = |bytes: &[u8]| bytes.iter().all(|&b| b == b'\n' || b == 0);
        if got < blank || !is_blank(&text[..blank]) {
            return Ok(Vec::new());
        }
        text.drain(..blank);
        Ok(text)
    }

    /// Hands out the whole lines of the `got` bytes in the buffer.
    fn take<F: Files>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        got: usize,
        full: bool,
        stat: Stat,
    ) -> io::Result<Looked> {
        let buffer = std::mem::take(ctx.buffer);
        let taken = self.take_from(ctx, &buffer[..got], full);
        *ctx.buffer = buffer;
        match taken? {
            Taken::Lines(0) if full => self.make_room(ctx),
            Taken::Lines(_) if !full => self.rested = Some(stat),
            _ => {}
        }
        Ok(Looked {
            bytes: got,
            more: self.rested.is_none(),
        })
    }

    fn take_from<F: Files>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        data: &[u8],
        full: bool,
    ) -> io::Result<Taken> {
        let passed = self.pass_over(ctx, data);
        if passed > 0 {
            self.position += passed as u64;
            return Ok(Taken::Again);
        }
        let mut whole = memrchr(b'\n', data).map_or(0, |newline| newline + 1);
        if full && whole == data.len() {
            // What follows the last line says whether that is its end.
            whole = memrchr(b'\n', &data[..whole - 1]).map_or(0, |newline| newline + 1);
        }
        let Some(doubtful) = doubtful_from(data, whole) else {
            self.hand_out(ctx, &data[..whole]);
            return Ok(Taken::Lines(whole));
        };
        self.hand_out(ctx, &data[..doubtful]);
        if self.may_be_collapsing(ctx) && self.find_place(ctx, false)? {
            return Ok(Taken::Again);
        }
        self.hand_out(ctx, &data[doubtful..whole]);
        Ok(Taken::Lines(whole))
    }

    /// Whether an archive may hold what the file begins with. Where none did and no name has changed
    /// since, it is no use to look again: some writers do write blank lines.
    fn may_be_collapsing<F: Files>(&self, ctx: &Ctx<'_, F>) -> bool {
        let names = ctx.files.names_changed(ctx.enterprise).ok();
        names.is_none() || names != self.unarchived
    }

    /// Bytes at the position that are no line: a hole, or the rest of a line that was too long.
    fn pass_over<F>(&mut self, ctx: &mut Ctx<'_, F>, data: &[u8]) -> usize {
        if self.skips_line {
            let end = memchr(b'\n', data);
            self.skips_line = end.is_none();
            return end.map_or(data.len(), |newline| newline + 1);
        }
        let nuls = data.iter().take_while(|&&b| b == 0).count();
        if nuls > 0 && !std::mem::replace(&mut self.told_of_hole, true) {
            let text =
                "holds a run of NUL bytes: it was truncated under a writer that does not append";
            self.lines.tell(ctx, true, text);
        }
        nuls
    }

    fn hand_out<F>(&mut self, ctx: &mut Ctx<'_, F>, lines: &[u8]) {
        self.lines.hand_out(ctx, self.position, lines);
        self.position += lines.len() as u64;
        self.trail
            .extend_from_slice(&lines[lines.len().saturating_sub(TRAIL_BYTES)..]);
        self.trail
            .drain(..self.trail.len().saturating_sub(TRAIL_BYTES));
    }

    /// A line does not fit in the buffer.
    fn make_room<F>(&mut self, ctx: &mut Ctx<'_, F>) {
        if ctx.buffer.len() < LINE_BYTES_MAX {
            let room = (ctx.buffer.len() * 4).min(LINE_BYTES_MAX);
            ctx.buffer.resize(room, 0);
            return;
        }
        let buffer = std::mem::take(ctx.buffer);
        self.hand_out(ctx, &buffer);
        *ctx.buffer = buffer;
        self.skips_line = ctx.buffer.last() != Some(&b'\n');
        if self.skips_line {
            let what = "has a line of more than 32 MiB; its rest is left out";
            self.lines.tell(ctx, true, what);
        }
    }

    /// What there is of a last line that never got its newline, when nothing more will come.
    pub(super) fn give_up<F: Files>(&mut self, ctx: &mut Ctx<'_, F>) {
        let got = read_full(&self.file, ctx.buffer, self.position).unwrap_or(0);
        let end = memchr(b'\n', &ctx.buffer[..got]).unwrap_or(got);
        if end == 0 {
            return;
        }
        self.lines.tell(
            ctx,
            true,
            "ended in the middle of a line; what there is of it is shown",
        );
        let half = ctx.buffer[..end].to_vec();
        self.hand_out(ctx, &half);
    }
}

/// What became of a buffer.
enum Taken {
    /// So many bytes of lines were handed out.
    Lines(usize),
    /// The position is another; the rest of the buffer is not what stands there.
    Again,
}

/// Where lines begin that a collapse may be about to take away: with the line before the first blank
/// one. Looks at the first `whole` bytes, and one behind them.
fn doubtful_from(data: &[u8], whole: usize) -> Option<usize> {
    let seen = &data[..data.len().min(whole + 1)];
    if whole == 0 {
        return None;
    }
    if seen.first() == Some(&b'\n') {
        return Some(0);
    }
    let blank = memmem::find(seen, b"\n\n")?;
    Some(memrchr(b'\n', &data[..blank]).map_or(0, |newline| newline + 1))
}
