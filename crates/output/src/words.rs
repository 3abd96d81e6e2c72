//! What happened, in words.

use std::borrow::Cow;

use super::number::phone;
use super::story::{Voice, events, form};
use super::{Clock, People};
use calltrace_model::call::{Direction, Fact, Outcome, Summary, felt_hold};
use calltrace_model::record::{Ast, Body, Record, RecoveryMark, json};
use calltrace_model::redact;
use calltrace_model::sanitise::sanitise;

/// `2m05s`, `14s`, `1h02m05s`; of a second or less in tenths: `0.4s`.
pub fn duration(millis: i64) -> String {
    let (sign, millis) = if millis < 0 {
        ("-", -millis)
    } else {
        ("", millis)
    };
    let seconds = millis / 1000;
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if millis < 1000 {
        format!("{sign}0.{}s", millis / 100)
    } else if hours > 0 {
        format!("{sign}{hours}h{minutes:02}m{rest:02}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m{rest:02}s")
    } else {
        format!("{sign}{rest}s")
    }
}

pub(super) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Incoming => "incoming",
        Direction::Outgoing => "outgoing",
        Direction::Internal => "internal",
        Direction::Unknown => "unknown",
    }
}

pub(super) fn outcome(summary: &Summary) -> &'static str {
    match summary.outcome {
        Outcome::Answered if lacks_end(summary) => "answered, no end logged",
        Outcome::Answered => "answered",
        Outcome::Missed => "missed",
        Outcome::NotReached => "not reached",
        Outcome::Busy => "busy",
        Outcome::InProgress => "in progress",
        Outcome::Unknown => "no end logged",
    }
}

/// A direction in at most three letters, for a column.
pub(super) fn short_direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Incoming => "in",
        Direction::Outgoing => "out",
        Direction::Internal => "int",
        Direction::Unknown => "?",
    }
}

/// How a call ended in one short word, for a column.
pub(super) fn short_outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Answered => "answered",
        Outcome::Missed => "missed",
        Outcome::NotReached => "unreached",
        Outcome::Busy => "busy",
        Outcome::InProgress => "live",
        Outcome::Unknown => "no end",
    }
}

/// Whether it was answered and its end was not logged.
pub(super) fn lacks_end(summary: &Summary) -> bool {
    summary.outcome == Outcome::Answered && !summary.ended
}

/// Who called whom: `+375 29 000-12-34 -> 150, 151, 152`; with names as far as they are known.
pub(super) fn parties(summary: &Summary, people: &People) -> String {
    let client = people.party(&summary.client);
    let rang: Vec<String> = summary.rang.iter().map(|e| people.party(e)).collect();
    let rang = if rang.is_empty() {
        let by = summary.answered_by.as_deref();
        by.map_or("nobody".to_owned(), |by| people.party(by))
    } else {
        rang.join(", ")
    };
    match summary.direction {
        Direction::Outgoing => format!("{rang} -> {client}"),
        _ => format!("{client} -> {rang}"),
    }
}

/// How it ended, and who answered: `answered by 151`, `in progress, answered by 151`.
pub(super) fn result(summary: &Summary, people: &People) -> String {
    let Some(who) = &summary.answered_by else {
        return outcome(summary).to_owned();
    };
    let answered = format!("answered by {}", people.party(who));
    match summary.outcome {
        Outcome::Answered if lacks_end(summary) => format!("{answered}, no end logged"),
        Outcome::Answered => answered,
        _ => format!("{}, {answered}", outcome(summary)),
    }
}

/// How long it rang, was talked and held, and over which line; empty when nothing is known.
pub(super) fn lengths(s: &Summary, people: &People) -> String {
    let mut facts = Vec::new();
    let mut length = |what: &str, millis: Option<i64>| {
        facts.extend(millis.map(|millis| format!("{what} {}", duration(millis))));
    };
    length("ring", s.ring_millis);
    length("talk", s.talk_millis);
    length("hold", felt_hold(s));
    if s.transfers > 0 {
        facts.push(transferred(s, people));
    }
    if !s.trunk.is_empty() {
        facts.push(format!("line {}", people.line(&s.trunk)));
    }
    if s.crm {
        facts.push("marked as started from the CRM".to_owned());
    }
    facts.join(", ")
}

fn transferred(s: &Summary, people: &People) -> String {
    let to = s.transferred_to.iter().map(|who| people.party(who));
    format!(
        "transferred to {}",
        to.collect::<Vec<_>>().join(", then to ")
    )
}

/// When a call began, its parties and how it went, to choose it by: `2025-11-30 12:07:35 incoming +375 29 000-12-34
/// -> 150, 151, answered`.
pub fn glance(summary: &Summary, clock: &Clock) -> String {
    let (began, way) = (clock.date_time(summary.first), direction(summary.direction));
    let parties = parties(summary, &People::default());
    format!("{began} {way} {parties}, {}", outcome(summary))
}

/// How a call that is over went, in one line: `answered by 151 after 12s, talked 2m15s, 2 messages
/// still standing`.
pub fn ending(summary: &Summary) -> String {
    let after = |what: String| match summary.ring_millis {
        Some(ring) => format!("{what} after {}", duration(ring)),
        None => what,
    };
    let mut parts = vec![match (summary.outcome, &summary.answered_by) {
        (Outcome::Answered, Some(who)) if summary.direction != Direction::Outgoing => {
            after(format!("answered by {}", phone(who)))
        }
        (Outcome::Answered, _) => after("answered".to_owned()),
        (Outcome::InProgress | Outcome::Unknown, _) => outcome(summary).to_owned(),
        _ => after(outcome(summary).to_owned()),
    }];
    if !summary.transferred_to.is_empty() {
        parts.push(transferred(summary, &People::default()));
    }
    let talked = summary.talk_millis.map(duration);
    parts.extend(talked.map(|talked| format!("talked {talked}")));
    match summary.messages {
        m if m.sent == 0 => {}
        m if m.standing == 0 => parts.push("no message still standing".to_owned()),
        m if m.standing == 1 => parts.push("1 message still standing".to_owned()),
        m => parts.push(format!("{} messages still standing", m.standing)),
    }
    parts.join(", ")
}

/// What an Asterisk event says, in a few words. Names come from the log, so the result is
/// sanitised.
pub(super) fn event(ast: &Ast<'_>, fact: &Fact) -> String {
    let show = |bytes: &[u8]| sanitise(bytes).into_owned();
    let number = |bytes: &[u8]| phone(&String::from_utf8_lossy(bytes));
    events::event(fact, Voice::Terminal, |part| match part {
        "phone" => number(fact.phone()),
        "who" => {
            let all: Vec<String> = fact.extensions().map(number).collect();
            all.join(", ")
        }
        "line" => show(fact.trunk()),
        "bridge" => short(fact.bridge()),
        "channel" => show(fact.channel()),
        "with" if fact.connected() == b"<unknown>" => String::new(),
        "with" => number(fact.connected()),
        "name" => caller_name(ast).map_or(String::new(), |name| show(&name)),
        "caller" => number(fact.caller()),
        _ => show(ast.event),
    })
}

/// The caller's name, when it is one and not the number again.
pub fn caller_name<'a>(ast: &Ast<'a>) -> Option<Cow<'a, [u8]>> {
    let (_, name) = json::Fields::new(ast.json).find(|(key, _)| *key == b"CallerIDName")?;
    let name = name.text();
    let is_dialled = |b: &u8| b.is_ascii_digit() || matches!(b, b'+' | b'-');
    (*name != *b"<unknown>" && !name.iter().all(is_dialled)).then_some(name)
}

/// The first group of a bridge's UUID: enough to distinguish the five bridges of a call.
pub(super) fn short(bridge: &[u8]) -> String {
    let end = bridge
        .iter()
        .position(|&b| b == b'-')
        .unwrap_or(bridge.len());
    sanitise(&bridge[..end.min(8)]).into_owned()
}

/// What a record says, in words, followed by the source that it was recovered from, if it was.
pub(super) fn record(record: &Record<'_>, fact: &Fact) -> String {
    let what = match &record.body {
        Body::Ast(ast) => event(ast, fact),
        _ => other(record),
    };
    match RecoveryMark::of(record).filter(|_| fact.recovered) {
        Some(mark) => format!("{what} [recovered from {}]", shown(&mark.from)),
        None => what,
    }
}

/// Text of a log, redacted and sanitised.
fn shown(text: &str) -> String {
    sanitise(redact::text(text).as_bytes()).into_owned()
}

/// How many of a call's records never arrived and were recovered; `None` for none.
pub(super) fn recovered(summary: &Summary) -> Option<String> {
    let records = form(summary.recovered, &["record", "records"]);
    let sentence = format!(
        "{} {records} recovered from the host's journal",
        summary.recovered
    );
    (summary.recovered > 0).then_some(sentence)
}

/// A record that is not of Asterisk, in words; redacted and sanitised.
pub(super) fn other(record: &Record<'_>) -> String {
    let lossy = |bytes| String::from_utf8_lossy(bytes);
    let text = match &record.body {
        Body::Tg(tg) => {
            let what = match tg.action {
                b"send" => "sent",
                b"edit" => "edited",
                b"delete" => "deleted",
                action => return sanitise(action).into_owned(),
            };
            let colon = if tg.text.is_empty() { "" } else { ": " };
            let (stage, id) = (lossy(tg.msg_type), lossy(tg.msg_id));
            let (chat, text) = (lossy(tg.chat), lossy(tg.text));
            format!("{what} {stage} {id} to {chat}{colon}{text}")
        }
        Body::Http(http) => format!(
            "{} {} -> {}",
            lossy(http.method),
            lossy(http.url),
            lossy(http.status)
        ),
        Body::Sql(sql) => format!("{} {}", lossy(sql.query_type), lossy(sql.table)),
        _ => lossy(record.line).into_owned(),
    };
    shown(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_at_a_glance() {
        for (millis, text) in [
            (0, "0.0s"),
            (410, "0.4s"),
            (14_000, "14s"),
            (125_000, "2m05s"),
            (3_725_000, "1h02m05s"),
            (-2_000, "-2s"),
        ] {
            assert_eq!(duration(millis), text);
        }
    }
}
