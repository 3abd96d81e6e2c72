//! Lines that only an archive holds: a rotation took them off a file before they were read, or they were
//! written, sealed and deleted between two looks (the reader of the output was slow, or the machine slept).

use std::cmp::Reverse;
use std::io;

use memchr::memrchr;

use super::file_system::{ArchivePart, FileSystem, place_after};
use super::outlet::{Ctx, LINE_BYTES_MAX, LineOutput};
use calltrace_model::record::Stamp;
use calltrace_store::tree::{EnterpriseName, Head, ListedFile};

/// The part of an archive that begins as `head` says: lines of a file that were copied there before they were
/// taken off the file. The newest archive that has such a part is used; an archive that can't be read counts
/// as having none.
///
/// # Errors
/// When the folder can't be listed.
pub(super) fn archived<F: FileSystem>(
    files: &F,
    enterprise: &EnterpriseName,
    head: &Head,
) -> io::Result<Option<ArchivePart>> {
    if !head.is_specific() {
        return Ok(None);
    }
    let mut archives: Vec<ListedFile> = files.list(enterprise)?;
    archives.retain(|listed| listed.name.gz);
    archives.sort_by_key(|listed| Reverse(listed.modified));
    Ok(archives.iter().find_map(|listed| {
        let mut parts = files.parts(enterprise, &listed.name).ok()?;
        let at = parts.iter().rposition(|part| part.head.agrees(head))?;
        Some(parts.swap_remove(at))
    }))
}

/// Whether content that begins with `head` is of a later day than content that begins with `other`.
pub(super) fn is_of_later_day(head: &Head, other: &Head) -> bool {
    let day = |head: &Head| head.time()?.naive().map(|at| at.date());
    let days = day(head).zip(day(other));
    days.is_some_and(|(day, other)| day > other)
}

/// The content that follows `trail` in an archive of a later day than the lines that begin with `head`: a
/// rotation may have taken it off the same file after them. An archive that can't be read counts as having
/// none.
///
/// # Errors
/// When the folder can't be listed.
pub(super) fn archived_after<F: FileSystem>(
    files: &F,
    enterprise: &EnterpriseName,
    head: &Head,
    trail: &[u8],
) -> io::Result<Option<Recovery>> {
    let archives = files.list(enterprise)?;
    let archives = archives.iter().filter(|listed| listed.name.gz);
    let parts =
        archives.flat_map(|listed| files.parts(enterprise, &listed.name).unwrap_or_default());
    let mut later: Vec<ArchivePart> = parts
        .filter(|part| is_of_later_day(&part.head, head))
        .collect();
    later.sort_by_key(|part| part.head.time());
    Ok(later.into_iter().find_map(|part| {
        let end = (part.bytes)().ok()?;
        let at = place_after(trail, &part.read).ok()??;
        (at <= end).then(|| Recovery::new(part, at, end))
    }))
}

/// A stretch of a part that is read line by line.
#[derive(Debug)]
pub(super) struct Recovery {
    part: ArchivePart,
    at: u64,
    end: u64,
    /// Lines are skipped until one has a later time.
    after: Option<Stamp>,
}

impl Recovery {
    pub(super) fn new(part: ArchivePart, at: u64, end: u64) -> Recovery {
        Recovery {
            part,
            at,
            end,
            after: None,
        }
    }

    /// Whether there is nothing to be read.
    pub(super) fn is_empty(&self) -> bool {
        self.at == self.end
    }

    /// How many bytes of `lines` are to be skipped.
    fn passed_over(&mut self, lines: &[u8]) -> usize {
        let Some(after) = self.after else { return 0 };
        let mut at = 0;
        for line in lines.split_inclusive(|&b| b == b'\n') {
            if Stamp::parse_prefix(line).is_some_and(|time| time > after) {
                self.after = None;
                break;
            }
            at += line.len();
        }
        at
    }

    /// Hands out the next lines. False when there are no more.
    ///
    /// # Errors
    /// When the archive can't be read any further; then no more lines come from it.
    pub(super) fn next<F: FileSystem>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        lines: &mut LineOutput,
    ) -> io::Result<bool> {
        let mut buffer = std::mem::take(ctx.buffer);
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let room = left.min(buffer.len());
        let got = (self.part.read)(&mut buffer[..room], self.at);
        let text = &buffer[..*got.as_ref().unwrap_or(&0)];
        let mut whole = memrchr(b'\n', text).map_or(0, |newline| newline + 1);
        if whole == 0 && (room == left || room >= LINE_BYTES_MAX) {
            // A last line without its newline, or one that is too long.
            whole = text.len();
        }
        let passed = self.passed_over(&text[..whole]);
        lines.hand_out(ctx, self.at + passed as u64, &text[passed..whole]);
        self.at += whole as u64;
        let is_short = text.len() < room;
        if whole == 0 && !is_short {
            buffer.resize((room * 4).min(LINE_BYTES_MAX), 0);
        }
        *ctx.buffer = buffer;
        got?;
        if is_short {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(self.at < self.end)
    }
}

/// Lines that were never readable in a log file, only in an archive.
#[derive(Debug)]
pub(super) struct MissedLines {
    recovery: Recovery,
    lines: LineOutput,
    is_announced: bool,
}

impl MissedLines {
    /// The lines of a part from `from` on, starting with the first that is later than `after`.
    ///
    /// # Errors
    /// When the length of its content can't be determined.
    pub(super) fn new(
        part: ArchivePart,
        from: u64,
        after: Option<Stamp>,
        lines: LineOutput,
    ) -> io::Result<MissedLines> {
        let end = (part.bytes)()?;
        let recovery = Recovery {
            part,
            at: from.min(end),
            end,
            after,
        };
        Ok(MissedLines {
            recovery,
            lines,
            is_announced: false,
        })
    }

    /// Length of the part's content.
    pub(super) fn bytes(&self) -> u64 {
        self.recovery.end
    }

    /// Whether there is nothing to be read.
    pub(super) fn is_empty(&self) -> bool {
        self.recovery.is_empty()
    }

    /// Hands out the next lines. False when there are no more.
    pub(super) fn look<F: FileSystem>(&mut self, ctx: &mut Ctx<'_, F>) -> bool {
        let more = match self.recovery.next(ctx, &mut self.lines) {
            Ok(more) => more,
            Err(_) => {
                self.lines.report(ctx, true, "can't be read completely");
                false
            }
        };
        if self.recovery.after.is_none() && !std::mem::replace(&mut self.is_announced, true) {
            let what =
                "holds lines that were sealed before they could be followed; read from there";
            self.lines.report(ctx, false, what);
        }
        more
    }
}
