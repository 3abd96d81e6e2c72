//! Statistics as one JSON document.

use serde_json::{Map, Value, json};

use super::StatsView;
use crate::json::VERSION;
use calltrace_model::call::Outcome;
use calltrace_model::stats::{Figures, Group, GroupBy, GroupKey, Spread};

/// The document, without the report of what was searched, which the caller adds.
pub fn document(shown: &StatsView<'_>) -> Map<String, Value> {
    let stats = shown.stats;
    let at = |at| shown.clock.rfc3339(at);
    let document = json!({
        "version": VERSION,
        "period": {
            "since": shown.since.map(at),
            "until": shown.until.map(at),
            "first_call": stats.span.map(|(first, _)| at(first)),
            "last_call": stats.span.map(|(_, last)| at(last)),
        },
        "zone": shown.clock.zone_name(),
        "by": stats.by.map(GroupBy::name),
        "total": figures(&stats.total),
        "groups": shown.groups().iter().map(|group| self::group(shown, group)).collect::<Vec<_>>(),
        "groups_left_out": shown.left_out(),
        "by_weekday_and_hour": { "calls": stats.calls, "missed": stats.missed },
        "callbacks": callbacks(shown),
        "requests": stats.requests.iter().map(|host| json!({
            "host": host.host,
            "count": host.count,
            "failed": host.failed,
            "took_ms": spread(host.took),
        })).collect::<Vec<_>>(),
    });
    match document {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn group(shown: &StatsView<'_>, group: &Group) -> Value {
    let by = shown.stats.by.map_or("group", GroupBy::name);
    let mut fields = Map::new();
    match &group.key {
        GroupKey::Hour(hour) => fields.insert(by.to_owned(), json!(hour)),
        // As ISO 8601 counts them.
        GroupKey::Weekday(day) => fields.insert(by.to_owned(), json!(day + 1)),
        GroupKey::Day(day) => fields.insert(by.to_owned(), json!(day.to_string())),
        GroupKey::Enterprise(place) => fields.insert(
            "enterprise_number".to_owned(),
            json!(shown.enterprises[*place].as_str()),
        ),
        GroupKey::Name { enterprise, name } => {
            let enterprise = shown.enterprises[*enterprise].as_str();
            fields.insert("enterprise_number".to_owned(), json!(enterprise));
            fields.insert(by.to_owned(), json!(name))
        }
    };
    if let Value::Object(figures) = figures(&group.figures) {
        fields.extend(figures);
    }
    Value::Object(fields)
}

fn figures(figures: &Figures) -> Value {
    let outcomes = figures.outcomes;
    let results = Outcome::ALL.into_iter();
    let results = results.map(|outcome| (outcome.name().to_owned(), json!(outcomes.of(outcome))));
    json!({
        "calls": outcomes.all(),
        "results": results.collect::<Map<String, Value>>(),
        "called_back": figures.fates.called_back(),
        "rang_again_answered": figures.fates.rang_again_answered,
        "not_returned": figures.fates.not_returned,
        "wait_ms": spread(figures.wait),
        "talk_ms": spread(figures.talk),
        "hold_ms": spread(figures.hold),
        "message_lag_ms": spread(figures.message_lag),
        "messages_standing": figures.messages_standing,
        "http_requests": figures.http,
        "http_failed": figures.http_failed,
    })
}

fn callbacks(shown: &StatsView<'_>) -> Value {
    let stats = shown.stats;
    let fates = stats.total.fates;
    json!({
        "within_ms": stats.within_millis,
        "missed": stats.total.outcomes.of(Outcome::Missed),
        "called_back": fates.called_back(),
        "reached": fates.reached,
        "rang_again_answered": fates.rang_again_answered,
        "not_returned": fates.not_returned,
        "rang_again": fates.rang_again,
        "pending": fates.pending,
        "anonymous": fates.anonymous,
        "after_ms": spread(stats.called_back_after),
        "by": stats.called_back_by.iter().map(|by| json!({
            "enterprise_number": shown.enterprises[by.enterprise].as_str(),
            "person": by.person,
            "called_back": by.calls,
            "reached": by.reached,
        })).collect::<Vec<_>>(),
    })
}

fn spread(spread: Option<Spread>) -> Value {
    spread.map_or(Value::Null, |spread| {
        json!({
            "count": spread.count,
            "p50": spread.p50,
            "p90": spread.p90,
            "p95": spread.p95,
            "max": spread.max,
        })
    })
}
