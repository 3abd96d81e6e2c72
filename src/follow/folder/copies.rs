//! Copies of files that are followed: what logrotate's `copytruncate`, an editor or an administrator
//! leaves. A copy holds nothing new, until its original loses what was not read yet.

use super::{Folder, Followed};
use crate::follow::files::OpenFile;
use crate::follow::outlet::Ctx;
use crate::fsx::FileIdentity;
use crate::tree::Head;

/// Contents that are gone are remembered for this many files, to know a copy that turns up.
const FORMER_MAX: usize = 16;

/// What a file that begins as another does is a copy of. It is not read as long as that has all of
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copy {
    /// A file that is followed.
    OfFile(FileIdentity),
    /// A content that is gone, and was read up to here.
    OfFormer(u64),
}

impl<H: OpenFile> Folder<H> {
    /// What a file that begins as `head` says is a copy of.
    pub(super) fn copied(&self, head: &Head) -> Option<Copy> {
        // The original may have been truncated and written again since it was looked at.
        let same = |f: &&Followed<H>| {
            f.copy.is_none() && (f.stream.head.agrees(head) || f.stream.begins_now(head))
        };
        let file = self.followed.iter().find(same);
        let former = self
            .former
            .iter()
            .rev()
            .find(|(known, _)| known.agrees(head));
        file.map(|f| Copy::OfFile(f.stream.stat.identity))
            .or(former.map(|(_, position)| Copy::OfFormer(*position)))
    }

    /// Whether a file is to be read now. A copy is not, as long as its original has all of it.
    pub(super) fn may_read(&mut self, at: usize) -> bool {
        let followed = &self.followed[at];
        let bytes = || followed.stream.file.stat().map_or(0, |stat| stat.bytes);
        let position = match followed.copy {
            None => return true,
            Some(Copy::OfFormer(position)) => position,
            Some(Copy::OfFile(identity)) => {
                let is_original = |f: &&Followed<H>| f.stream.stat.identity == identity;
                let original = self.followed.iter().find(is_original);
                let Some(original) = original.filter(|f| f.stream.is_read()) else {
                    return false;
                };
                let begins = &original.stream.head;
                let same = begins.agrees(&followed.stream.head);
                if same
                    && original
                        .stream
                        .file
                        .stat()
                        .is_ok_and(|o| o.bytes >= bytes())
                {
                    return false;
                }
                // With another content by now: what was copied came and went between two looks.
                if !same && !begins.is_empty() {
                    self.followed[at].copy = None;
                    return true;
                }
                original.stream.position
            }
        };
        if bytes() <= position {
            return false;
        }
        let followed = &mut self.followed[at];
        followed.copy = None;
        followed.stream.position = position;
        true
    }

    pub(super) fn was_truncated<F>(&mut self, ctx: &mut Ctx<'_, F>, at: usize, position: u64) {
        let stream = &self.followed[at].stream;
        let has_copy = self
            .followed
            .iter()
            .any(|f| f.copy == Some(Copy::OfFile(stream.stat.identity)));
        let what = format!("was truncated behind byte {position}; followed from its start");
        match has_copy {
            true => stream
                .lines
                .tell(ctx, false, &format!("{what}, the rest read from its copy")),
            false => stream.lines.tell(
                ctx,
                true,
                &format!("{what}, what was cut off unread is lost"),
            ),
        }
        // A copy that was made just before may not have been listed yet.
        self.names_dirty = true;
        self.dirty = true;
    }

    /// A content is gone that was read up to `position`: if there is a copy, it is read on.
    pub(super) fn pass_on(&mut self, identity: FileIdentity, head: Head, position: u64) {
        let original = self
            .followed
            .iter()
            .find(|f| f.stream.stat.identity == identity);
        let now = original.map(|f| f.stream.head.clone()).unwrap_or_default();
        for copy in &mut self.followed {
            if copy.copy != Some(Copy::OfFile(identity)) {
                continue;
            }
            let begins = &copy.stream.head;
            if begins.agrees(&head) {
                copy.copy = Some(Copy::OfFormer(position));
            } else if !begins.agrees(&now) {
                // Of a content that came and went between two looks: nothing of it has been read.
                copy.copy = None;
            }
            self.dirty = true;
        }
        self.remember(head, position);
    }

    /// A content that begins so is known up to `position`.
    pub(super) fn remember(&mut self, head: Head, position: u64) {
        if !head.tells() {
            return;
        }
        if self.former.len() == FORMER_MAX {
            self.former.pop_front();
        }
        self.former.push_back((head, position));
    }
}
