//! One call as a row of the list.

use maud::{Markup, html};

use super::people::PageNames;
use super::{Language, PageContext};
use calltrace_model::call::{Direction, Outcome, Summary};
use calltrace_model::stats::Fate;

/// A minute (milliseconds).
pub(super) const MINUTE_MILLIS: i64 = 60_000;

/// The number of rung extensions that a row shows.
const RUNG_MAX: usize = 4;

/// Renders the row. `link` leads to the call, and an empty one leads nowhere; `time` is when it began; `fate`
/// says what became of it if it was missed.
pub(super) fn row(
    context: &PageContext,
    people: &PageNames<'_>,
    s: &Summary,
    (time, link): (&str, &str),
    fate: Option<&Fate<'_>>,
) -> Markup {
    let l = context.language;
    let (class, mark) = look_of(s.outcome);
    let result = l.outcome(s.outcome, Some(s.direction));
    let arrow = match s.direction {
        Direction::Incoming => "↘",
        Direction::Outgoing => "↗",
        Direction::Internal => "↔",
        Direction::Unknown => "·",
    };
    html! {
        a.row href=[(!link.is_empty()).then_some(link)] {
            span.at {
                time datetime=(context.clock.rfc3339(s.first)) { (time) }
                span.way { span aria-hidden="true" { (arrow) " " } (l.way(s.direction)) }
            }
            span.whom {
                @if s.client.is_empty() { (l.of("номер неизвестен", "number unknown")) } @else { (people.party(&s.client)) }
            }
            span.leg {
                (with_whom(l, people, s))
                @if let Some((class, text)) = fate.and_then(|fate| returned(l, fate)) {
                    span class={ "back " (class) } { (text) }
                }
            }
            span.how {
                span class={ "badge " (class) } { span aria-hidden="true" { (mark) " " } (result) }
                @if let Some(length) = lasting(l, s) { span.leg { (length) } }
            }
        }
    }
}

/// Returns the class of an outcome's badge and the mark in it, because no fact is shown by colour alone.
pub(super) fn look_of(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Answered => ("ok", "✓"),
        Outcome::Missed | Outcome::NotReached | Outcome::Busy => ("bad", "✕"),
        Outcome::InProgress => ("live", "●"),
        Outcome::Unknown => ("odd", "?"),
    }
}

/// Formats the time between a missed call and its callback; from one minute on without seconds.
pub(super) fn soon(l: Language, millis: i64) -> String {
    match millis {
        MINUTE_MILLIS.. => l.duration(millis - millis % MINUTE_MILLIS),
        _ => l.duration(millis),
    }
}

/// Says whether the client was called back, and how soon; `None` while there is still time.
fn returned(l: Language, fate: &Fate<'_>) -> Option<(&'static str, String)> {
    match *fate {
        Fate::CalledBack {
            after_millis,
            reached,
            ..
        } => {
            let called = l.of("перезвонили через", "called back after");
            let end = match reached {
                true => "",
                false => l.of(", не дозвонились", ", not reached"),
            };
            let class = if reached { "called" } else { "tried" };
            Some((class, format!("{called} {}{end}", soon(l, after_millis))))
        }
        Fate::RangAgain { after_millis, .. } => {
            let rang = l.of("клиент дозвонился через", "the client got through after");
            Some(("called", format!("{rang} {}", soon(l, after_millis))))
        }
        Fate::NotReturned { .. } => {
            let text = l.of("не перезвонили", "not called back");
            Some(("uncalled", text.to_owned()))
        }
        Fate::Pending | Fate::Anonymous => None,
    }
}

/// Returns the extension that answered, otherwise those that were rung.
fn with_whom(l: Language, people: &PageNames<'_>, s: &Summary) -> String {
    let named = |who: &[String]| -> Vec<String> {
        let first = who.iter().take(RUNG_MAX);
        first.map(|who| people.text(who)).collect()
    };
    if let Some(who) = &s.answered_by {
        return [vec![people.text(who)], named(&s.transferred_to)]
            .concat()
            .join(" → ");
    }
    let rung = named(&s.rang);
    let more = s.rang.len().saturating_sub(RUNG_MAX);
    match (rung.is_empty(), more) {
        (true, _) => l.text("никому не звонили", "nobody was rung"),
        (false, 0) => rung.join(", "),
        (false, more) => format!("{} +{more}", rung.join(", ")),
    }
}

fn lasting(l: Language, s: &Summary) -> Option<String> {
    match (s.outcome, s.talk_millis, s.ring_millis) {
        (Outcome::Answered, Some(talk), _) => Some(l.duration(talk)),
        (outcome, _, Some(ring)) if outcome.is_unanswered() => {
            Some(format!("{} {}", l.of("вызов", "rang"), l.duration(ring)))
        }
        _ => None,
    }
}
