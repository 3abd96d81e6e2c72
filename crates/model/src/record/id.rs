//! UniqueIds as tokens: which texts are ids, when a channel was created, where an id is in a text.
//!
//! Asterisk writes `<unix seconds>.<counter>`, with a system name `<name>-<unix seconds>.<counter>`;
//! the emulator writes `test_<unix seconds>.<8 hex>` and that plus `.377`. An id is compared whole:
//! `1764493655.6` is not `1764493655.61`, `PBX1-1700000000.1` is not `1700000000.1`.

use memchr::memmem;

/// The longest id that is accepted from a command line (Asterisk: 127 + 1 + 10 + 1 + 10 characters).
pub const ID_BYTES_MAX: usize = 150;

/// Whether a byte can be part of an id. Bytes that could split a line or leave a path can't.
pub fn is_id_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')
}

/// Whether `text` can be an id at all: 1 to [`ID_BYTES_MAX`] id bytes, at least one digit.
pub fn is_id(text: &[u8]) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len())
        && text.iter().all(|&b| is_id_byte(b))
        && text.iter().any(u8::is_ascii_digit)
}

/// Whether `text` can be the channel id of a record: an id that [`is_id`] accepts, or one in an unusual form,
/// with spaces or letters of any script, as some hosts write them. Text that ends a field or a line, text
/// that leaves a path, and a plain word are not accepted.
///
/// ```
/// use calltrace_model::record::id::is_askable;
///
/// assert!(is_askable("звонок 1764493655.61"));
/// assert!(!is_askable("abc") && !is_askable("a|1"));
/// ```
pub fn is_askable(text: &str) -> bool {
    let is_odd = |c: char| !c.is_ascii_alphabetic();
    (1..=ID_BYTES_MAX).contains(&text.len())
        && is_known(text.as_bytes())
        && text.trim() == text
        && text
            .chars()
            .all(|c| !matches!(c, '|' | '/') && !c.is_control())
        && text.chars().any(is_odd)
}

/// Whether `text` is an id that [`is_askable`] accepts and that can be part of a URL: it leaves no folder
/// once it is decoded, and it was valid UTF-8 in the log.
///
/// ```
/// use calltrace_model::record::id::is_addressable;
///
/// assert!(is_addressable("звонок 1764493655.61"));
/// assert!(!is_addressable("..") && !is_addressable(r"1\1764493655.61"));
/// ```
pub fn is_addressable(text: &str) -> bool {
    is_askable(text)
        && !matches!(text, "." | "..")
        && !text.contains(['\\', char::REPLACEMENT_CHARACTER])
}

/// Whether a record's field contains a value: empty, `None`, `null` and `<unknown>` do not.
pub fn is_known(field: &[u8]) -> bool {
    !matches!(field, b"" | b"None" | b"<unknown>" | b"null")
}

/// The second (Unix, UTC) in which the channel of the id was created: the ten digits before the first dot.
/// `None` when the id does not contain it.
pub fn epoch_seconds(id: &[u8]) -> Option<i64> {
    let dot = id.iter().position(|&b| b == b'.')?;
    let digits = id[..dot].last_chunk::<10>()?;
    let before = dot.checked_sub(11).map(|i| id[i]);
    if before.is_some_and(|b| b.is_ascii_digit()) {
        return None;
    }
    decimal(digits)
}

/// The second in which the channel of the id was created, and the counter of Asterisk: of two channels of one
/// host, the smaller pair is the older. `None` when the id does not contain both.
pub fn birth(id: &[u8]) -> Option<(i64, u64)> {
    let seconds = epoch_seconds(id)?;
    let dot = id.iter().position(|&b| b == b'.')?;
    let digits = &id[dot + 1..];
    let is_number = (1..=18).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    let number = digits.iter().try_fold(0u64, |n, b| {
        n.checked_mul(10)?
            .checked_add(u64::from(b.checked_sub(b'0')?))
    })?;
    is_number.then_some((seconds, number))
}

/// The number that ten digits form; `None` if one of the bytes is not a digit.
pub fn decimal(digits: &[u8; 10]) -> Option<i64> {
    digits.iter().try_fold(0i64, |n, b| {
        b.is_ascii_digit().then(|| n * 10 + i64::from(b - b'0'))
    })
}

/// Whether `text` contains `token` as a whole id, not as a part of a longer one. A full stop after it ends a
/// sentence, unless more of an id follows.
pub fn contains_token(text: &[u8], token: &[u8]) -> bool {
    !token.is_empty()
        && memmem::find_iter(text, token).any(|at| is_whole_token(text, at, at + token.len()))
}

/// The id that surrounds `text[start..end]`: the range is extended over id bytes on both sides.
pub fn surrounding_token(text: &[u8], start: usize, end: usize) -> &[u8] {
    let from = text[..start]
        .iter()
        .rposition(|&b| !is_id_byte(b))
        .map_or(0, |i| i + 1);
    let to = text[end..]
        .iter()
        .position(|&b| !is_id_byte(b))
        .map_or(text.len(), |i| end + i);
    &text[from..to]
}

fn is_whole_token(text: &[u8], start: usize, end: usize) -> bool {
    let starts = start == 0 || !is_id_byte(text[start - 1]);
    let ends = match text[end..] {
        [] => true,
        [b'.', next, ..] => !is_id_byte(next),
        [next, ..] => next == b'.' || !is_id_byte(next),
    };
    starts && ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_another_id() {
        assert!(!contains_token(b"x|1764493655.61|y", b"1764493655.6"));
        assert!(!contains_token(b"PBX1-1764493655.6", b"1764493655.6"));
        assert!(!contains_token(
            b"test_1764493655.0a0b0c0d.377",
            b"test_1764493655.0a0b0c0d"
        ));
        assert!(contains_token(b"see 1764493655.6.", b"1764493655.6"));
        assert!(contains_token(
            b"1764493655.61 1764493655.6",
            b"1764493655.6"
        ));
        assert!(!contains_token(b"abc", b""));
    }

    #[test]
    fn epoch_is_found_in_every_form() {
        for id in [
            "1764493655.61",
            "PBX1-1764493655.61",
            "test_1764493655.0a0b0c0d.377",
        ] {
            assert_eq!(epoch_seconds(id.as_bytes()), Some(1_764_493_655), "{id}");
        }
        for id in ["", "1.5", "17644936551.1", "x.1764493655", "176449365x.1"] {
            assert_eq!(epoch_seconds(id.as_bytes()), None, "{id}");
        }
    }

    #[test]
    fn texts_that_would_leave_a_path_or_a_line_are_not_ids() {
        for id in ["", "../1", "a/1", "1|2", "1\n", "1 2", "abc"] {
            assert!(!is_id(id.as_bytes()), "{id}");
        }
    }
}
