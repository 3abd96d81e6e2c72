//! Both sides while they are followed, one line per event.

use calltrace_model::sanitise::sanitise;
use calltrace_sync::compare::live::{EventSide, LiveUpdate, MatchState};
use calltrace_sync::compare::{EventCounts, Lag};
use serde_json::{Value, json};

use super::document::{fields, seen};
use super::{delivery, id, lag, masked_value, place, stamp};
use crate::json::VERSION;
use crate::{Clock, Secrets, style};

/// `12:00:01.123  received  dial 1764666900.61  +57 ms  0367/events.log`, without the newline. `wait_millis` is how
/// long an event is waited for.
pub fn line(update: &LiveUpdate, clock: &Clock, secrets: &Secrets, wait_millis: i64) -> String {
    let sighting = &update.sighting;
    let at = clock.time_millis(stamp(clock, sighting.at_millis));
    let event = sanitise(sighting.event.as_bytes());
    let word = match (update.way, &update.state) {
        (_, MatchState::Missing) => style::bad("missing   "),
        (_, MatchState::Unsent) => style::faint("unsent    "),
        (_, MatchState::Duplicate) => style::doubtful("duplicate "),
        (_, MatchState::Differs(..)) => style::doubtful("differs   "),
        (EventSide::Sent, _) => style::faint("sent      "),
        (EventSide::Received, _) => "received  ".to_owned(),
    };
    let what = match &update.state {
        MatchState::Alone if update.way == EventSide::Sent => delivery(sighting.delivery),
        MatchState::Alone => String::new(),
        MatchState::Paired(millis) => style::good(&lag(*millis)),
        MatchState::Missing => format!(
            "{}, still not there after {}",
            delivery(sighting.delivery),
            lag(wait_millis).trim_start_matches('+')
        ),
        MatchState::Unsent => "nothing says that it was sent".to_owned(),
        MatchState::Duplicate => "once more than it was sent".to_owned(),
        MatchState::Differs(millis, differences) => {
            let changes = differences.iter().map(|one| {
                let value = |value: &Option<Value>| match value {
                    Some(value) => masked_value(&one.field, value, secrets).to_string(),
                    None => "not there".to_owned(),
                };
                format!(
                    "{} {} -> {}",
                    one.field,
                    value(&one.sent),
                    value(&one.received)
                )
            });
            let changes: Vec<String> = changes.collect();
            let text = format!("{}, {}", lag(*millis), changes.join(", "));
            sanitise(text.as_bytes()).into_owned()
        }
    };
    let id = id(sighting);
    format!(
        "{at}  {word}{event:<14} {id:<18} {what}  {}",
        style::faint(&place(sighting))
    )
}

/// The same for programs.
pub fn line_value(update: &LiveUpdate, secrets: &Secrets) -> Value {
    let mut value = seen(&update.sighting);
    value["side"] = json!(match update.way {
        EventSide::Sent => "sent",
        EventSide::Received => "received",
    });
    if update.way == EventSide::Sent {
        value["delivery"] = json!(update.sighting.delivery.word());
    }
    let (state, millis) = match &update.state {
        MatchState::Alone => ("alone", None),
        MatchState::Paired(millis) => ("paired", Some(*millis)),
        MatchState::Differs(millis, differences) => {
            value["fields"] = json!(fields(differences, secrets));
            ("differs", Some(*millis))
        }
        MatchState::Missing => ("missing", None),
        MatchState::Unsent => ("unsent", None),
        MatchState::Duplicate => ("duplicate", None),
    };
    value["state"] = json!(state);
    value["lag_ms"] = json!(millis);
    value
}

/// The result, as a sentence.
pub fn summary(counts: &EventCounts, times: Option<Lag>) -> String {
    let way = times.map_or_else(String::new, |times| {
        let (p50, p95) = (lag(times.p50_millis), lag(times.p95_millis));
        format!("; on the way {p50} (median), {p95} (95%)")
    });
    let EventCounts {
        sent,
        received,
        missing,
        differs,
        duplicate,
        unsent,
        ..
    } = counts;
    format!(
        "{sent} sent, {received} of them received, {missing} missing, {differs} differ, {duplicate} doubled, \
         {unsent} arrived unsent{way}"
    )
}

/// The same for programs.
pub fn summary_value(counts: &EventCounts, times: Option<Lag>) -> Value {
    json!({
        "version": VERSION,
        "summary": {
            "sent": counts.sent,
            "accepted": counts.accepted,
            "received": counts.received,
            "missing": counts.missing,
            "differs": counts.differs,
            "duplicate": counts.duplicate,
            "unsent": counts.unsent,
            "lag_ms": times.map(|times| json!({"p50": times.p50_millis, "p95": times.p95_millis})),
        },
    })
}
