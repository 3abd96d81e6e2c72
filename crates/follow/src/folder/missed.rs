//! Which new archives hold lines that could not be read from a log file.

use std::time::Duration;

use super::{FollowedFolder, ListedFile};
use crate::archives::MissedLines;
use crate::file_system::{FileSystem, OpenFile};
use crate::merge::LaneId;
use crate::outlet::{Ctx, LineOutput, LookProgress};
use crate::stream::FormerContent;
use calltrace_store::tree::Head;

/// The follower looks every second. A longer pause than this means that it was held up: the output was not
/// read, or the machine slept.
const HELD_UP: Duration = Duration::from_secs(2);

/// Chunks of missed lines that are read in one look (each as large as a chunk of a file) before the other
/// files have their turn.
const CHUNKS_MAX: usize = 16;

impl<H: OpenFile> FollowedFolder<H> {
    /// Finds archives with lines that were written, sealed and deleted between two looks.
    pub(super) fn find_missed<F: FileSystem<File = H>>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        listed: &[ListedFile],
        lanes: &mut LaneId,
    ) {
        let was_held_up = ctx.now.saturating_duration_since(self.visited) > HELD_UP;
        for archive in listed.iter().filter(|listed| listed.name.gz) {
            // Archives that were there at the start are history.
            if !self.archives.insert(archive.identity) || !self.listed {
                continue;
            }
            let parts = ctx.files.parts(&self.enterprise, &archive.name);
            for part in parts.unwrap_or_default() {
                let head = part.head.clone();
                // A rotation appends the lines of a file to the archive of their day without a mark between
                // them. A follower that was not held up has read them; after a pause they are checked.
                let known = self.known_bytes(&head);
                if known.is_some() && !was_held_up {
                    continue;
                }
                // Content that began before the newest record was visible in an earlier look.
                if !head.is_specific() || known.is_none() && head.time() <= self.newest {
                    continue;
                }
                *lanes += 1;
                let lines = LineOutput::new(archive.name.full().into(), *lanes);
                let missed = MissedLines::new(part, known.unwrap_or(0), self.newest, lines);
                let Ok(missed) = missed else {
                    // The archive may still be in the making.
                    self.archives.remove(&archive.identity);
                    continue;
                };
                if missed.is_empty() {
                    continue;
                }
                if known.is_none() {
                    self.remember(FormerContent::new(head, missed.bytes(), Vec::new()));
                }
                self.missed.push(missed);
                self.dirty = true;
            }
        }
    }

    /// Reads missed lines. Content cut off a followed file comes before them, the present content of the
    /// files after them.
    pub(super) fn catch_up<F: FileSystem<File = H>>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        all: &mut LookProgress,
    ) {
        for at in 0..self.followed.len() {
            let stream = &self.followed[at].stream;
            if stream.is_recovering() || !stream.begins_now(&stream.head) {
                self.look_at(ctx, at, all);
            }
        }
        if self.followed.iter().any(|f| f.stream.is_recovering()) {
            return;
        }
        for _ in 0..CHUNKS_MAX {
            let Some(first) = self.missed.first_mut() else {
                return;
            };
            if !first.look(ctx) {
                self.missed.remove(0);
            }
        }
    }

    /// How many bytes of content with this head are or were followed; `None` when there is no such content.
    fn known_bytes(&self, head: &Head) -> Option<u64> {
        let streams = self.followed.iter().map(|f| &f.stream);
        let own = streams.filter(|stream| stream.head.agrees(head) || stream.begins_now(head));
        let followed = own.map(|stream| match stream.begins_now(head) {
            true => stream.file.stat().map_or(u64::MAX, |stat| stat.bytes),
            // The file has moved, and recovers this part itself.
            false => u64::MAX,
        });
        let closed = self.closed.iter().filter(|closed| closed.head.agrees(head));
        let closed = closed.map(|closed| closed.stat.bytes);
        let former = self.former.iter().filter(|former| former.head.agrees(head));
        let former = former.map(|former| former.position);
        followed.chain(closed).chain(former).max()
    }
}
