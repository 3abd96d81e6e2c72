//! Writes JSON in the form of the existing writers: a space after commas and colons, letters of all languages
//! unescaped. Characters that some readers take for the end of a line (U+0085, U+2028 and similar) are
//! escaped; for a JSON reader this makes no difference.

use std::fmt::Write as _;

use serde_json::Value;

/// The value on one line.
pub(super) fn value(value: &Value) -> String {
    let mut out = String::new();
    push(&mut out, value);
    out
}

/// Appends a value to `out`. The recursion is not deeper than that of the parser that read the value.
fn push(out: &mut String, value: &Value) {
    match value {
        Value::Object(fields) => {
            out.push('{');
            for (at, (key, value)) in fields.iter().enumerate() {
                separate(out, at);
                push_text(out, key);
                out.push_str(": ");
                push(out, value);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                separate(out, at);
                push(out, item);
            }
            out.push(']');
        }
        Value::String(text) => push_text(out, text),
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}

fn separate(out: &mut String, at: usize) {
    if at > 0 {
        out.push_str(", ");
    }
}

fn push_text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        // Writing to a String never fails.
        let _ = match c {
            '"' => out.write_str("\\\""),
            '\\' => out.write_str("\\\\"),
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            '\u{8}' => out.write_str("\\b"),
            '\u{c}' => out.write_str("\\f"),
            c if c < ' ' || is_break(c) => write!(out, "\\u{:04x}", u32::from(c)),
            c => out.write_char(c),
        };
    }
    out.push('"');
}

/// Whether `c` is DEL, a C1 control, or a separator of lines or paragraphs.
pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        serde_json::from_str(text).expect("it is JSON")
    }

    #[test]
    fn it_reads_as_the_field_writes_it() {
        let text = r#"{"b":[1,2.50,{"x":null}],"a":"Анна \"1\"\n","c":{},"d":[],"e":12345678901234567890123,"f":[true,false]}"#;
        assert_eq!(
            value(&read(text)),
            r#"{"b": [1, 2.50, {"x": null}], "a": "Анна \"1\"\n", "c": {}, "d": [], "e": 12345678901234567890123, "f": [true, false]}"#
        );
    }

    #[test]
    fn a_dumped_value_has_no_character_that_ends_a_line() {
        let held = serde_json::json!({ "\u{2028}": "\0\n\r\u{b}\u{c}\u{1c}\u{85}\u{2029}|\\" });
        let dumped = value(&held);
        assert_eq!(
            dumped,
            r#"{"\u2028": "\u0000\n\r\u000b\f\u001c\u0085\u2029|\\"}"#
        );
        assert_eq!(read(&dumped), held);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_back(text in "\\PC{0,20}[\\x00-\\x1f\\x7f-\\u{a0}\\u{2020}-\\u{2030}]{0,20}", other in ".{0,9}") {
            let held = serde_json::json!({ text.clone(): [text, { "k": other }] });
            let dumped = value(&held);
            proptest::prop_assert!(!dumped.chars().any(|c| c < ' ' || is_break(c)));
            proptest::prop_assert_eq!(read(&dumped), held);
        }
    }
}
