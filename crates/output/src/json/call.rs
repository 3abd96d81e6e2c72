//! A call: what happened, to whom, for how long.

use serde_json::{Value, json};

use crate::Clock;
use calltrace_model::call::{Summary, Transfer};
use calltrace_model::record::Stamp;
use calltrace_model::stats::Fate;

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

/// A missed call as a row, with what became of it: `returned`, `null` if no person called back and the client did not
/// get through.
pub fn row_returned(
    enterprise: &str,
    call: &Summary,
    fate: Option<&Fate<'_>>,
    clock: &Clock,
) -> Value {
    let mut row = row(enterprise, call, clock);
    if let (Some(fields), Some(fate)) = (row.as_object_mut(), fate) {
        fields.insert("returned".to_owned(), returned(fate));
    }
    row
}

pub(super) fn call(s: &Summary, clock: &Clock) -> Value {
    json!({
        "direction": s.direction.name(),
        "client": s.client,
        "trunk": s.trunk,
        "rang": s.rang,
        "answered_by": s.answered_by,
        "result": s.outcome.name(),
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
        "hung_up_by": s.hung_up_by,
        "crm": s.crm,
        "messages": {
            "sent": s.messages.sent,
            "edited": s.messages.edited,
            "deleted": s.messages.deleted,
            "standing": s.messages.standing,
            "chats": s.messages.chats,
        },
        "messages_sent": s.messages.sent,
        "messages_edited": s.messages.edited,
        "messages_deleted": s.messages.deleted,
        "messages_standing": s.messages.standing,
        "messages_chats": s.messages.chats,
        "http_failed": s.http_failed,
        "recovered_count": s.recovered,
    })
}

/// How a missed call was returned: `called_back` or `rang_again`, by whom, after how many milliseconds, and whether
/// the client talked to a person. `None` if it was not returned.
pub(crate) fn returned_how<'f>(fate: &Fate<'f>) -> Option<(&'static str, &'f str, i64, bool)> {
    match *fate {
        Fate::CalledBack {
            by,
            after_millis,
            reached,
        } => Some(("called_back", by, after_millis, reached)),
        Fate::RangAgain { by, after_millis } => Some(("rang_again", by, after_millis, true)),
        Fate::Anonymous | Fate::Pending | Fate::NotReturned { .. } => None,
    }
}

fn returned(fate: &Fate<'_>) -> Value {
    returned_how(fate).map_or(Value::Null, |(how, by, after_millis, reached)| {
        let by = Some(by).filter(|by| !by.is_empty());
        json!({ "how": how, "by": by, "after_ms": after_millis, "reached": reached })
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
                    "outcome": ringing.outcome.name(),
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

fn handed_on(s: &Summary, clock: &Clock) -> Vec<Value> {
    let transfer = |transfer: &Transfer| {
        json!({
            "kind": transfer.kind.name(),
            "result": transfer.result.name(),
            "by": transfer.by,
            "to": transfer.to,
            "at": clock.rfc3339(transfer.at),
        })
    };
    s.handed_on.iter().map(transfer).collect()
}
