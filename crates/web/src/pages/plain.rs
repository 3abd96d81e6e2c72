//! Text of a log for people who read no code: without secrets, tags and escapes.
//!
//! If bytes matter (bodies, ids), `shown` is used. Here characters that turn, hide or move text are left out,
//! and line breaks become spaces.

use std::borrow::Cow;

use calltrace_model::{redact, sanitise};
use calltrace_output::phone;

/// The tags that a Telegram bot's text may have; any other text between angle brackets is text.
const TAGS: [&str; 17] = [
    "b",
    "strong",
    "i",
    "em",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "span",
    "tg-spoiler",
    "tg-emoji",
    "a",
    "code",
    "pre",
    "blockquote",
    "br",
];

/// The longest number or name (characters).
const PARTY_CHARS_MAX: usize = 120;

/// The longest tag (bytes).
const TAG_BYTES_MAX: usize = 2_000;

/// Returns at most `chars_max` characters of a text, without secrets.
pub(super) fn shortened(bytes: &[u8], chars_max: usize) -> String {
    cut(bytes, chars_max, |text| calm(&redact::text(text)))
}

/// Returns a Telegram message as its reader saw it: without the tags of its markup.
pub(super) fn message_text(bytes: &[u8], chars_max: usize) -> String {
    cut(bytes, chars_max, |text| {
        calm(&redact::text(&untagged(text)))
    })
}

fn cut(bytes: &[u8], chars_max: usize, read: impl Fn(&str) -> String) -> String {
    // The text is cut before it is processed, because a line may be megabytes long. A character has at
    // most four bytes, and a secret that is cut in its middle is still recognised.
    let cut = &bytes[..bytes.len().min(chars_max.saturating_mul(4) + 256)];
    let text = read(&String::from_utf8_lossy(cut));
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None if cut.len() < bytes.len() => format!("{text}…"),
        None => text,
    }
}

fn calm(text: &str) -> String {
    let breaks = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    text.chars()
        .filter_map(|c| match c {
            c if breaks(c) => Some(' '),
            c if sanitise::is_unsafe(c) => None,
            c => Some(c),
        })
        .collect()
}

/// Formats a number in groups; of any other text, returns what can be read.
pub(super) fn grouped(party: &str) -> String {
    match party.chars().any(sanitise::is_unsafe) {
        true => shortened(party.as_bytes(), PARTY_CHARS_MAX),
        false => phone(party),
    }
}

/// Removes the tags of a bot's markup, keeps what they hold, and replaces named characters.
fn untagged(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '&']) {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest
            .find('>')
            .filter(|end| *end < TAG_BYTES_MAX && is_tag(&rest[1..*end]));
        match end {
            Some(end) => rest = &rest[end + 1..],
            None => {
                plain.push('<');
                rest = &rest[1..];
            }
        }
    }
    plain.push_str(rest);
    // `&amp;` is the last one, so that its result is not read as another named character.
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&amp;", "&"),
    ];
    let unnamed = named
        .into_iter()
        .fold(plain, |text, (name, is)| text.replace(name, is));
    Cow::Owned(unnamed)
}

fn is_tag(inside: &str) -> bool {
    let name = inside.strip_prefix('/').unwrap_or(inside);
    let end = name.find(|c: char| c.is_ascii_whitespace() || c == '/');
    let name = &name[..end.unwrap_or(name.len())];
    TAGS.iter().any(|tag| name.eq_ignore_ascii_case(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_its_reader_saw_it() {
        for (logged, read) in [
            (
                "<b>Успешный</b> звонок &amp; <a href=\"https://x/?token=1\">Запись</a>",
                "Успешный звонок & Запись",
            ),
            ("5 < 6 > 4, <x>", "5 < 6 > 4, <x>"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"),
            ("a\u{2028}b\u{202e}c\u{1b}[2J", "a bc[2J"),
            ("&amp;lt;", "&lt;"),
            ("<b", "<b"),
        ] {
            assert_eq!(message_text(logged.as_bytes(), 100), read, "{logged}");
        }
    }

    #[test]
    fn a_number_shows_no_escapes() {
        assert_eq!(grouped("375290001234"), "+375 29 000-12-34");
        assert_eq!(grouped("15\u{1b}[2J1\u{202e}"), "15[2J1");
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        assert_eq!(shortened("жжжж".as_bytes(), 3), "жжж…");
        assert_eq!(shortened("жжж".as_bytes(), 3), "жжж");
        assert_eq!(shortened(&[0xff, b'a'], 5), "\u{fffd}a");
    }
}
