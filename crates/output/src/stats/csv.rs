//! Statistics as CSV (RFC 4180): a head, then a row for each group; for all calls where there are no groups.

use std::io::{self, Write};

use super::Shown;
use crate::csv::harmless;
use calltrace_model::call::Outcome;
use calltrace_model::stats::{Figures, GroupBy, Key, Spread};

/// The columns behind the group, its calls and how these ended. Durations are milliseconds; empty where there is none.
const HEAD: [&str; 16] = [
    "called_back",
    "rang_again_answered",
    "not_returned",
    "wait_p50_ms",
    "wait_p90_ms",
    "wait_p95_ms",
    "wait_max_ms",
    "talk_p50_ms",
    "talk_p90_ms",
    "talk_p95_ms",
    "hold_p50_ms",
    "hold_p90_ms",
    "hold_p95_ms",
    "message_lag_p50_ms",
    "message_lag_p95_ms",
    "messages_standing",
];

/// Writes all rows. A name that a spreadsheet would take for a formula has an apostrophe before it.
///
/// # Errors
/// When `out` does.
pub fn write_csv(out: impl Write, shown: &Shown<'_>) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(out);
    let by = shown.stats.by.map(GroupBy::name);
    let is_of_names = shown.stats.by.is_some_and(GroupBy::is_of_names);
    let head = is_of_names.then_some("enterprise").into_iter().chain(by);
    let results = Outcome::ALL.map(Outcome::name);
    csv.write_record(head.chain(["calls"]).chain(results).chain(HEAD))?;
    if by.is_none() {
        csv.write_record(figures(&shown.stats.total))?;
    }
    for group in shown.groups() {
        let key = match &group.key {
            Key::Hour(hour) => vec![hour.to_string()],
            Key::Weekday(day) => vec![(day + 1).to_string()],
            Key::Day(day) => vec![day.to_string()],
            Key::Enterprise(place) => vec![shown.enterprises[*place].to_string()],
            Key::Name { enterprise, name } => {
                vec![
                    shown.enterprises[*enterprise].to_string(),
                    harmless(name).into_owned(),
                ]
            }
        };
        csv.write_record(key.into_iter().chain(figures(&group.figures)))?;
    }
    csv.flush()
}

fn figures(figures: &Figures) -> impl Iterator<Item = String> {
    let outcomes = figures.outcomes;
    let millis = |spread: Option<Spread>, of: fn(Spread) -> i64| {
        spread.map_or(String::new(), |spread| of(spread).to_string())
    };
    let results = Outcome::ALL.map(|outcome| outcomes.of(outcome).to_string());
    let further: [String; HEAD.len()] = [
        figures.fates.called_back().to_string(),
        figures.fates.rang_again_answered.to_string(),
        figures.fates.not_returned.to_string(),
        millis(figures.wait, |s| s.p50),
        millis(figures.wait, |s| s.p90),
        millis(figures.wait, |s| s.p95),
        millis(figures.wait, |s| s.max),
        millis(figures.talk, |s| s.p50),
        millis(figures.talk, |s| s.p90),
        millis(figures.talk, |s| s.p95),
        millis(figures.hold, |s| s.p50),
        millis(figures.hold, |s| s.p90),
        millis(figures.hold, |s| s.p95),
        millis(figures.message_lag, |s| s.p50),
        millis(figures.message_lag, |s| s.p95),
        figures.messages_standing.to_string(),
    ];
    let all = std::iter::once(outcomes.all().to_string());
    all.chain(results).chain(further)
}
