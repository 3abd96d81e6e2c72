//! The state as JSON, version 1.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Map, Value, json};

use super::figures::EnterpriseFigures;
use super::history::{History, HourCount};
use super::json::{finding, read_finding, read_time, time};
use super::notice::Ending;
use super::state::{AlertPhase, AlertState, TrackedFinding};
use calltrace_store::tree::EnterpriseName;

/// The version of the format.
const VERSION: u64 = 1;

/// Why the content of a state file can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UnusableDocument {
    /// It is not a state of this version.
    Damaged,
    /// It is the state of another tree.
    OtherTree(String),
}

/// The state of a tree as text.
pub(crate) fn write(state: &AlertState, root: &Path) -> Vec<u8> {
    let times = |times: &BTreeMap<String, DateTime<Utc>>| -> Map<String, Value> {
        let times = times.iter();
        times
            .map(|(name, at)| (name.clone(), time(*at).into()))
            .collect()
    };
    let history = state.history.iter();
    let history = history.map(|(name, history)| (name.to_string(), history_value(history)));
    let figures = state.figures.iter();
    let figures = figures.map(|(name, figures)| {
        let values = EnterpriseFigures::NAMES.into_iter().zip(figures.values());
        let values = values.map(|(name, value)| (name.to_owned(), value.into()));
        (name.to_string(), Value::Object(values.collect()))
    });
    let findings = state.entries.values().map(|entry| {
        let mut value = finding(&entry.finding);
        value.remove("links");
        let (phase, end) = match entry.phase {
            AlertPhase::Pending => ("pending", None),
            AlertPhase::Firing => ("firing", None),
            AlertPhase::Resolved { ended, ending } => ("resolved", Some((ended, ending))),
        };
        value.insert("state".to_owned(), phase.into());
        value.insert("found".to_owned(), time(entry.found).into());
        value.insert("seen".to_owned(), time(entry.seen).into());
        value.insert("absent".to_owned(), entry.absent.map(time).into());
        value.insert("told".to_owned(), times(&entry.told).into());
        if let Some((ended, ending)) = end {
            value.insert("ended".to_owned(), time(ended).into());
            value.insert("dropped".to_owned(), (ending == Ending::Dropped).into());
            value.insert("told_end".to_owned(), json!(entry.told_end));
        }
        Value::Object(value)
    });
    let document = json!({
        "version": VERSION,
        "root": root.to_string_lossy(),
        "at": state.at.map(time),
        "findings": findings.collect::<Vec<Value>>(),
        "not_before": times(&state.not_before),
        "figures": figures.collect::<Map<String, Value>>(),
        "hours": history.collect::<Map<String, Value>>(),
    });
    format!("{document:#}\n").into_bytes()
}

/// Reads the state of a tree. Entries that are not understood are errors: half a state would tell things twice.
pub(crate) fn read(bytes: &[u8], root: &Path) -> Result<AlertState, UnusableDocument> {
    let document: Value = serde_json::from_slice(bytes).map_err(|_| UnusableDocument::Damaged)?;
    let of = document
        .get("root")
        .and_then(Value::as_str)
        .ok_or(UnusableDocument::Damaged)?;
    if of != root.to_string_lossy() {
        return Err(UnusableDocument::OtherTree(of.to_owned()));
    }
    state(&document).ok_or(UnusableDocument::Damaged)
}

fn state(document: &Value) -> Option<AlertState> {
    if document.get("version")?.as_u64()? != VERSION {
        return None;
    }
    let mut state = AlertState {
        at: optional_time(document.get("at")?)?,
        not_before: read_times(document.get("not_before")?)?,
        ..AlertState::default()
    };
    for value in document.get("findings")?.as_array()? {
        let entry = entry(value)?;
        state.entries.insert(entry.finding.key(), entry);
    }
    for (name, value) in document.get("hours")?.as_object()? {
        state
            .history
            .insert(EnterpriseName::new(name)?, read_history(value)?);
    }
    for (name, value) in document.get("figures")?.as_object()? {
        let values = EnterpriseFigures::NAMES.map(|name| value.get(name)?.as_u64());
        let values: Option<Vec<u64>> = values.into_iter().collect();
        let values = <[u64; 8]>::try_from(values?).ok()?;
        let figures = EnterpriseFigures::from_values(values);
        state.figures.insert(EnterpriseName::new(name)?, figures);
    }
    Some(state)
}

fn entry(value: &Value) -> Option<TrackedFinding> {
    let at = |key: &str| read_time(value.get(key)?);
    let phase = match value.get("state")?.as_str()? {
        "pending" => AlertPhase::Pending,
        "firing" => AlertPhase::Firing,
        "resolved" => AlertPhase::Resolved {
            ended: at("ended")?,
            ending: match value.get("dropped")?.as_bool()? {
                true => Ending::Dropped,
                false => Ending::Over,
            },
        },
        _ => return None,
    };
    let told_end = value.get("told_end").and_then(Value::as_array);
    let told_end = told_end.into_iter().flatten().filter_map(Value::as_str);
    Some(TrackedFinding {
        finding: read_finding(value)?,
        phase,
        found: at("found")?,
        seen: at("seen")?,
        absent: optional_time(value.get("absent")?)?,
        told: read_times(value.get("told")?)?,
        told_end: told_end.map(str::to_owned).collect(),
    })
}

fn optional_time(value: &Value) -> Option<Option<DateTime<Utc>>> {
    match value {
        Value::Null => Some(None),
        at => Some(Some(read_time(at)?)),
    }
}

fn read_times(value: &Value) -> Option<BTreeMap<String, DateTime<Utc>>> {
    let times = value.as_object()?.iter();
    times
        .map(|(name, at)| Some((name.clone(), read_time(at)?)))
        .collect()
}

/// One text per day of UTC: `9:12/3 10:20/5` says that 12 calls began in the hour of 9:00, and 3 were missed.
fn history_value(history: &History) -> Value {
    let mut days: BTreeMap<NaiveDate, Vec<String>> = BTreeMap::new();
    for (hour, count) in history.hours() {
        let text = format!("{}:{}/{}", hour.format("%-H"), count.calls, count.missed);
        days.entry(hour.date_naive()).or_default().push(text);
    }
    let days = days.into_iter();
    let days = days.map(|(day, hours)| (day.to_string(), hours.join(" ").into()));
    let (from, until) = history.span().unzip();
    json!({
        "from": from.map(time),
        "until": until.map(time),
        "days": days.collect::<Map<String, Value>>(),
    })
}

fn read_history(value: &Value) -> Option<History> {
    let mut history = History::default();
    let (from, until) = (value.get("from")?, value.get("until")?);
    let Some((from, until)) = optional_time(from)?.zip(optional_time(until)?) else {
        return Some(history);
    };
    let mut counts = Vec::new();
    for (day, hours) in value.get("days")?.as_object()? {
        let day: NaiveDate = day.parse().ok()?;
        let midnight = day.and_hms_opt(0, 0, 0)?.and_utc();
        for text in hours.as_str()?.split(' ') {
            let (hour, count) = text.split_once(':')?;
            let (calls, missed) = count.split_once('/')?;
            let hour: i64 = hour.parse().ok().filter(|hour| (0..24).contains(hour))?;
            let count = HourCount {
                calls: calls.parse().ok()?,
                missed: missed.parse().ok()?,
            };
            counts.push((midnight + TimeDelta::hours(hour), count));
        }
    }
    history.replace(from, until, counts);
    Some(history)
}
