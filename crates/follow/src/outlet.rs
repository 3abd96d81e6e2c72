//! Passes lines on after reading: through the sieve, into the merge.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::arrival::{FileNews, LineRun};
use super::merge::{LaneId, Merge};
use super::sieve::Sieve;
use calltrace_model::record::Stamp;
use calltrace_store::tree::EnterpriseName;

/// Longest line that is handed out (bytes); the rest of a longer one is skipped.
pub(super) const LINE_BYTES_MAX: usize = 32 << 20;

/// What the streams of an enterprise share.
pub(super) struct Ctx<'c, F> {
    pub(super) files: &'c F,
    pub(super) enterprise: &'c Arc<EnterpriseName>,
    pub(super) sieve: &'c Sieve,
    pub(super) merge: &'c mut Merge,
    pub(super) news: &'c mut Vec<FileNews>,
    /// Read buffer. It grows for a line that is longer than it.
    pub(super) buffer: &'c mut Vec<u8>,
    /// When names in the folder last changed, if that is so long ago that a further change would
    /// have another time.
    pub(super) steady_names: Option<SystemTime>,
    pub(super) now: Instant,
    pub(super) window: Duration,
}

/// Progress of one look at a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct LookProgress {
    pub(super) bytes: usize,
    /// More content can be read at once.
    pub(super) more: bool,
}

/// The output of one file: its lane and the name shown with its lines.
#[derive(Debug)]
pub(super) struct LineOutput {
    /// The file's name when it was last listed.
    pub(super) name: Arc<str>,
    lane: LaneId,
    /// Time of the last record, whether or not it passed the filter.
    pub(super) last_time: Option<Stamp>,
}

impl LineOutput {
    pub(super) fn new(name: Arc<str>, lane: LaneId) -> LineOutput {
        LineOutput {
            name,
            lane,
            last_time: None,
        }
    }

    /// Hands out those of `lines` that pass the filter; `start` is the offset of the first.
    pub(super) fn hand_out<F>(&mut self, ctx: &mut Ctx<'_, F>, start: u64, lines: &[u8]) {
        let room = if ctx.sieve.is_wide() { lines.len() } else { 0 };
        let mut run = LineRun::new(ctx.enterprise, &self.name, room);
        ctx.sieve
            .lines(lines, &mut self.last_time, |at, text, time| {
                // NUL bytes of a hole before a line are not shown.
                let nuls = text.iter().take_while(|&&b| b == 0).count();
                if nuls < text.len() {
                    run.push(start + (at + nuls) as u64, time, &text[nuls..]);
                }
            });
        ctx.merge.push(self.lane, run, ctx.now, ctx.window);
    }

    pub(super) fn report<F>(&self, ctx: &mut Ctx<'_, F>, matters: bool, what: &str) {
        let text = format!("{}/{} {what}", ctx.enterprise, self.name);
        ctx.news.push(FileNews::new(text, matters));
    }
}
