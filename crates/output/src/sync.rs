//! The result of asking hosts for missing events: one line per host for people, one document for programs.

use serde_json::{Value, json};

use super::json::VERSION;
use super::number::grouped;
use calltrace_sync::{Cause, HostOutcome};

/// `0367 june: 60,000 processed, 588 new, 0 errors; not there were 500 (timed out), 88 (lost)`
///
/// The line has no newline. In a dry run the line says "588 missing" instead of the number of new calls.
pub fn host_line(outcome: &HostOutcome, dry_run: bool) -> String {
    let count = |number: usize| grouped(number as u64, ',');
    let mut line = format!("{} {}: ", outcome.enterprise, outcome.host);
    if let Some(failure) = &outcome.failure
        && outcome.processed == 0
    {
        return line + &failure.text;
    }
    let (found, word) = match dry_run {
        true => (outcome.missing_count(), "missing"),
        false => (outcome.recovered, "new"),
    };
    line += &format!(
        "{} processed, {} {word}, {} errors",
        count(outcome.processed),
        count(found),
        count(outcome.errors),
    );
    let causes: Vec<String> = (outcome.missing.iter())
        .map(|(cause, number)| format!("{} {}", count(*number), phrase(*cause)))
        .collect();
    if !causes.is_empty() {
        line += &format!(" ({})", causes.join(", "));
    }
    if let Some(copied) = outcome.copied {
        line += &format!("; {} calls new in the database", grouped(copied, ','));
    }
    for (number, what) in [
        (outcome.pending, "may still arrive"),
        (outcome.hidden, "may be in a part that could not be read"),
        (
            outcome.misdated,
            "arrived at another time than the host says",
        ),
    ] {
        if number > 0 {
            line += &format!("; {} {what}", count(number));
        }
    }
    if let Some(skew) = outcome
        .skew_millis
        .filter(|skew| skew.abs() >= SKEW_SHOWN_MILLIS)
    {
        let seconds = skew.unsigned_abs() as f64 / 1000.0;
        let side = if skew > 0 { "ahead" } else { "behind" };
        line += &format!("; the host's clock is {seconds:.1} s {side}");
    }
    if let Some(failure) = &outcome.failure {
        line += &format!("; {}", failure.text);
    }
    line
}

/// A clock that is wrong by less than this (milliseconds) is good enough here.
const SKEW_SHOWN_MILLIS: i64 = 2_000;

/// Why events did not arrive, after their number.
fn phrase(cause: Cause) -> &'static str {
    match cause {
        Cause::TimedOut => "timed out",
        Cause::Refused => "refused",
        Cause::Unreachable => "without a connection",
        Cause::NotTried => "not tried, as the host thought it was offline",
        Cause::Lost => "accepted and lost",
        Cause::OtherTable => "sent to the CRM alone",
        Cause::Unknown => "of unknown fate",
    }
}

/// All of a run as one document.
pub fn document(outcomes: &[HostOutcome], dry_run: bool) -> Value {
    let hosts: Vec<Value> = outcomes.iter().map(host).collect();
    json!({ "type": "sync", "version": VERSION, "dry_run": dry_run, "hosts": hosts })
}

fn host(outcome: &HostOutcome) -> Value {
    let missing: serde_json::Map<String, Value> = (Cause::ALL.iter())
        .map(|cause| {
            let number = outcome.missing.get(cause).copied().unwrap_or_default();
            (cause.word().to_owned(), number.into())
        })
        .collect();
    let failure = (outcome.failure.as_ref())
        .map(|failure| json!({ "kind": failure.kind, "text": failure.text }));
    json!({
        "enterprise": outcome.enterprise.as_str(),
        "host": outcome.host,
        "processed": outcome.processed,
        "arrived": outcome.arrived,
        "misdated": outcome.misdated,
        "missing": missing,
        "recovered": outcome.recovered,
        "copied": outcome.copied,
        "pending": outcome.pending,
        "hidden": outcome.hidden,
        "errors": outcome.errors,
        "clock_skew_ms": outcome.skew_millis,
        "troubles": outcome.troubles,
        "failure": failure,
        "complete": outcome.is_complete(),
    })
}
