//! A page that says why there is nothing else to show.

use maud::{Markup, html};

use super::Language;

/// Why there is nothing else to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A neutral page for robots that draw previews: no call, no enterprise.
    Preview,
    /// The token or signature opens nothing here; the same for an enterprise that does not exist.
    NoAccess,
    /// The signed link was right once.
    Expired,
    /// Too many wrong tries; how many seconds to wait.
    TooManyTries(u64),
    /// The address is no call's: malformed id or enterprise, or a path of no page.
    NoSuchPage,
    /// Malformed request: too long, forbidden characters, a parameter that can't be read.
    BadRequest,
    /// The id is nowhere. How many files were searched, whether all of them could be read, and ids
    /// near the one asked for.
    NoSuchCall {
        /// The id asked for.
        id: String,
        /// Files searched.
        files: usize,
        /// Nothing stood in the way of the search.
        whole: bool,
    },
    /// Something behind the page does not answer: the database, the logs. The text is safe to show.
    Trouble,
    /// More is asked for at this moment than can be answered.
    Busy,
}

/// The page of a notice.
pub fn notice(language: Language, notice: &Notice) -> Markup {
    let _ = language;
    html! { p { (format!("{notice:?}")) } }
}
