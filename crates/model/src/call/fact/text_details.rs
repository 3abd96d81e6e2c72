//! Reads details of a call from the text of a message or the answer to a request.
//!
//! The texts themselves are not kept: a thousand characters per message would multiply the memory of a
//! search. The numbers, the length of the talk and the sign that the text was cut are kept.

use memchr::memmem;

use crate::record::{Http, Sql, json};

/// Writers cut the text of a message after this many characters; older writers use the first number.
const TEXT_CHARS: [usize; 2] = [200, 1000];

/// The writer cuts an answer after this many characters and appends `...`.
const ANSWER_CHARS: usize = 500;

/// The digits of a number without a `+`: fewer digits may be a price or an order number.
const BARE_DIGITS: std::ops::RangeInclusive<usize> = 9..=15;

/// The digits of a number with a `+`.
const PLUS_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// Groups of digits after a `+` form one number until it has this many digits.
const WHOLE_DIGITS: usize = 11;

/// The key under which the writer of a request notes its duration.
const TOOK: &[u8] = b"_duration_ms";

/// The result of an HTTP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestResult {
    /// The request succeeded.
    Good,
    /// The request failed.
    Failed,
    /// An integration posted a status that says neither.
    Unknown,
}

impl RequestResult {
    /// The result by the status, as written. For an HTTP request, 100 to 399 is good and anything else
    /// failed. For the post of an integration, `success`, `ok` and 2xx are good, `error` failed, and anything
    /// else is unknown.
    pub fn of(status: &[u8], integration: bool) -> RequestResult {
        let word = |word: &str| status.eq_ignore_ascii_case(word.as_bytes());
        let first = match status {
            [first, b, c] if b.is_ascii_digit() && c.is_ascii_digit() => *first,
            _ => 0,
        };
        match first {
            b'2' => RequestResult::Good,
            _ if integration && (word("success") || word("ok")) => RequestResult::Good,
            _ if integration && word("error") => RequestResult::Failed,
            _ if integration => RequestResult::Unknown,
            b'1' | b'3' => RequestResult::Good,
            _ => RequestResult::Failed,
        }
    }
}

/// The result of a request for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookup {
    /// The answer contains a name.
    Found,
    /// The answer contains no name.
    Empty,
    /// The request failed.
    Failed,
}

/// Details that the text of a record gives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TextDetails {
    /// Whether the writer cut the text or the answer at its limit.
    pub cut: bool,
    /// The length of the talk that a message states (seconds).
    pub talk_seconds: Option<u32>,
    /// The result, if the request asks for a name.
    pub lookup: Option<Lookup>,
}

/// The details of a message, and the numbers in it: digits, separated by spaces.
pub(super) fn message(text: &[u8]) -> (TextDetails, Vec<u8>) {
    let text = String::from_utf8_lossy(text);
    let cut = TEXT_CHARS.contains(&text.chars().count());
    let parsed = TextDetails {
        cut,
        talk_seconds: talk_seconds(&text),
        ..TextDetails::default()
    };
    (parsed, numbers(&text, cut))
}

/// The details of an HTTP request.
pub(super) fn http(http: &Http<'_>, good: bool) -> TextDetails {
    let asks_for = |path: &[u8]| http.url.windows(path.len()).any(|part| part == path);
    let paths: [&[u8]; 3] = [b"/customer-name/", b"/customer-profile/", b"/metadata/"];
    let is_lookup = paths.into_iter().any(asks_for);
    let cut = is_cut(http.response);
    TextDetails {
        cut,
        lookup: is_lookup.then(|| match good {
            false => Lookup::Failed,
            // An answer of 500 characters about a person contains the name.
            true if cut => Lookup::Found,
            true => name_in(http.response),
        }),
        ..TextDetails::default()
    }
}

/// The duration that the writer of a request noted among its parameters: milliseconds, possibly with a
/// fraction.
pub(crate) fn took_millis(request: &[u8]) -> Option<u32> {
    memmem::find(request, TOOK)?;
    let (_, noted) = json::Fields::new(request).find(|(key, _)| *key == TOOK)?;
    let millis: f64 = std::str::from_utf8(&noted.text())
        .ok()?
        .trim()
        .parse()
        .ok()?;
    // The conversion saturates; a negative number or NaN gives `None`.
    (millis >= 0.0).then_some(millis.round() as u32)
}

/// The host of a URL, with its port and without a user name; empty when the URL names no host.
pub(super) fn host(url: &[u8]) -> &[u8] {
    let Some(scheme) = memmem::find(url, b"://") else {
        return b"";
    };
    let rest = &url[scheme + 3..];
    let end = rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#'));
    let authority = &rest[..end.unwrap_or(rest.len())];
    let user = authority.iter().rposition(|b| *b == b'@');
    &authority[user.map_or(0, |at| at + 1)..]
}

/// The details of an SQL query.
pub(super) fn sql(sql: &Sql<'_>) -> TextDetails {
    TextDetails {
        cut: is_cut(sql.result),
        ..TextDetails::default()
    }
}

fn is_cut(answer: &[u8]) -> bool {
    let is_marked = answer.len() > ANSWER_CHARS && answer.ends_with(b"...");
    is_marked && String::from_utf8_lossy(answer).chars().count() == ANSWER_CHARS + 3
}

/// Whether an answer contains a name.
fn name_in(answer: &[u8]) -> Lookup {
    let mut names = json::Fields::new(answer).peekable();
    if names.peek().is_none() {
        return Lookup::Empty;
    }
    let mut is_asked = false;
    for (key, value) in names {
        if !matches!(key, b"name" | b"full_name" | b"short_name") {
            continue;
        }
        is_asked = true;
        let text = value.text();
        if !matches!(text.trim_ascii(), b"" | b"null") {
            return Lookup::Found;
        }
    }
    match is_asked {
        true => Lookup::Empty,
        false => Lookup::Found,
    }
}

/// The duration after the word, in seconds: `Длительность: 02:01`, `Длительность 1:02:01`,
/// `Длительность: 2 мин 1 с`.
fn talk_seconds(text: &str) -> Option<u32> {
    const WORDS: [&str; 2] = ["Длительность", "Duration"];
    let rest = WORDS
        .iter()
        .find_map(|word| Some(text.split_once(word)?.1))?
        .trim_start_matches([':', ' ', '\u{a0}']);
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != ':')
        .unwrap_or(rest.len());
    let clock = rest[..end].trim_end_matches(':');
    if clock.contains(':') {
        let parts = clock.split(':').map(|part| part.parse::<u32>().ok());
        return parts.into_iter().try_fold(0u32, |seconds, part| {
            seconds.checked_mul(60)?.checked_add(part?)
        });
    }
    let mut seconds = None;
    let mut rest = rest;
    loop {
        let Some(digits) = rest.find(|c: char| !c.is_ascii_digit()) else {
            return seconds;
        };
        let number = rest[..digits].parse::<u32>();
        let unit = rest[digits..].trim_start();
        let scale = match unit.chars().next() {
            Some('ч' | 'h') => 3600,
            Some('м' | 'm') => 60,
            Some('с' | 's') => 1,
            _ => return seconds,
        };
        let Ok(number) = number else { return seconds };
        seconds = Some(
            seconds
                .unwrap_or(0u32)
                .checked_add(number.checked_mul(scale)?)?,
        );
        let next = unit.find(|c: char| !c.is_alphabetic() && c != '.');
        rest = unit[next.unwrap_or(unit.len())..].trim_start();
    }
}

/// The telephone numbers of a message, and the extensions after `☎️` and `Доб.`. Numbers in a tag, in a link,
/// or after the signs for a line and for a name do not belong to the call.
fn numbers(text: &str, cut: bool) -> Vec<u8> {
    let mut found = Vec::new();
    let mut add = |digits: &str| {
        if !found.is_empty() {
            found.push(b' ');
        }
        found.extend_from_slice(digits.as_bytes());
    };
    let bytes = text.as_bytes();
    let (mut at, mut is_named, mut lists_extensions) = (0, false, false);
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if let Some(tag) = rest.strip_prefix('<') {
            at += tag.find('>').map_or(rest.len(), |end| end + 2);
            continue;
        }
        if rest.starts_with("://") {
            at += rest
                .find(|c: char| c.is_whitespace() || "\"<>".contains(c))
                .unwrap_or(rest.len());
            continue;
        }
        if !c.is_ascii_digit() {
            match c {
                '📡' | '👤' => is_named = true,
                '☎' => (is_named, lists_extensions) = (false, true),
                'Д' if rest.starts_with("Доб.") => {
                    lists_extensions = true;
                    at += "Доб.".len();
                    continue;
                }
                ',' | ' ' | '\u{fe0f}' => {}
                // Any other sign ends the effect of the sign before it.
                c if c >= '\u{2190}' => (is_named, lists_extensions) = (false, false),
                _ => lists_extensions = false,
            }
            at += c.len_utf8();
            continue;
        }
        let is_word =
            |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':' | b'/');
        let run = bytes[at..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let before = text[..at].chars().next_back();
        let plus = before == Some('+');
        let word = bytes[at..].iter().take_while(|b| is_word(b)).count();
        let glued = before.is_some_and(|c| c.is_alphabetic() || "_№#".contains(c))
            || bytes[at + run..at + word]
                .iter()
                .any(u8::is_ascii_alphanumeric)
                && !plus;
        let (digits, end) = match plus {
            true => grouped(&bytes[at..]),
            false => (text[at..at + run].to_owned(), word),
        };
        let is_torn = cut && at + end >= text.len();
        let fits = match plus {
            true => PLUS_DIGITS.contains(&digits.len()),
            false => BARE_DIGITS.contains(&digits.len()) || lists_extensions && run <= 5,
        };
        if fits && !glued && !is_torn && !is_named {
            add(&digits);
        }
        at += end;
    }
    found
}

/// The digits after a `+`, also in groups such as `375 29 000-12-34`, and the number of bytes that they take.
fn grouped(bytes: &[u8]) -> (String, usize) {
    let (mut digits, mut end) = (String::new(), 0);
    for (at, b) in bytes.iter().enumerate() {
        match b {
            b'0'..=b'9' => {
                digits.push(char::from(*b));
                end = at + 1;
            }
            b' ' | b'-' | b'(' | b')' if digits.len() < WHOLE_DIGITS => {}
            _ => break,
        }
    }
    (digits, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_request_and_its_time() {
        let hosts: [(&str, &str); 5] = [
            ("http://localhost:8020/metadata/0367", "localhost:8020"),
            (
                "https://user:word@crm.example.org?x=http://y/",
                "crm.example.org",
            ),
            ("http://a@b@c", "c"),
            ("/metadata/0367", ""),
            ("", ""),
        ];
        for (url, wanted) in hosts {
            assert_eq!(host(url.as_bytes()), wanted.as_bytes(), "{url}");
        }
        let times: [(&str, Option<u32>); 6] = [
            (r#"{"a": 1, "_duration_ms": 12.5}"#, Some(13)),
            (r#"{"_duration_ms": "340"}"#, Some(340)),
            (r#"{"_duration_ms": -1}"#, None),
            (r#"{"_duration_ms": "NaN"}"#, None),
            (r#"{"_duration_ms": 1e300}"#, Some(u32::MAX)),
            ("{}", None),
        ];
        for (request, wanted) in times {
            assert_eq!(took_millis(request.as_bytes()), wanted, "{request}");
        }
    }

    fn found(text: &str) -> String {
        let (_, numbers) = message(text.as_bytes());
        String::from_utf8(numbers).expect("digits")
    }

    #[test]
    fn numbers_of_people_are_found_and_no_other_digits() {
        for (text, numbers) in [
            (
                "💰+375290001234 ➡️ Доб.150,151, 152 📡Линия 1",
                "375290001234 150 151 152",
            ),
            (
                "☎️151 📞➡️ 💰+375 29 000-12-34📞 👤 Заказ 375290009999",
                "151 375290001234",
            ),
            (
                "✅ ☎️151 📡МТС 375291112233 ⏰Начало звонка 12:07 ⌛ Длительность: 02:01",
                "151",
            ),
            (
                "☎️375290007777 📞➡️ 💰+375290002345📞",
                "375290007777 375290002345",
            ),
            (
                "<a href=\"https://h/r/375290001111?a=1\">🔉</a> https://h/375290002222 x",
                "",
            ),
            (
                "id 1764493655.61, b3e4a5df-0001112222-4aad, №123456789, 30.11.2025 150",
                "",
            ),
            (
                "+7 (900) 000-12-34 и 80290001234",
                "79000001234 80290001234",
            ),
        ] {
            assert_eq!(found(text), numbers, "{text}");
        }
    }

    #[test]
    fn a_number_torn_by_the_cut_is_none() {
        let text = format!("{}+37529000123", "x".repeat(188));
        assert_eq!(text.chars().count(), 200);
        assert_eq!(found(&text), "");
        assert!(message(text.as_bytes()).0.cut);
        assert_eq!(found(&text[1..]), "37529000123");
    }

    #[test]
    fn lengths_of_talk_are_read_in_every_form() {
        for (text, seconds) in [
            ("⌛ Длительность: 02:01 👤", Some(121)),
            ("Длительность 1:02:01", Some(3721)),
            ("Длительность: 2 мин 5 сек.", Some(125)),
            ("Длительность: 41 с", Some(41)),
            ("Дозванивался: 00:14", None),
            ("Длительность: нет", None),
            ("Длительность: 99999999999:00", None),
        ] {
            assert_eq!(message(text.as_bytes()).0.talk_seconds, seconds, "{text}");
        }
    }

    #[test]
    fn a_lookup_finds_a_name_or_none() {
        let request = |url: &'static str, response: &'static str| Http {
            uid: b"1.1",
            method: b"GET",
            url: url.as_bytes(),
            status: b"200",
            request: b"{}",
            response: response.as_bytes(),
        };
        let url = "http://h/customer-name/0367/375290001234";
        for (answer, lookup) in [
            ("{\"name\": \"A\"}", Lookup::Found),
            ("{\"name\": null}", Lookup::Empty),
            ("{\"name\": \"\", \"full_name\": \"B\"}", Lookup::Found),
            ("{}", Lookup::Empty),
        ] {
            assert_eq!(
                http(&request(url, answer), true).lookup,
                Some(lookup),
                "{answer}"
            );
        }
        assert_eq!(
            http(&request(url, "{}"), false).lookup,
            Some(Lookup::Failed)
        );
        assert_eq!(http(&request("http://h/x", "{}"), true).lookup, None);
    }
}
