//! What can be logged, and the line it makes.
//!
//! The format escapes nothing, so a field that could end a line, or be taken for two, is refused or
//! changed as the field's own writers change it. What a line has no field for goes into its first
//! JSON object under a key that begins with `_`, which the field's readers drop.

mod dump;
mod statement;

use serde_json::{Map, Value};

use crate::record::write::{self, Unwritable};
use crate::record::{Ast, Body, Http, Sql, Stamp, Tg, id};

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
pub struct EntryLine(Vec<u8>);

impl EntryLine {
    /// The line with its newline.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why something makes no line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// A field holds what may not stand in it.
    #[error("{0}: {1}")]
    Field(&'static str, &'static str),
    /// The line would be too long to be read.
    #[error("the line is too long")]
    TooLong,
}

/// What can be logged.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The channel's id; may be empty for the events `bridge_create` and `bridge_destroy`.
    pub unique_id: String,
    /// What happened.
    pub what: EntryKind,
    /// Further things known of it, by the names they get behind a `_`; a message's line has no room for
    /// them.
    pub more: Vec<(&'static str, Value)>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum EntryKind {
    /// An Asterisk event.
    Event {
        /// `dial`, `hangup`, ...: a word of ASCII letters, digits, `_`, `-` and `.`.
        event: String,
        /// The body.
        data: Map<String, Value>,
    },
    /// An HTTP request that was made.
    Request {
        /// `GET`, ...: ASCII letters.
        method: String,
        /// Where to, without blanks at its ends or controls in it; a pipe becomes `%7C`.
        url: String,
        /// The status; `None` where there was no answer.
        status: Option<String>,
        /// What was sent.
        request: Map<String, Value>,
        /// What came back; what is empty, zero or false is written as an empty object, as in the field.
        response: Value,
    },
    /// An SQL query that was made.
    Query {
        /// The query; the line's verb and table are taken from it.
        query: String,
        /// Its parameters, an array or an object; `null` for none.
        parameters: Value,
        /// What came back, as of a request.
        result: Value,
    },
    /// A Telegram message that was sent, edited or deleted.
    Message {
        /// `send`, `edit` or `delete`.
        action: String,
        /// The chat.
        chat: i64,
        /// `start`, `dial`, `bridge`, `hangup`: a word.
        kind: String,
        /// Its number in the chat, where it got one.
        message: Option<i64>,
        /// The text; cut to 1000 characters, then its line feeds become blanks and its carriage returns
        /// go.
        text: String,
    },
}

impl Entry {
    /// Its line, written at that time.
    ///
    /// # Errors
    /// When a field could end the line or be read back as another one; when it is too long.
    pub fn line(&self, at: Stamp) -> Result<EntryLine, EntryError> {
        let uid = self.unique_id.as_bytes();
        match &self.what {
            EntryKind::Event { event, data } => {
                word("event_type", event)?;
                if !(WITHOUT_ID.contains(&event.as_str()) && uid.is_empty()) {
                    check_id(uid)?;
                }
                let json = self.with_more(data.clone());
                let event = Ast {
                    legacy: false,
                    event: event.as_bytes(),
                    uid,
                    json: json.as_bytes(),
                };
                written(at, &Body::Ast(event))
            }
            EntryKind::Request {
                method,
                url,
                status,
                request,
                response,
            } => {
                check_id(uid)?;
                let (url, status) = (url.trim(), status.as_deref().unwrap_or("None"));
                check_request(method, url, status)?;
                let (request, response) = (self.with_more(request.clone()), answer(response));
                // Where others split a line at its pipes, one in the URL shifts all that follows.
                let url = url.replace('|', "%7C");
                let request = Http {
                    uid,
                    method: method.as_bytes(),
                    url: url.as_bytes(),
                    status: status.as_bytes(),
                    request: request.as_bytes(),
                    response: response.as_bytes(),
                };
                written(at, &Body::Http(request))
            }
            EntryKind::Query {
                query,
                parameters,
                result,
            } => {
                check_id(uid)?;
                let mut params = match parameters {
                    Value::Object(named) => named.clone(),
                    Value::Null => Map::new(),
                    listed => Map::from_iter([("parameters".to_owned(), listed.clone())]),
                };
                params.insert("_query".to_owned(), Value::from(query.as_str()));
                let (params, result) = (self.with_more(params), answer(result));
                let (verb, table) = (statement::verb(query), statement::table(query));
                let query = Sql {
                    uid,
                    query_type: verb.as_bytes(),
                    table: table.as_bytes(),
                    params: params.as_bytes(),
                    result: result.as_bytes(),
                };
                written(at, &Body::Sql(query))
            }
            EntryKind::Message {
                action,
                chat,
                kind,
                message,
                text,
            } => {
                check_id(uid)?;
                word("message_type", kind)?;
                let fits = matches!(action.as_str(), "send" | "edit" | "delete");
                check(fits, "action", "it is send, edit or delete")?;
                let cut: String = text.chars().take(TEXT_CHARS_MAX).collect();
                let (chat, text) = (chat.to_string(), write::flatten(&cut));
                let message = message.map_or("None".to_owned(), |number| number.to_string());
                let message = Tg {
                    action: action.as_bytes(),
                    chat: chat.as_bytes(),
                    msg_type: kind.as_bytes(),
                    msg_id: message.as_bytes(),
                    uid,
                    text: text.as_bytes(),
                };
                written(at, &Body::Tg(message))
            }
        }
    }

    fn with_more(&self, mut fields: Map<String, Value>) -> String {
        for (name, value) in self.more.iter().filter(|(_, value)| !value.is_null()) {
            fields.insert(format!("_{name}"), value.clone());
        }
        dump::value(&Value::Object(fields))
    }
}

fn written(at: Stamp, body: &Body<'_>) -> Result<EntryLine, EntryError> {
    let mut line = Vec::new();
    write::line(at, body, &mut line).map_err(|error| match error {
        Unwritable::LineFeed => EntryError::Field("body", "a line feed is in the way"),
        _ => EntryError::Field("body", "it would be read back as other fields"),
    })?;
    match line.len() > LINE_BYTES_MAX {
        true => Err(EntryError::TooLong),
        false => Ok(EntryLine(line)),
    }
}

fn check(fits: bool, field: &'static str, said: &'static str) -> Result<(), EntryError> {
    fits.then_some(()).ok_or(EntryError::Field(field, said))
}

fn check_id(uid: &[u8]) -> Result<(), EntryError> {
    let said = "it is 1 to 150 of ASCII letters, digits, '.', '_' and '-', a digit among them";
    check(id::is_id(uid), "unique_id", said)
}

fn check_request(method: &str, url: &str, status: &str) -> Result<(), EntryError> {
    let is_short = |text: &str| (1..=STATUS_BYTES_MAX).contains(&text.len());
    let is_method = |b: u8| b.is_ascii_alphabetic() || b == b'-';
    let fits = is_short(method) && method.bytes().all(is_method);
    check(fits, "method", "it is a word such as GET")?;
    let is_split = |c: char| c.is_control() || dump::is_break(c);
    let fits = (1..=URL_BYTES_MAX).contains(&url.len()) && !url.contains(is_split);
    let said = "it is a URL of up to 16 KiB without line breaks and other controls";
    check(fits, "url", said)?;
    let fits = is_short(status) && status.bytes().all(|b| b.is_ascii_alphanumeric());
    let said = "it is a number, or a word of up to 16 letters and digits";
    check(fits, "status", said)
}

fn word(field: &'static str, text: &str) -> Result<(), EntryError> {
    let fits = (1..=WORD_BYTES_MAX).contains(&text.len()) && text.bytes().all(id::is_id_byte);
    let said = "it is a word of up to 64 ASCII letters, digits, '.', '_' and '-'";
    check(fits, field, said)
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
