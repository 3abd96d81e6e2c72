//! JSON for programs. Stable: fields are added, never renamed or removed within [`VERSION`].
//!
//! A trace has the shape of the v1 logger (`unique_id`, `enterprise_number`, `created_at`,
//! `updated_at`, `timeline` of `{type, timestamp, data}`, `summary`), and beside it `call`, `legs`,
//! `joins`, `messages` and `completeness`. Times are RFC 3339 in UTC, durations milliseconds. Bodies
//! are redacted; one that is no JSON is `{"raw": text}`.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Value, json};

use super::sanitise::is_unsafe;
use super::{Clock, Shown, redact};
use crate::call::{
    Direction, Fact, MessageLife, Outcome, Phase, Reason, RingOutcome, State, Summary, Transfer,
    TransferKind, TransferResult,
};
use crate::engine::{Found, FoundLines, Searched, Trace, TracedCall};
use crate::error::Trouble;
use crate::record::{Body, KindName, Record, Stamp};
use crate::scan::Line;

/// Of all JSON that calltrace prints.
pub const VERSION: u32 = 1;

/// Writes a value and a newline. What could act on a terminal, or hide or turn text, is escaped; a
/// reader of JSON gets the same strings.
///
/// # Errors
/// When `out` does.
pub fn write(out: &mut dyn Write, value: &Value, pretty: bool) -> io::Result<()> {
    let text = if pretty {
        serde_json::to_string_pretty(value)?
    } else {
        serde_json::to_string(value)?
    };
    let mut safe = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        if is_unsafe(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    safe.push('\n');
    out.write_all(safe.as_bytes())
}

/// A traced call, whole. `only` limits the timeline to kinds, when it is not empty.
pub fn trace(trace: &Trace, call: &TracedCall, clock: &Clock, only: &[KindName]) -> Value {
    let s = &call.summary;
    json!({
        "version": VERSION,
        "unique_id": s.main_uid,
        "enterprise_number": trace.enterprise.as_str(),
        "created_at": clock.rfc3339(s.first),
        "updated_at": clock.rfc3339(s.last),
        "timeline": timeline(call, clock, only),
        "summary": summary_counts(s, call.lines.len()),
        "call": self::call(s, clock),
        "legs": legs(s, clock),
        "joins": joins(call),
        "messages": messages(call, clock),
        "completeness": completeness(&trace.searched, &trace.troubles, clock),
    })
}

/// The records of a call, each as one value, then the rest of the trace as one of type `call`.
pub fn trace_records(
    trace: &Trace,
    call: &TracedCall,
    clock: &Clock,
    only: &[KindName],
) -> Vec<Value> {
    let mut all = timeline(call, clock, only);
    all.push(traced(trace, call, clock));
    all
}

/// A traced call without its records, as a value of type `call`.
pub fn traced(trace: &Trace, call: &TracedCall, clock: &Clock) -> Value {
    let mut rest = self::trace(trace, call, clock, &[]);
    if let Some(fields) = rest.as_object_mut() {
        fields.shift_remove("timeline");
        fields.shift_insert(0, "type".to_owned(), json!("call"));
    }
    rest
}

/// The answer about an id that is nowhere.
pub fn not_found(trace: &Trace, id: &str, clock: &Clock) -> Value {
    json!({
        "version": VERSION,
        "type": "not_found",
        "unique_id": id,
        "enterprise_number": trace.enterprise.as_str(),
        "near": trace.near,
        "completeness": completeness(&trace.searched, &trace.troubles, clock),
    })
}

/// One row of a search.
pub fn row(enterprise: &str, call: &Summary, clock: &Clock) -> Value {
    let mut row = json!({
        "unique_id": call.main_uid,
        "enterprise_number": enterprise,
        "start_time": clock.rfc3339(call.first),
        "end_time": clock.rfc3339(call.last),
    });
    let counts = json!({
        "events_count": call.events,
        "http_requests_count": call.http,
        "sql_queries_count": call.sql,
        "telegram_messages_count": call.messages.sent,
    });
    for part in [self::call(call, clock), counts] {
        if let (Some(row), Value::Object(part)) = (row.as_object_mut(), part) {
            row.extend(part);
        }
    }
    row
}

/// What a search looked at, as its last value.
pub fn report(found: &[Found], clock: &Clock) -> Value {
    let each: Vec<Value> = found
        .iter()
        .map(|found| {
            json!({
                "enterprise_number": found.enterprise.as_str(),
                "count": found.count,
                "unparsed": found.unparsed,
                "completeness": completeness(&found.searched, &found.troubles, clock),
            })
        })
        .collect();
    json!({ "type": "report", "version": VERSION, "enterprises": each })
}

/// A record that `--lines` found.
pub fn line(found: &FoundLines, line: &Line, matched: bool, clock: &Clock) -> Value {
    let place = line.place;
    json!({
        "enterprise_number": found.enterprise.as_str(),
        "file": found.files.get(place.source as usize),
        "offset": place.offset,
        "matched": matched,
        "record": entry(&line.text, line.at, clock),
    })
}

/// A record of a stream; the fields of a record that `--lines` found.
pub fn shown(record: &Shown<'_>, clock: &Clock) -> Value {
    json!({
        "enterprise_number": record.enterprise,
        "file": record.file,
        "offset": record.offset,
        "matched": true,
        "record": entry(record.text, record.at, clock),
    })
}

/// A call's state, as a row of a search with `state` and the time since when it has lasted.
pub fn call_state(
    enterprise: &str,
    call: &Summary,
    state: &State,
    since: Stamp,
    clock: &Clock,
) -> Value {
    let mut row = row(enterprise, call, clock);
    if let Some(fields) = row.as_object_mut() {
        fields.insert("state".to_owned(), json!(phase(state.phase)));
        fields.insert("state_since".to_owned(), json!(clock.rfc3339(since)));
    }
    row
}

/// Phases by name.
pub fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Arriving => "arriving",
        Phase::Ringing => "ringing",
        Phase::Answered => "answered",
        Phase::Transferred => "transferred",
        Phase::Ended => "ended",
        Phase::Missed => "missed",
        Phase::Lost => "lost",
    }
}

/// Kinds of direction by name.
pub fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Incoming => "in",
        Direction::Outgoing => "out",
        Direction::Internal => "internal",
        Direction::Unknown => "unknown",
    }
}

/// Outcomes by name.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Missed => "missed",
        Outcome::NotReached => "not_reached",
        Outcome::Busy => "busy",
        Outcome::InProgress => "in_progress",
        Outcome::Unknown => "unknown",
    }
}

fn timeline(call: &TracedCall, clock: &Clock, only: &[KindName]) -> Vec<Value> {
    let wanted = |line: &&Line| only.is_empty() || only.contains(&Record::parse(&line.text).kind());
    call.lines
        .iter()
        .filter(wanted)
        .map(|line| entry(&line.text, line.at, clock))
        .collect()
}

/// One record: its type, its time and what it says.
pub fn entry(line: &[u8], at: Stamp, clock: &Clock) -> Value {
    let record = Record::parse(line);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let shown = |bytes: &[u8]| redact::text(&text(bytes)).into_owned();
    let uid = text(record.uid());
    let (kind, data) = match &record.body {
        Body::Ast(ast) => (
            "call_event",
            json!({
                "event_type": text(ast.event),
                "unique_id": uid,
                "event_data": redact::body(ast.json),
            }),
        ),
        Body::Tg(tg) => (
            "telegram_message",
            json!({
                "action": text(tg.action),
                "chat_id": number(tg.chat),
                "message_id": number(tg.msg_id),
                "message_type": text(tg.msg_type),
                "message_text": shown(tg.text),
                "unique_id": uid,
            }),
        ),
        Body::Http(http) => (
            "http_request",
            json!({
                "method": text(http.method),
                "url": shown(http.url),
                "status_code": number(http.status),
                "request_data": redact::body(http.request),
                "response_data": redact::body(http.response),
                "unique_id": uid,
            }),
        ),
        Body::Sql(sql) => (
            "sql_query",
            json!({
                "query_type": text(sql.query_type),
                "table": text(sql.table),
                "parameters": redact::body(sql.params),
                "result": redact::body(sql.result),
                "unique_id": uid,
            }),
        ),
        Body::Unparsed => ("unparsed", json!({ "raw": shown(line) })),
    };
    json!({ "type": kind, "timestamp": clock.rfc3339(at), "data": data })
}

/// A number where it is one (chat ids, statuses), else the text; `null` for `None`.
fn number(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok("" | "None") => Value::Null,
        Ok(text) => text
            .parse::<i64>()
            .map_or_else(|_| json!(text), |n| json!(n)),
        Err(_) => json!(String::from_utf8_lossy(bytes)),
    }
}

fn summary_counts(s: &Summary, entries: usize) -> Value {
    json!({
        "total_events": s.events,
        "http_requests": s.http,
        "sql_queries": s.sql,
        "telegram_messages": s.messages.sent,
        "total_timeline_entries": entries,
    })
}

fn call(s: &Summary, clock: &Clock) -> Value {
    json!({
        "direction": direction(s.direction),
        "client": s.client,
        "trunk": s.trunk,
        "rang": s.rang,
        "answered_by": s.answered_by,
        "result": outcome(s.outcome),
        "call_status": s.call_status.map(|c| char::from(c).to_string()),
        "ended": s.ended,
        "ring_ms": s.ring_millis,
        "wait_ms": s.wait_millis,
        "talk_ms": s.talk_millis,
        "hold_ms": s.hold_millis,
        "participants": participants(s, clock),
        "transfers": s.transfers,
        "transferred_to": s.transferred_to,
        "handed_on": handed_on(s, clock),
        "crm": s.crm,
        "messages": {
            "sent": s.messages.sent,
            "edited": s.messages.edited,
            "deleted": s.messages.deleted,
            "standing": s.messages.standing,
            "chats": s.messages.chats,
        },
        "http_failed": s.http_failed,
    })
}

/// Who took part: each with when they were rung and when the other side heard them.
fn participants(s: &Summary, clock: &Clock) -> Vec<Value> {
    let at = |at: Option<Stamp>| at.map(|at| clock.rfc3339(at));
    let mut names: Vec<&str> = Vec::new();
    let rung = s.ringing.iter().map(|ringing| ringing.party.as_str());
    let heard = s.heard.iter().flat_map(|heard| &heard.with);
    for name in [s.client.as_str()]
        .into_iter()
        .chain(rung)
        .chain(heard.map(String::as_str))
    {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    let one = |name: &&str| {
        let is_client = **name == s.client;
        let ringing: Vec<Value> = s
            .ringing
            .iter()
            .filter(|ringing| ringing.party == **name)
            .map(|ringing| {
                json!({
                    "from": clock.rfc3339(ringing.from),
                    "to": at(ringing.to),
                    "outcome": ring_outcome(ringing.outcome),
                })
            })
            .collect();
        let talk: Vec<Value> = s
            .heard
            .iter()
            .filter(|heard| is_client || heard.with.iter().any(|who| who == *name))
            .map(|heard| {
                let others = heard.with.iter().filter(|who| who != name);
                let with: Vec<&String> = match is_client {
                    true => others.collect(),
                    false => others.chain([&s.client]).collect(),
                };
                json!({ "from": clock.rfc3339(heard.from), "to": at(heard.to), "with": with })
            })
            .collect();
        json!({
            "number": name,
            "client": is_client,
            "ringing": ringing,
            "talk": talk,
        })
    };
    names.iter().map(one).collect()
}

fn ring_outcome(outcome: RingOutcome) -> &'static str {
    match outcome {
        RingOutcome::Answered => "answered",
        RingOutcome::Elsewhere => "answered_elsewhere",
        RingOutcome::NotAnswered => "not_answered",
    }
}

fn handed_on(s: &Summary, clock: &Clock) -> Vec<Value> {
    let transfer = |transfer: &Transfer| {
        json!({
            "kind": match transfer.kind {
                TransferKind::Blind => "blind",
                TransferKind::Attended => "attended",
            },
            "result": match transfer.result {
                TransferResult::Completed => "completed",
                TransferResult::Refused => "refused",
                TransferResult::NotAnswered => "not_answered",
            },
            "by": transfer.by,
            "to": transfer.to,
            "at": clock.rfc3339(transfer.at),
        })
    };
    s.handed_on.iter().map(transfer).collect()
}

fn legs(s: &Summary, clock: &Clock) -> Vec<Value> {
    let leg = |leg: &crate::call::Leg| {
        json!({
            "unique_id": leg.uid,
            "label": leg.label,
            "channel": leg.channel,
            "first": clock.rfc3339(leg.first),
            "last": clock.rfc3339(leg.last),
        })
    };
    s.legs.iter().map(leg).collect()
}

fn joins(call: &TracedCall) -> Vec<Value> {
    let join = |join: &crate::call::Join| {
        let (reason, detail) = match &join.reason {
            Reason::Asked => ("asked", Value::Null),
            Reason::Bridge(bridge) => ("bridge", json!(bridge)),
            Reason::LocalPair(stem) => ("local_pair", json!(stem)),
            Reason::Message { chat, message } => {
                ("message", json!({ "chat_id": chat, "message_id": message }))
            }
            Reason::Inferred(why) => ("inferred", json!(why)),
        };
        let by = join.by.map(|place| {
            json!({ "file": call.files.get(place.source as usize), "offset": place.offset })
        });
        json!({
            "unique_id": join.uid,
            "reason": reason,
            "detail": detail,
            "inferred": !join.reason.is_proven(),
            "by": by,
        })
    };
    call.closure.joins().iter().map(join).collect()
}

fn messages(call: &TracedCall, clock: &Clock) -> Vec<Value> {
    let text_of = |life: &MessageLife| {
        let at = call
            .facts
            .iter()
            .position(|f: &Fact| Some(f.place) == life.sent_at)?;
        match Record::parse(&call.lines.get(at)?.text).body {
            Body::Tg(tg) => Some(redact::text(&String::from_utf8_lossy(tg.text)).into_owned()),
            _ => None,
        }
    };
    MessageLife::all(&call.facts)
        .iter()
        .map(|life| {
            json!({
                "chat_id": number(life.chat.as_bytes()),
                "message_id": number(life.message.as_bytes()),
                "message_type": life.stage,
                "sent_at": life.sent.map(|at| clock.rfc3339(at)),
                "edited_at": life.edits.iter().map(|at| clock.rfc3339(*at)).collect::<Vec<_>>(),
                "deleted_at": life.deleted.map(|at| clock.rfc3339(at)),
                "standing": life.stands(),
                "text": text_of(life),
            })
        })
        .collect()
}

fn completeness(searched: &Searched, troubles: &[Trouble], clock: &Clock) -> Value {
    json!({
        "complete": troubles.is_empty(),
        "files_searched": searched.files,
        "files_known": searched.files_known,
        "from": searched.from.map(|at| clock.rfc3339(at)),
        "to": searched.to.map(|at| clock.rfc3339(at)),
        "troubles": troubles
            .iter()
            .map(|t| json!({ "path": t.path.display().to_string(), "what": t.what }))
            .collect::<Vec<_>>(),
    })
}
