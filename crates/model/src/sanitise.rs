//! Makes bytes from a log safe to show.
//!
//! A caller's name can contain escape sequences that move the cursor, or marks that reverse text. None of
//! them reaches a terminal or a page: they are shown as escapes.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with printable characters only. Invalid UTF-8 becomes `\xNN`; control, format and line-separating
/// characters become `\u{NNNN}`. Characters that form emoji stay.
///
/// ```
/// use calltrace_model::sanitise::sanitise;
///
/// assert_eq!(sanitise(b"\x1b[2JAnna"), "\\u{1b}[2JAnna");
/// ```
pub fn sanitise(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !text.chars().any(is_unsafe)
    {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_unsafe(c) {
                let _ = write!(safe, "\\u{{{:x}}}", u32::from(c));
            } else {
                safe.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(safe, "\\x{byte:02x}");
        }
    }
    Cow::Owned(safe)
}

/// Whether `c` is a control (C0, DEL, C1), a line or paragraph separator, or a character that reorders or
/// hides text. The zero-width joiner and variation selectors are safe, since emoji need them.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200c}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_move_or_turn_text_are_escaped() {
        assert_eq!(sanitise(b"\x1b[2J\x07a\r"), "\\u{1b}[2J\\u{7}a\\u{d}");
        assert_eq!(
            sanitise("a\u{202e}b\u{2028}".as_bytes()),
            "a\\u{202e}b\\u{2028}"
        );
        assert_eq!(sanitise(b"\x9b31m\xff"), "\\x9b31m\\xff");
        assert_eq!(sanitise("\u{9b}31m".as_bytes()), "\\u{9b}31m");
    }

    #[test]
    fn emoji_and_cyrillic_stay() {
        let text = "☎️151 ➡️ 💰+375290001234 👨‍👩‍👧 Доб.";
        assert!(matches!(sanitise(text.as_bytes()), Cow::Borrowed(t) if t == text));
    }

    proptest::proptest! {
        #[test]
        fn any_input_becomes_printable_text(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)
        ) {
            proptest::prop_assert!(!sanitise(&bytes).chars().any(is_unsafe));
        }
    }
}
