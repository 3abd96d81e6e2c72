//! Makes the row of a call from the hangup that a host sent. Pure.
//!
//! Bodies come from a shell script by way of a database without types: a number may be a string, a list may be one
//! string, and a time may be empty. Values that are not understood are left out of the row. Only a body that is not a
//! JSON object, or that names no call, has no row.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDateTime, TimeDelta};
use serde_json::{Map, Value};

use calltrace_hosts::journal::{JournalRow, name_of_day};
use calltrace_model::call::CallType;

/// An event as a host's journal holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostEvent {
    /// Its place, for messages: `Listen_AMI_2025-12-02.db AlternativeAPIlogs 17`.
    pub place: String,
    /// When the host wrote it, by the host's clock.
    pub written: Option<NaiveDateTime>,
    /// The name of the event: `hangup`, `dial`.
    pub event: String,
    /// The journal's own column, used if the body names no call.
    pub unique_id: String,
    /// The body, a JSON object.
    pub request: String,
}

impl From<&JournalRow> for HostEvent {
    fn from(row: &JournalRow) -> HostEvent {
        HostEvent {
            place: format!("{} {} {}", name_of_day(row.day), row.table.name(), row.id),
            written: Some(row.written),
            event: row.event.clone(),
            unique_id: row.unique_id.clone(),
            request: row.request.clone(),
        }
    }
}

/// The row of a call, made from its hangup. Times are those of the host, as the hangup gives them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HangupRow {
    /// The place of the hangup.
    pub place: String,
    /// UniqueId of the hangup; never empty.
    pub unique_id: String,
    /// Token of the body.
    pub token: Option<String>,
    /// Number of the other side.
    pub phone: Option<String>,
    /// Line of the call; `None` for most internal calls.
    pub trunk: Option<String>,
    /// Participants, each once, in the order of the body; empty if none is known.
    pub extensions: Vec<String>,
    /// CallType; `None` for any value except 0, 1 and 2.
    pub call_type: Option<CallType>,
    /// CallStatus, as the host wrote it.
    pub call_status: Option<String>,
    /// When the call came: DateReceived, otherwise StartTime, otherwise when the row was written.
    pub received: Option<NaiveDateTime>,
    /// StartTime, otherwise DateReceived, otherwise when the row was written.
    pub started: Option<NaiveDateTime>,
    /// EndTime.
    pub ended: Option<NaiveDateTime>,
    /// When the host wrote the row.
    pub written: Option<NaiveDateTime>,
    /// The body as JSON that every database takes: without the character NUL.
    pub body: String,
}

/// Why an event has no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRow {
    /// The body can't be read.
    #[error("the request is no JSON object")]
    NoObject,
    /// Neither the body nor the journal has a UniqueId.
    #[error("the request names no call")]
    NoCall,
}

/// How CallType and CallStatus are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Notation {
    /// As hosts write them: `0`, `1`, `2`.
    #[default]
    Digits,
    /// `incoming`, `outgoing`, `internal`; `answered`, `no_answer`.
    Words,
}

/// Longest number of an extension; a longer one is that of a client (characters).
const EXTENSION_CHARS_MAX: usize = 4;

/// CallStatus of a call that was answered.
const ANSWERED: &str = "2";

impl HangupRow {
    /// Makes the row of a hangup. If the hangup names no extension, the other events of the call give the participants:
    /// the first extension of a dial, otherwise the parties with a short number in a bridge.
    ///
    /// # Errors
    /// When the hangup has no row.
    pub fn of(hangup: &HostEvent, siblings: &[&HostEvent]) -> Result<HangupRow, NoRow> {
        let body = object(&hangup.request).ok_or(NoRow::NoObject)?;
        let named = text(&body, "UniqueId").or_else(|| stated(&hangup.unique_id));
        let unique_id = named.ok_or(NoRow::NoCall)?;
        let time = |key: &str| moment(&text(&body, key)?);
        let (start, received) = (time("StartTime"), time("DateReceived"));
        let mut extensions = extensions(&body);
        if extensions.is_empty() {
            extensions.extend(manager(siblings));
        }
        Ok(HangupRow {
            place: hangup.place.clone(),
            unique_id,
            token: text(&body, "Token"),
            phone: text(&body, "Phone"),
            trunk: text(&body, "Trunk"),
            extensions,
            call_type: call_type(&body),
            call_status: text(&body, "CallStatus"),
            received: received.or(start).or(hangup.written),
            started: start.or(received).or(hangup.written),
            ended: time("EndTime"),
            written: hangup.written,
            body: Value::Object(body).to_string(),
        })
    }

    /// The rows of all hangups in `sent`, one per call, and the place and reason of each hangup without a row.
    pub fn of_each(sent: &[HostEvent]) -> (Vec<HangupRow>, Vec<(String, NoRow)>) {
        let mut calls: HashMap<&str, Vec<&HostEvent>> = HashMap::new();
        for event in sent.iter().filter(|event| event.event != "hangup") {
            calls.entry(&event.unique_id).or_default().push(event);
        }
        let (mut rows, mut without) = (Vec::<HangupRow>::new(), Vec::new());
        let mut known = HashSet::new();
        for hangup in sent.iter().filter(|event| event.event == "hangup") {
            let siblings = calls.get(hangup.unique_id.as_str());
            match HangupRow::of(hangup, siblings.map_or(&[][..], Vec::as_slice)) {
                Err(why) => without.push((hangup.place.clone(), why)),
                // Several tables hold the same hangup, and a time-out repeats it.
                Ok(row) if !known.insert(row.unique_id.clone()) => {}
                Ok(row) => rows.push(row),
            }
        }
        (rows, without)
    }

    /// Whether the call was answered.
    pub fn is_answered(&self) -> bool {
        self.call_status.as_deref() == Some(ANSWERED)
    }

    /// From `started` to `ended` in seconds; `None` if one of them is unknown or they are in the wrong order.
    pub fn seconds(&self) -> Option<i32> {
        let length = self.ended? - self.started?;
        let is_forward = length >= TimeDelta::zero();
        is_forward.then(|| i32::try_from(length.num_seconds()).ok())?
    }

    /// CallType in the notation of the database.
    pub fn type_in(&self, notation: Notation) -> Option<&'static str> {
        let (digit, word) = match self.call_type? {
            CallType::Incoming => ("0", "incoming"),
            CallType::Outgoing => ("1", "outgoing"),
            CallType::Internal => ("2", "internal"),
        };
        Some(match notation {
            Notation::Digits => digit,
            Notation::Words => word,
        })
    }

    /// CallStatus in the notation of the database. A status that does not say whether the call was answered has no
    /// word.
    pub fn status_in(&self, notation: Notation) -> Option<&str> {
        let digit = self.call_status.as_deref()?;
        match (notation, digit) {
            (Notation::Digits, _) => Some(digit),
            (Notation::Words, ANSWERED) => Some("answered"),
            (Notation::Words, "0" | "3" | "4") => Some("no_answer"),
            (Notation::Words, _) => None,
        }
    }
}

/// A body without the character NUL, which neither texts nor JSON of PostgreSQL can hold.
fn object(request: &str) -> Option<Map<String, Value>> {
    let body = serde_json::from_str::<Map<String, Value>>(request).ok()?;
    match request.contains("\\u0000") {
        true => Some(without_nul(body)),
        false => Some(body),
    }
}

fn without_nul(fields: Map<String, Value>) -> Map<String, Value> {
    let text = |text: &str| text.replace('\0', "\u{fffd}");
    fn value(given: Value) -> Value {
        match given {
            Value::String(given) => Value::String(given.replace('\0', "\u{fffd}")),
            Value::Array(items) => Value::Array(items.into_iter().map(value).collect()),
            Value::Object(fields) => Value::Object(without_nul(fields)),
            plain => plain,
        }
    }
    let fields = fields.into_iter();
    fields.map(|(key, of)| (text(&key), value(of))).collect()
}

fn stated(text: &str) -> Option<String> {
    let text = text.trim().replace('\0', "\u{fffd}");
    (!text.is_empty()).then_some(text)
}

/// A field as text: a number counts as well. `None` for an empty one and for anything else.
fn text(body: &Map<String, Value>, key: &str) -> Option<String> {
    written(body.get(key)?)
}

fn written(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => stated(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `Extensions`: a list, or one text with `&` or commas between them.
fn extensions(body: &Map<String, Value>) -> Vec<String> {
    let items = match body.get("Extensions") {
        Some(Value::Array(items)) => items.iter().filter_map(written).collect(),
        Some(one) => written(one).into_iter().collect::<Vec<_>>(),
        None => Vec::new(),
    };
    let mut extensions: Vec<String> = Vec::new();
    for one in items.iter().flat_map(|item| item.split(['&', ','])) {
        if let Some(one) = stated(one).filter(|one| !extensions.contains(one)) {
            extensions.push(one);
        }
    }
    extensions
}

/// The participants, from the other events of a call.
fn manager(siblings: &[&HostEvent]) -> Option<String> {
    let bodies = |event: &'static [&'static str]| {
        let named = siblings
            .iter()
            .filter(move |sent| event.contains(&sent.event.as_str()));
        named.filter_map(|sent| object(&sent.request))
    };
    let dialled = bodies(&["dial"]).find_map(|body| extensions(&body).into_iter().next());
    let is_short = |number: &String| {
        number.len() <= EXTENSION_CHARS_MAX && number.bytes().all(|b| b.is_ascii_digit())
    };
    let shown = |body: Map<String, Value>| text(&body, "CallerIDNum").filter(is_short);
    dialled.or_else(|| bodies(&["bridge", "bridge_leave"]).find_map(shown))
}

fn call_type(body: &Map<String, Value>) -> Option<CallType> {
    match text(body, "CallType")?.as_str() {
        "0" => Some(CallType::Incoming),
        "1" => Some(CallType::Outgoing),
        "2" => Some(CallType::Internal),
        _ => None,
    }
}

/// A time as hosts write it.
fn moment(text: &str) -> Option<NaiveDateTime> {
    let text = text.replacen('T', " ", 1);
    // A longer text has a year that no call can have.
    let is_usual = text.get(4..5) == Some("-");
    let read = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f");
    read.ok().filter(|_| is_usual)
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
