//! Secrets out of bodies, URLs and lines.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// What stands in a secret's place.
const MASK: &str = "***";

/// Keys whose values are secrets, compared in lower case.
const SECRET_KEYS: [&str; 9] = [
    "token",
    "secret",
    "password",
    "passwd",
    "authorization",
    "bot_token",
    "api_key",
    "apikey",
    "access_token",
];

/// `"Token": "..."` in text, also when the value is cut off; an escaped quote (JSON inside JSON)
/// counts as a quote.
static IN_JSON: LazyLock<Regex> = LazyLock::new(|| {
    let keys = SECRET_KEYS.join("|");
    Regex::new(&format!(
        r#"(?i)(\\*"(?:{keys})\\*"\s*:\s*)(\\*"(?:[^"\\]|\\[^"])*(?:\\*"|$)|[^\s,}}"\]\\]+)"#
    ))
    .expect("a constant pattern")
});

/// `?token=...` in a URL, and the token in a Telegram bot's.
static IN_URL: LazyLock<Regex> = LazyLock::new(|| {
    let keys = SECRET_KEYS.join("|");
    Regex::new(&format!(
        r#"(?i)([?&;](?:{keys}|key|sig)=)[^&;\s|"]+|(/bot)\d+:[A-Za-z0-9_-]+"#
    ))
    .expect("a constant pattern")
});

/// Text, a URL or a whole line without the secrets in it.
pub fn text(text: &str) -> Cow<'_, str> {
    let without = IN_JSON.replace_all(text, |found: &Captures<'_>| {
        format!("{}\"{MASK}\"", &found[1])
    });
    let url = |found: &Captures<'_>| {
        let kept = found.get(1).or(found.get(2)).map_or("", |m| m.as_str());
        format!("{kept}{MASK}")
    };
    match without {
        Cow::Borrowed(same) => IN_URL.replace_all(same, url),
        Cow::Owned(changed) => Cow::Owned(IN_URL.replace_all(&changed, url).into_owned()),
    }
}

/// A body as JSON without the secrets in it; one that is no JSON (cut by its writer) as
/// `{"raw": text}`, as the page that people know does.
pub fn body(bytes: &[u8]) -> Value {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(mut value) => {
            mask(&mut value);
            value
        }
        Err(_) => serde_json::json!({ "raw": text(&String::from_utf8_lossy(bytes)) }),
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let secret = SECRET_KEYS.contains(&key.to_lowercase().as_str());
                match value {
                    Value::Object(_) | Value::Array(_) => mask(value),
                    Value::Null => {}
                    _ if secret => *value = Value::String(MASK.to_owned()),
                    other => mask(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::String(held) => {
            if let Cow::Owned(masked) = text(held) {
                *held = masked;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_token_survives() {
        for secret in [
            r#"{"Token": "375290000000", "X": 1}"#,
            r#"{"token":375290000000}"#,
            r#"{"a": {"Token": "375290000000"}}"#,
            r#"{"a": [{"bot_token": "375290000000"}]}"#,
            r#"{"Token": "375290000000"#,
            r#"{"raw": "{\"Token\": \"375290000000\"}"}"#,
            "https://h/call/0367/1.5?token=375290000000&x=1",
            "https://api.telegram.org/bot123:375290000000/sendMessage",
        ] {
            let shown = text(secret);
            assert!(!shown.contains("375290000000"), "{secret} -> {shown}");
            let shown = body(secret.as_bytes()).to_string();
            assert!(!shown.contains("375290000000"), "{secret} -> {shown}");
        }
    }

    #[test]
    fn the_rest_stays() {
        assert_eq!(
            text(r#"{"Phone": "375290001234"}"#),
            r#"{"Phone": "375290001234"}"#
        );
        assert_eq!(
            text("https://h/c?token=abc&x=1"),
            "https://h/c?token=***&x=1"
        );
        assert_eq!(
            text(r#"x|{"Token": "a", "Phone": "b"}"#),
            r#"x|{"Token": "***", "Phone": "b"}"#
        );
    }
}
