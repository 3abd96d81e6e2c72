//! The body of a POST -> an entry for the log. Pure.
//!
//! Fields that are not known are passed over, as the first version did; `timestamp` is one of them:
//! a record's time is that of its writing. Of a key that is there twice the last counts, and only
//! that one is written.

use serde_json::Value;

use super::Failure;
use super::fields::{Fields, missing, wrong};
use crate::intake::{Entry, EntryKind};
use calltrace_store::tree::EnterpriseName;

/// What is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Event,
    Http,
    Sql,
    Telegram,
    Integration,
}

impl Kind {
    /// As it is counted, by the kind of its line, and what is said when it was logged.
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Kind::Event => ("ast", "Event logged"),
            Kind::Http => ("http", "HTTP request logged"),
            Kind::Sql => ("sql", "SQL query logged"),
            Kind::Telegram => ("tg", "Telegram message logged"),
            Kind::Integration => ("http", "Integration response logged"),
        }
    }
}

/// Reads a body.
///
/// # Errors
/// 400 when it is no JSON; 422 when a field is missing or of a wrong type, naming the field.
pub(super) fn read(kind: Kind, body: &[u8]) -> Result<(EnterpriseName, Entry), Failure> {
    let mut fields = Fields::read_all(body)?;
    let number = fields.text("enterprise_number")?;
    let enterprise = EnterpriseName::new(&number).ok_or_else(|| {
        let said = "it is 1 to 64 of ASCII letters, digits, '_' and '-', such as 0367";
        wrong("enterprise_number", said)
    })?;
    let unique_id = fields.text("unique_id")?;
    let (what, more) = match kind {
        Kind::Event => event(&mut fields)?,
        Kind::Http => http(&mut fields)?,
        Kind::Sql => sql(&mut fields)?,
        Kind::Telegram => telegram(&mut fields)?,
        Kind::Integration => integration(&mut fields)?,
    };
    let entry = Entry {
        unique_id,
        what,
        more,
    };
    Ok((enterprise, entry))
}

/// What happened, and what else is known of it.
type Told = (EntryKind, Vec<(&'static str, Value)>);

fn event(fields: &mut Fields) -> Result<Told, Failure> {
    let event = fields.text("event_type")?;
    let data = fields.object("event_data")?;
    let data = data.ok_or_else(|| missing("event_data"))?;
    let more = ["chat_id", "phone_number", "bridge_unique_id"];
    let more = more.map(|name| (name, fields.take(name)));
    Ok((EntryKind::Event { event, data }, more.into()))
}

fn http(fields: &mut Fields) -> Result<Told, Failure> {
    let what = EntryKind::Request {
        method: fields.text("method")?,
        url: fields.text("url")?,
        status: fields.status("status_code")?,
        request: fields.object("request_data")?.unwrap_or_default(),
        response: fields.take("response_data"),
    };
    Ok((what, end(fields)?.into()))
}

fn sql(fields: &mut Fields) -> Result<Told, Failure> {
    let parameters = fields.take("parameters");
    if !matches!(parameters, Value::Null | Value::Array(_) | Value::Object(_)) {
        return Err(wrong("parameters", "it is an array or an object"));
    }
    let what = EntryKind::Query {
        query: fields.text("query")?,
        parameters,
        result: fields.take("result"),
    };
    Ok((what, end(fields)?.into()))
}

fn telegram(fields: &mut Fields) -> Result<Told, Failure> {
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

/// An answer of an integration is a request that was made: its name and error go with it.
fn integration(fields: &mut Fields) -> Result<Told, Failure> {
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

/// How long it took, and what went wrong.
fn end(fields: &mut Fields) -> Result<[(&'static str, Value); 2], Failure> {
    let is_length = |value: &Value| value.as_f64().is_some_and(|n| n.is_finite() && n >= 0.0);
    let length = |value| Some(value).filter(is_length);
    let took = fields.read("duration_ms", "it is a number, 0 or more", length)?;
    let took = ("duration_ms", took.unwrap_or_default());
    Ok([took, ("error", fields.take("error"))])
}
