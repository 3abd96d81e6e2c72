//! What people see in a browser: the page of a call, the list of calls, and a page for each way in
//! which there is nothing to show. Takes answers, gives HTML; asks nothing.
//!
//! Three rules hold for all of it. Every text from a log goes through `output::sanitise` and is
//! escaped by maud; bodies, URLs and lines go through `output::redact` before (`shown` does both).
//! Nothing of a log becomes a link, an attribute's name or a style. Pages need no script, no cookie
//! and nothing from elsewhere: one style sheet stands in each, and its hash in the policy.

mod call;
mod chart;
mod entries;
mod events;
mod filters;
mod frame;
mod headline;
mod language;
mod legs;
mod list;
mod notice;
mod people;
mod picture;
mod row;
mod timeline;
mod troubles;

use crate::output::Clock;
use crate::output::{redact, sanitise};
use crate::record::Stamp;

pub use call::{CallPage, call_page};
pub(super) use filters::{DIRECTIONS, OUTCOMES};
pub use filters::{Filters, Mistake};
pub use frame::STYLE;
pub use language::Language;
pub use list::{ListLinks, ListPage, list_page};
pub use notice::{Notice, notice};
pub use people::{client_in_log, wanted, wanted_of_rows};

/// How pages are to look, for whom.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// In which language.
    pub language: Language,
    /// In which zone.
    pub clock: Clock,
    /// When.
    pub now: Stamp,
}

/// Text of a log as it may be shown: without secrets, without what moves or turns text.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    sanitise::sanitise(redact::text(&text).as_bytes()).into_owned()
}

/// The same, at most so many characters of it.
fn shortened(bytes: &[u8], chars_max: usize) -> String {
    // Cut before the work: a line may be megabytes long. A character has at most four bytes, and a
    // secret that is cut in its middle is still one.
    let cut = &bytes[..bytes.len().min(chars_max.saturating_mul(4) + 256)];
    let text = shown(cut);
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if cut.len() < bytes.len() => format!("{text}…"),
        None => text,
    }
}
