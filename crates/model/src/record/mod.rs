//! One line of a log: its kinds, fields and time; parsing and writing.
//!
//! This module knows single lines, and nothing about the order between lines. It is pure: it opens no file.
//! All other modules and crates build on it. The entry point is [`Record::parse`], which only finds field
//! boundaries; JSON is read on demand ([`json::Fields`]).
//!
//! Line formats (`|` separates, nothing is escaped, so each kind has its own split):
//! ```text
//! TIME|AST|event|uid|json                      json is the rest
//! TIME|event|uid|json                          AST as written before 2025-11-30
//! TIME|TG|action|chat|msg_type|msg_id|uid|text text is the rest
//! TIME|HTTP|uid|METHOD|url|status|json|json    see `split_http`
//! TIME|SQL|uid|query_type|table|json|json
//! ```

pub mod id;
pub mod json;
mod parse;
pub mod phone;
mod place;
pub mod recovery_mark;
pub mod time;
pub mod write;
mod zone;

pub use place::Place;
pub use recovery_mark::RecoveryMark;
pub use time::{LogZone, Stamp};
pub use zone::{Zone, ZoneOffset};

/// The bytes of a field as text; invalid UTF-8 becomes U+FFFD.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One borrowed line with its field boundaries; its JSON is not parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// The whole line as in the file, without its newline.
    pub line: &'a [u8],
    /// The record's time; `None` exactly for unparsed lines.
    pub at: Option<Stamp>,
    /// The kind of the line, with its fields.
    pub body: Body<'a>,
}

/// The fields of a line, by its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// An Asterisk event.
    Ast(Ast<'a>),
    /// A Telegram message sent, edited or deleted.
    Tg(Tg<'a>),
    /// An HTTP request made for the call.
    Http(Http<'a>),
    /// An SQL query made for the call.
    Sql(Sql<'a>),
    /// A line that fits no kind; it is kept, counted and shown as it is.
    Unparsed,
}

/// An Asterisk event. `uid` is empty for `bridge_create` and `bridge_destroy`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ast<'a> {
    /// Whether it was written without the `AST` mark, as before 2025-11-30.
    pub legacy: bool,
    /// `start`, `dial`, `bridge`, `hangup`, ...
    pub event: &'a [u8],
    /// The channel's UniqueId, or empty.
    pub uid: &'a [u8],
    /// The body as logged: a JSON object, possibly torn.
    pub json: &'a [u8],
}

/// A Telegram operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tg<'a> {
    /// `send`, `edit` or `delete`.
    pub action: &'a [u8],
    /// The chat id of the recipient.
    pub chat: &'a [u8],
    /// `start`, `dial`, `bridge` or `hangup`.
    pub msg_type: &'a [u8],
    /// The message id within the chat, or the text `None`.
    pub msg_id: &'a [u8],
    /// The UniqueId of the leg that it was sent for.
    pub uid: &'a [u8],
    /// The text, cut by the writer at 200 or 1000 characters; empty for `delete`. May hold `|`.
    pub text: &'a [u8],
}

/// An HTTP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Http<'a> {
    /// The UniqueId of the leg that it was made for.
    pub uid: &'a [u8],
    /// `GET`, `POST`, ...
    pub method: &'a [u8],
    /// The URL; may hold `|`.
    pub url: &'a [u8],
    /// The status as written; usually three digits.
    pub status: &'a [u8],
    /// The JSON of the request, never cut by the writer. May hold `|`.
    pub request: &'a [u8],
    /// The JSON of the response, cut by the writer at 500 characters (then it ends in `...` and is not JSON).
    pub response: &'a [u8],
}

/// An SQL query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sql<'a> {
    /// The UniqueId of the leg that it was made for.
    pub uid: &'a [u8],
    /// `SELECT`, `INSERT`, ...
    pub query_type: &'a [u8],
    pub table: &'a [u8],
    /// The parameters as JSON. May hold `|`.
    pub params: &'a [u8],
    /// The result as JSON, cut by the writer at 500 characters.
    pub result: &'a [u8],
}

impl<'a> Record<'a> {
    /// The record's UniqueId field; empty if the kind has none or the field is empty.
    pub fn uid(&self) -> &'a [u8] {
        match self.body {
            Body::Ast(Ast { uid, .. })
            | Body::Tg(Tg { uid, .. })
            | Body::Http(Http { uid, .. })
            | Body::Sql(Sql { uid, .. }) => uid,
            Body::Unparsed => b"",
        }
    }

    /// The kind, as `--kind` takes it.
    pub fn kind(&self) -> KindName {
        match self.body {
            Body::Ast(_) => KindName::Ast,
            Body::Tg(_) => KindName::Tg,
            Body::Http(_) => KindName::Http,
            Body::Sql(_) => KindName::Sql,
            Body::Unparsed => KindName::Unparsed,
        }
    }
}

/// The kinds of a line, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KindName {
    Ast,
    /// A Telegram operation.
    Tg,
    /// An HTTP request.
    Http,
    /// An SQL query.
    Sql,
    /// A line that fits no kind.
    Unparsed,
}

impl KindName {
    /// The name in lower case, as in `--kind` and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            KindName::Ast => "ast",
            KindName::Tg => "tg",
            KindName::Http => "http",
            KindName::Sql => "sql",
            KindName::Unparsed => "unparsed",
        }
    }
}
