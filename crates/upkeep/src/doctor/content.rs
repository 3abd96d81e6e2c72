//! Finds texts in bodies and addresses that hosts do not write, line by line.

use std::collections::HashSet;

use super::FilePosition;
use calltrace_model::record::{Ast, Body, Record, json, text};

/// Keys that every event of a kind has.
const KEYS: [(&[&[u8]], &[&str]); 4] = [
    (&[b"start", b"dial", b"hangup"], &["Phone", "CallType"]),
    (&[b"dial", b"hangup"], &["Extensions"]),
    (&[b"hangup"], &["CallStatus"]),
    (
        &[b"bridge", b"bridge_leave", b"new_callerid"],
        &["Channel", "CallerIDNum"],
    ),
];

/// Parts of a service's address that are followed by an enterprise's number.
const BEFORE_NUMBER: [&str; 7] = [
    "/metadata/",
    "/customer-name/",
    "/customer-profile/",
    "/enrich-customer/",
    "/integrations/",
    "/incoming-transform/",
    "/config/",
];

/// How many different numbers in addresses are kept.
const NAMED_MAX: usize = 8;

/// The first finding of each kind.
#[derive(Debug, Default)]
pub(super) struct Bodies {
    pub(super) unknown_type: Option<(FilePosition, String)>,
    /// The position, the event and the key.
    pub(super) missing: Option<(FilePosition, String, &'static str)>,
    /// The position of a second Token.
    pub(super) second_token: Option<FilePosition>,
    /// Numbers of enterprises in addresses, each with its first place.
    pub(super) named: Vec<(FilePosition, String)>,
    token: Option<Vec<u8>>,
}

impl Bodies {
    pub(super) fn take(&mut self, record: &Record<'_>, place: FilePosition) {
        match &record.body {
            Body::Ast(ast) => self.event(ast, place),
            Body::Http(http) => self.address(http.url, place),
            _ => {}
        }
    }

    fn event(&mut self, ast: &Ast<'_>, place: FilePosition) {
        let mut keys = HashSet::new();
        for (key, value) in json::Fields::new(ast.json) {
            let value = value.text();
            match key {
                b"CallType" if !matches!(&*value, b"0" | b"1" | b"2") => {
                    self.unknown_type
                        .get_or_insert_with(|| (place, text(&value)));
                }
                b"Token" if !value.is_empty() => match &self.token {
                    None => self.token = Some(value.into_owned()),
                    Some(known) if **known != *value => {
                        self.second_token.get_or_insert(place);
                    }
                    Some(_) => {}
                },
                _ => {}
            }
            keys.insert(key);
        }
        // A body that no host wrote, or that was cut, does not count as one that lacks keys.
        if self.missing.is_some() || !keys.contains(&b"UniqueId"[..]) || !is_whole(ast.json) {
            return;
        }
        let wanted = KEYS
            .iter()
            .filter(|(events, _)| events.contains(&ast.event));
        let mut wanted = wanted.flat_map(|(_, keys)| keys.iter().copied());
        let missing = wanted.find(|key| !keys.contains(key.as_bytes()));
        self.missing = missing.map(|key| (place, text(ast.event), key));
    }

    fn address(&mut self, url: &[u8], place: FilePosition) {
        let url = String::from_utf8_lossy(url);
        let mut parts = BEFORE_NUMBER.iter();
        let Some((_, rest)) = parts.find_map(|part| url.split_once(part)) else {
            return;
        };
        let number = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let is_new = self.named.iter().all(|(_, known)| known != number);
        if is_new && !number.is_empty() && self.named.len() < NAMED_MAX {
            self.named.push((place, number.to_owned()));
        }
    }
}

/// Whether a body was not cut.
fn is_whole(body: &[u8]) -> bool {
    json::value_end(body) == Some(body.trim_ascii_end().len())
}
