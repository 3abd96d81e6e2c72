//! What people see in a browser: the page of a call, the list of calls, and a page for each way in
//! which there is nothing to show. Takes answers, gives HTML; asks nothing.
//!
//! Every text from a log goes through `output::sanitise` and is escaped by maud; bodies and URLs
//! go through `output::redact`. Pages need no script, no cookie and nothing from elsewhere.

mod language;
mod notice;

pub use language::Language;
pub use notice::{Notice, notice};
