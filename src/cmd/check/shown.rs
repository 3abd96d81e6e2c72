//! The answer of `calltrace check`: a table for people, a document for programs.

use std::collections::BTreeMap;

use calltrace_alerts::wording::{clause, groups, text};
use calltrace_alerts::{
    AlertPhase, Check, CheckFinding, CheckVerdict, Told, TrackedFinding, UnjudgedReason,
    json as alerts,
};
use calltrace_output::check::{CheckRow, write_checks};
use calltrace_output::{Language, json};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Seen;
use crate::cli::CheckFormat;
use crate::cmd::App;
use crate::cmd::talk::many;

/// The version of the document.
const VERSION: u8 = 1;

/// The result of a run.
pub(super) struct Answer<'a> {
    pub(super) checks: &'a [Check],
    pub(super) open: &'a [TrackedFinding],
    pub(super) seen: &'a Seen,
    pub(super) told: &'a [Told],
    /// Whether `told` is only what would be told.
    pub(super) is_dry: bool,
    pub(super) now: DateTime<Utc>,
}

pub(super) fn print(app: &App, format: CheckFormat, answer: &Answer<'_>) -> Result<(), Error> {
    let mut out = app.out();
    match format {
        CheckFormat::Json => {
            let document = document(answer);
            out.bytes(|out| json::write(out, &document, true))
        }
        CheckFormat::Table => {
            let width = out.width();
            let zone = app.clock.zone_name();
            let rows = rows(app, answer.open);
            out.styled(|mut out| {
                write_checks(&mut out, &rows, zone, width)?;
                for told in answer.told.iter().filter(|_| answer.is_dry) {
                    writeln!(out, "\n--- {}", told.channel)?;
                    writeln!(out, "{}", text(&told.notice, told.notice.language))?;
                }
                Ok(())
            })?;
            tell_silence(app, answer);
            Ok(())
        }
    }
}

/// A row for each finding, and one for all clients of an enterprise; first what fires.
fn rows(app: &App, open: &[TrackedFinding]) -> Vec<CheckRow> {
    let of = |is_firing: bool| {
        let entries = open
            .iter()
            .filter(|entry| (entry.phase == AlertPhase::Firing) == is_firing);
        let findings: Vec<CheckFinding> = entries.map(|entry| entry.finding.clone()).collect();
        let rows = groups(&findings)
            .into_iter()
            .map(|same| row(app, is_firing, &same));
        rows.collect::<Vec<_>>()
    };
    [of(true), of(false)].concat()
}

fn row(app: &App, is_firing: bool, same: &[&CheckFinding]) -> CheckRow {
    let first = same[0];
    let since = first.since.with_timezone(&app.clock.shown);
    let enterprise = first.scope.enterprise.as_ref();
    CheckRow {
        is_firing,
        check: first.rule.clone(),
        enterprise: enterprise.map_or_else(String::new, EnterpriseName::to_string),
        since: since.format("%Y-%m-%d %H:%M").to_string(),
        what: clause(same, Language::English).replace('\u{a0}', " "),
    }
}

/// Says which checks said nothing, and why; once for all enterprises of which the same holds.
fn tell_silence(app: &App, answer: &Answer<'_>) {
    if answer.open.is_empty() {
        app.say("nothing fires");
    }
    let mut silent: BTreeMap<(usize, UnjudgedReason), Vec<&EnterpriseName>> = BTreeMap::new();
    for (check, enterprise, verdict) in &answer.seen.verdicts {
        if let CheckVerdict::Silent(reason) = verdict {
            silent
                .entry((*check, *reason))
                .or_default()
                .extend(enterprise);
        }
    }
    for ((check, reason), enterprises) in silent {
        let name = &answer.checks[check].name;
        let of = match enterprises.as_slice() {
            [] => String::new(),
            [one] => format!(" about {one}"),
            all => format!(" about {}", many(all.len(), "enterprise")),
        };
        let why = match reason {
            UnjudgedReason::FewDays => "there are fewer than 7 comparable days",
            UnjudgedReason::Failed => "what it needs could not be read",
            UnjudgedReason::OutsideHours => "it is outside its hours",
            UnjudgedReason::NothingToCheck => {
                app.explain(|| {
                    format!("{name} says nothing{of}: nothing runs here that it checks")
                });
                continue;
            }
        };
        app.say(&format!("{name} says nothing{of}: {why}"));
    }
}

fn document(answer: &Answer<'_>) -> Value {
    let findings = answer.open.iter().map(|entry| {
        let mut value = alerts::finding(&entry.finding);
        let state = if entry.phase == AlertPhase::Firing {
            "firing"
        } else {
            "pending"
        };
        value.insert("state".to_owned(), state.into());
        value.insert("seen".to_owned(), (entry.seen == answer.now).into());
        Value::Object(value)
    });
    let silent = answer
        .seen
        .verdicts
        .iter()
        .filter_map(|(check, enterprise, verdict)| {
            let CheckVerdict::Silent(reason) = verdict else {
                return None;
            };
            Some(json!({
                "rule": answer.checks[*check].name,
                "enterprise": enterprise.as_ref().map(EnterpriseName::as_str),
                "reason": reason.name(),
            }))
        });
    let told = answer.told.iter().map(|told| {
        let firing = told.notice.firing.iter();
        let resolved = told.notice.resolved.iter();
        json!({
            "channel": told.channel,
            "firing": firing.map(alerts::finding).collect::<Vec<_>>(),
            "resolved": resolved.map(alerts::resolved).collect::<Vec<_>>(),
            "error": told.error.as_ref().map(|error| &error.text),
        })
    });
    let failures = answer.seen.missing.texts().into_iter();
    let failures = failures.chain(answer.seen.failures.iter().cloned());
    json!({
        "type": "check",
        "version": VERSION,
        "at": alerts::time(answer.now),
        "dry_run": answer.is_dry,
        "findings": findings.collect::<Vec<Value>>(),
        "silent": silent.collect::<Vec<Value>>(),
        "told": told.collect::<Vec<Value>>(),
        "failures": failures.collect::<Vec<String>>(),
    })
}
