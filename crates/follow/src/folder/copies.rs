//! Files that begin like others, as logrotate's `copytruncate`, an editor, a mirror or an administrator
//! leaves them. A copy holds nothing new until its original loses unread content, or until the copy takes the
//! original's place and grows.

use std::time::Duration;

use super::{FollowedFile, FollowedFolder};
use crate::file_system::{FileSystem, OpenFile, read_front};
use crate::outlet::Ctx;
use crate::stream::FormerContent;
use calltrace_store::fsx::FileIdentity;
use calltrace_store::tree::{FileName, Generation, Head};

/// Lost content is remembered for this many files, so that a copy that appears later is recognized.
const FORMER_MAX: usize = 16;

/// A file with little content is waited for this long: a copy is created empty and filled piece by piece.
const FILLED_AFTER: Duration = Duration::from_secs(1);

/// An old day that is being unpacked counts as complete when it has not grown for this long.
const UNPACKED_AFTER: Duration = Duration::from_secs(2);

/// A dated file with a first record this much (milliseconds) older than the newest record known at the
/// start is an old day that an administrator unpacked.
const OLD_MILLIS: i64 = 10 * 60_000;

/// Why a file is not simply read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CopyOrigin {
    /// It has too little content to decide.
    Undecided,
    /// It begins like a followed file, and is not read as long as that file has all of its content.
    OfFile(FileIdentity),
    /// It begins like lost content that was read up to this offset; the bytes were right before the offset.
    OfFormer(u64, Vec<u8>),
    /// It is older than the start, so nothing in it is new.
    Old,
}

impl<H: OpenFile> FollowedFolder<H> {
    /// The original of the file at `at`, which begins with `head`. Among several originals the one that was
    /// read furthest is used: a file may be replaced again and again.
    fn copied(&self, at: usize, head: &Head) -> Option<CopyOrigin> {
        let followed = self.followed.iter().enumerate().filter_map(|(other, f)| {
            let is_older = f.copy.is_none() || f.copy == Some(CopyOrigin::Undecided) && other < at;
            // The file may have been truncated and rewritten since the last look.
            let known = f.stream.head.agrees(head);
            let same = is_older && (known || f.stream.begins_now(head));
            let position = if known { f.stream.position } else { 0 };
            same.then_some((position, CopyOrigin::OfFile(f.stream.stat.identity)))
        });
        let former = self.former.iter().filter(|former| former.head.agrees(head));
        let former = former.map(|f| {
            (
                f.position,
                CopyOrigin::OfFormer(f.position, f.trail.clone()),
            )
        });
        let furthest = former.chain(followed).max_by_key(|(position, _)| *position);
        furthest.map(|(_, copy)| copy)
    }

    /// Whether a file is to be read now.
    pub(super) fn may_read<F: FileSystem<File = H>>(
        &mut self,
        ctx: &mut Ctx<'_, F>,
        at: usize,
    ) -> bool {
        match &self.followed[at].copy {
            None => true,
            Some(CopyOrigin::Undecided) => self.decide(ctx, at),
            Some(CopyOrigin::Old) => self.pass_over_old(ctx, at),
            Some(CopyOrigin::OfFile(identity)) => self.may_take_over(ctx, at, *identity),
            Some(CopyOrigin::OfFormer(position, trail)) => {
                let (position, trail) = (*position, trail.clone());
                self.go_on_in(ctx, at, position, &trail)
            }
        }
    }

    /// Decides what a new file is, once it has enough content.
    fn decide<F: FileSystem<File = H>>(&mut self, ctx: &mut Ctx<'_, F>, at: usize) -> bool {
        let followed = &mut self.followed[at];
        if !followed.stream.head.is_enough() {
            let Ok(front) = read_front(&followed.stream.file) else {
                return false;
            };
            // A file that begins differently has moved since; its old head leads to the new place.
            let head = Head::of(&front);
            let known = &followed.stream.head;
            if !known.is_specific() || known.agrees(&head) {
                followed.stream.head = head;
            }
        }
        let head = followed.stream.head.clone();
        let age = ctx.now.saturating_duration_since(followed.met);
        if head.is_empty() || !head.is_enough() && age < FILLED_AFTER {
            return false;
        }
        let identity = followed.stream.stat.identity;
        // Recovered lines have earlier times, but are new.
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
            followed.copy = Some(CopyOrigin::Old);
            "has only earlier records; followed from its end"
        } else {
            followed.copy = None;
            "is new; followed from its start"
        };
        followed.stream.lines.report(ctx, false, what);
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
    fn may_take_over<F: FileSystem<File = H>>(
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
            let bytes = |f: &FollowedFile<H>| f.stream.file.stat().map_or(0, |stat| stat.bytes);
            if original.name.is_some() && bytes(original) >= bytes(copy) {
                return false;
            }
            let (position, trail) = (original.stream.position, original.stream.trail());
            return self.go_on_in(ctx, at, position, &trail);
        }
        // The original has other content by now: the copied content was written and removed between two
        // looks.
        self.followed[at].copy = None;
        true
    }

    /// Continues at `position` in a copy if it has more content and `trail` is right before that. A changed
    /// copy (an editor or a filter took lines out) is read from the end of `trail`, or if that is missing,
    /// from its own end.
    fn go_on_in<F: FileSystem<File = H>>(
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
        // A copy in the making may be shorter than that. A file with a live name is complete.
        let is_live = followed.is_live();
        let age = ctx.now.saturating_duration_since(followed.met);
        if age < FILLED_AFTER || bytes < position && !is_live {
            return false;
        }
        match followed.stream.place_after(trail) {
            Ok(Some(place)) => followed.go_on(place),
            Ok(None) => {
                let Ok(end) = followed.stream.last_line_end(bytes) else {
                    return false;
                };
                let what = "was replaced by a changed copy; its new lines can't be identified, followed from its end";
                followed.stream.lines.report(ctx, true, what);
                followed.go_on(end);
            }
            Err(_) => return false,
        }
        true
    }

    /// Handles the loss of content: if there is a copy, reading continues in it.
    pub(super) fn pass_on(&mut self, identity: FileIdentity, former: FormerContent) {
        let original = self.following(identity);
        let now = original.map(|f| f.stream.head.clone()).unwrap_or_default();
        for copy in &mut self.followed {
            if copy.copy != Some(CopyOrigin::OfFile(identity)) {
                continue;
            }
            let begins = &copy.stream.head;
            if begins.agrees(&former.head) {
                copy.copy = Some(CopyOrigin::OfFormer(former.position, former.trail.clone()));
            } else if !begins.agrees(&now) {
                // It is a copy of content that was written and removed between two looks: nothing of it has
                // been read.
                copy.copy = None;
            }
            self.dirty = true;
        }
        self.remember(former);
    }

    /// Remembers content that is known without being followed.
    pub(super) fn remember(&mut self, former: FormerContent) {
        if !former.head.is_specific() {
            return;
        }
        if self.former.len() == FORMER_MAX {
            self.former.pop_front();
        }
        self.former.push_back(former);
    }
}

impl<H: OpenFile> FollowedFile<H> {
    /// Whether it has the live name, which writers use.
    fn is_live(&self) -> bool {
        matches!(&self.name, Some(name) if name.generation == Generation::Live)
    }

    /// Treats the file as an ordinary one from here on.
    fn go_on(&mut self, position: u64) {
        self.copy = None;
        self.stream.position = position;
    }
}
