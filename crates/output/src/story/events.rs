//! The words for an Asterisk event in all voices, as in `phrases`.

use super::phrases::{Phrase, PhrasePart, Voice, phrase_text};
use calltrace_model::call::{CallType, Event, Fact};

/// The parts that phrases of events can have in addition to the status of a hangup.
const PARTS: [&str; 9] = [
    "phone", "who", "line", "bridge", "channel", "with", "name", "caller", "event",
];

/// An event in words. `text` returns a part of it by name, or an empty text if the event does not have it:
/// `phone` (of the other side), `who` (the parties that are rung or were rung), `line`, `bridge`, `channel`,
/// `with` (the number that the channel is connected to), `name` and `caller` (name and number of the
/// channel's caller), and `event` (the word for an event of another kind).
pub fn event(fact: &Fact, voice: Voice, text: impl Fn(&str) -> String) -> String {
    let part = |name, text: String| PhrasePart {
        name,
        text: Some(text).filter(|text| !text.is_empty()),
        count: 1,
    };
    let parts = PARTS.iter().map(|&name| part(name, text(name)));
    let status = part("status", phrase_text(status(fact), voice, &[]));
    let parts: Vec<PhrasePart> = parts.chain([status]).collect();
    phrase_text(phrase(fact), voice, &parts)
}

fn phrase(fact: &Fact) -> &'static Phrase {
    match fact.event {
        Event::Start => &[
            "call from {phone}[ over line {line}]",
            "A call comes in: {phone}[, {line}]",
            "Звонок поступил: {phone}[, {line}]",
        ],
        Event::Dial if fact.call_type == Some(CallType::Outgoing) => &[
            "{who} dials {phone}[ over line {line}]",
            "{who} dials {phone}[, {line}]",
            "{who} набирает {phone}[, {line}]",
        ],
        Event::Dial => &[
            "rings {who} for {phone}[ over line {line}]",
            "Ringing: {who}, caller {phone}[, {line}]",
            "Вызываем: {who}, звонит {phone}[, {line}]",
        ],
        Event::BridgeCreate => &[
            "bridge {bridge} is made",
            "Made: {bridge}",
            "Создан {bridge}",
        ],
        Event::Bridge => &[
            "{channel} enters bridge {bridge}[, with {with}]",
            "Connected: {channel}[ «{name}»], {bridge}",
            "Соединён: {channel}[ «{name}»], {bridge}",
        ],
        Event::BridgeLeave => &[
            "{channel} leaves bridge {bridge}",
            "Left: {channel}, {bridge}",
            "Отключился: {channel}, {bridge}",
        ],
        Event::BridgeDestroy => &[
            "bridge {bridge} is gone",
            "Closed: {bridge}",
            "Закрыт {bridge}",
        ],
        Event::NewCallerid => &[
            "{channel} shows {caller}[ \"{name}\"][, with {with}]",
            "Caller id of a channel: {channel}[ «{name}»]",
            "Номер на канале: {channel}[ «{name}»]",
        ],
        Event::Hangup if fact.call_status == Some(b'2') => &[
            "hangup, {status}[ by {who}]",
            "Hung up: {status}[, {who}]",
            "Завершён: {status}[, {who}]",
        ],
        Event::Hangup => &[
            "hangup, {status}[ ({who})]",
            "Hung up: {status}[, {who}]",
            "Завершён: {status}[, {who}]",
        ],
        _ => &["{event}", "Event {event}", "Событие {event}"],
    }
}

fn status(fact: &Fact) -> &'static Phrase {
    match fact.call_status {
        Some(b'0' | b'3') => &["not answered", "not answered", "нет ответа"],
        Some(b'1') => &["status 1", "no status given", "статус не указан"],
        Some(b'2') => &["answered", "answered", "есть ответ"],
        Some(b'4') => &["cancelled", "cancelled", "отменён"],
        Some(b'5') => &[
            "status 5",
            "forbidden or talking (status 5)",
            "запрещён или идёт разговор (статус 5)",
        ],
        _ => &["no status", "no status given", "статус не указан"],
    }
}
