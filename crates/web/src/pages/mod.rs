//! What people see in a browser: the page of a call, the list of calls, their statistics, and a page for each way in
//! which there is nothing to show. Takes answers, gives HTML; asks nothing.
//!
//! Three rules hold for all of it. Every text from a log goes through `sanitise` and is
//! escaped by maud; bodies, URLs and lines go through `redact` before (`shown` does both).
//! Nothing of a log becomes a link, an attribute's name or a style. Pages need no script, no cookie
//! and nothing from elsewhere: one style sheet stands in each, and its hash in the policy.

mod axis;
mod bars;
mod call;
mod chart;
mod entries;
mod events;
mod faults;
mod filters;
mod frame;
mod given;
mod headline;
mod language;
mod list;
mod notice;
mod numbers;
mod others;
mod people;
mod picture;
mod plain;
mod reference;
mod row;
mod sentence;
mod stats;
mod story;
mod technical;
mod timeline;
mod troubles;

use calltrace_model::record::Stamp;
use calltrace_model::{redact, sanitise};
use calltrace_output::Clock;

pub use call::call_page;
pub(super) use filters::DIRECTIONS;
pub use filters::{Filters, Mistake};
pub use frame::STYLE;
pub use given::{CallPage, ListLinks, ListPage, StatsFile, StatsPage, Unreturned};
pub use language::Language;
pub use list::list_page;
pub use notice::{Notice, notice};
pub use others::OtherCall;
pub use people::{client_in_log, wanted, wanted_of_groups, wanted_of_rows};
use plain::{message_text, shortened};
pub use reference::reference;
pub use stats::{Span, StatsLink, stats_page};

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
