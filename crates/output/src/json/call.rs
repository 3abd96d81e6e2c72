//! A call: what happened, to whom, for how long.

use serde_json::{Value, json};

use super::{direction, outcome};
use crate::Clock;
use calltrace_model::call::{Summary, Transfer};
use calltrace_model::record::Stamp;

pub(super) fn call(s: &Summary, clock: &Clock) -> Value {
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
        "hung_up_by": s.hung_up_by,
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
