//! The mark of a record that a host sent, that never arrived, and that was copied from the host's journal.

use super::json::{Fields, Value};
use super::{Body, Record};

/// The key of the mark, which is the last key of an event's body.
pub const KEY: &[u8] = b"_recovered";

/// The longest mark (bytes).
const MARK_BYTES_MAX: usize = 1024;

/// The longest text in a mark (bytes).
const TEXT_BYTES_MAX: usize = 200;

/// Where a record was recovered from.
///
/// ```
/// use calltrace_model::record::{Record, RecoveryMark};
///
/// let line = br#"2025-12-02 09:40:38,000|AST|hangup|1.5|{"X": 1, "_recovered": {"from": "pbx1/call_events", "row": 7, "status": "0"}}"#;
/// let recovered = RecoveryMark::of(&Record::parse(line)).expect("it has the mark");
/// assert_eq!((&*recovered.from, recovered.row), ("pbx1/call_events", 7));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryMark {
    /// The host and the table of its journal, such as `pbx1/call_events`; 1 to 200 bytes.
    pub from: String,
    /// The number of the row in that table.
    pub row: u64,
    /// The status that the host noted for its attempt to send the event; at most 200 bytes, empty if it noted none.
    pub status: String,
}

impl RecoveryMark {
    /// The mark of a record; `None` for a record without one, or with another value under its key.
    pub fn of(record: &Record<'_>) -> Option<RecoveryMark> {
        let Body::Ast(ast) = &record.body else {
            return None;
        };
        let (key, value) = Fields::new(ast.json).last()?;
        RecoveryMark::parse(key, value)
    }

    /// Reads the mark from the last field of an event's body.
    pub(crate) fn parse(key: &[u8], value: Value<'_>) -> Option<RecoveryMark> {
        let Value::Nested(mark) = value else {
            return None;
        };
        if key != KEY || mark.len() > MARK_BYTES_MAX {
            return None;
        }
        let (mut from, mut row, mut status) = (None, None, None);
        for (key, value) in Fields::new(mark) {
            match key {
                b"from" => from = text(value),
                b"row" => row = number(value),
                b"status" => status = text(value),
                _ => {}
            }
        }
        Some(RecoveryMark {
            from: from.filter(|from| !from.is_empty())?,
            row: row?,
            status: status?,
        })
    }
}

fn text(value: Value<'_>) -> Option<String> {
    let (Value::Str(_) | Value::Escaped(_)) = value else {
        return None;
    };
    let text = String::from_utf8(value.text().into_owned()).ok()?;
    (text.len() <= TEXT_BYTES_MAX).then_some(text)
}

fn number(value: Value<'_>) -> Option<u64> {
    let Value::Scalar(digits) = value else {
        return None;
    };
    let is_number = digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| is_number)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "2025-12-02 09:40:38,000|AST|hangup|1764668438.1|";

    fn of(body: &str) -> Option<RecoveryMark> {
        RecoveryMark::of(&Record::parse(format!("{HEAD}{body}").as_bytes()))
    }

    fn with_mark(mark: &str) -> Option<RecoveryMark> {
        of(&format!("{{\"Phone\": \"150\", \"_recovered\": {mark}}}"))
    }

    #[test]
    fn a_mark_says_where_its_record_was_recovered_from() {
        let mark =
            r#"{"from": "pbx\u0031/call_events", "row": 18446744073709551615, "status": ""}"#;
        let recovered = with_mark(mark).expect("a mark");
        assert_eq!(recovered.from, "pbx1/call_events");
        assert_eq!(recovered.row, u64::MAX);
        assert_eq!(recovered.status, "");
        // Further fields, which a later version may add, are ignored.
        let more = r#"{"from": "a", "more": [{}], "row": 1, "status": "500"}"#;
        assert_eq!(with_mark(more).expect("a mark").status, "500");
    }

    #[test]
    fn any_other_value_under_its_key_is_not_a_mark() {
        let long = "x".repeat(201);
        for mark in [
            "true",
            "null",
            "\"pbx1\"",
            "[]",
            "{}",
            r#"{"from": "a", "row": 1}"#,
            r#"{"row": 1, "status": "0"}"#,
            r#"{"from": "a", "status": "0"}"#,
            r#"{"from": "", "row": 1, "status": "0"}"#,
            r#"{"from": ["a"], "row": 1, "status": "0"}"#,
            r#"{"from": "a", "row": "1", "status": "0"}"#,
            r#"{"from": "a", "row": -1, "status": "0"}"#,
            r#"{"from": "a", "row": 1.0, "status": "0"}"#,
            r#"{"from": "a", "row": 1e3, "status": "0"}"#,
            r#"{"from": "a", "row": 18446744073709551616, "status": "0"}"#,
            r#"{"from": "a", "row": 1, "status": 0}"#,
            r#"{"from": "a", "row": 1, "sta"#,
            &format!(r#"{{"from": "{long}", "row": 1, "status": "0"}}"#),
            &format!(r#"{{"from": "a", "row": 1, "status": "{long}"}}"#),
            &format!(
                r#"{{"from": "a", "row": 1, "status": "0", "x": "{}"}}"#,
                "y".repeat(1000)
            ),
        ] {
            assert_eq!(with_mark(mark), None, "{mark}");
        }
        let mark = r#""_recovered": {"from": "a", "row": 1, "status": "0"}"#;
        assert_eq!(
            of(&format!("{{{mark}, \"Phone\": \"150\"}}")),
            None,
            "not last"
        );
        assert_eq!(
            of(&format!("{{\"x\": {{{mark}}}}}")),
            None,
            "not of the body"
        );
        let bytes = b"2025-12-02 09:40:38,000|AST|hangup|1.5|{\"_recovered\": {\"from\": \"\xff\", \"row\": 1, \"status\": \"\"}}";
        assert_eq!(RecoveryMark::of(&Record::parse(bytes)), None, "no text");
        let posted = format!("2025-12-02 09:40:38,000|HTTP|1.5|GET|http://x/|200|{{{mark}}}|{{}}");
        assert_eq!(RecoveryMark::of(&Record::parse(posted.as_bytes())), None);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let line = [HEAD.as_bytes(), b"{\"_recovered\": ", &bytes].concat();
            let _ = RecoveryMark::of(&Record::parse(&line));
        }
    }
}
