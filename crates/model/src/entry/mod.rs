//! Builds new lines of a log.
//!
//! The format escapes nothing. So a field that could end a line or be read as two fields is refused, or
//! changed in the way of the existing writers. Values without a field of their own go into the first JSON
//! object of the line, under a key that begins with `_`, which existing readers drop.

mod dump;
mod statement;

use serde_json::{Map, Value};

use crate::record::write::{self, Unwritable};
use crate::record::{Ast, Body, Http, Sql, Stamp, Tg, id};

/// The longest line (bytes). Readers keep lines of up to 32 MiB.
pub const LINE_BYTES_MAX: usize = 24 << 20;

/// The text of a message is cut after this many characters, as existing writers do.
const TEXT_CHARS_MAX: usize = 1000;

const WORD_BYTES_MAX: usize = 64;
const URL_BYTES_MAX: usize = 16 << 10;
const STATUS_BYTES_MAX: usize = 16;

/// Bridge events that belong to no channel.
const WITHOUT_ID: [&str; 2] = ["bridge_create", "bridge_destroy"];

/// One whole line with a newline at its end and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryLine(Vec<u8>);

impl EntryLine {
    /// The line with its newline.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Why an entry can't be written as a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// A field (its name first) has a value that is not allowed.
    #[error("{0}: {1}")]
    Field(&'static str, &'static str),
    /// The line would be too long to be read.
    #[error("the line is too long")]
    TooLong,
}

/// A new entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The id of the channel; may be empty for the events `bridge_create` and `bridge_destroy`.
    pub unique_id: String,
    /// What was logged, with the fields of each kind.
    pub what: EntryKind,
    /// Further values, by their names without the leading `_`; the line of a message has no room for them.
    pub more: Vec<(&'static str, Value)>,
}

/// What was logged, with the fields of each kind.
#[derive(Debug, Clone, PartialEq)]
pub enum EntryKind {
    Event {
        /// `dial`, `hangup` and so on: a word of ASCII letters, digits, `_`, `-` and `.`.
        event: String,
        data: Map<String, Value>,
    },
    Request {
        /// `GET` and so on: ASCII letters.
        method: String,
        /// The URL, without control characters; spaces at its ends are removed, and a pipe becomes `%7C`.
        url: String,
        /// The status; `None` if there was no answer.
        status: Option<String>,
        /// The data that was sent.
        request: Map<String, Value>,
        /// The answer; an empty value, zero or false is written as an empty object, as existing writers do.
        response: Value,
    },
    Query {
        /// The query; the verb and table of the line are taken from it.
        query: String,
        /// Its parameters, an array or an object; `null` for none.
        parameters: Value,
        /// The answer, written in the same way as that of a request.
        result: Value,
    },
    /// A Telegram message that was sent, edited or deleted.
    Message {
        /// The operation: `send`, `edit` or `delete`.
        action: String,
        chat: i64,
        /// `start`, `dial`, `bridge`, `hangup` or another word.
        kind: String,
        /// Its number in the chat; `None` if it got none.
        message: Option<i64>,
        /// The text. It is cut to 1000 characters, line feeds become spaces, and carriage returns are
        /// removed.
        text: String,
    },
}

impl Entry {
    /// The line of this entry at the time `at`.
    ///
    /// # Errors
    /// [`EntryError`] when a field could end the line or be read back as another field, or when the line is
    /// too long.
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
                // Other readers split a line at its pipes, so a pipe in the URL would shift all fields after
                // it.
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
                check(fits, "action", "must be send, edit or delete")?;
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
        Unwritable::LineFeed => EntryError::Field("body", "must not contain a line feed"),
        _ => EntryError::Field("body", "would be read back as other fields"),
    })?;
    match line.len() > LINE_BYTES_MAX {
        true => Err(EntryError::TooLong),
        false => Ok(EntryLine(line)),
    }
}

fn check(fits: bool, field: &'static str, rule: &'static str) -> Result<(), EntryError> {
    fits.then_some(()).ok_or(EntryError::Field(field, rule))
}

fn check_id(uid: &[u8]) -> Result<(), EntryError> {
    let rule = "must be 1 to 150 ASCII letters, digits, '.', '_' or '-', with at least one digit";
    check(id::is_id(uid), "unique_id", rule)
}

fn check_request(method: &str, url: &str, status: &str) -> Result<(), EntryError> {
    let is_short = |text: &str| (1..=STATUS_BYTES_MAX).contains(&text.len());
    let is_method = |b: u8| b.is_ascii_alphabetic() || b == b'-';
    let fits = is_short(method) && method.bytes().all(is_method);
    check(fits, "method", "must be a word such as GET")?;
    let is_split = |c: char| c.is_control() || dump::is_break(c);
    let fits = (1..=URL_BYTES_MAX).contains(&url.len()) && !url.contains(is_split);
    let rule = "must be a URL of up to 16 KiB without line breaks or other control characters";
    check(fits, "url", rule)?;
    let fits = is_short(status) && status.bytes().all(|b| b.is_ascii_alphanumeric());
    let rule = "must be a number, or a word of up to 16 letters and digits";
    check(fits, "status", rule)
}

fn word(field: &'static str, text: &str) -> Result<(), EntryError> {
    let fits = (1..=WORD_BYTES_MAX).contains(&text.len()) && text.bytes().all(id::is_id_byte);
    let rule = "must be a word of up to 64 ASCII letters, digits, '.', '_' or '-'";
    check(fits, field, rule)
}

/// The existing writers are in Python, and treat a false value as no answer.
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
