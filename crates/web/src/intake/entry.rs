//! What can be logged, and the line it makes.
//!
//! The format escapes nothing, so a field that could end a line, or be taken for two, is refused or
//! changed as the field's own writers change it. What a line has no field for goes into its first
//! JSON object under a key that begins with `_`, which the field's readers drop.

use serde_json::{Map, Value};

use super::dump;
use super::statement;
use calltrace_model::record::write::{self, Unwritable};
use calltrace_model::record::{Ast, Body, Http, Sql, Stamp, Tg, id};

/// Longest line (bytes). Readers keep lines of up to 32 MiB.
pub const LINE_BYTES_MAX: usize = 24 << 20;

/// A message's text is cut to so many characters, as the field's writers cut it.
const TEXT_CHARS_MAX: usize = 1000;

const WORD_BYTES_MAX: usize = 64;
const URL_BYTES_MAX: usize = 16 << 10;
const STATUS_BYTES_MAX: usize = 16;

/// Events of bridges, which belong to no channel.
const WITHOUT_ID: [&str; 2] = ["bridge_create", "bridge_destroy"];

/// One whole line, its newline at its end and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line(Vec<u8>);

impl Line {
    /// The line with its newline.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why something makes no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A field holds what may not stand in it.
    #[error("{0}: {1}")]
    Field(&'static str, &'static str),
    /// The line would be too long to be read.
    #[error("the line is too long")]
    TooLong,
}

/// An Asterisk event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventEntry {
    /// The channel's id; may be empty for `bridge_create` and `bridge_destroy`.
    pub unique_id: String,
    /// `dial`, `hangup`, ...: a word of ASCII letters, digits, `_`, `-` and `.`.
    pub event: String,
    /// The body.
    pub data: Map<String, Value>,
    /// Further things known of it, by the names they get behind a `_`.
    pub more: Vec<(&'static str, Value)>,
}

/// An HTTP request that was made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestEntry {
    /// The channel's id.
    pub unique_id: String,
    /// `GET`, ...: ASCII letters.
    pub method: String,
    /// Where to, without blanks at its ends or controls in it; a pipe becomes `%7C`.
    pub url: String,
    /// The status; `None` where there was no answer.
    pub status: Option<String>,
    /// What was sent.
    pub request: Map<String, Value>,
    /// What came back; what is empty, zero or false is written as an empty object, as in the field.
    pub response: Value,
    /// Further things known of it, by the names they get behind a `_`.
    pub more: Vec<(&'static str, Value)>,
}

/// An SQL query that was made.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueryEntry {
    /// The channel's id.
    pub unique_id: String,
    /// The query; the line's verb and table are taken from it.
    pub query: String,
    /// Its parameters, an array or an object; `null` for none.
    pub parameters: Value,
    /// What came back, as of a request.
    pub result: Value,
    /// Further things known of it, by the names they get behind a `_`.
    pub more: Vec<(&'static str, Value)>,
}

/// A Telegram message that was sent, edited or deleted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageEntry {
    /// The channel's id.
    pub unique_id: String,
    /// `send`, `edit` or `delete`.
    pub action: String,
    /// The chat.
    pub chat: i64,
    /// `start`, `dial`, `bridge`, `hangup`: a word.
    pub kind: String,
    /// Its number in the chat, where it got one.
    pub message: Option<i64>,
    /// The text; cut to 1000 characters, then its line feeds become blanks and its carriage returns
    /// go.
    pub text: String,
}

/// What can be logged.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// An Asterisk event.
    Event(EventEntry),
    /// An HTTP request.
    Request(RequestEntry),
    /// An SQL query.
    Query(QueryEntry),
    /// A Telegram message.
    Message(MessageEntry),
}

impl Entry {
    /// The id it is logged under; may be empty for an event.
    pub fn unique_id(&self) -> &str {
        match self {
            Entry::Event(it) => &it.unique_id,
            Entry::Request(it) => &it.unique_id,
            Entry::Query(it) => &it.unique_id,
            Entry::Message(it) => &it.unique_id,
        }
    }

    /// Its line, written at that time.
    ///
    /// # Errors
    /// When a field could end the line or be read back as another one; when it is too long.
    pub fn line(&self, at: Stamp) -> Result<Line, Unfit> {
        match self {
            Entry::Event(event) => event.line(at),
            Entry::Request(request) => request.line(at),
            Entry::Query(query) => query.line(at),
            Entry::Message(message) => message.line(at),
        }
    }
}

impl EventEntry {
    fn line(&self, at: Stamp) -> Result<Line, Unfit> {
        word("event_type", &self.event)?;
        let may_lack_id = WITHOUT_ID.contains(&self.event.as_str());
        if !(may_lack_id && self.unique_id.is_empty()) {
            unique_id(&self.unique_id)?;
        }
        let json = with_more(self.data.clone(), &self.more);
        written(
            at,
            &Body::Ast(Ast {
                legacy: false,
                event: self.event.as_bytes(),
                uid: self.unique_id.as_bytes(),
                json: json.as_bytes(),
            }),
        )
    }
}

impl RequestEntry {
    fn line(&self, at: Stamp) -> Result<Line, Unfit> {
        unique_id(&self.unique_id)?;
        let is_short = |text: &str| (1..=STATUS_BYTES_MAX).contains(&text.len());
        let is_method = |b: u8| b.is_ascii_alphabetic() || b == b'-';
        let fits = is_short(&self.method) && self.method.bytes().all(is_method);
        check(fits, "method", "it is a word such as GET")?;
        let is_split = |c: char| c.is_control() || dump::is_break(c);
        let url = self.url.trim();
        let fits = (1..=URL_BYTES_MAX).contains(&url.len()) && !url.contains(is_split);
        let said = "it is a URL of up to 16 KiB without line breaks and other controls";
        check(fits, "url", said)?;
        let status = self.status.as_deref().unwrap_or("None");
        let fits = is_short(status) && status.bytes().all(|b| b.is_ascii_alphanumeric());
        let said = "it is a number, or a word of up to 16 letters and digits";
        check(fits, "status", said)?;
        let request = with_more(self.request.clone(), &self.more);
        written(
            at,
            &Body::Http(Http {
                uid: self.unique_id.as_bytes(),
                method: self.method.as_bytes(),
                // Where others split a line at its pipes, one in the URL shifts all that follows.
                url: url.replace('|', "%7C").as_bytes(),
                status: status.as_bytes(),
                request: request.as_bytes(),
                response: answer(&self.response).as_bytes(),
            }),
        )
    }
}

impl QueryEntry {
    fn line(&self, at: Stamp) -> Result<Line, Unfit> {
        unique_id(&self.unique_id)?;
        let mut params = match &self.parameters {
            Value::Object(named) => named.clone(),
            Value::Null => Map::new(),
            listed => Map::from_iter([("parameters".to_owned(), listed.clone())]),
        };
        params.insert("_query".to_owned(), Value::from(self.query.as_str()));
        let params = with_more(params, &self.more);
        written(
            at,
            &Body::Sql(Sql {
                uid: self.unique_id.as_bytes(),
                query_type: statement::verb(&self.query).as_bytes(),
                table: statement::table(&self.query).as_bytes(),
                params: params.as_bytes(),
                result: answer(&self.result).as_bytes(),
            }),
        )
    }
}

impl MessageEntry {
    fn line(&self, at: Stamp) -> Result<Line, Unfit> {
        unique_id(&self.unique_id)?;
        word("message_type", &self.kind)?;
        let fits = matches!(self.action.as_str(), "send" | "edit" | "delete");
        check(fits, "action", "it is send, edit or delete")?;
        let cut: String = self.text.chars().take(TEXT_CHARS_MAX).collect();
        let message = self.message.map(|number| number.to_string());
        written(
            at,
            &Body::Tg(Tg {
                action: self.action.as_bytes(),
                chat: self.chat.to_string().as_bytes(),
                msg_type: self.kind.as_bytes(),
                msg_id: message.as_deref().unwrap_or("None").as_bytes(),
                uid: self.unique_id.as_bytes(),
                text: write::flatten(&cut).as_bytes(),
            }),
        )
    }
}

fn written(at: Stamp, body: &Body<'_>) -> Result<Line, Unfit> {
    let mut line = Vec::new();
    write::line(at, body, &mut line).map_err(|error| match error {
        Unwritable::LineFeed => Unfit::Field("body", "a line feed is in the way"),
        _ => Unfit::Field("body", "it would be read back as other fields"),
    })?;
    match line.len() > LINE_BYTES_MAX {
        true => Err(Unfit::TooLong),
        false => Ok(Line(line)),
    }
}

fn check(fits: bool, field: &'static str, said: &'static str) -> Result<(), Unfit> {
    fits.then_some(()).ok_or(Unfit::Field(field, said))
}

fn unique_id(text: &str) -> Result<(), Unfit> {
    let said = "it is 1 to 150 of ASCII letters, digits, '.', '_' and '-', a digit among them";
    check(id::is_id(text.as_bytes()), "unique_id", said)
}

fn word(field: &'static str, text: &str) -> Result<(), Unfit> {
    let fits = (1..=WORD_BYTES_MAX).contains(&text.len()) && text.bytes().all(id::is_id_byte);
    let said = "it is a word of up to 64 ASCII letters, digits, '.', '_' and '-'";
    check(fits, field, said)
}

fn with_more(mut fields: Map<String, Value>, more: &[(&'static str, Value)]) -> String {
    for (name, value) in more.iter().filter(|(_, value)| !value.is_null()) {
        fields.insert(format!("_{name}"), value.clone());
    }
    dump::object(&fields)
}

/// What Python takes for false is no answer to its writers.
fn answer(value: &Value) -> String {
    let is_nothing = match value {
        Value::Null => true,
        Value::Bool(is) => !is,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    };
    match is_nothing {
        true => "{}".to_owned(),
        false => dump::value(value),
    }
}
