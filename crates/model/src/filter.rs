//! A predicate over one record. Pure.
//!
//! Conditions on a *call* are in `call::Criteria`; these are conditions on a single record. A scan can search
//! for [`RecordFilter::needle`] before it parses any record.

use memchr::memmem;
use regex::bytes::Regex;

use crate::call::took_millis;
use crate::record::{Body, KindName, Record, RecoveryMark, Stamp, Tg, json, phone, recovery_mark};

/// Conditions on a record; the same record must meet every one that is given.
#[derive(Debug, Clone, Default)]
pub struct RecordFilter {
    /// The record is of one of these kinds; empty for any.
    pub kinds: Vec<KindName>,
    /// An Asterisk event with one of these names.
    pub events: Vec<String>,
    /// An HTTP request with this status.
    pub http_status: Option<StatusPattern>,
    /// A request or query that took at least this long (milliseconds), as its writer noted.
    pub min_request_millis: Option<i64>,
    /// A Telegram record with one of these actions: `send`, `edit`, `delete`.
    pub actions: Vec<String>,
    /// A Telegram record about one of these stages: `start`, `dial`, `bridge`, `hangup`.
    pub messages: Vec<String>,
    /// The line contains this text, byte for byte.
    pub text: Option<String>,
    /// The line matches this expression.
    pub regex: Option<Regex>,
    /// The line contains this phone number.
    pub phone: Option<phone::PhoneQuery>,
    /// An Asterisk event that contains one of these extensions.
    pub extensions: Vec<String>,
    /// An Asterisk event over one of these lines.
    pub trunks: Vec<String>,
    /// A Telegram record for one of these chats.
    pub chats: Vec<String>,
    /// An Asterisk event that never arrived and was recovered from the host's journal.
    pub recovered: bool,
    /// The record was written at this time or later.
    pub since: Option<Stamp>,
    /// The record was written before this time.
    pub until: Option<Stamp>,
}

/// `404`, or `4xx` for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusPattern([u8; 3]);

impl StatusPattern {
    /// Reads three characters, each a digit or `x` for any digit; the first is a digit. `None` for anything
    /// else.
    pub fn parse(text: &str) -> Option<StatusPattern> {
        let lower = text.to_ascii_lowercase();
        let chars: [u8; 3] = lower.as_bytes().try_into().ok()?;
        let fits = chars.iter().all(|c| c.is_ascii_digit() || *c == b'x');
        (fits && chars[0] != b'x').then_some(StatusPattern(chars))
    }

    /// Whether HTTP has such a status, from 100 to 599.
    pub fn is_of_http(self) -> bool {
        (b'1'..=b'5').contains(&self.0[0])
    }

    /// Whether the pattern matches a status, as written in a record.
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
    /// Whether there is no condition, so that every record passes.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
            && self.events.is_empty()
            && self.http_status.is_none()
            && self.min_request_millis.is_none()
            && self.actions.is_empty()
            && self.messages.is_empty()
            && self.text.is_none()
            && self.regex.is_none()
            && self.phone.is_none()
            && self.extensions.is_empty()
            && self.trunks.is_empty()
            && self.chats.is_empty()
            && !self.recovered
            && self.since.is_none()
            && self.until.is_none()
    }

    /// Whether the record meets all conditions. `at` is the time for a record without one.
    pub fn matches(&self, record: &Record<'_>, at: Option<Stamp>) -> bool {
        let at = record.at.or(at);
        (self.kinds.is_empty() || self.kinds.contains(&record.kind()))
            && (self.events.is_empty() || has_event(&self.events, record))
            && self.since.is_none_or(|t| at >= Some(t))
            && self.until.is_none_or(|t| at.is_some_and(|at| at < t))
            && self.http_status.is_none_or(|p| has_status(p, record))
            && self
                .min_request_millis
                .is_none_or(|least| took(record) >= Some(least))
            && (self.actions.is_empty() || has_word(&self.actions, record, |tg| tg.action))
            && (self.messages.is_empty() || has_word(&self.messages, record, |tg| tg.msg_type))
            && (self.chats.is_empty() || has_word(&self.chats, record, |tg| tg.chat))
            && self.text.as_ref().is_none_or(|t| holds(record.line, t))
            && self.phone.as_ref().is_none_or(|q| has_phone(q, record))
            && (self.extensions.is_empty() || has_extension(&self.extensions, record))
            && (self.trunks.is_empty() || has_trunk(&self.trunks, record))
            && (!self.recovered || RecoveryMark::of(record).is_some())
            && self.regex.as_ref().is_none_or(|r| r.is_match(record.line))
    }

    /// Bytes that every matching line contains; `None` if no such bytes are known.
    pub fn needle(&self) -> Option<Vec<u8>> {
        let http = self.http_status.is_some() || self.kinds == [KindName::Http];
        let tg = !self.actions.is_empty() || !self.messages.is_empty();
        let text = self.text.as_ref().map(|t| t.as_bytes().to_vec());
        let phone = self.phone.as_ref().filter(|q| !q.is_short());
        let phone = phone.map(|q| q.needle().to_vec());
        text.or(phone)
            .or_else(|| self.recovered.then(|| recovery_mark::KEY.to_vec()))
            .or_else(|| http.then(|| b"|HTTP|".to_vec()))
            .or_else(|| tg.then(|| b"|TG|".to_vec()))
            .or_else(|| (self.kinds == [KindName::Sql]).then(|| b"|SQL|".to_vec()))
    }
}

/// The fields of an Asterisk event; none for another record.
fn event_fields<'a>(record: &Record<'a>) -> json::Fields<'a> {
    json::Fields::new(match record.body {
        Body::Ast(ast) => ast.json,
        _ => b"",
    })
}

fn is_one_of(names: &[String], text: &[u8]) -> bool {
    names.iter().any(|name| name.as_bytes() == text)
}

fn has_event(events: &[String], record: &Record<'_>) -> bool {
    matches!(record.body, Body::Ast(ast) if is_one_of(events, ast.event))
}

fn has_status(pattern: StatusPattern, record: &Record<'_>) -> bool {
    matches!(record.body, Body::Http(http) if pattern.matches(http.status))
}

/// How long a request or query took (milliseconds); `None` if its writer did not note it.
fn took(record: &Record<'_>) -> Option<i64> {
    let noted = match record.body {
        Body::Http(http) => http.request,
        Body::Sql(sql) => sql.params,
        _ => return None,
    };
    took_millis(noted).map(i64::from)
}

fn has_word<'a>(
    words: &[String],
    record: &Record<'a>,
    field: impl Fn(&Tg<'a>) -> &'a [u8],
) -> bool {
    matches!(&record.body, Body::Tg(tg) if is_one_of(words, field(tg)))
}

fn holds(line: &[u8], text: &str) -> bool {
    memmem::find(line, text.as_bytes()).is_some()
}

/// In an Asterisk event, only the fields for numbers count: its Token looks like a number.
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

fn has_extension(wanted: &[String], record: &Record<'_>) -> bool {
    event_fields(record).any(|(key, value)| match key {
        b"Phone" | b"CallerIDNum" | b"ConnectedLineNum" | b"Exten" => {
            is_one_of(wanted, &value.text())
        }
        b"Extensions" => json::strings(value).iter().any(|e| is_one_of(wanted, e)),
        b"Channel" => {
            let channel = value.text();
            let name = channel.split(|&b| b == b'/').nth(1).unwrap_or_default();
            let extension = name.split(|&b| b == b'-').next();
            extension.is_some_and(|extension| is_one_of(wanted, extension))
        }
        _ => false,
    })
}

fn has_trunk(trunks: &[String], record: &Record<'_>) -> bool {
    event_fields(record).any(|(key, value)| key == b"Trunk" && is_one_of(trunks, &value.text()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_patterns_are_codes_or_classes() {
        let class = StatusPattern::parse("5xx").expect("a class");
        assert!(class.matches(b"503") && !class.matches(b"404") && !class.matches(b"None"));
        assert!(StatusPattern::parse("404").expect("a code").matches(b"404"));
        let is_of_http = |text| StatusPattern::parse(text).is_some_and(StatusPattern::is_of_http);
        assert!(is_of_http("100") && is_of_http("5xx") && !is_of_http("7xx") && !is_of_http("099"));
        for bad in ["", "xxx", "50", "5000", "abc"] {
            assert_eq!(StatusPattern::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn one_of_several_names_is_enough() {
        let line = b"2025-12-02 09:15:00,410|AST|start|1.5|{\"Trunk\": \"0001363\", \"Extensions\": [\"150\"]}";
        let record = Record::parse(line);
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let of = |extensions: &[&str], trunks: &[&str]| RecordFilter {
            extensions: names(extensions),
            trunks: names(trunks),
            ..RecordFilter::default()
        };
        for (filter, passes) in [
            (of(&["151", "150"], &[]), true),
            (of(&["151", "15"], &[]), false),
            (of(&["150"], &["0001364", "0001363"]), true),
            (of(&["150"], &["0001364"]), false),
        ] {
            assert_eq!(filter.matches(&record, None), passes, "{filter:?}");
        }
    }

    #[test]
    fn messages_are_selected_by_action_and_stage_and_requests_by_duration() {
        let sent = Record::parse(b"2025-12-02 09:15:00,410|TG|send|1|dial|45|1.5|ringing");
        let slow = Record::parse(
            b"2025-12-02 09:15:00,410|HTTP|1.5|GET|http://localhost/|200|{\"_duration_ms\": 1200}|{}",
        );
        let query = Record::parse(
            b"2025-12-02 09:15:00,410|SQL|1.5|SELECT|users|{\"_duration_ms\": 80}|{}",
        );
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
        let about = |actions: &[&str], messages: &[&str]| RecordFilter {
            actions: words(actions),
            messages: words(messages),
            ..RecordFilter::default()
        };
        assert!(about(&["edit", "send"], &[]).matches(&sent, None));
        assert!(about(&["send"], &["dial"]).matches(&sent, None));
        assert!(!about(&["send"], &["hangup"]).matches(&sent, None));
        assert!(!about(&["send"], &[]).matches(&slow, None));
        let took = |least: i64| RecordFilter {
            min_request_millis: Some(least),
            ..RecordFilter::default()
        };
        assert!(took(1200).matches(&slow, None) && !took(1201).matches(&slow, None));
        assert!(took(80).matches(&query, None) && !took(0).matches(&sent, None));
        assert!(!took(0).is_empty() && !about(&[], &["dial"]).is_empty());
    }

    #[test]
    fn the_token_does_not_match_as_a_phone() {
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
