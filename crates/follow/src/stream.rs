//! One open file: reads appended content line by line, through truncations and collapses.
//!
//! `position` is the offset of the first line that was not handed out. A line without its newline is read
//! again when the file has changed, so no part of it is kept. Read bytes count only if the file still begins
//! with the same bytes *after* reading ([`decide`]).
//!
//! While a collapse takes lines off the front, there is a moment when some are already blank and the file has
//! not moved yet. Writers write no blank lines, so a blank line is taken as a sign of that moment until a
//! look at the archives shows otherwise. The line before it may have lost its end, so it waits for the same
//! look.

mod place;

use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use memchr::{memchr, memmem, memrchr};

use super::archives::Recovery;
use super::decide::{Action, KnownState, PresentState, decide};
use super::file_system::{FileStat, FileSystem, OpenFile, read_full};
use super::merge::LaneId;
use super::outlet::{Ctx, LINE_BYTES_MAX, LineOutput, LookProgress};
use calltrace_store::tree::Head;

pub(super) use place::FormerContent;

/// Blank bytes before a head that are compared again.
const BLANKS_CHECKED: u64 = 256;

/// Bytes of the last handed-out lines that are kept, to find the place again.
const TRAIL_BYTES: usize = 256;

/// A file that is followed.
#[derive(Debug)]
pub(super) struct FileStream<H> {
    pub(super) file: H,
    pub(super) lines: LineOutput,
    /// State of the file when everything up to its end had been read.
    pub(super) rested: Option<FileStat>,
    pub(super) stat: FileStat,
    pub(super) position: u64,
    pub(super) head: Head,
    /// Number of bytes of the head that are not blank yet while a collapse is under way.
    torn: Option<usize>,
    trail: Vec<u8>,
    recovery: Option<Recovery>,
    /// At this time of the last change of names, no archive began like this file.
    unarchived: Option<SystemTime>,
    /// The position is inside a line that is too long to be handed out.
    skips_line: bool,
    hole_is_reported: bool,
    /// The content before the last look, if the file has other content now.
    pub(super) former: Option<FormerContent>,
    /// The content changed because the file was truncated.
    pub(super) was_truncated: bool,
}

impl<H: OpenFile> FileStream<H> {
    /// A file that is known up to `position`.
    pub(super) fn new(
        file: H,
        name: Arc<str>,
        lane: LaneId,
        stat: FileStat,
        position: u64,
        head: Head,
    ) -> Self {
        let trail_bytes = position.min(TRAIL_BYTES as u64);
        let mut trail = vec![0; TRAIL_BYTES.min(usize::try_from(position).unwrap_or(usize::MAX))];
        let got = read_full(&file, &mut trail, position - trail_bytes);
        trail.truncate(got.unwrap_or(0));
        FileStream {
            file,
            lines: LineOutput::new(name, lane),
            rested: None,
            stat,
            position,
            head,
            torn: None,
            trail,
            recovery: None,
            unarchived: None,
            skips_line: false,
            hole_is_reported: false,
            former: None,
            was_truncated: false,
        }
    }

    /// Whether everything seen at the last look has been handed out, except a line without its newline.
    pub(super) fn is_read(&self) -> bool {
        self.recovery.is_none() && self.rested.is_some()
    }

    /// The bytes handed out last, as far as they are kept.
    pub(super) fn trail(&self) -> Vec<u8> {
        self.trail.clone()
    }

    /// Whether lines of it are being read from an archive.
    pub(super) fn is_recovering(&self) -> bool {
        self.recovery.is_some()
    }

    /// Whether the file begins with `head` at this moment.
    pub(super) fn begins_now(&self, head: &Head) -> bool {
        let mut front = vec![0; head.reach()];
        let got = read_full(&self.file, &mut front, 0);
        got.is_ok_and(|got| Head::of(&front[..got]).agrees(head))
    }

    /// Reads new content, up to the budget.
    ///
    /// # Errors
    /// When the file can't be read; the next look tries again.
    pub(super) fn look<F: FileSystem>(&mut self, ctx: &mut Ctx<'_, F>) -> io::Result<LookProgress> {
        if self.recovery.is_some() {
            return Ok(self.recover(ctx));
        }
        let stat = self.file.stat()?;
        let before = std::mem::replace(&mut self.stat, stat);
        // The file system shows no write in between.
        let is_same = |was: FileStat| (was.bytes, was.modified) == (stat.bytes, stat.modified);
        if self.rested.is_some_and(is_same) {
            return Ok(LookProgress::default());
        }
        self.rested = None;
        let room = ctx.buffer.len();
        let got = read_full(&self.file, ctx.buffer, self.position)?;
        // The bytes just read may include the file's beginning, and then must still be there.
        let head = match self.torn {
            Some(standing) => self.head.first(standing),
            None => {
                let mut head = self.head.clone();
                head.extend(self.position, &ctx.buffer[..got]);
                head
            }
        };
        let begins = self.text_at(&head)?;
        let seen = KnownState {
            identity: before.identity,
            position: self.position,
            head: &head,
        };
        let now = PresentState {
            identity: stat.identity,
            // The bytes read exist, even if they were written after `stat`.
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
                Ok(LookProgress::default())
            }
            _ => {
                self.find_place(ctx, true)?;
                Ok(LookProgress {
                    bytes: got,
                    more: true,
                })
            }
        }
    }

    /// The bytes at the place of the head; empty when the bytes before it are no longer blank.
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
    fn take<F: FileSystem>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        got: usize,
        full: bool,
        stat: FileStat,
    ) -> io::Result<LookProgress> {
        let buffer = std::mem::take(ctx.buffer);
        let taken = self.take_from(ctx, &buffer[..got], full);
        *ctx.buffer = buffer;
        match taken? {
            BufferOutcome::Lines(0) if full => self.make_room(ctx),
            BufferOutcome::Lines(_) if !full => self.rested = Some(stat),
            _ => {}
        }
        Ok(LookProgress {
            bytes: got,
            more: self.rested.is_none(),
        })
    }

    fn take_from<F: FileSystem>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        data: &[u8],
        full: bool,
    ) -> io::Result<BufferOutcome> {
        let passed = self.pass_over(ctx, data);
        if passed > 0 {
            self.position += passed as u64;
            return Ok(BufferOutcome::Again);
        }
        let mut whole = memrchr(b'\n', data).map_or(0, |newline| newline + 1);
        if full && whole == data.len() {
            // The byte after the last newline shows whether the line really ends there.
            whole = memrchr(b'\n', &data[..whole - 1]).map_or(0, |newline| newline + 1);
        }
        let Some(doubtful) = doubtful_from(data, whole) else {
            self.hand_out(ctx, &data[..whole]);
            return Ok(BufferOutcome::Lines(whole));
        };
        self.hand_out(ctx, &data[..doubtful]);
        if self.may_be_collapsing(ctx) && self.find_place(ctx, false)? {
            return Ok(BufferOutcome::Again);
        }
        self.hand_out(ctx, &data[doubtful..whole]);
        Ok(BufferOutcome::Lines(whole))
    }

    /// Whether an archive may hold the content that the file begins with. If no archive did and no name has
    /// changed since, another look is of no use: some writers do write blank lines.
    fn may_be_collapsing<F: FileSystem>(&self, ctx: &Ctx<'_, F>) -> bool {
        let names = ctx.files.names_changed(ctx.enterprise).ok();
        names.is_none() || names != self.unarchived
    }

    /// Skips bytes at the position that are not a line: a hole, or the rest of a line that was too long.
    fn pass_over<F>(&mut self, ctx: &mut Ctx<'_, F>, data: &[u8]) -> usize {
        if self.skips_line {
            let end = memchr(b'\n', data);
            self.skips_line = end.is_none();
            return end.map_or(data.len(), |newline| newline + 1);
        }
        let nuls = data.iter().take_while(|&&b| b == 0).count();
        if nuls > 0 && !std::mem::replace(&mut self.hole_is_reported, true) {
            let text =
                "holds a run of NUL bytes: it was truncated under a writer that does not append";
            self.lines.report(ctx, true, text);
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

    /// Grows the buffer for a line that does not fit in it.
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
            self.lines.report(ctx, true, what);
        }
    }

    /// Hands out what there is of a last line without a newline, when nothing more will come.
    pub(super) fn give_up<F: FileSystem>(&mut self, ctx: &mut Ctx<'_, F>) {
        let got = read_full(&self.file, ctx.buffer, self.position).unwrap_or(0);
        let end = memchr(b'\n', &ctx.buffer[..got]).unwrap_or(got);
        if end == 0 {
            return;
        }
        self.lines.report(
            ctx,
            true,
            "ended in the middle of a line; the incomplete line is shown",
        );
        let half = ctx.buffer[..end].to_vec();
        self.hand_out(ctx, &half);
    }
}

/// What happened to the content of a buffer.
enum BufferOutcome {
    /// This many bytes of lines were handed out.
    Lines(usize),
    /// The position has changed, so the rest of the buffer is not the content there.
    Again,
}

/// Offset from which a collapse may be about to take lines away: the start of the line before the first blank
/// one. Looks at the first `whole` bytes and one byte after them.
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
