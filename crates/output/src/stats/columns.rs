//! The columns of statistics, which CSV and Parquet share: first the group, then its figures.

use chrono::NaiveDate;

use super::StatsView;
use calltrace_model::call::Outcome;
use calltrace_model::stats::{Figures, Group, GroupBy, GroupKey, Spread};

/// The type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColumnType {
    Text,
    Number,
    Day,
}

/// A value of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ColumnValue {
    Text(String),
    Number(i64),
    Day(NaiveDate),
}

/// A column after those of the group, the number of calls and the outcomes: its name, and the
/// function that reads its value.
type Figure = (&'static str, fn(&Figures) -> Option<i64>);

/// Durations are milliseconds.
const FIGURES: [Figure; 16] = [
    ("called_back", |f| count(f.fates.called_back())),
    ("rang_again_answered", |f| {
        count(f.fates.rang_again_answered)
    }),
    ("not_returned", |f| count(f.fates.not_returned)),
    ("wait_p50_ms", |f| of(f.wait, |s| s.p50)),
    ("wait_p90_ms", |f| of(f.wait, |s| s.p90)),
    ("wait_p95_ms", |f| of(f.wait, |s| s.p95)),
    ("wait_max_ms", |f| of(f.wait, |s| s.max)),
    ("talk_p50_ms", |f| of(f.talk, |s| s.p50)),
    ("talk_p90_ms", |f| of(f.talk, |s| s.p90)),
    ("talk_p95_ms", |f| of(f.talk, |s| s.p95)),
    ("hold_p50_ms", |f| of(f.hold, |s| s.p50)),
    ("hold_p90_ms", |f| of(f.hold, |s| s.p90)),
    ("hold_p95_ms", |f| of(f.hold, |s| s.p95)),
    ("message_lag_p50_ms", |f| of(f.message_lag, |s| s.p50)),
    ("message_lag_p95_ms", |f| of(f.message_lag, |s| s.p95)),
    ("messages_standing", |f| count(f.messages_standing)),
];

fn count(count: usize) -> Option<i64> {
    i64::try_from(count).ok()
}

fn of(spread: Option<Spread>, value: fn(Spread) -> i64) -> Option<i64> {
    spread.map(value)
}

/// The columns that name a group: none if there are no groups.
fn keys(by: Option<GroupBy>) -> impl Iterator<Item = (&'static str, ColumnType)> {
    let enterprise = by.filter(|by| by.is_of_names()).map(|_| "enterprise");
    let enterprise = enterprise.map(|name| (name, ColumnType::Text));
    let own = by.map(|by| {
        let kind = match by {
            GroupBy::Hour | GroupBy::Weekday => ColumnType::Number,
            GroupBy::Day => ColumnType::Day,
            _ => ColumnType::Text,
        };
        (by.name(), kind)
    });
    enterprise.into_iter().chain(own)
}

/// All columns, in order.
pub(super) fn columns(shown: &StatsView<'_>) -> Vec<(&'static str, ColumnType)> {
    let results = Outcome::ALL.map(Outcome::name).into_iter();
    let figures = ["calls"].into_iter().chain(results);
    let figures = figures.chain(FIGURES.map(|(name, _)| name));
    let figures = figures.map(|name| (name, ColumnType::Number));
    keys(shown.stats.by).chain(figures).collect()
}

/// The values of a group; `None` for a column in which it has no value.
pub(super) fn row(shown: &StatsView<'_>, group: &Group) -> Vec<Option<ColumnValue>> {
    let enterprise = |place: usize| ColumnValue::Text(shown.enterprises[place].to_string());
    let key = match &group.key {
        GroupKey::Hour(hour) => vec![ColumnValue::Number(i64::from(*hour))],
        // Monday is 1, as in ISO 8601.
        GroupKey::Weekday(day) => vec![ColumnValue::Number(i64::from(day + 1))],
        GroupKey::Day(day) => vec![ColumnValue::Day(*day)],
        GroupKey::Enterprise(place) => vec![enterprise(*place)],
        GroupKey::Name {
            enterprise: place,
            name,
        } => vec![enterprise(*place), ColumnValue::Text(name.clone())],
    };
    let key = key.into_iter().map(Some);
    key.chain(figures(&group.figures)).collect()
}

/// The values of all calls together; the columns of the key are empty.
pub(super) fn total(shown: &StatsView<'_>) -> Vec<Option<ColumnValue>> {
    let no_key = keys(shown.stats.by).map(|_| None);
    no_key.chain(figures(&shown.stats.total)).collect()
}

fn figures(figures: &Figures) -> impl Iterator<Item = Option<ColumnValue>> {
    let outcomes = figures.outcomes;
    let results = Outcome::ALL.map(|outcome| count(outcomes.of(outcome)));
    let all = [count(outcomes.all())].into_iter().chain(results);
    let all = all.chain(FIGURES.map(|(_, read)| read(figures)));
    all.map(|number| number.map(ColumnValue::Number))
}
