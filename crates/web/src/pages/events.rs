//! Asterisk events in words.

use maud::{Markup, PreEscaped, html};

use super::people::PageNames;
use super::technical::letter;
use super::{PageContext, shortened};
use calltrace_model::call::{Event, Fact, endpoint, is_extension};
use calltrace_model::record::{Ast, phone};
use calltrace_output::{caller_name, story};

/// Describes an event: a sign before it, the words, and whether it matters less to readers who ask what
/// happened than to readers who look for a fault.
pub(super) fn event(
    context: &PageContext,
    people: &PageNames<'_>,
    bridges: &[&[u8]],
    ast: &Ast<'_>,
    fact: &Fact,
) -> (&'static str, Markup, bool) {
    let l = context.language;
    let (mark, is_minor) = match fact.event {
        Event::Start => ("📞", false),
        Event::Dial => ("🔔", false),
        Event::BridgeCreate => ("+", true),
        Event::Bridge => ("🔗", false),
        Event::BridgeLeave => ("↩", false),
        Event::BridgeDestroy => ("−", true),
        Event::NewCallerid => ("🆔", true),
        Event::Hangup => ("⏹", false),
        _ => ("•", true),
    };
    let part = |part: &str| match part {
        "phone" => party(people, fact.phone()),
        "who" => parties(people, fact.extensions()),
        "line" if fact.trunk().is_empty() => html! {},
        "line" => html! { (people.line(l, &String::from_utf8_lossy(fact.trunk()))) },
        "bridge" => html! { (bridge_name(context, bridges, fact)) },
        "channel" => channel(people, fact),
        "name" => html! {
            @if let Some(name) = caller_name(ast) { bdi { (shortened(&name, 80)) } }
        },
        "event" => html! { code { (shortened(ast.event, 60)) } },
        _ => html! {},
    };
    let what = story::event(fact, l.voice(), |name| part(name).into_string());
    (mark, PreEscaped(what), is_minor)
}

fn party(people: &PageNames<'_>, number: &[u8]) -> Markup {
    people.party(&String::from_utf8_lossy(phone_like(number)))
}

/// Removes the plus of `+375...`, so that the number finds its name and is grouped; returns anything else as
/// it is.
fn phone_like(number: &[u8]) -> &[u8] {
    match phone::digits_of(number) {
        b"" => number,
        digits => digits,
    }
}

fn parties<'f>(people: &PageNames<'_>, numbers: impl Iterator<Item = &'f [u8]>) -> Markup {
    html! {
        @for (at, number) in numbers.enumerate() {
            @if at > 0 { ", " }
            (party(people, number))
        }
    }
}

/// Names the owner of a channel: extension or number, otherwise the channel's name.
fn channel(people: &PageNames<'_>, fact: &Fact) -> Markup {
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

/// `мост A`, with the letter that the bridge has in the technical details.
fn bridge_name(context: &PageContext, bridges: &[&[u8]], fact: &Fact) -> String {
    let known = bridges.iter().position(|bridge| *bridge == fact.bridge());
    let name = match known {
        Some(at) => letter(at).to_string(),
        None => shortened(fact.bridge(), 8),
    };
    format!("{} {name}", context.language.of("мост", "bridge"))
}
