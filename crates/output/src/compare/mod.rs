//! Compares what was sent with what arrived: a table by type and each difference for people, one document for
//! programs, one line per event while both are followed.
//!
//! Tokens are masked everywhere: in values of fields and in a service's complaints.

mod document;
mod live;
mod table;

use calltrace_model::record::Stamp;
use calltrace_model::redact;
use calltrace_model::sanitise::sanitise;
use calltrace_model::sighting::{Delivery, Sighting};
use calltrace_sync::compare::{CompareReport, place_text};
use chrono::DateTime;
use serde_json::{Value, json};

use super::{Clock, Secrets};

pub use document::document;
pub use live::{line, line_value, summary, summary_value};
pub use table::write_report;

/// A report, and how it is shown.
pub struct ComparisonView<'s> {
    /// What was compared.
    pub report: &'s CompareReport,
    /// The places from which sent events were read.
    pub sent: &'s str,
    /// The places from which arrived events were read.
    pub received: &'s [String],
    /// Formats times.
    pub clock: &'s Clock,
    /// Tokens of the events.
    pub secrets: &'s Secrets,
    /// Also name events that arrived and were not sent.
    pub lists_unsent: bool,
}

/// The time of a sighting as a record states it.
fn stamp(clock: &Clock, at_millis: i64) -> Stamp {
    let at = DateTime::from_timestamp_millis(at_millis).unwrap_or_default();
    clock.log.stamp(at)
}

/// `file:12` of a line, `table#12` of a row.
fn place(sighting: &Sighting) -> String {
    let is_row = is_table(&sighting.seen_at.source);
    let mark = if is_row { '#' } else { ':' };
    sanitise(place_text(&sighting.seen_at, mark).as_bytes()).into_owned()
}

/// Whether a source has rows: a journal's table, or `call_events`.
fn is_table(source: &str) -> bool {
    source.starts_with("call_events") || source.contains(".db/")
}

/// The id of an event, safe to show.
fn id(sighting: &Sighting) -> String {
    sanitise(sighting.body.id().as_bytes()).into_owned()
}

/// What the sender learned of the arrival, in words.
fn delivery(delivery: Delivery) -> String {
    match delivery {
        Delivery::Accepted => "accepted".to_owned(),
        Delivery::Refused(status) => format!("refused with {status}"),
        Delivery::TimedOut => "no answer in time".to_owned(),
        Delivery::Unreachable => "no connection".to_owned(),
        Delivery::NotTried => "not even tried".to_owned(),
        Delivery::Unknown => "answer not known".to_owned(),
    }
}

/// Text of a log without secrets.
fn masked(text: &str, secrets: &Secrets) -> String {
    secrets.mask(&redact::text(text)).into_owned()
}

/// The value of a field without secrets.
fn masked_value(field: &str, value: &Value, secrets: &Secrets) -> Value {
    let object = json!({ field: value }).to_string();
    let mut object = redact::body(object.as_bytes());
    let mut value = object[field].take();
    secrets.mask_value(&mut value);
    value
}

/// `+57 ms`, `-3 ms`, `+12.3 s`, `+15 min`.
fn lag(millis: i64) -> String {
    let sign = if millis < 0 { '-' } else { '+' };
    let size = millis.unsigned_abs();
    match size {
        0..1_000 => format!("{sign}{size} ms"),
        1_000..60_000 => format!("{sign}{}.{} s", size / 1_000, size % 1_000 / 100),
        _ => format!("{sign}{} min {} s", size / 60_000, size % 60_000 / 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lags_have_a_sign_and_a_unit() {
        for (millis, text) in [
            (0, "+0 ms"),
            (-3, "-3 ms"),
            (999, "+999 ms"),
            (12_345, "+12.3 s"),
            (905_000, "+15 min 5 s"),
        ] {
            assert_eq!(lag(millis), text);
        }
    }

    #[test]
    fn the_value_of_a_token_is_masked_whichever_field_it_is_in() {
        let line: &[u8] = br#"{"Token":"375290000000"}"#;
        let secrets = Secrets::of_lines(std::iter::once(line));
        for (field, value, shown) in [
            ("Token", json!("375290000000"), json!("***")),
            ("Token", json!("another"), json!("***")),
            ("Trunk", json!("375290000000"), json!("***")),
            ("Phone", json!("375290001234"), json!("375290001234")),
            ("Extensions", json!(["150"]), json!(["150"])),
        ] {
            assert_eq!(masked_value(field, &value, &secrets), shown, "{field}");
        }
        assert_eq!(
            masked("failed for token 375290000000: x", &secrets),
            "failed for token ***: x"
        );
    }
}
