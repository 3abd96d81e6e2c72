//! What an Asterisk event says, for people.

use maud::{Markup, html};

use super::people::People;
use super::technical::letter;
use super::{Look, shortened};
use calltrace_model::call::{CallType, Event, Fact, endpoint, is_extension};
use calltrace_model::record::{Ast, phone};

/// An event in words: a sign before it, the words, and whether it matters to whoever looks for a fault, less
/// to whoever asks what happened.
pub(super) fn event(
    look: &Look,
    people: &People<'_>,
    bridges: &[&[u8]],
    ast: &Ast<'_>,
    fact: &Fact,
) -> (&'static str, Markup, bool) {
    let l = look.language;
    let bridge = bridge_name(look, bridges, fact);
    let (mark, what) = match fact.event {
        Event::Start => (
            "📞",
            html! {
                (l.of("Звонок поступил: ", "A call comes in: ")) (party(people, fact.phone())) (over_line(look, people, fact))
            },
        ),
        Event::Dial => ("🔔", dial(look, people, fact)),
        Event::BridgeCreate => ("+", html! { (l.of("Создан ", "Made: ")) (bridge) }),
        Event::Bridge => (
            "🔗",
            html! {
                (l.of("Соединён: ", "Connected: ")) (channel(people, fact)) (caller_name(ast)) ", " (bridge)
            },
        ),
        Event::BridgeLeave => (
            "↩",
            html! {
                (l.of("Отключился: ", "Left: ")) (channel(people, fact)) ", " (bridge)
            },
        ),
        Event::BridgeDestroy => ("−", html! { (l.of("Закрыт ", "Closed: ")) (bridge) }),
        Event::NewCallerid => (
            "🆔",
            html! {
                (l.of("Номер на канале: ", "Caller id of a channel: ")) (channel(people, fact)) (caller_name(ast))
            },
        ),
        Event::Hangup => ("⏹", hangup(look, people, fact)),
        _ => (
            "•",
            html! { (l.of("Событие ", "Event ")) code { (shortened(ast.event, 60)) } },
        ),
    };
    let is_minor = !matches!(
        fact.event,
        Event::Start | Event::Dial | Event::Bridge | Event::BridgeLeave | Event::Hangup
    );
    (mark, what, is_minor)
}

fn party(people: &People<'_>, number: &[u8]) -> Markup {
    people.party(&String::from_utf8_lossy(phone_like(number)))
}

/// `+375...` without its plus, so that it finds its name and is grouped; anything else as it is.
fn phone_like(number: &[u8]) -> &[u8] {
    match phone::digits_of(number) {
        b"" => number,
        digits => digits,
    }
}

fn parties<'f>(people: &People<'_>, numbers: impl Iterator<Item = &'f [u8]>) -> Markup {
    let numbers: Vec<&[u8]> = numbers.filter(|number| !number.is_empty()).collect();
    html! {
        @for (at, number) in numbers.iter().enumerate() {
            @if at > 0 { ", " }
            (party(people, number))
        }
    }
}

fn over_line(look: &Look, people: &People<'_>, fact: &Fact) -> Markup {
    html! {
        @if !fact.trunk().is_empty() {
            ", " (people.line(look.language, &String::from_utf8_lossy(fact.trunk())))
        }
    }
}

fn dial(look: &Look, people: &People<'_>, fact: &Fact) -> Markup {
    let l = look.language;
    html! {
        @if fact.call_type == Some(CallType::Outgoing) {
            (parties(people, fact.extensions())) (l.of(" набирает ", " dials ")) (party(people, fact.phone()))
        } @else {
            (l.of("Вызываем: ", "Ringing: ")) (parties(people, fact.extensions()))
            (l.of(", звонит ", ", caller ")) (party(people, fact.phone()))
        }
        (over_line(look, people, fact))
    }
}

fn hangup(look: &Look, people: &People<'_>, fact: &Fact) -> Markup {
    let l = look.language;
    let status = match fact.call_status {
        Some(b'2') => l.of("есть ответ", "answered"),
        Some(b'0' | b'3') => l.of("нет ответа", "not answered"),
        Some(b'4') => l.of("отменён", "cancelled"),
        Some(b'5') => l.of(
            "запрещён или идёт разговор (статус 5)",
            "forbidden or talking (status 5)",
        ),
        _ => l.of("статус не указан", "no status given"),
    };
    let who = fact.extensions().any(|extension| !extension.is_empty());
    html! {
        (l.of("Завершён: ", "Hung up: ")) (status)
        @if who { ", " (parties(people, fact.extensions())) }
    }
}

/// Whose channel it is: extension or number, else its name.
fn channel(people: &People<'_>, fact: &Fact) -> Markup {
    let name = fact.channel();
    let endpoint = endpoint(name);
    let caller = phone::digits_of(fact.caller());
    html! {
        @if name.starts_with(b"Local/") {
            code { (shortened(name, 60)) }
        } @else if is_extension(endpoint) {
            (party(people, endpoint))
        } @else if !caller.is_empty() {
            (party(people, caller))
        } @else {
            code { (shortened(name, 60)) }
        }
    }
}

/// `мост A`, by the letter that it has in the technical details.
fn bridge_name(look: &Look, bridges: &[&[u8]], fact: &Fact) -> String {
    let known = bridges.iter().position(|bridge| *bridge == fact.bridge());
    let name = match known {
        Some(at) => letter(at).to_string(),
        None => shortened(fact.bridge(), 8),
    };
    format!("{} {name}", look.language.of("мост", "bridge"))
}

fn caller_name(ast: &Ast<'_>) -> Markup {
    let name = calltrace_output::caller_name(ast);
    html! {
        @if let Some(name) = name { " «" bdi { (shortened(&name, 80)) } "»" }
    }
}
