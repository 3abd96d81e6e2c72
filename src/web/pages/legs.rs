//! The legs of a call as a table: who, over which channel, and why each belongs.

use maud::{Markup, html};

use super::people::People;
use super::{Language, Look, shortened};
use crate::call::Reason;
use crate::engine::TracedCall;

/// Legs shown; a runaway join has hundreds.
const LEGS_MAX: usize = 100;

/// A table that opens.
pub(super) fn legs(look: &Look, call: &TracedCall, people: &People<'_>) -> Markup {
    let l = look.language;
    let legs = &call.summary.legs;
    html! {
        @if !legs.is_empty() {
            details.legs {
                summary { (l.of("Каналы звонка и почему они вместе", "The legs of the call, and why they belong together")) " (" (legs.len()) ")" }
                div.wide tabindex="0" role="region" aria-label=(l.of("Каналы звонка", "Legs of the call")) {
                    table {
                        thead { tr {
                            th scope="col" { (l.of("Кто", "Who")) }
                            th scope="col" { (l.of("С", "From")) }
                            th scope="col" { (l.of("По", "To")) }
                            th scope="col" { (l.of("Канал", "Channel")) }
                            th scope="col" { "UniqueId" }
                            th scope="col" { (l.of("Почему", "Why")) }
                        } }
                        tbody {
                            @for leg in legs.iter().take(LEGS_MAX) {
                                tr {
                                    td { (people.party(&leg.label)) }
                                    td { (look.clock.moment(leg.first).format("%H:%M:%S").to_string()) }
                                    td { (look.clock.moment(leg.last).format("%H:%M:%S").to_string()) }
                                    td { code { (shortened(leg.channel.as_bytes(), 60)) } }
                                    td { code { (shortened(leg.uid.as_bytes(), 60)) } }
                                    td { (why(l, call, &leg.uid)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn why(l: Language, call: &TracedCall, uid: &str) -> String {
    let joins = call.closure.joins().iter();
    let reason = joins
        .filter(|join| join.uid == uid)
        .map(|join| &join.reason)
        .next();
    let text = match reason {
        None => String::new(),
        Some(Reason::Asked) => l.of("открыт по ссылке", "the link leads to it").to_owned(),
        Some(Reason::Bridge(bridge)) => {
            let bridge = bridge.get(..8).unwrap_or(bridge);
            format!("{} {bridge}…", l.of("общий мост", "shares the bridge"))
        }
        Some(Reason::LocalPair(stem)) => {
            format!("{} {stem}", l.of("вторая половина", "other half of"))
        }
        Some(Reason::Message { message, .. }) => format!(
            "{} {message}",
            l.of("общее сообщение", "shares the message")
        ),
        Some(Reason::Inferred(why)) => {
            format!("{}: {why}", l.of("по обстоятельствам", "by circumstance"))
        }
    };
    shortened(text.as_bytes(), 120)
}
