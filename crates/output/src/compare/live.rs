//! Both sides as they come, a line per event.

use calltrace_model::sanitise::sanitise;
use calltrace_sync::compare::live::{State, Told, Way};
use calltrace_sync::compare::{Counts, Lag};
use serde_json::{Value, json};

use super::document::{fields, seen};
use super::{delivery, id, lag, masked_value, place, stamp};
use crate::json::VERSION;
use crate::{Clock, Secrets, style};

/// `12:00:01.123  received  dial 1764666900.61  +57 ms  0367/events.log`, without the newline. `wait_millis`: how long
/// something is waited for.
pub fn line(told: &Told, clock: &Clock, secrets: &Secrets, wait_millis: i64) -> String {
    let sighting = &told.sighting;
    let at = clock.time_millis(stamp(clock, sighting.at_millis));
    let event = sanitise(sighting.event.as_bytes());
    let word = match (told.way, &told.state) {
        (_, State::Missing) => style::bad("missing   "),
        (_, State::Unsent) => style::faint("unsent    "),
        (_, State::Duplicate) => style::doubtful("duplicate "),
        (_, State::Differs(..)) => style::doubtful("differs   "),
        (Way::Sent, _) => style::faint("sent      "),
        (Way::Received, _) => "received  ".to_owned(),
    };
    let what = match &told.state {
        State::Alone if told.way == Way::Sent => delivery(sighting.delivery),
        State::Alone => String::new(),
        State::Paired(millis) => style::good(&lag(*millis)),
        State::Missing => format!(
            "{}, still not there after {}",
            delivery(sighting.delivery),
            lag(wait_millis).trim_start_matches('+')
        ),
        State::Unsent => "nothing says that it was sent".to_owned(),
        State::Duplicate => "once more than it was sent".to_owned(),
        State::Differs(millis, differences) => {
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
pub fn line_value(told: &Told, secrets: &Secrets) -> Value {
    let mut value = seen(&told.sighting);
    value["side"] = json!(match told.way {
        Way::Sent => "sent",
        Way::Received => "received",
    });
    if told.way == Way::Sent {
        value["delivery"] = json!(told.sighting.delivery.word());
    }
    let (state, millis) = match &told.state {
        State::Alone => ("alone", None),
        State::Paired(millis) => ("paired", Some(*millis)),
        State::Differs(millis, differences) => {
            value["fields"] = json!(fields(differences, secrets));
            ("differs", Some(*millis))
        }
        State::Missing => ("missing", None),
        State::Unsent => ("unsent", None),
        State::Duplicate => ("duplicate", None),
    };
    value["state"] = json!(state);
    value["lag_ms"] = json!(millis);
    value
}

/// What came of it all, as a sentence.
pub fn summary(counts: &Counts, times: Option<Lag>) -> String {
    let way = times.map_or_else(String::new, |times| {
        let (p50, p95) = (lag(times.p50_millis), lag(times.p95_millis));
        format!("; on the way {p50} (median), {p95} (95%)")
    });
    let Counts {
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
pub fn summary_value(counts: &Counts, times: Option<Lag>) -> Value {
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
