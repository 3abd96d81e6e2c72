//! Files that begin as others do: what logrotate's `copytruncate`, an editor, a mirror or an
//! administrator leaves. A copy holds nothing new, until its original loses what was not read yet, or
//! the copy takes its place and grows.

use std::time::Duration;

use super::{Folder, Followed};
use crate::files::{Files, OpenFile, read_front};
use crate::outlet::Ctx;
use crate::stream::Former;
use calltrace_store::fsx::FileIdentity;
use calltrace_store::tree::{FileName, Generation, Head};

/// Contents that are gone are remembered for this many files, to know a copy that turns up.
const FORMER_MAX: usize = 16;

/// A file that begins with little is waited for this long: a copy is made before it is filled, and
/// filled piece by piece.
const FILLED_AFTER: Duration = Duration::from_secs(1);

/// An old day that is being unpacked is complete when it did not grow for this long.
const UNPACKED_AFTER: Duration = Duration::from_secs(2);

/// A dated file that appears with a first record this much (milliseconds) older than the newest one
/// known at the start is an old day that somebody unpacked.
const OLD_MILLIS: i64 = 10 * 60_000;

/// What a file that is not simply read may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Copy {
    /// Too little of it has been written to tell.
    Undecided,
    /// It begins as a file that is followed, and is not read as long as that has all of it.
    OfFile(FileIdentity),
    /// It begins as a content that is gone: read up to here, and what stood before that.
    OfFormer(u64, Vec<u8>),
    /// Of a time before the start: nothing in it is new.
    Old,
}

impl<H: OpenFile> Folder<H> {
    /// What the file at `at`, which begins as `head` says, is a copy of. Of several the one that was
    /// read furthest: a file may be replaced again and again.
    fn copied(&self, at: usize, head: &Head) -> Option<Copy> {
        let followed = self.followed.iter().enumerate().filter_map(|(other, f)| {
            let is_older = f.copy.is_none() || f.copy == Some(Copy::Undecided) && other < at;
            // It may have been truncated and written again since it was looked at.
            let known = f.stream.head.agrees(head);
            let same = is_older && (known || f.stream.begins_now(head));
            let position = if known { f.stream.position } else { 0 };
            same.then_some((position, Copy::OfFile(f.stream.stat.identity)))
        });
        let former = self.former.iter().filter(|former| former.head.agrees(head));
        let former = former.map(|f| (f.position, Copy::OfFormer(f.position, f.trail.clone())));
        let furthest = former.chain(followed).max_by_key(|(position, _)| *position);
        furthest.map(|(_, copy)| copy)
    }

    /// Whether a file is to be read now.
    pub(super) fn may_read<F: Files<File = H>>(&mut self, ctx: &mut Ctx<'_, F>, at: usize) -> bool {
        match &self.followed[at].copy {
            None => true,
            Some(Copy::Undecided) => self.decide(ctx, at),
            Some(Copy::Old) => self.pass_over_old(ctx, at),
            Some(Copy::OfFile(identity)) => self.may_take_over(ctx, at, *identity),
            Some(Copy::OfFormer(position, trail)) => {
                let (position, trail) = (*position, trail.clone());
                self.go_on_in(ctx, at, position, &trail)
            }
        }
    }

    /// Says what a new file is, once enough of it is there.
    fn decide<F: Files<File = H>>(&mut self, ctx: &mut Ctx<'_, F>, at: usize) -> bool {
        let followed = &mut self.followed[at];
        if !followed.stream.head.is_enough() {
            let Ok(front) = read_front(&followed.stream.file) else {
                return false;
            };
            // What began otherwise has moved since; what it began with leads to where it is.
            let head = Head::of(&front);
            let known = &followed.stream.head;
            if !known.tells() || known.agrees(&head) {
                followed.stream.head = head;
            }
        }
        let head = followed.stream.head.clone();
        let age = ctx.now.saturating_duration_since(followed.met);
        if head.is_empty() || !head.is_enough() && age < FILLED_AFTER {
            return false;
        }
        let identity = followed.stream.stat.identity;
        // Recovered lines are of earlier times, and news all the same.
        let may_be_late =
            followed.is_live() || followed.name.as_ref().is_some_and(FileName::is_recovered);
        let old = matches!((head.time(), self.newest_at_start), (Some(first), Some(newest))
            if newest.since(first) > OLD_MILLIS);
        let copy = self.copied(at, &head);
        let followed = &mut self.followed[at];
        let what = if let Some(position) = self.refused.remove(&identity) {
            followed.stream.position = position;
            followed.copy = None;
            "can be read again"
        } else if copy.is_some() {
            followed.copy = copy;
            "is a copy of what was read before"
        } else if old && !may_be_late {
            followed.copy = Some(Copy::Old);
            "is of an earlier time; followed from its end"
        } else {
            followed.copy = None;
            "is new; followed from its start"
        };
        followed.stream.lines.tell(ctx, false, what);
        self.dirty = true;
        self.followed[at].copy.is_none()
    }

    fn pass_over_old<F>(&mut self, ctx: &mut Ctx<'_, F>, at: usize) -> bool {
        let followed = &mut self.followed[at];
        let Ok(stat) = followed.stream.file.stat() else {
            return false;
        };
        if std::mem::replace(&mut followed.stream.stat, stat).bytes != stat.bytes {
            followed.grown = ctx.now;
        }
        let is_complete = ctx.now.saturating_duration_since(followed.grown) >= UNPACKED_AFTER;
        if is_complete {
            followed.go_on(stat.bytes);
        }
        is_complete
    }

    /// Whether a copy has more than its original, or its original is gone.
    fn may_take_over<F: Files<File = H>>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        at: usize,
        identity: FileIdentity,
    ) -> bool {
        let copy = &self.followed[at];
        let original = self.following(identity);
        let Some(original) = original.filter(|f| f.stream.is_read()) else {
            return false;
        };
        let begins = &original.stream.head;
        if begins.is_empty() || begins.agrees(&copy.stream.head) {
            let bytes = |f: &Followed<H>| f.stream.file.stat().map_or(0, |stat| stat.bytes);
            if original.name.is_some() && bytes(original) >= bytes(copy) {
                return false;
            }
            let (position, trail) = (original.stream.position, original.stream.trail());
            return self.go_on_in(ctx, at, position, &trail);
        }
        // With another content by now: what was copied came and went between two looks.
        self.followed[at].copy = None;
        true
    }

    /// Goes on in a copy of what was read up to `position`, if it has more, and `trail` stands there.
    /// A copy that was changed (lines taken out, an editor) is read from behind `trail`, else from its
    /// end.
    fn go_on_in<F: Files<File = H>>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        at: usize,
        position: u64,
        trail: &[u8],
    ) -> bool {
        let followed = &mut self.followed[at];
        let bytes = followed.stream.file.stat().map_or(0, |stat| stat.bytes);
        let stands = followed
            .stream
            .stands_before(position, trail)
            .unwrap_or(false);
        if stands {
            if bytes > position {
                followed.go_on(position);
            }
            return bytes > position;
        }
        // A copy that is being made has not come so far yet; a name that writers use is complete.
        let is_live = followed.is_live();
        let age = ctx.now.saturating_duration_since(followed.met);
        if age < FILLED_AFTER || bytes < position && !is_live {
            return false;
        }
        match followed.stream.place_behind(trail) {
            Ok(Some(place)) => followed.go_on(place),
            Ok(None) => {
                let Ok(end) = followed.stream.last_line_end(bytes) else {
                    return false;
                };
                let what = "was replaced by a changed copy; what is new in it can't be told, followed from its end";
                followed.stream.lines.tell(ctx, true, what);
                followed.go_on(end);
            }
            Err(_) => return false,
        }
        true
    }

    /// A content is gone: if there is a copy, it is read on.
    pub(super) fn pass_on(&mut self, identity: FileIdentity, former: Former) {
        let original = self.following(identity);
        let now = original.map(|f| f.stream.head.clone()).unwrap_or_default();
        for copy in &mut self.followed {
            if copy.copy != Some(Copy::OfFile(identity)) {
                continue;
            }
            let begins = &copy.stream.head;
            if begins.agrees(&former.head) {
                copy.copy = Some(Copy::OfFormer(former.position, former.trail.clone()));
            } else if !begins.agrees(&now) {
                // Of a content that came and went between two looks: nothing of it has been read.
                copy.copy = None;
            }
            self.dirty = true;
        }
        self.remember(former);
    }

    /// A content that is known without being followed.
    pub(super) fn remember(&mut self, former: Former) {
        if !former.head.tells() {
            return;
        }
        if self.former.len() == FORMER_MAX {
            self.former.pop_front();
        }
        self.former.push_back(former);
    }
}

impl<H: OpenFile> Followed<H> {
    /// Whether it has the name that writers use.
    fn is_live(&self) -> bool {
        matches!(&self.name, Some(name) if name.generation == Generation::Live)
    }

    /// From here on it is a file like others.
    fn go_on(&mut self, position: u64) {
        self.copy = None;
        self.stream.position = position;
    }
}
