//! The records of a call as the first version of the logger told them.
//!
//! An item has `type`, `timestamp` and `data` as the document of that version shows them, and beside
//! them `sequence` and the fields that its later code put there. What calltrace itself wrote under
//! keys that begin with `_` comes back under their own names. Bodies come redacted out of `output`.

use serde_json::{Map, Value, json};

use crate::engine::TracedCall;
use crate::output::{Clock, json as shown};
use crate::record::Stamp;

/// What of an item's `data` stands beside it as well, by its type.
const BESIDE: [(&str, &[&str]); 5] = [
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

/// `2025-10-03T11:29:13.410`: UTC, without saying so, as that version wrote its times.
pub(super) fn time(at: Stamp, clock: &Clock) -> String {
    let text = clock.rfc3339(at);
    text.trim_end_matches('Z').to_owned()
}

/// All records of a call, in order of time, numbered from 1.
pub(super) fn timeline(call: &TracedCall, clock: &Clock) -> Vec<Value> {
    let items = call.lines.iter().enumerate();
    items
        .map(|(at, line)| {
            item(
                at + 1,
                line.at,
                shown::entry(&line.text, line.at, clock),
                clock,
            )
        })
        .collect()
}

/// How many there are of each kind.
pub(super) fn counts(timeline: &[Value]) -> Value {
    let of = |kind: &str| timeline.iter().filter(|item| item["type"] == kind).count();
    json!({
        "total_events": of("call_event"),
        "http_requests": of("http_request"),
        "sql_queries": of("sql_query"),
        "telegram_messages": of("telegram_message"),
        "integration_responses": of("integration_response"),
        "total_timeline_entries": timeline.len(),
    })
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
    let mut item = Map::new();
    item.insert("type".to_owned(), json!(kind));
    item.insert("sequence".to_owned(), json!(sequence));
    item.insert("timestamp".to_owned(), json!(time(at, clock)));
    let beside = BESIDE.iter().find(|(name, _)| *name == kind);
    for name in beside.map_or(&[][..], |(_, names)| names) {
        item.insert(
            (*name).to_owned(),
            data.get(*name).cloned().unwrap_or_default(),
        );
    }
    item.insert("data".to_owned(), Value::Object(data));
    Value::Object(item)
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

/// The parameters stand alone again, if it was calltrace that put them beside the query.
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

/// Takes `_name` out of the object that stands under `field`.
fn out_of(data: &mut Map<String, Value>, field: &str, name: &str) -> Option<Value> {
    let fields = data.get_mut(field)?.as_object_mut()?;
    fields.shift_remove(&format!("_{name}"))
}
