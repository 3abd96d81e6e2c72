//! Single values as typed.

use std::time::Duration;

use calltrace_model::record::Zone;
use regex::bytes::Regex;

use calltrace_model::call::{Direction, FaultCode, Outcome};
use calltrace_model::filter::StatusPattern;
use calltrace_model::record::phone::{BadPhone, PhoneQuery};
use calltrace_model::record::{KindName, id};

/// The nearest of `known` to `typed`, if it is near enough to have been meant.
pub(super) fn nearest<'k>(
    typed: &str,
    known: impl IntoIterator<Item = &'k str>,
) -> Option<&'k str> {
    let typed = typed.to_lowercase();
    let most = (typed.chars().count() / 3).max(2);
    known
        .into_iter()
        .map(|name| (strsim::osa_distance(&name.to_lowercase(), &typed), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name)
}

pub(super) fn one_of(typed: &str, what: &str, known: &[&str]) -> String {
    match nearest(typed, known.iter().copied()) {
        Some(name) => format!("no {what} {typed:?}; did you mean {name}?"),
        None => format!("no {what} {typed:?}; there are {}", known.join(", ")),
    }
}

/// An id or an enterprise's name: which of the two is decided by how many there are.
pub(super) fn parse_id(typed: &str) -> Result<String, String> {
    let trimmed = typed.trim();
    let fits = trimmed.len() <= id::ID_BYTES_MAX && trimmed.bytes().all(id::is_id_byte);
    if trimmed.is_empty() || !fits {
        return Err("an id is letters, digits, dots and dashes, such as 1764493655.61".to_owned());
    }
    Ok(trimmed.to_owned())
}

pub(super) fn parse_kind(typed: &str) -> Result<KindName, String> {
    match typed.to_ascii_lowercase().as_str() {
        "ast" | "asterisk" => Ok(KindName::Ast),
        "tg" | "telegram" => Ok(KindName::Tg),
        "http" => Ok(KindName::Http),
        "sql" => Ok(KindName::Sql),
        "unparsed" => Ok(KindName::Unparsed),
        _ => Err(one_of(
            typed,
            "kind",
            &["ast", "tg", "http", "sql", "unparsed"],
        )),
    }
}

pub(super) fn parse_phone(typed: &str) -> Result<PhoneQuery, String> {
    PhoneQuery::parse(typed).map_err(|bad| match bad {
        BadPhone::NotANumber => "a phone number is digits, with + ( ) - and spaces if you like, such as +375 (29) 000-12-34".to_owned(),
        BadPhone::TooShort => "give at least 3 digits; of a long number at least its last 7".to_owned(),
        BadPhone::TooLong => "more digits than any phone number has".to_owned(),
    })
}

pub(super) fn parse_direction(typed: &str) -> Result<Direction, String> {
    match typed.to_ascii_lowercase().as_str() {
        "in" | "incoming" => Ok(Direction::Incoming),
        "out" | "outgoing" => Ok(Direction::Outgoing),
        "internal" => Ok(Direction::Internal),
        "unknown" => Ok(Direction::Unknown),
        _ => Err(one_of(
            typed,
            "direction",
            &["in", "out", "internal", "unknown"],
        )),
    }
}

/// The results as options are given them.
const RESULTS: [&str; 6] = [
    "answered",
    "missed",
    "not-reached",
    "busy",
    "in-progress",
    "unknown",
];

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
        // The last line says what is wrong; those before it draw it.
        other => {
            let text = other.to_string();
            let last = text.lines().next_back().unwrap_or_default().trim();
            last.trim_start_matches("error: ").to_owned()
        }
    })
}

pub(super) fn parse_zone(typed: &str) -> Result<Zone, String> {
    Zone::named(typed).ok_or_else(|| zone_hint(typed))
}

/// What to say of a zone that there is not.
pub(super) fn zone_hint(typed: &str) -> String {
    let place = typed.replace(' ', "_");
    let city = |name: &str| name.rsplit('/').next().map(str::to_owned);
    let by_city =
        Zone::names().find(|name| city(name).is_some_and(|city| city.eq_ignore_ascii_case(&place)));
    let near = by_city.or_else(|| nearest(typed, Zone::names()));
    match near {
        Some(name) => format!("no time zone {typed:?}; did you mean {name}?"),
        None => format!("no time zone {typed:?}; zones are named like Europe/Minsk or UTC"),
    }
}

/// Milliseconds from `90`, `90s`, `1m30s`, `2h`.
pub(super) fn parse_duration(typed: &str) -> Result<i64, String> {
    millis(typed).ok_or_else(|| "a length of time is seconds or like 90s, 1m30s, 2h".to_owned())
}

/// The same as a [`Duration`].
pub(super) fn parse_length(typed: &str) -> Result<Duration, String> {
    let millis = parse_duration(typed)?;
    Ok(Duration::from_millis(
        u64::try_from(millis).expect("digits have no sign"),
    ))
}

/// Milliseconds of a length of time in units of d, h, m, s; bare digits are seconds. `None` when
/// it is none, or over a thousand years.
pub(super) fn millis(typed: &str) -> Option<i64> {
    if typed.is_empty() {
        return None;
    }
    if typed.bytes().all(|b| b.is_ascii_digit()) {
        return bounded(typed.parse::<i64>().ok()?.checked_mul(1000)?);
    }
    let mut total = 0i64;
    let mut rest = typed;
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .filter(|&end| end > 0)?;
        let number: i64 = rest[..end].parse().ok()?;
        let unit = match rest[end..].chars().next()? {
            's' => 1000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            'w' => 7 * 86_400_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[end + 1..];
    }
    bounded(total)
}

fn bounded(millis: i64) -> Option<i64> {
    (millis <= 1000 * 366 * 86_400_000).then_some(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        assert_eq!(millis("90"), Some(90_000));
        assert_eq!(millis("1m30s"), Some(90_000));
        assert_eq!(millis("2h"), Some(7_200_000));
        for bad in [
            "",
            "m",
            "1x",
            "1m-",
            "s1",
            "99999999999999999999",
            "9999999999999d",
        ] {
            assert_eq!(millis(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_nearest_right_thing_is_named() {
        assert_eq!(
            parse_kind("htp"),
            Err("no kind \"htp\"; did you mean http?".into())
        );
        assert_eq!(
            zone_hint("minsk"),
            "no time zone \"minsk\"; did you mean Europe/Minsk?"
        );
        assert_eq!(
            zone_hint("Europe/Minks"),
            "no time zone \"Europe/Minks\"; did you mean Europe/Minsk?"
        );
        assert!(parse_regex("a(").is_err_and(|e| e.contains("unclosed group")));
        assert!(parse_id("../etc").is_err());
    }
}
