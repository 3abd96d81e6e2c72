//! Removes secrets from bodies, URLs and lines.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// The text that replaces a secret.
pub const MASK: &str = "***";

/// A key that ends in one of these words holds a secret.
const SECRET_KEY: &str = r"[\w.-]*(?:token|secret|password|passwd|pwd|pass|authorization|api[-_]?key|cookie|credentials|auth|bearer|jwt|session(?:[-_]?id)?|private[-_]?key|signature)";

/// The same pattern for a key in lower case without `-`, `_` and spaces.
static IS_SECRET: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(&format!("{SECRET_KEY}$")).expect("a constant pattern"));

/// `"Token": "..."` in text, also when the value is cut off or nested. An escaped quote (JSON inside JSON)
/// and the quote of a Python dict count as quotes. The first quote may be missing: where one line was cut off
/// within a value, the next begins inside it.
static IN_JSON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(
        r#"(?i)((?:\\*["'])?{SECRET_KEY}\s*\\*["']\s*:\s*)(\\*"(?:[^"\\]|\\[^"]|\\")*(?:"|$)|'[^']*(?:'|$)|\[[^\]]*(?:\]|$)|\{{[^}}]*(?:\}}|$)|[^\s,}}"'\]\\]+)"#
    ))
    .expect("a constant pattern")
});

/// `"Token": \"...\"` inside a string that holds JSON; it ends at the next escaped quote.
static IN_NESTED_JSON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(
        r#"(?i)(\\+"{SECRET_KEY}\\+"\s*:\s*)\\+"[^"\\]*(?:\\+"|$)"#
    ))
    .expect("a constant pattern")
});

/// `token=...` in a URL, a form or a sentence; `Token: ...` as in headers; the token in the URL of a Telegram
/// bot; a password before a host; the text after `Bearer` and `Basic`. Word boundaries are those of ASCII:
/// this finds all keys, since keys are ASCII, and searches text with Cyrillic letters four times as fast.
static IN_TEXT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(&format!(
        r#"(?i)((?-u:\b)(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{{3,}}|((?-u:\b)(?:(?:{SECRET_KEY}|key|sig|sign|hash)(?:=|%3D)|{SECRET_KEY}:[ \t]*))(?:(?:bearer|basic)\s+)?["']?[^&;\s|"'),]+|(/bot)\d+:[A-Za-z0-9_-]+|((?-u:\b))\d{{8,10}}:[A-Za-z0-9_-]{{35}}|(://)[^/@\s:|]+:[^/@\s|]+@"#
    ))
    .expect("a constant pattern")
});

/// Masks the secrets in a text, a URL or a whole line.
///
/// ```
/// use calltrace_model::redact;
///
/// assert_eq!(redact::text("https://host/call?token=abc&x=1"), "https://host/call?token=***&x=1");
/// ```
pub fn text(text: &str) -> Cow<'_, str> {
    let masked = |found: &Captures<'_>| format!("{}\"{MASK}\"", &found[1]);
    let kept = |found: &Captures<'_>| {
        let kept = (1..=5).find_map(|group| found.get(group));
        let at = if kept.is_some_and(|m| m.as_str() == "://") {
            "@"
        } else {
            ""
        };
        format!("{}{MASK}{at}", kept.map_or("", |m| m.as_str()))
    };
    let text = then(Cow::Borrowed(text), |t| {
        IN_NESTED_JSON.replace_all(t, masked)
    });
    let text = then(text, |t| IN_JSON.replace_all(t, masked));
    then(text, |t| IN_TEXT.replace_all(t, kept))
}

/// The key of the first secret in a text, as written there, for a report of where secrets are. An empty or
/// masked value is not a secret. `None` without secrets.
pub fn key_of_secret(text: &str) -> Option<String> {
    let patterns = [&IN_NESTED_JSON, &IN_JSON, &IN_TEXT];
    patterns.iter().find_map(|pattern| {
        let mut all = pattern.captures_iter(text);
        all.find_map(|found| {
            let key = (1..=5).find_map(|group| found.get(group));
            let key = key.map_or("", |key| key.as_str());
            let wraps = |c: char| c.is_whitespace() || "\\\"'[]{}".contains(c);
            let value = found[0][key.len()..].trim_matches(wraps);
            let is_secret = !matches!(value, "" | MASK | "null" | "None" | "none");
            is_secret.then(|| match key.trim_matches(|c: char| !c.is_alphanumeric()) {
                "" => "password in an address".to_owned(),
                key => key.to_owned(),
            })
        })
    })
}

/// Applies one more replacement, without a copy if nothing is replaced.
fn then<'t>(text: Cow<'t, str>, replace: impl Fn(&str) -> Cow<'_, str>) -> Cow<'t, str> {
    let replaced = match replace(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    };
    replaced.map_or(text, Cow::Owned)
}

/// The body as JSON with its secrets masked. A body that is not JSON (cut by its writer) becomes `{"raw":
/// text}`, as on the established page.
pub fn body(bytes: &[u8]) -> Value {
    match serde_json::from_slice::<Value>(bytes) {
        Ok(mut value) => {
            mask(&mut value);
            value
        }
        Err(_) => serde_json::json!({ "raw": text(&String::from_utf8_lossy(bytes)) }),
    }
}

fn is_secret(key: &str) -> bool {
    let plain: String = key
        .chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .collect();
    IS_SECRET.is_match(&plain.to_lowercase())
}

fn mask(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::Null => {}
                    _ if is_secret(key) => *value = Value::String(MASK.to_owned()),
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
            r#"{"token": ["375290000000"]}"#,
            r#"{"token": {"value": "375290000000"}}"#,
            r#"{"token": ["375290000000"#,
            r#"{"_shared_uuid_token": "375290000000"}"#,
            r#"{"X-API-Key": "375290000000", "db_password": "375290000000"}"#,
            r#"{"headers": {"Authorization": "Bearer 375290000000"}}"#,
            r#"{"token": "ab\"375290000000"#,
            "Authorization: Bearer 375290000000",
            "token=375290000000&x=1",
            "{'token': '375290000000'}",
            "https://user:375290000000@host/x",
            "https://h/c#access_token=375290000000",
            "https://h/c?auth_token=375290000000",
            "SELECT 1 WHERE password='375290000000'",
            r#"{"jwt": "375290000000", "private_key": "375290000000", "x-auth": "375290000000"}"#,
            r#"{"TOKEN ": "375290000000", "SessionId": "375290000000"}"#,
            "https://h/c?auth=375290000000&sign=375290000000",
            "bot 375290000:375290000000-375290000000-3752900000",
            "X-Api-Key: 375290000000",
            "POST /x Token: 375290000000",
            "authorization:375290000000",
            "Authorization: Basic 375290000000",
            r#"{"raw": "Token: 375290000000"}"#,
            r#"{"Token": "2025-11-29 09:01:00,140|AST|dial|1.1|{"Token": "375290000000", "X": 1}"#,
        ] {
            let shown = text(secret);
            assert!(!shown.contains("375290000000"), "{secret} -> {shown}");
            let shown = body(secret.as_bytes()).to_string();
            assert!(!shown.contains("375290000000"), "{secret} -> {shown}");
        }
    }

    #[test]
    fn keys_of_secrets_are_named_without_them() {
        for (line, key) in [
            (r#"{"Token": "375290000000", "X": 1}"#, Some("Token")),
            (r#"{"Phone": "1", "api_key":"s3cret"}"#, Some("api_key")),
            (r#"{"raw": "{\"Token\": \"s3cret\"}"}"#, Some("Token")),
            ("https://h/c?token=s3cret&x=1", Some("token")),
            ("Authorization: Bearer s3cret", Some("Authorization")),
            ("https://user:s3cret@host/x", Some("password in an address")),
            (
                "https://api.telegram.org/bot123:s3cret/sendMessage",
                Some("bot"),
            ),
            (r#"{"Token": "***", "token": "", "jwt": null}"#, None),
            (r#"{"Token": "***", "secret": "s3cret"}"#, Some("secret")),
            (r#"{"Phone": "375290001234"}"#, None),
        ] {
            assert_eq!(key_of_secret(line).as_deref(), key, "{line}");
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
