//! JSON for programs. Stable: fields are added, never renamed or removed within [`VERSION`]. Names of version 1 are
//! kept next to those of version 2 until the next version.
//!
//! A trace has the shape of the v1 logger (`unique_id`, `enterprise_number`, `created_at`, `updated_at`, `timeline` of
//! `{type, timestamp, data}`, `summary`), and in addition `call`, `legs`, `joins`, `messages`, `faults` and
//! `completeness`. Times are RFC 3339 in UTC, durations milliseconds. Bodies are redacted; one that is not JSON is
//! `{"raw": text}`.

mod call;
mod extent;

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use call::call;
pub(crate) use call::returned_how;
pub use call::{row, row_returned};
pub use extent::Extent;

use super::{Clock, Secrets, StreamRecord};
use calltrace_engine::{FoundCalls, FoundLines, Searched, Trace, TracedCall};
use calltrace_model::call::{CallState, Fact, Fault, MessageLife, Phase, Reason, Summary};
use calltrace_model::record::{Body, KindName, Record, RecoveryMark, Stamp};
use calltrace_model::redact;
use calltrace_model::sanitise::is_unsafe;
use calltrace_store::error::Trouble;
use calltrace_store::scan::Line;

/// The version of all JSON that calltrace prints.
pub const VERSION: u32 = 2;

/// Writes a value and a newline. What could act on a terminal, or hide or turn text, is escaped; a
/// reader of JSON gets the same strings.
///
/// # Errors
/// When `out` can't be written.
pub fn write(out: &mut dyn Write, value: &Value, pretty: bool) -> io::Result<()> {
    let text = if pretty {
        serde_json::to_string_pretty(value)?
    } else {
        serde_json::to_string(value)?
    };
    write_safe(out, &text)?;
    out.write_all(b"\n")
}

/// Writes JSON with escapes for what is unsafe to show.
fn write_safe(out: &mut dyn Write, text: &str) -> io::Result<()> {
    let mut safe = String::with_capacity(text.len());
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
    out.write_all(safe.as_bytes())
}

/// Writes traced calls, whole, as one document: an object, or an array of several. `only` limits the timeline to
/// kinds, when it is not empty; `now` is the current time. The records are converted to JSON one by one.
///
/// # Errors
/// When `out` can't be written.
pub fn write_traces(
    out: &mut dyn Write,
    traces: &[(&Trace, &TracedCall)],
    (clock, now): (&Clock, Stamp),
    only: &[KindName],
) -> io::Result<()> {
    match traces {
        [(trace, call)] => write_trace(out, (trace, call), (clock, now), only, 0)?,
        all => {
            out.write_all(b"[")?;
            for (at, one) in all.iter().enumerate() {
                out.write_all(if at == 0 { b"\n  " } else { b",\n  " })?;
                write_trace(out, *one, (clock, now), only, 2)?;
            }
            out.write_all(if all.is_empty() { b"]" } else { b"\n]" })?;
        }
    }
    out.write_all(b"\n")
}

/// Writes one traced call, its lines after the first one indented by `indent`.
fn write_trace(
    out: &mut dyn Write,
    (trace, call): (&Trace, &TracedCall),
    (clock, now): (&Clock, Stamp),
    only: &[KindName],
    indent: usize,
) -> io::Result<()> {
    let laid_out = |value: &Value, indent: usize| {
        let text = serde_json::to_string_pretty(value)?;
        let set_in = format!("\n{}", " ".repeat(indent));
        Ok::<String, io::Error>(text.replace('\n', &set_in))
    };
    let (one, two) = (" ".repeat(indent + 2), " ".repeat(indent + 4));
    out.write_all(b"{")?;
    for (at, (key, value)) in document(trace, call, clock, now).iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        write!(out, "{comma}\n{one}\"{key}\": ")?;
        if key != TIMELINE {
            write_safe(out, &laid_out(value, indent + 2)?)?;
            continue;
        }
        let mut is_empty = true;
        for record in records(call, clock, only) {
            out.write_all(if is_empty { b"[\n" } else { b",\n" })?;
            is_empty = false;
            write_safe(out, &format!("{two}{}", laid_out(&record, indent + 4)?))?;
        }
        match is_empty {
            true => out.write_all(b"[]")?,
            false => write!(out, "\n{one}]")?,
        }
    }
    write!(out, "\n{}}}", " ".repeat(indent))
}

/// The key of the records of a traced call.
const TIMELINE: &str = "timeline";

/// A traced call; its timeline is empty.
fn document(trace: &Trace, call: &TracedCall, clock: &Clock, now: Stamp) -> Map<String, Value> {
    let s = &call.summary;
    let document = json!({
        "version": VERSION,
        "unique_id": s.main_uid,
        "enterprise_number": trace.enterprise.as_str(),
        "created_at": clock.rfc3339(s.first),
        "updated_at": clock.rfc3339(s.last),
        TIMELINE: [],
        "summary": summary_counts(s, call.lines.len()),
        "call": self::call(s, clock),
        "legs": legs(s, clock),
        "joins": joins(call),
        "messages": messages(call, clock),
        "faults": faults(call, clock, now),
        "records_left_out": call.left_out,
        "completeness": completeness(&trace.searched, &trace.troubles, clock),
    });
    match document {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// A traced call without its records, as a value of type `call`; `now` is the current time.
pub fn traced(trace: &Trace, call: &TracedCall, clock: &Clock, now: Stamp) -> Value {
    let mut fields = document(trace, call, clock, now);
    fields.shift_remove(TIMELINE);
    fields.shift_insert(0, "type".to_owned(), json!("call"));
    Value::Object(fields)
}

/// The answer about an id that was not found.
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

/// What a search looked at, and how much there is, as its last value.
pub fn last_report(found: &[FoundCalls], extent: &Extent, clock: &Clock) -> Value {
    let mut report = report(found, clock);
    if let Some(fields) = report.as_object_mut() {
        extent.put(fields);
    }
    report
}

/// What a search looked at.
pub fn report(found: &[FoundCalls], clock: &Clock) -> Value {
    let each: Vec<Value> = found
        .iter()
        .map(|found| {
            json!({
                "enterprise_number": found.enterprise.as_str(),
                "count": found.count,
                "unparsed": found.unparsed,
                "records_left_out": found.records_left_out,
                "completeness": completeness(&found.searched, &found.troubles, clock),
            })
        })
        .collect();
    json!({ "type": "report", "version": VERSION, "enterprises": each })
}

/// A record that `--lines` found, without the Tokens that the answer states.
pub fn line(
    found: &FoundLines,
    line: &Line,
    matched: bool,
    clock: &Clock,
    secrets: &Secrets,
) -> Value {
    let place = line.place;
    json!({
        "enterprise_number": found.enterprise.as_str(),
        "file": found.files.get(place.source as usize),
        "offset": place.offset,
        "matched": matched,
        "record": masked(&line.text, line.at, clock, secrets),
    })
}

/// A record of a stream; the fields of a record that `--lines` found.
pub fn shown(record: &StreamRecord<'_>, clock: &Clock) -> Value {
    let secrets = Secrets::of_lines(std::iter::once(record.text));
    json!({
        "enterprise_number": record.enterprise,
        "file": record.file,
        "offset": record.offset,
        "matched": true,
        "record": masked(record.text, record.at, clock, &secrets),
    })
}

/// A call's state, as a row of a search with `state` and the time since when it has lasted.
pub fn call_state(
    enterprise: &str,
    call: &Summary,
    state: &CallState,
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

/// The records of a call, each as one value, without the Tokens that they state.
pub fn records<'c>(
    call: &'c TracedCall,
    clock: &'c Clock,
    only: &'c [KindName],
) -> impl Iterator<Item = Value> + 'c {
    let wanted = |line: &&Line| only.is_empty() || only.contains(&Record::parse(&line.text).kind());
    let secrets = Secrets::of_call(call);
    let lines = call.lines.iter().filter(wanted);
    lines.map(move |line| masked(&line.text, line.at, clock, &secrets))
}

/// One record without the Tokens that its answer states.
pub fn masked(line: &[u8], at: Stamp, clock: &Clock, secrets: &Secrets) -> Value {
    let mut entry = entry(line, at, clock);
    for field in ["data", "recovered"] {
        if let Some(value) = entry.get_mut(field) {
            secrets.mask_value(value);
        }
    }
    entry
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
    let mut entry = json!({ "type": kind, "timestamp": clock.rfc3339(at), "data": data });
    if let (Some(fields), Some(mark)) = (entry.as_object_mut(), RecoveryMark::of(&record)) {
        let (from, status) = (redact::text(&mark.from), redact::text(&mark.status));
        let mark = json!({ "from": from, "row": mark.row, "status": status });
        fields.insert("recovered".to_owned(), mark);
    }
    entry
}

/// A number if the text is one (chat ids, statuses), otherwise the text; `null` for `None`.
fn number(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok("" | "None") => Value::Null,
        Ok(text) => text.parse::<i64>().map_or(json!(text), Value::from),
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

fn legs(s: &Summary, clock: &Clock) -> Vec<Value> {
    let leg = |leg: &calltrace_model::call::Leg| {
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
    let join = |join: &calltrace_model::call::Join| {
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
    let secrets = Secrets::of_call(call);
    MessageLife::all(&call.facts)
        .iter()
        .map(|life| {
            let text = text_of(life).map(|text| secrets.mask(&text).into_owned());
            json!({
                "chat_id": number(life.chat.as_bytes()),
                "message_id": number(life.message.as_bytes()),
                "message_type": life.stage,
                "sent_at": life.sent.map(|at| clock.rfc3339(at)),
                "edited_at": life.edits.iter().map(|at| clock.rfc3339(*at)).collect::<Vec<_>>(),
                "deleted_at": life.deleted.map(|at| clock.rfc3339(at)),
                "standing": life.stands(),
                "text": text,
            })
        })
        .collect()
}

/// What is wrong with the call, with the records that show it.
fn faults(call: &TracedCall, clock: &Clock, now: Stamp) -> Vec<Value> {
    let record = |at: &usize| {
        let line = call.lines.get(*at)?;
        Some(json!({
            "timestamp": clock.rfc3339(line.at),
            "file": call.files.get(line.place.source as usize),
            "offset": line.place.offset,
        }))
    };
    Fault::all(&call.facts, &call.summary, now)
        .iter()
        .map(|fault| {
            json!({
                "code": fault.code.name(),
                "severity": fault.code.severity().name(),
                "evidence": fault.records.iter().filter_map(record).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn completeness(searched: &Searched, troubles: &[Trouble], clock: &Clock) -> Value {
    json!({
        "complete": !Trouble::any_matters(troubles),
        "files_searched": searched.files,
        "files_known": searched.files_known,
        "from": searched.from.map(|at| clock.rfc3339(at)),
        "to": searched.to.map(|at| clock.rfc3339(at)),
        "troubles": self::troubles(troubles),
    })
}

/// What could not be read.
pub(super) fn troubles(troubles: &[Trouble]) -> Value {
    let trouble = |it: &Trouble| json!({ "path": it.path.to_string_lossy(), "what": it.what, "matters": it.matters });
    troubles.iter().map(trouble).collect()
}
