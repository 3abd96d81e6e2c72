//! The names that a page needs, and how a number is shown with its name.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::plain::grouped;
use super::{Language, PageContext, shortened};
use calltrace_directory::{NameQuery, Names};
use calltrace_engine::TracedCall;
use calltrace_model::call::{Event, Summary};
use calltrace_model::record::{Body, Record, phone};
use calltrace_model::stats::{Group, GroupKey};

/// The largest number of names of each kind that one page looks up; each may need one request to a service.
const NAMES_MAX: usize = 40;

/// Names are cut after this many characters.
const NAME_CHARS_MAX: usize = 80;

/// Returns the numbers and lines for which the page of a call shows names.
pub fn wanted(call: &TracedCall) -> NameQuery {
    let mut wanted = NameQuery::default();
    let s = &call.summary;
    let parties = s.rang.iter().chain(&s.answered_by).chain(&s.transferred_to);
    let parties = parties.chain(s.legs.iter().map(|leg| &leg.label));
    for party in parties.chain([&s.client]) {
        want_party(&mut wanted, party);
    }
    for fact in call.facts.iter().filter(|f| f.is_asterisk()) {
        for extension in fact.extensions() {
            want_party(&mut wanted, &String::from_utf8_lossy(extension));
        }
        let line = String::from_utf8_lossy(fact.trunk());
        insert(&mut wanted.lines, &line);
    }
    for fact in call.facts.iter().filter(|f| !f.chat().is_empty()) {
        insert(&mut wanted.chats, &String::from_utf8_lossy(fact.chat()));
    }
    insert(&mut wanted.calls, &s.main_uid);
    for leg in &s.legs {
        insert(&mut wanted.calls, &leg.uid);
    }
    wanted
}

/// Returns the numbers and lines for which the rows of a list show names.
pub fn wanted_of_rows<'s>(rows: impl Iterator<Item = &'s Summary>) -> NameQuery {
    let mut wanted = NameQuery::default();
    for s in rows {
        let of_us = s.rang.iter().chain(&s.answered_by).chain(&s.transferred_to);
        for party in of_us.chain([&s.client]) {
            want_party(&mut wanted, party);
        }
    }
    wanted
}

/// Adds the names that these groups of calls show. The groups are of persons or, with `are_lines`, of lines.
pub fn wanted_of_groups(wanted: &mut NameQuery, groups: &[Group], are_lines: bool) {
    for group in groups {
        match &group.key {
            GroupKey::Name { name, .. } if are_lines => insert(&mut wanted.lines, name),
            GroupKey::Name { name, .. } => want_party(wanted, name),
            _ => {}
        }
    }
}

fn want_party(wanted: &mut NameQuery, party: &str) {
    let digits = phone::digits_of(party.as_bytes());
    if digits.is_empty() || digits.len() != party.trim_start_matches('+').len() {
        return;
    }
    if phone::is_external(digits) {
        insert(&mut wanted.clients, &String::from_utf8_lossy(digits));
    } else {
        insert(&mut wanted.extensions, party);
    }
}

fn insert(set: &mut BTreeSet<String>, name: &str) {
    if !name.is_empty() && set.len() < NAMES_MAX && !set.contains(name) {
        set.insert(name.to_owned());
    }
}

/// The names that one page knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageNames<'n> {
    pub names: &'n Names,
    /// The client's number and name, as a request of the call itself found it.
    pub client: Option<&'n (String, String)>,
}

impl<'n> PageNames<'n> {
    /// Returns the name of an extension or an outside number.
    pub(super) fn name(&self, party: &str) -> Option<String> {
        let digits = party.trim_start_matches('+');
        let known = self.names.extensions.get(party);
        let known = known.or_else(|| self.names.clients.get(digits));
        let in_log = || {
            let (number, name) = self.client?;
            phone::same_number(number.as_bytes(), digits.as_bytes()).then_some(name.as_str())
        };
        let name = known.map(String::as_str).or_else(in_log)?;
        let name = shortened(name.trim().as_bytes(), NAME_CHARS_MAX);
        (!name.is_empty() && name != party).then_some(name)
    }

    /// Returns `151` or `Анна Сидорова (151)`, as text.
    pub(super) fn text(&self, party: &str) -> String {
        match self.name(party) {
            Some(name) => format!("{name} ({})", grouped(party)),
            None => grouped(party),
        }
    }

    /// Draws the text of [`PageNames::text`], with each part isolated for its writing direction.
    pub(super) fn party(&self, party: &str) -> Markup {
        let number = html! { bdi.num { (grouped(party)) } };
        match self.name(party) {
            Some(name) => html! { bdi.name { (name) } " (" (number) ")" },
            None => number,
        }
    }

    /// Shows a chat, by its person's name if it is known.
    pub(super) fn chat(&self, context: &PageContext, chat: &str) -> Markup {
        html! { bdi { (self.chat_text(context.language, chat)) } }
    }

    /// Returns the same as text: `Анна Сидорова`, `владелец`, `чат 100000001`.
    pub(super) fn chat_text(&self, l: Language, chat: &str) -> String {
        let name = self.names.chats.get(chat);
        let name = name.map(|name| shortened(name.as_bytes(), NAME_CHARS_MAX));
        match (name, self.names.owners.contains(chat)) {
            (Some(name), true) => format!("{name} {}", l.of("(владелец)", "(owner)")),
            (Some(name), false) => name,
            (None, true) => l.text("владелец", "owner"),
            (None, false) => format!("{} {}", l.of("чат", "chat"), shortened(chat.as_bytes(), 40)),
        }
    }

    /// Returns a line with its name if it is known: `Линия 1 (0001363)`, `линия 0001363`.
    pub(super) fn line(&self, l: Language, line: &str) -> String {
        let number = shortened(line.as_bytes(), 40);
        match self.names.lines.get(line) {
            Some(name) => format!("{} ({number})", shortened(name.as_bytes(), NAME_CHARS_MAX)),
            None => format!("{} {number}", l.of("линия", "line")),
        }
    }
}

/// Returns the client's number and name, if a request of the call itself looked it up and got an answer: `GET
/// .../customer-name/0367/375290009012` with `{"name": "..."}`.
pub fn client_in_log(call: &TracedCall) -> Option<(String, String)> {
    let requests = call.lines.iter().zip(&call.facts);
    let mut requests = requests.filter(|(_, fact)| fact.event == Event::Http);
    requests.find_map(|(line, _)| line_with_name(&line.text))
}

fn line_with_name(line: &[u8]) -> Option<(String, String)> {
    let record = Record::parse(line);
    let Body::Http(http) = &record.body else {
        return None;
    };
    let url = std::str::from_utf8(http.url).ok()?;
    let path = url.split(['?', '#']).next()?;
    let (_, rest) = path.split_once("/customer-name/")?;
    let number = rest.rsplit('/').next()?;
    let answer: serde_json::Value = serde_json::from_slice(http.response).ok()?;
    let name = answer.get("name")?.as_str()?.trim();
    (!name.is_empty()).then(|| (number.to_owned(), name.to_owned()))
}
