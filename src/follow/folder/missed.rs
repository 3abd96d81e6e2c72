//! Which new archives hold lines that nobody could follow.

use super::{Folder, Listed};
use crate::follow::archives::Missed;
use crate::follow::files::{Files, OpenFile};
use crate::follow::merge::Lane;
use crate::follow::outlet::{Ctx, Looked};
use crate::follow::stream::Former;
use crate::tree::Head;

impl<H: OpenFile> Folder<H> {
    /// Archives that hold what was written, sealed and deleted between two looks.
    pub(super) fn find_missed<F: Files<File = H>>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        listed: &[Listed],
        lanes: &mut Lane,
    ) {
        for archive in listed.iter().filter(|listed| listed.name.gz) {
            // What was there at first is history.
            if !self.archives.insert(archive.identity) || !self.listed {
                continue;
            }
            let parts = ctx.files.parts(&self.enterprise, &archive.name);
            for part in parts.unwrap_or_default() {
                let head = part.head.clone();
                // Whatever began before the newest record that was met had its chance to be met.
                let is_newer = part.first > self.newest;
                if !head.tells() || !is_newer || self.has_met(&head) {
                    continue;
                }
                *lanes += 1;
                let Ok(missed) = Missed::new(part, archive.name.full().into(), *lanes) else {
                    // It may still be being written.
                    self.archives.remove(&archive.identity);
                    continue;
                };
                missed.tell(ctx);
                self.remember(Former {
                    head,
                    position: missed.bytes(),
                    trail: Vec::new(),
                });
                self.missed.push(missed);
                self.dirty = true;
            }
        }
    }

    /// Reads what was missed. What was cut off a file that is followed comes before it, what the files hold
    /// now after it.
    pub(super) fn catch_up<F: Files<File = H>>(&mut self, ctx: &mut Ctx<'_, F>, all: &mut Looked) {
        for at in 0..self.followed.len() {
            let stream = &self.followed[at].stream;
            if stream.is_recovering() || !stream.begins_now(&stream.head) {
                self.look_at(ctx, at, all);
            }
        }
        let recovers = self.followed.iter().any(|f| f.stream.is_recovering());
        if !recovers && !self.missed[0].look(ctx) {
            self.missed.remove(0);
        }
        all.more = true;
    }

    /// Whether a content that begins so is, or was, followed.
    fn has_met(&self, head: &Head) -> bool {
        let streams = self.followed.iter().map(|f| &f.stream);
        let followed = streams.map(|stream| stream.head.agrees(head) || stream.begins_now(head));
        let closed = self.closed.iter().map(|closed| closed.head.agrees(head));
        let former = self.former.iter().map(|former| former.head.agrees(head));
        followed.chain(closed).chain(former).any(|met| met)
    }
}
