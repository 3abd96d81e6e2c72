//! Turns the body of a POST into an entry for the log. Pure.
//!
//! Unknown fields are ignored, as in the first version. `timestamp` is one of them: a record has the time at
//! which it is written. If a key occurs twice, the last value counts and is the only one that is written.

use serde_json::Value;

use super::ApiFailure;
use super::fields::{BodyFields, missing, wrong};
use crate::intake::{Entry, EntryKind};
use calltrace_store::tree::EnterpriseName;

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PostKind {
    Event,
    Http,
    Sql,
    Telegram,
    Integration,
}

impl PostKind {
    /// Returns the kind as metrics name it, and the message of the answer.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            PostKind::Event => ("ast", "Event logged"),
            PostKind::Http => ("http", "HTTP request logged"),
            PostKind::Sql => ("sql", "SQL query logged"),
            PostKind::Telegram => ("tg", "Telegram message logged"),
            PostKind::Integration => ("http", "Integration response logged"),
        }
    }
}

/// Reads a body.
///
/// # Errors
/// Returns 400 when the body is not JSON; 422 when a field is missing or of a wrong type, naming the field.
pub(super) fn read(kind: PostKind, body: &[u8]) -> Result<(EnterpriseName, Entry), ApiFailure> {
    let mut fields = BodyFields::read_all(body)?;
    let number = fields.text("enterprise_number")?;
    let enterprise = EnterpriseName::new(&number).ok_or_else(|| {
        let rule = "must be 1 to 64 ASCII letters, digits, '_' and '-', such as 0367";
        wrong("enterprise_number", rule)
    })?;
    let unique_id = fields.text("unique_id")?;
    let (what, more) = match kind {
        PostKind::Event => event(&mut fields)?,
        PostKind::Http => http(&mut fields)?,
        PostKind::Sql => sql(&mut fields)?,
        PostKind::Telegram => telegram(&mut fields)?,
        PostKind::Integration => integration(&mut fields)?,
    };
    let entry = Entry {
        unique_id,
        what,
        more,
    };
    Ok((enterprise, entry))
}

/// EntryKind happened, and the further fields of the record.
type RecordContent = (EntryKind, Vec<(&'static str, Value)>);

fn event(fields: &mut BodyFields) -> Result<RecordContent, ApiFailure> {
    let event = fields.text("event_type")?;
    let data = fields.object("event_data")?;
    let data = data.ok_or_else(|| missing("event_data"))?;
    let more = ["chat_id", "phone_number", "bridge_unique_id"];
    let more = more.map(|name| (name, fields.take(name)));
    Ok((EntryKind::Event { event, data }, more.into()))
}

fn http(fields: &mut BodyFields) -> Result<RecordContent, ApiFailure> {
    let what = EntryKind::Request {
        method: fields.text("method")?,
        url: fields.text("url")?,
        status: fields.status("status_code")?,
        request: fields.object("request_data")?.unwrap_or_default(),
        response: fields.take("response_data"),
    };
    Ok((what, end(fields)?.into()))
}

fn sql(fields: &mut BodyFields) -> Result<RecordContent, ApiFailure> {
    let parameters = fields.take("parameters");
    if !matches!(parameters, Value::Null | Value::Array(_) | Value::Object(_)) {
        return Err(wrong("parameters", "must be an array or an object"));
    }
    let what = EntryKind::Query {
        query: fields.text("query")?,
        parameters,
        result: fields.take("result"),
    };
    Ok((what, end(fields)?.into()))
}

fn telegram(fields: &mut BodyFields) -> Result<RecordContent, ApiFailure> {
    let chat = fields.integer("chat_id")?;
    let what = EntryKind::Message {
        action: fields.text("action")?,
        chat: chat.ok_or_else(|| missing("chat_id"))?,
        kind: fields.text("message_type")?,
        message: fields.integer("message_id")?,
        text: fields.text_or_none("message_text")?.unwrap_or_default(),
    };
    Ok((what, Vec::new()))
}

/// An integration's answer is logged as a request, with its name and error.
fn integration(fields: &mut BodyFields) -> Result<RecordContent, ApiFailure> {
    let name = fields.text("integration")?;
    let status = fields.status("status")?;
    let what = EntryKind::Request {
        method: fields.text("method")?,
        url: fields.text("endpoint")?,
        status: Some(status.ok_or_else(|| missing("status"))?),
        request: fields.object("request_data")?.unwrap_or_default(),
        response: fields.take("response_data"),
    };
    let named = [("integration", Value::from(name))];
    Ok((what, named.into_iter().chain(end(fields)?).collect()))
}

/// Reads how long it took, and the error.
fn end(fields: &mut BodyFields) -> Result<[(&'static str, Value); 2], ApiFailure> {
    let is_length = |value: &Value| value.as_f64().is_some_and(|n| n.is_finite() && n >= 0.0);
    let length = |value| Some(value).filter(is_length);
    let took = fields.read("duration_ms", "must be a number, 0 or more", length)?;
    let took = ("duration_ms", took.unwrap_or_default());
    Ok([took, ("error", fields.take("error"))])
}
