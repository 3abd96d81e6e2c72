//! Reports of truncations. They wait a moment, because a copy with the lost bytes may still appear.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::FollowedFolder;
use crate::arrival::FileNews;
use crate::file_system::OpenFile;
use crate::outlet::Ctx;
use crate::stream::FormerContent;
use calltrace_store::tree::Head;

/// A truncation is reported this long after it was noticed.
const REPORTED_AFTER: Duration = Duration::from_millis(500);

/// A truncation that was noticed.
#[derive(Debug)]
pub(super) struct Truncation {
    noticed: Instant,
    /// The file's name, its head, and how far it had been read.
    name: Arc<str>,
    head: Head,
    position: u64,
}

impl Truncation {
    pub(super) fn new(now: Instant, name: &Arc<str>, former: &FormerContent) -> Truncation {
        Truncation {
            noticed: now,
            name: Arc::clone(name),
            head: former.head.clone(),
            position: former.position,
        }
    }
}

impl<H: OpenFile> FollowedFolder<H> {
    /// Reports which files were truncated, and whether content is lost.
    pub(super) fn report_truncations<F>(&mut self, ctx: &mut Ctx<'_, F>) {
        let followed = &self.followed;
        let news = &mut *ctx.news;
        let (now, enterprise) = (ctx.now, &self.enterprise);
        self.truncations.retain(|truncation| {
            if now.saturating_duration_since(truncation.noticed) < REPORTED_AFTER {
                return true;
            }
            let Truncation { name, head, position, .. } = truncation;
            let mut heads = followed.iter().map(|f| &f.stream.head);
            let has_copy = heads.any(|other| other.agrees(head));
            let rest = match has_copy {
                true => "the rest is in its copy",
                false => "what was cut off unread is lost",
            };
            news.push(FileNews::new(
                format!(
                    "{enterprise}/{name} was truncated after byte {position}; followed from its start, {rest}"
                ),
                !has_copy,
            ));
            false
        });
    }
}
