//! Parsers of single option values.

use regex::bytes::Regex;

use crate::settings::values::one_of;
use calltrace_model::call::{Direction, FaultCode, Outcome};
use calltrace_model::filter::StatusPattern;
use calltrace_model::record::phone::{BadPhone, PhoneQuery};
use calltrace_model::record::{KindName, id};

/// The values of `--kind`.
pub(super) const KINDS: [&str; 5] = ["ast", "tg", "http", "sql", "unparsed"];

/// The values of `--action`.
pub(super) const ACTIONS: [&str; 3] = ["send", "edit", "delete"];

/// The values of `--message`.
pub(super) const MESSAGES: [&str; 4] = ["start", "dial", "bridge", "hangup"];

/// The values of `--direction`.
pub(super) const DIRECTIONS: [&str; 4] = ["in", "out", "internal", "unknown"];

/// The values of `--status`.
pub(super) const RESULTS: [&str; 6] = [
    "answered",
    "missed",
    "not-reached",
    "busy",
    "in-progress",
    "unknown",
];

/// An id of a call, without surrounding blanks.
pub(super) fn parse_id(typed: &str) -> Result<String, String> {
    let trimmed = typed.trim();
    let is_plain = trimmed.len() <= id::ID_BYTES_MAX && trimmed.bytes().all(id::is_id_byte);
    if trimmed.is_empty() || !(is_plain || id::is_askable(trimmed)) {
        return Err("an id is letters, digits, dots and dashes, such as 1764493655.61".to_owned());
    }
    Ok(trimmed.to_owned())
}

/// An extension, a line or a chat: one item of a list with commas.
pub(super) fn parse_name(typed: &str) -> Result<String, String> {
    let name = typed.trim();
    match name.is_empty() {
        true => Err("an item is empty; separate several with commas, as in 150,151".to_owned()),
        false => Ok(name.to_owned()),
    }
}

/// Maximum length of an enterprise's name on a command line (bytes).
const NAME_BYTES_MAX: usize = 200;

/// An enterprise's name, an id or a phone number. `cmd` decides which of them it is, because it knows the enterprises.
pub(super) fn parse_target(typed: &str) -> Result<String, String> {
    let trimmed = typed.trim();
    let is_name = trimmed.len() <= NAME_BYTES_MAX
        && trimmed.chars().any(char::is_alphanumeric)
        && !trimmed.chars().any(|c| c.is_control() || c == '/');
    match is_name {
        true => Ok(trimmed.to_owned()),
        false => parse_id(typed),
    }
}

pub(super) fn parse_kind(typed: &str) -> Result<KindName, String> {
    match typed.to_ascii_lowercase().as_str() {
        "ast" | "asterisk" => Ok(KindName::Ast),
        "tg" | "telegram" => Ok(KindName::Tg),
        "http" => Ok(KindName::Http),
        "sql" => Ok(KindName::Sql),
        "unparsed" => Ok(KindName::Unparsed),
        _ => Err(one_of(typed, "kind", &KINDS)),
    }
}

pub(super) fn parse_action(typed: &str) -> Result<String, String> {
    word_of(typed, "action", &ACTIONS)
}

pub(super) fn parse_message(typed: &str) -> Result<String, String> {
    word_of(typed, "message", &MESSAGES)
}

fn word_of(typed: &str, what: &str, words: &[&str]) -> Result<String, String> {
    let word = typed.to_ascii_lowercase();
    match words.contains(&word.as_str()) {
        true => Ok(word),
        false => Err(one_of(typed, what, words)),
    }
}

pub(super) fn parse_phone(typed: &str) -> Result<PhoneQuery, String> {
    PhoneQuery::typed(typed).map_err(|bad| match bad {
        BadPhone::NotANumber => "a phone number is digits, with + ( ) - and spaces if you like, such as +375 (29) 000-12-34; a caller without one is a word or an address, such as anonymous".to_owned(),
        BadPhone::TooShort => "give at least 3 digits; of a long number at least its last 7".to_owned(),
        BadPhone::TooLong => "this has more digits than any phone number".to_owned(),
    })
}

pub(super) fn parse_direction(typed: &str) -> Result<Direction, String> {
    match typed.to_ascii_lowercase().as_str() {
        "in" | "incoming" => Ok(Direction::Incoming),
        "out" | "outgoing" => Ok(Direction::Outgoing),
        "internal" => Ok(Direction::Internal),
        "unknown" => Ok(Direction::Unknown),
        _ => Err(one_of(typed, "direction", &DIRECTIONS)),
    }
}

pub(super) fn parse_status(typed: &str) -> Result<Outcome, String> {
    match typed.to_ascii_lowercase().as_str() {
        "answered" => Ok(Outcome::Answered),
        "missed" => Ok(Outcome::Missed),
        "not-reached" | "not_reached" => Ok(Outcome::NotReached),
        "busy" => Ok(Outcome::Busy),
        "in-progress" | "in_progress" | "active" => Ok(Outcome::InProgress),
        "unknown" => Ok(Outcome::Unknown),
        _ => Err(one_of(typed, "status", &RESULTS)),
    }
}

pub(super) fn parse_fault(typed: &str) -> Result<FaultCode, String> {
    let name = typed.to_ascii_lowercase().replace('-', "_");
    let known = FaultCode::ALL.into_iter().find(|code| code.name() == name);
    known.ok_or_else(|| one_of(typed, "fault", &FaultCode::ALL.map(FaultCode::name)))
}

pub(super) fn parse_status_pattern(typed: &str) -> Result<StatusPattern, String> {
    StatusPattern::parse(typed)
        .ok_or_else(|| "an HTTP status is three digits, or 5xx for a class".to_owned())
}

pub(super) fn parse_regex(typed: &str) -> Result<Regex, String> {
    Regex::new(typed).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "it is too big once compiled".to_owned(),
        // The last line is the message; the lines before it show the place in the expression.
        other => {
            let text = other.to_string();
            let last = text.lines().next_back().unwrap_or_default().trim();
            last.trim_start_matches("error: ").to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_value_names_the_nearest_right_one() {
        assert_eq!(
            parse_kind("htp"),
            Err("no kind \"htp\"; did you mean http?".into())
        );
        assert_eq!(
            parse_message("hangupp"),
            Err("no message \"hangupp\"; did you mean hangup?".into())
        );
        assert_eq!(parse_action("Delete"), Ok("delete".into()));
        assert!(parse_regex("a(").is_err_and(|e| e.contains("unclosed group")));
        assert!(parse_id("../etc").is_err());
    }
}
