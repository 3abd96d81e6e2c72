//! The HTML that browsers show: the page of a call, the list of calls, their statistics, and pages that say
//! why there is nothing to show. The functions turn answers into HTML and make no queries.
//!
//! Three rules hold for all pages. Every text from a log goes through `sanitise` and is escaped by maud;
//! bodies, URLs and lines go through `redact` before (`shown` does both). No text from a log becomes a link,
//! an attribute's name or a style. Pages need no script, no cookie and no external resource: each page holds
//! its one style sheet, and the policy holds the hash of it.

mod axis;
mod bars;
mod call;
mod chart;
mod entries;
mod events;
mod faults;
mod filters;
mod frame;
mod headline;
mod list;
mod notice;
mod numbers;
mod others;
mod page_data;
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
pub use calltrace_output::Language;
pub(super) use filters::DIRECTIONS;
pub use filters::{Filters, Mistake};
pub use frame::STYLE;
pub use list::list_page;
pub use notice::{Notice, notice};
pub use others::OtherCall;
pub use page_data::{CallPage, ListLinks, ListPage, StatsFile, StatsPage, Unreturned};
pub use people::{client_in_log, wanted, wanted_of_groups, wanted_of_rows};
use plain::{message_text, shortened};
pub use reference::reference;
pub use stats::{StatsLink, StatsSpan, stats_page};

/// The settings that all pages share.
#[derive(Debug, Clone, Copy)]
pub struct PageContext {
    /// The language of the page.
    pub language: Language,
    /// The zone of shown times.
    pub clock: Clock,
    /// The current time.
    pub now: Stamp,
}

/// Makes a text from a log safe to show: without secrets, and without characters that move or turn text.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    sanitise::sanitise(redact::text(&text).as_bytes()).into_owned()
}
