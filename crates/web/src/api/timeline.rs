//! The records of a call in the JSON of the logger's first version.
//!
//! An item has `type`, `timestamp` and `data`, as the documentation of that version shows them, and also
//! `sequence` and the fields that its later code added. Fields that calltrace stored under keys that begin
//! with `_` get their own names back. `output` redacts the bodies.

use std::io;

use axum::body::{Body, Bytes};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value, json};
use tokio::task;

use calltrace_engine::TracedCall;
use calltrace_model::record::Stamp;
use calltrace_output::{Clock, Secrets, json as shown};

/// The fields of an item's `data` that are copied to the item itself, by type.
const COPIED: [(&str, &[&str]); 5] = [
    ("call_event", &["event_type"]),
    (
        "http_request",
        &["method", "url", "status_code", "duration_ms"],
    ),
    ("sql_query", &["query", "duration_ms"]),
    ("telegram_message", &["action", "chat_id", "message_id"]),
    (
        "integration_response",
        &["integration", "endpoint", "method", "status", "duration_ms"],
    ),
];

/// Formats a time as that version did: `2025-10-03T11:29:13.410`, in UTC without a zone.
pub(super) fn time(at: Stamp, clock: &Clock) -> String {
    let text = clock.rfc3339(at);
    text.trim_end_matches('Z').to_owned()
}

/// The size of the part of a timeline that is made before the answer begins (bytes); the rest is made while
/// it is sent.
const FIRST_BYTES: usize = 256 << 10;

/// The size of the parts that are made while the timeline is sent (bytes).
const CHUNK_BYTES: usize = 64 << 10;

/// The longest timeline (bytes); records after it are left out.
const BYTES_MAX: usize = 32 << 20;

/// The records of a call as JSON, numbered from 1, made in parts.
pub(super) struct Timeline {
    call: TracedCall,
    clock: Clock,
    secrets: Secrets,
    /// The index of the next record.
    next: usize,
    /// The length of the timeline so far (bytes).
    bytes: usize,
    counts: ItemCounts,
}

impl Timeline {
    pub(super) fn of(call: TracedCall, clock: Clock) -> Timeline {
        Timeline {
            secrets: Secrets::of_call(&call),
            call,
            clock,
            next: 0,
            bytes: 0,
            counts: ItemCounts::default(),
        }
    }

    /// Builds the answer: `document` with the timeline and its counts inserted. A long timeline is made while
    /// it is sent.
    pub(super) fn answer(mut self, document: Value) -> Response {
        let mut first = Vec::new();
        self.render(&mut first, FIRST_BYTES);
        let (counts, left_out) = match self.is_done() {
            true => (self.counts, self.call.lines.len() - self.next),
            false => self.ahead(),
        };
        let left_out = self.call.left_out + left_out as u64;
        let (head, tail) = around(document, counts, left_out);
        let mut head = [head.into_bytes(), first].concat();
        let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        if self.is_done() {
            head.extend_from_slice(tail.as_bytes());
            return (StatusCode::OK, json, head).into_response();
        }
        let begun = stream::once(async move { Ok(Bytes::from(head)) });
        let rest = stream::unfold(Some((self, tail)), |state| async move {
            let (mut timeline, tail) = state?;
            // This runs on a thread for blocking work, so that the connection's thread serves others at the
            // same time.
            let made = task::spawn_blocking(move || {
                let mut chunk = Vec::new();
                timeline.render(&mut chunk, CHUNK_BYTES);
                (chunk, timeline)
            });
            match made.await {
                Err(error) => Some((Err(io::Error::other(error)), None)),
                Ok((mut chunk, timeline)) if timeline.is_done() => {
                    chunk.extend_from_slice(tail.as_bytes());
                    Some((Ok(Bytes::from(chunk)), None))
                }
                Ok((chunk, timeline)) => Some((Ok(Bytes::from(chunk)), Some((timeline, tail)))),
            }
        });
        let body = Body::from_stream(begun.chain(rest));
        (StatusCode::OK, json, body).into_response()
    }

    fn is_done(&self) -> bool {
        self.next == self.call.lines.len() || self.bytes > BYTES_MAX
    }

    /// Appends further records, about `bytes` bytes.
    fn render(&mut self, into: &mut Vec<u8>, bytes: usize) {
        let from = into.len();
        while !self.is_done() && into.len() - from < bytes {
            let before = into.len();
            if self.next > 0 {
                into.push(b',');
            }
            let item = self.item(self.next);
            into.extend_from_slice(item.to_string().as_bytes());
            self.counts.add(&item);
            self.next += 1;
            self.bytes += into.len() - before;
        }
    }

    fn item(&self, at: usize) -> Value {
        let line = &self.call.lines[at];
        let entry = shown::masked(&line.text, line.at, &self.clock, &self.secrets);
        item(at + 1, line.at, entry, &self.clock)
    }

    /// Returns the counts of the whole timeline, and how many records will be left out.
    fn ahead(&self) -> (ItemCounts, usize) {
        let (mut counts, mut bytes, mut next) = (self.counts, self.bytes, self.next);
        while next < self.call.lines.len() && bytes <= BYTES_MAX {
            let item = self.item(next);
            counts.add(&item);
            bytes += item.to_string().len() + 1;
            next += 1;
        }
        (counts, self.call.lines.len() - next)
    }
}

/// Returns the JSON before the items of the timeline and after them.
fn around(mut document: Value, counts: ItemCounts, left_out: u64) -> (String, String) {
    document["summary"] = counts.to_value();
    document["records_left_out"] = json!(left_out);
    let text = document.to_string();
    // Inside a text a quote has a backslash before it, so no value can be mistaken for the key.
    let (head, tail) = text
        .split_once("\"timeline\":[]")
        .expect("the document has an empty timeline");
    (format!("{head}\"timeline\":["), format!("]{tail}"))
}

/// The types of items and the names of their counts.
const COUNTED: [(&str, &str); 5] = [
    ("call_event", "total_events"),
    ("http_request", "http_requests"),
    ("sql_query", "sql_queries"),
    ("telegram_message", "telegram_messages"),
    ("integration_response", "integration_responses"),
];

/// The number of items, of each type and in total.
#[derive(Debug, Clone, Copy, Default)]
struct ItemCounts {
    each: [u64; COUNTED.len()],
    all: u64,
}

impl ItemCounts {
    fn add(&mut self, item: &Value) {
        self.all += 1;
        let kind = COUNTED.iter().position(|(kind, _)| item["type"] == *kind);
        if let Some(at) = kind {
            self.each[at] += 1;
        }
    }

    fn to_value(self) -> Value {
        let named = COUNTED.iter().map(|(_, name)| *name).zip(self.each);
        let all = named.chain([("total_timeline_entries", self.all)]);
        all.map(|(name, count)| (name.to_owned(), count)).collect()
    }
}

fn item(sequence: usize, at: Stamp, mut entry: Value, clock: &Clock) -> Value {
    let mut data = match entry["data"].take() {
        Value::Object(data) => data,
        _ => Map::new(),
    };
    let kind = match entry["type"].as_str().unwrap_or_default() {
        "http_request" => request(&mut data),
        "sql_query" => query(&mut data),
        "call_event" => event(&mut data),
        "telegram_message" => "telegram_message",
        _ => "unparsed",
    };
    let mut item = json!({ "type": kind, "sequence": sequence, "timestamp": time(at, clock) });
    let copied = COPIED.iter().find(|(name, _)| *name == kind);
    for name in copied.map_or(&[][..], |(_, names)| names) {
        item[name] = data.get(*name).cloned().unwrap_or_default();
    }
    item["data"] = Value::Object(data);
    item
}

fn event(data: &mut Map<String, Value>) -> &'static str {
    for name in ["chat_id", "phone_number", "bridge_unique_id"] {
        if let Some(value) = out_of(data, "event_data", name) {
            data.insert(name.to_owned(), value);
        }
    }
    "call_event"
}

fn request(data: &mut Map<String, Value>) -> &'static str {
    for name in ["duration_ms", "error"] {
        let value = out_of(data, "request_data", name);
        data.insert(name.to_owned(), value.unwrap_or_default());
    }
    let Some(name) = out_of(data, "request_data", "integration") else {
        return "http_request";
    };
    data.insert("integration".to_owned(), name);
    for (from, to) in [("url", "endpoint"), ("status_code", "status")] {
        let value = data.shift_remove(from).unwrap_or_default();
        data.insert(to.to_owned(), value);
    }
    "integration_response"
}

/// Moves the parameters back to their own field, if calltrace put them next to the query.
fn query(data: &mut Map<String, Value>) -> &'static str {
    for name in ["query", "duration_ms", "error"] {
        let value = out_of(data, "parameters", name);
        data.insert(name.to_owned(), value.unwrap_or_default());
    }
    let params = data.get_mut("parameters").and_then(Value::as_object_mut);
    let alone = params.filter(|params| params.len() == 1);
    let listed = alone
        .and_then(|params| params.get_mut("parameters"))
        .map(Value::take);
    if let Some(listed) = listed.filter(Value::is_array) {
        data.insert("parameters".to_owned(), listed);
    }
    "sql_query"
}

/// Removes `_name` from the object in `field` and returns it.
fn out_of(data: &mut Map<String, Value>, field: &str, name: &str) -> Option<Value> {
    let fields = data.get_mut(field)?.as_object_mut()?;
    fields.shift_remove(&format!("_{name}"))
}
