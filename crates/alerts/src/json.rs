//! Findings as JSON, the same in the output of the command, in webhooks and in the state.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use super::finding::{
    CheckFinding, FigureType, FigureValue, FindingFigure, RuleKind, Scope, ScopePart,
};
use super::notice::{Ending, ResolvedFinding};
use calltrace_store::tree::EnterpriseName;

/// Digits of an outside number that stay when it is masked: the last two.
const DIGITS_SHOWN: usize = 2;

/// A finding.
pub fn finding(finding: &CheckFinding) -> Map<String, Value> {
    let part = finding.scope.part.as_ref();
    let part = part.map(|part| json!({ "kind": part.kind(), "value": part.value() }));
    let figures = finding.figures.iter().map(|figure| {
        let value = match &figure.value {
            FigureValue::Count(count) => json!(count),
            FigureValue::Share(number) | FigureValue::Factor(number) => json!(rounded(*number)),
            FigureValue::Millis(millis) => json!(millis),
            FigureValue::Text(text) | FigureValue::Phone(text) => json!(text),
        };
        let unit = match figure.value {
            FigureValue::Millis(_) => "_ms",
            _ => "",
        };
        (format!("{}{unit}", figure.name), value)
    });
    let figures: Map<String, Value> = figures.collect();
    let Value::Object(object) = json!({
        "rule": finding.rule,
        "kind": finding.kind.name(),
        "severity": finding.severity.name(),
        "enterprise": finding.scope.enterprise.as_ref().map(EnterpriseName::as_str),
        "part": part,
        "since": time(finding.since),
        "figures": figures,
        "links": finding.links,
    }) else {
        unreachable!("it is an object");
    };
    object
}

/// A finding that is over.
pub fn resolved(resolved: &ResolvedFinding) -> Map<String, Value> {
    let mut value = finding(&resolved.finding);
    value.insert("ended".to_owned(), time(resolved.ended).into());
    value.insert(
        "dropped".to_owned(),
        (resolved.ending == Ending::Dropped).into(),
    );
    value
}

/// Reads a finding that [`finding`] wrote. `None` if it is not one.
pub(crate) fn read_finding(value: &Value) -> Option<CheckFinding> {
    let text = |key: &str| value.get(key)?.as_str();
    let kind = RuleKind::named(text("kind")?)?;
    let enterprise = match value.get("enterprise")? {
        Value::Null => None,
        name => Some(EnterpriseName::new(name.as_str()?)?),
    };
    let part = match value.get("part")? {
        Value::Null => None,
        part => {
            let of = |key: &str| part.get(key)?.as_str();
            Some(ScopePart::of(of("kind")?, of("value")?)?)
        }
    };
    let figures = value.get("figures")?.as_object()?.iter();
    Some(CheckFinding {
        rule: text("rule")?.to_owned(),
        kind,
        severity: kind.severity(),
        scope: Scope { enterprise, part },
        since: read_time(value.get("since")?)?,
        figures: figures
            .filter_map(|(name, value)| figure(name, value))
            .collect(),
        links: Vec::new(),
    })
}

fn figure(name: &str, value: &Value) -> Option<FindingFigure> {
    let (name, of) = FindingFigure::known(name.strip_suffix("_ms").unwrap_or(name))?;
    let text = || value.as_str().map(str::to_owned);
    let value = match of {
        FigureType::Count => FigureValue::Count(value.as_u64()?),
        FigureType::Share => FigureValue::Share(value.as_f64()?),
        FigureType::Factor => FigureValue::Factor(value.as_f64()?),
        FigureType::Millis => FigureValue::Millis(value.as_i64()?),
        FigureType::Text => FigureValue::Text(text()?),
        FigureType::Phone => FigureValue::Phone(text()?),
    };
    Some(FindingFigure { name, value })
}

/// A number of which only the last two digits are shown.
pub fn masked(digits: &str) -> String {
    let hidden = digits.chars().count().saturating_sub(DIGITS_SHOWN);
    let last = digits.chars().skip(hidden);
    "*".repeat(hidden).chars().chain(last).collect()
}

/// RFC 3339 in UTC, in whole seconds.
pub fn time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

pub(crate) fn read_time(value: &Value) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(value.as_str()?).ok()?.to_utc())
}

fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}
