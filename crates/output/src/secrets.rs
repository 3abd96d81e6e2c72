//! Masks the Tokens that the records of one answer state everywhere in that answer.
//!
//! `redact` knows a secret by its key. The same value may be in the path of a URL, under another key or in a
//! message's text; there only the record that states it as a Token shows what it is.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use maud::html;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::bytes::Regex;
use serde_json::Value;

use calltrace_engine::TracedCall;
use calltrace_model::call::Fact;
use calltrace_model::record::{Place, Record, Stamp};
use calltrace_model::redact::MASK;

/// A shorter value is not a secret: it would mask half of the answer.
const CHARS_MIN: usize = 6;

/// Values looked for; a call has one Token as a rule.
const VALUES_MAX: usize = 32;

/// `"Token": "..."` in a body, also if it is nested, a number, or cut off.
static STATED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i-u)token\s*\\*["']\s*:\s*\\*["']?([^"'\\,}\]\s]{6,256})"#)
        .expect("a constant pattern")
});

/// The Tokens of one answer.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The longest first: one may be a part of another.
    values: Vec<String>,
}

impl Secrets {
    /// The values that the records of a call state as secrets, except the numbers of its participants or the
    /// id of a leg.
    pub fn of_call(call: &TracedCall) -> Secrets {
        let lines = call.lines.iter().map(|line| &*line.text);
        Secrets::of(lines, || participants(call))
    }

    /// The values that some lines state as secrets, except those that one of them states as the number of a
    /// participant.
    pub fn of_lines<'l>(lines: impl Iterator<Item = &'l [u8]> + Clone) -> Secrets {
        Secrets::of(lines.clone(), || {
            let mut shown = HashSet::new();
            for line in lines {
                let fact = Fact::of(&Record::parse(line), Stamp(0), Place::default());
                add_numbers(&mut shown, &fact);
            }
            shown
        })
    }

    fn of<'l>(
        lines: impl Iterator<Item = &'l [u8]>,
        shown: impl FnOnce() -> HashSet<String>,
    ) -> Secrets {
        let stated = stated(lines);
        if stated.is_empty() {
            return Secrets::default();
        }
        let shown = shown();
        let is_shown = |value: &str| shown.contains(value.trim_start_matches('+'));
        let mut all: Vec<String> = Vec::new();
        for value in stated.into_iter().filter(|value| !is_shown(value)) {
            let in_url = utf8_percent_encode(&value, NON_ALPHANUMERIC).to_string();
            let in_page = html! { (value) }.into_string();
            all.extend([value, in_url, in_page]);
        }
        all.sort_by(|a, b| (b.len(), b).cmp(&(a.len(), a)));
        all.dedup();
        Secrets { values: all }
    }

    /// Text without them.
    pub fn mask<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut masked = Cow::Borrowed(text);
        for value in &self.values {
            if let Some(without) = without(&masked, value) {
                masked = Cow::Owned(without);
            }
        }
        masked
    }

    /// Masks them in the strings and numbers of a value.
    pub fn mask_value(&self, value: &mut Value) {
        if self.values.is_empty() {
            return;
        }
        match value {
            Value::Object(fields) => fields.values_mut().for_each(|value| self.mask_value(value)),
            Value::Array(items) => items.iter_mut().for_each(|value| self.mask_value(value)),
            Value::String(text) => {
                if let Cow::Owned(masked) = self.mask(text) {
                    *text = masked;
                }
            }
            Value::Number(number) => {
                let text = number.to_string();
                if self.values.contains(&text) {
                    *value = Value::String(MASK.to_owned());
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// Masks them in the texts of a page. Tags stay as they are, except for their texts: a link may hold what
    /// opened the page, and a Token may be the name of a tag.
    pub fn mask_page(&self, page: String) -> String {
        const SAID: &str = "aria-label=\"";
        if self.mask(&page).len() == page.len() {
            return page;
        }
        let mut out = String::with_capacity(page.len());
        let mut rest = page.as_str();
        while let Some(open) = rest.find('<') {
            out.push_str(&self.mask(&rest[..open]));
            let end = rest[open..]
                .find('>')
                .map_or(rest.len(), |end| open + end + 1);
            let tag = &rest[open..end];
            let value_start = tag.find(SAID).map(|at| at + SAID.len());
            match value_start.and_then(|from| Some((from, from + tag[from..].find('"')?))) {
                Some((from, to)) => {
                    out.push_str(&tag[..from]);
                    out.push_str(&self.mask(&tag[from..to]));
                    out.push_str(&tag[to..]);
                }
                None => out.push_str(tag),
            }
            rest = &rest[end..];
        }
        out.push_str(&self.mask(rest));
        out
    }
}

/// The values of Tokens in some lines, each once.
fn stated<'l>(lines: impl Iterator<Item = &'l [u8]>) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for line in lines {
        for found in STATED.captures_iter(line) {
            let value = String::from_utf8_lossy(&found[1]).into_owned();
            let is_masked = value.bytes().all(|b| b == b'*');
            if value.chars().count() >= CHARS_MIN && !is_masked && !values.contains(&value) {
                values.push(value);
            }
            if values.len() == VALUES_MAX {
                return values;
            }
        }
    }
    values
}

/// Numbers of participants and ids of legs, without a plus.
fn participants(call: &TracedCall) -> HashSet<String> {
    let s = &call.summary;
    let summed = s.rang.iter().chain(&s.answered_by).chain(&s.transferred_to);
    let legs = s.legs.iter().flat_map(|leg| [&leg.label, &leg.uid]);
    let named = summed.chain([&s.client, &s.main_uid]).chain(legs);
    let bare = |name: &String| name.trim_start_matches('+').to_owned();
    let mut all: HashSet<String> = named.map(bare).collect();
    for fact in &call.facts {
        add_numbers(&mut all, fact);
    }
    all
}

/// Adds the numbers that participants have according to an Asterisk event.
fn add_numbers(all: &mut HashSet<String>, fact: &Fact) {
    if !fact.is_asterisk() {
        return;
    }
    let numbers = [fact.phone(), fact.caller(), fact.connected(), fact.exten()];
    for number in fact.extensions().chain(numbers) {
        let number = String::from_utf8_lossy(number);
        all.insert(number.trim_start_matches('+').to_owned());
    }
}

/// A text in which `value` is masked wherever it is a whole token; `None` if it is not there.
fn without(text: &str, value: &str) -> Option<String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::new();
    let mut done = 0;
    for (at, _) in text.match_indices(value) {
        let end = at + value.len();
        let joins_before = text[..at].chars().next_back().is_some_and(is_part);
        let joins_behind = text[end..].chars().next().is_some_and(is_part);
        if !joins_before && !joins_behind {
            out.push_str(&text[done..at]);
            out.push_str(MASK);
            done = end;
        }
    }
    (done > 0).then(|| out + &text[done..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        let lines: [&[u8]; 3] = [
            br#"x|{"Token": "s3cret-Value", "Other": 1}"#,
            br#"x|{"raw": "{\"bot_token\": \"n3sted1\"}", "Token": "***", "token": "12345"}"#,
            br#"x|{"TOKEN": 98765432"#,
        ];
        Secrets::of_lines(lines.into_iter())
    }

    #[test]
    fn a_token_that_one_record_states_is_masked_everywhere_as_a_whole() {
        for (text, masked) in [
            ("https://h/hook/s3cret-Value/ok", "https://h/hook/***/ok"),
            ("https://h/s3cret%2DValue", "https://h/***"),
            ("said (s3cret-Value), n3sted1.", "said (***), ***."),
            ("98765432 and 987654321", "*** and 987654321"),
            ("xs3cret-Value s3cret-Value1", "xs3cret-Value s3cret-Value1"),
            ("12345 ***", "12345 ***"),
        ] {
            assert_eq!(secrets().mask(text), masked);
        }
    }

    #[test]
    fn a_page_keeps_its_tags_and_links() {
        let page =
            r#"<a href="?token=s3cret-Value">s3cret-Value</a><svg aria-label="to s3cret-Value">"#;
        let masked = r#"<a href="?token=s3cret-Value">***</a><svg aria-label="to ***">"#;
        assert_eq!(secrets().mask_page(page.to_owned()), masked);
    }
}
