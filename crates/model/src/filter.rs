//! A compiled predicate over one record. Pure.
//!
//! What a *call* must be like is `call::Criteria`; here is what a single record must be like.
//! [`RecordFilter::needle`] is what a scan can look for before any record is parsed.

use memchr::memmem;
use regex::bytes::Regex;

use crate::record::{Body, KindName, Record, Stamp, Tg, json, phone};

/// Conditions on a record; every one that is given must hold, and all by the same record.
#[derive(Debug, Clone, Default)]
pub struct RecordFilter {
    /// One of these kinds.
    pub kinds: Vec<KindName>,
    /// An Asterisk event of one of these names.
    pub events: Vec<String>,
    /// An HTTP request with this status.
    pub http_status: Option<StatusPattern>,
    /// The line holds this text, byte for byte.
    pub text: Option<String>,
    /// The line matches.
    pub regex: Option<Regex>,
    /// The line speaks of this number.
    pub phone: Option<phone::PhoneQuery>,
    /// An Asterisk event that names this extension.
    pub extension: Option<String>,
    /// An Asterisk event over this line.
    pub trunk: Option<String>,
    /// A Telegram record of this chat.
    pub chat: Option<String>,
    /// Written at this time or later.
    pub since: Option<Stamp>,
    /// Written before this time.
    pub until: Option<Stamp>,
}

/// `404`, or `4xx` for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusPattern([u8; 3]);

impl StatusPattern {
    /// Three characters, each a digit or `x` for any digit. `None` for anything else.
    pub fn parse(text: &str) -> Option<StatusPattern> {
        let lower = text.to_ascii_lowercase();
        let chars: [u8; 3] = lower.as_bytes().try_into().ok()?;
        let fits = chars.iter().all(|c| c.is_ascii_digit() || *c == b'x');
        (fits && chars[0] != b'x').then_some(StatusPattern(chars))
    }

    /// Whether a written status is one of these.
    pub fn matches(self, status: &[u8]) -> bool {
        status.len() == 3
            && self
                .0
                .iter()
                .zip(status)
                .all(|(want, is)| want == is || (*want == b'x' && is.is_ascii_digit()))
    }
}

impl std::fmt::Display for StatusPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .iter()
            .try_for_each(|c| write!(f, "{}", char::from(*c)))
    }
}

impl RecordFilter {
    /// Whether nothing is asked: every record passes.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
            && self.events.is_empty()
            && self.http_status.is_none()
            && self.text.is_none()
            && self.regex.is_none()
            && self.phone.is_none()
            && self.extension.is_none()
            && self.trunk.is_none()
            && self.chat.is_none()
            && self.since.is_none()
            && self.until.is_none()
    }

    /// Whether the record is one of those asked for. `at` is the time of a record without one.
    pub fn matches(&self, record: &Record<'_>, at: Option<Stamp>) -> bool {
        let at = record.at.or(at);
        (self.kinds.is_empty() || self.kinds.contains(&record.kind()))
            && (self.events.is_empty() || has_event(&self.events, record))
            && self.since.is_none_or(|t| at >= Some(t))
            && self.until.is_none_or(|t| at.is_some_and(|at| at < t))
            && self.http_status.is_none_or(|p| has_status(p, record))
            && self.chat.as_ref().is_none_or(|c| has_chat(c, record))
            && self.text.as_ref().is_none_or(|t| holds(record.line, t))
            && self.phone.as_ref().is_none_or(|q| has_phone(q, record))
            && self
                .extension
                .as_ref()
                .is_none_or(|e| has_extension(e, record))
            && self.trunk.as_ref().is_none_or(|t| has_trunk(t, record))
            && self.regex.as_ref().is_none_or(|r| r.is_match(record.line))
    }

    /// Bytes that every matching line holds, if some are known.
    pub fn needle(&self) -> Option<Vec<u8>> {
        let http = self.http_status.is_some() || self.kinds == [KindName::Http];
        let text = self.text.as_ref().map(|t| t.as_bytes().to_vec());
        let phone = self.phone.as_ref().filter(|q| !q.is_short());
        let phone = phone.map(|q| q.needle().to_vec());
        text.or(phone)
            .or_else(|| http.then(|| b"|HTTP|".to_vec()))
            .or_else(|| (self.kinds == [KindName::Sql]).then(|| b"|SQL|".to_vec()))
    }
}

/// The fields of an Asterisk event; of another record none.
fn event_fields<'a>(record: &Record<'a>) -> json::Fields<'a> {
    json::Fields::new(match record.body {
        Body::Ast(ast) => ast.json,
        _ => b"",
    })
}

fn has_event(events: &[String], record: &Record<'_>) -> bool {
    let is_one = |event: &[u8]| events.iter().any(|e| e.as_bytes() == event);
    matches!(record.body, Body::Ast(ast) if is_one(ast.event))
}

fn has_status(pattern: StatusPattern, record: &Record<'_>) -> bool {
    matches!(record.body, Body::Http(http) if pattern.matches(http.status))
}

fn has_chat(chat: &str, record: &Record<'_>) -> bool {
    matches!(record.body, Body::Tg(tg) if tg.chat == chat.as_bytes())
}

fn holds(line: &[u8], text: &str) -> bool {
    memmem::find(line, text.as_bytes()).is_some()
}

/// Of an Asterisk event only the fields that hold numbers count: its Token looks like one.
fn has_phone(query: &phone::PhoneQuery, record: &Record<'_>) -> bool {
    match &record.body {
        Body::Ast(ast) => json::Fields::new(ast.json).any(|(key, value)| match key {
            b"Phone" | b"ExtPhone" | b"CallerIDNum" | b"ConnectedLineNum" | b"Exten" => {
                query.matches_field(&value.text())
            }
            b"Extensions" => json::strings(value).iter().any(|e| query.matches_field(e)),
            _ => false,
        }),
        Body::Tg(Tg { text, .. }) => query.found_in(text),
        Body::Http(http) => query.found_in(http.url) || query.found_in(http.request),
        Body::Sql(sql) => query.found_in(sql.params),
        Body::Unparsed => query.found_in(record.line),
    }
}

fn has_extension(extension: &str, record: &Record<'_>) -> bool {
    let wanted = extension.as_bytes();
    event_fields(record).any(|(key, value)| match key {
        b"Phone" | b"CallerIDNum" | b"ConnectedLineNum" | b"Exten" => *value.text() == *wanted,
        b"Extensions" => json::strings(value).iter().any(|e| **e == *wanted),
        b"Channel" => {
            let channel = value.text();
            let name = channel.split(|&b| b == b'/').nth(1).unwrap_or_default();
            name.split(|&b| b == b'-').next() == Some(wanted)
        }
        _ => false,
    })
}

fn has_trunk(trunk: &str, record: &Record<'_>) -> bool {
    event_fields(record).any(|(key, value)| key == b"Trunk" && *value.text() == *trunk.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_patterns_are_codes_or_classes() {
        let class = StatusPattern::parse("5xx").expect("a class");
        assert!(class.matches(b"503") && !class.matches(b"404") && !class.matches(b"None"));
        assert!(StatusPattern::parse("404").expect("a code").matches(b"404"));
        for bad in ["", "xxx", "50", "5000", "abc"] {
            assert_eq!(StatusPattern::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_token_is_no_phone() {
        let line = b"2025-12-02 09:15:00,410|AST|start|1.5|{\"Token\": \"375290000000\", \"Phone\": \"375290001234\"}";
        let record = Record::parse(line);
        let filter = |number: &str| RecordFilter {
            phone: phone::PhoneQuery::parse(number).ok(),
            ..RecordFilter::default()
        };
        assert!(!filter("375290000000").matches(&record, None));
        assert!(filter("80290001234").matches(&record, None));
    }
}
