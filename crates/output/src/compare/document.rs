//! A comparison for programs.

use calltrace_hosts::services::Complaint;
use calltrace_model::sighting::{Delivery, Difference, Sighting};
use calltrace_sync::compare::{EventCounts, Mismatch, MismatchKind};
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use super::{ComparisonView, is_table, masked, masked_value};
use crate::Secrets;
use crate::json::VERSION;

/// The comparison as one document. `troubles` says which files could not be read, in sentences.
pub fn document(shown: &ComparisonView<'_>, troubles: &[String]) -> Value {
    let report = shown.report;
    let events = report.events.iter().map(|(event, counts)| {
        let mut row = Map::new();
        row.insert("event".to_owned(), json!(**event));
        put_counts(&mut row, counts);
        Value::Object(row)
    });
    let mut total = Map::new();
    put_counts(&mut total, &report.total);
    let lag = report.lag;
    let lag = lag.map(|lag| json!({"p50": lag.p50_millis, "p95": lag.p95_millis}));
    let (secrets, findings) = (shown.secrets, report.findings.iter());
    json!({
        "version": VERSION,
        "sent": shown.sent,
        "received": shown.received,
        "same": report.is_same(),
        "events": events.collect::<Vec<_>>(),
        "total": total,
        "lag_ms": lag,
        "last_sent": report.last_sent.as_ref().map(seen),
        "last_received": report.last_received.as_ref().map(seen),
        "differences": findings.map(|one| finding(one, secrets)).collect::<Vec<_>>(),
        "unsent": report.unsent.iter().map(seen).collect::<Vec<_>>(),
        "errors": complaints(&report.complaints, secrets),
        "incomplete": troubles,
    })
}

fn put_counts(row: &mut Map<String, Value>, counts: &EventCounts) {
    for (name, number) in [
        ("sent", counts.sent),
        ("accepted", counts.accepted),
        ("received", counts.received),
        ("missing", counts.missing),
        ("differs", counts.differs),
        ("duplicate", counts.duplicate),
        ("unsent", counts.unsent),
    ] {
        row.insert(name.to_owned(), json!(number));
    }
}

/// RFC 3339 in UTC with milliseconds.
pub(super) fn time(at_millis: i64) -> String {
    let at = DateTime::from_timestamp_millis(at_millis).unwrap_or_default();
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// An event with its place.
pub(super) fn seen(sighting: &Sighting) -> Value {
    let mut value = place(sighting);
    value["event"] = json!(*sighting.event);
    value["id"] = json!(sighting.body.id());
    value
}

/// When and where it was seen.
pub(super) fn place(sighting: &Sighting) -> Value {
    let seen_at = &sighting.seen_at;
    let number = Some(seen_at.number).filter(|number| *number > 0);
    let unit = if is_table(&seen_at.source) {
        "row"
    } else {
        "line"
    };
    json!({ "at": time(sighting.at_millis), "source": *seen_at.source, unit: number })
}

fn finding(finding: &Mismatch, secrets: &Secrets) -> Value {
    let first = finding.sighting();
    let sent = finding.sent.as_ref().map(|sent| {
        let mut value = place(sent);
        value["delivery"] = json!(sent.delivery.word());
        if let Delivery::Refused(status) = sent.delivery {
            value["status"] = json!(status);
        }
        value["waited_ms"] = json!(sent.waited_millis);
        value
    });
    let fields = match &finding.kind {
        MismatchKind::Differs(differences) => fields(differences, secrets),
        _ => Vec::new(),
    };
    json!({
        "kind": finding.kind.word(),
        "event": *first.event,
        "id": first.body.id(),
        "sent": sent,
        "received": finding.received.as_ref().map(place),
        "lag_ms": finding.lag_millis(),
        "may_still_come": finding.kind == MismatchKind::MayStillCome,
        "fields": fields,
        "errors": complaints(&finding.complaints, secrets),
    })
}

/// Fields that do not agree; a side that lacks one has no value.
pub(super) fn fields(differences: &[Difference], secrets: &Secrets) -> Vec<Value> {
    let of = |difference: &Difference| {
        let field = &difference.field;
        let mut value = json!({ "field": field });
        for (side, value_text) in [
            ("sent", &difference.sent),
            ("received", &difference.received),
        ] {
            if let Some(value_text) = value_text {
                value[side] = masked_value(field, value_text, secrets);
            }
        }
        value
    };
    differences.iter().map(of).collect()
}

fn complaints(complaints: &[Complaint], secrets: &Secrets) -> Vec<Value> {
    let of = |complaint: &Complaint| {
        json!({
            "at": time(complaint.at_millis),
            "source": *complaint.seen_at.source,
            "line": complaint.seen_at.number,
            "id": complaint.id,
            "text": masked(&complaint.text, secrets),
        })
    };
    complaints.iter().map(of).collect()
}
