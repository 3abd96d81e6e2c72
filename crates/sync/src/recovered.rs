//! Makes the log line of a missing event. Pure.

use calltrace_model::entry::{Entry, EntryError, EntryKind, EntryLine};
use calltrace_model::record::LogZone;
use chrono::DateTime;
use serde_json::{Map, Value, json};

/// The source of a recovered event, as its line says in `_recovered`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance<'a> {
    /// Name of the host in the settings, and the table: `june/AlternativeAPIlogs`.
    pub from: &'a str,
    /// The row of that table.
    pub row: i64,
    /// Why the event is missing: the word of a [`crate::Cause`].
    pub status: &'a str,
}

/// Why an event makes no line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoLine {
    /// The request cannot be read.
    #[error("the request is not a JSON object")]
    NoObject,
    /// A field does not fit into a line.
    #[error(transparent)]
    Unfit(#[from] EntryError),
}

/// The line of an event that was sent at that time (milliseconds since 1970 UTC): the line that it would have made on
/// arrival, with one more key.
///
/// # Errors
/// When the request is not a JSON object, or its id or event would not be read back unchanged.
pub fn line(
    at_millis: i64,
    event: &str,
    request: &str,
    of: &Provenance<'_>,
    zone: LogZone,
) -> Result<EntryLine, NoLine> {
    let data: Map<String, Value> = serde_json::from_str(request).map_err(|_| NoLine::NoObject)?;
    let id = data.get("UniqueId").and_then(Value::as_str);
    let entry = Entry {
        unique_id: id.unwrap_or_default().to_owned(),
        what: EntryKind::Event {
            event: event.to_owned(),
            data,
        },
        more: vec![(
            "recovered",
            json!({"from": of.from, "row": of.row, "status": of.status}),
        )],
    };
    let at = DateTime::from_timestamp_millis(at_millis).unwrap_or_default();
    Ok(entry.line(zone.stamp(at))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: Provenance<'static> = Provenance {
        from: "june/AlternativeAPIlogs",
        row: 7,
        status: "timed_out",
    };

    fn made(event: &str, request: &str) -> Result<String, NoLine> {
        let line = line(1_764_668_435_000, event, request, &OF, LogZone::default())?;
        Ok(String::from_utf8_lossy(line.bytes()).into_owned())
    }

    #[test]
    fn a_recovered_event_is_a_line_like_others_with_a_key_more() {
        let request =
            r#"{"Token":"375290000000","UniqueId":"1764668410.88","Name":"\u0410|\u2028\n"}"#;
        assert_eq!(
            made("hangup", request).as_deref(),
            Ok(concat!(
                "2025-12-02 09:40:35,000|AST|hangup|1764668410.88|",
                r#"{"Token": "375290000000", "UniqueId": "1764668410.88", "Name": "А|\u2028\n", "#,
                r#""_recovered": {"from": "june/AlternativeAPIlogs", "row": 7, "status": "timed_out"}}"#,
                "\n"
            ))
        );
    }

    #[test]
    fn a_bridge_has_no_channel_and_other_events_have_one() {
        let bridge = r#"{"UniqueId":"","BridgeUniqueid":"b-1"}"#;
        assert!(made("bridge_create", bridge).is_ok());
        assert!(matches!(made("hangup", bridge), Err(NoLine::Unfit(_))));
    }

    #[test]
    fn a_row_that_would_be_read_back_differently_makes_no_line() {
        for (event, request) in [
            ("hangup|x", r#"{"UniqueId":"1.1"}"#),
            ("hangup", r#"{"UniqueId":"1.1|y"}"#),
            ("hangup", r#"{"UniqueId":"1.1\n"}"#),
            ("hangup", r#"["1.1"]"#),
            ("hangup", r#"{"UniqueId":"1.1""#),
        ] {
            assert!(made(event, request).is_err(), "{event} {request}");
        }
    }
}
