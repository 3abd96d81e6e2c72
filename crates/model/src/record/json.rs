//! Reads fields of a JSON body without building a value.
//!
//! A scan that joins calls needs six fields of an event; building the whole value costs three times as much
//! as the rest of the line. [`Fields`] walks the top level of one object and returns borrowed slices. It is
//! lenient: a torn object yields the fields before the tear. Bodies that are shown to people and programs go
//! through `serde_json` instead.

use std::borrow::Cow;

use memchr::memchr2;

/// A value as it is written in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// A string without escapes: the text between the quotes.
    Str(&'a [u8]),
    /// A string with escapes: the text between the quotes, not decoded.
    Escaped(&'a [u8]),
    /// An object or array, with its brackets.
    Nested(&'a [u8]),
    /// A number, `true`, `false` or `null`.
    Scalar(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The string or scalar as text, escapes decoded; a nested value as its JSON.
    pub fn text(self) -> Cow<'a, [u8]> {
        match self {
            Value::Escaped(raw) => unescape(raw),
            Value::Str(raw) | Value::Nested(raw) | Value::Scalar(raw) => Cow::Borrowed(raw),
        }
    }
}

/// Iterates over the fields of one object, in order. It ends at the first byte that is not JSON.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Iterates over the top-level fields of `object`; there are none when it does not begin with `{`.
    pub fn new(object: &'a [u8]) -> Fields<'a> {
        Fields {
            rest: object.strip_prefix(b"{").unwrap_or_default(),
        }
    }
}

impl<'a> Iterator for Fields<'a> {
    /// The key (escapes not decoded) and the value.
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        // Nearly all writers use the form `"key": "value", `; other spaces are handled below.
        let rest = match self.rest {
            [b',', b' ', b'"', ..] => &self.rest[2..],
            [b'"', ..] => self.rest,
            rest => {
                let rest = skip_space(rest);
                skip_space(rest.strip_prefix(b",").unwrap_or(rest))
            }
        };
        let (key_end, _) = string_end(rest)?;
        let key = &rest[1..key_end - 1];
        let rest = match &rest[key_end..] {
            [b':', b' ', value @ ..] if value.first().is_some_and(|b| *b > b' ') => value,
            rest => skip_space(skip_space(rest).strip_prefix(b":")?),
        };
        let (end, value) = match rest.first()? {
            b'"' => match string_end(rest)? {
                (end, false) => (end, Value::Str(&rest[1..end - 1])),
                (end, true) => (end, Value::Escaped(&rest[1..end - 1])),
            },
            b'{' | b'[' => nested_end(rest).map(|end| (end, Value::Nested(&rest[..end])))?,
            _ => value_end(rest).map(|end| (end, Value::Scalar(&rest[..end])))?,
        };
        self.rest = &rest[end..];
        Some((key, value))
    }
}

/// The strings of an array, or a single string in its place (an old host wrote `"152&151"`, so `&` separates
/// as well). Scalars count as text; nested values are skipped.
pub fn strings<'a>(value: Value<'a>) -> Vec<Cow<'a, [u8]>> {
    let mut found = Vec::new();
    let mut push = |text: Cow<'a, [u8]>| match text {
        Cow::Borrowed(bytes) => found.extend(bytes.split(|&b| b == b'&').map(Cow::Borrowed)),
        Cow::Owned(bytes) => {
            found.extend(
                bytes
                    .split(|&b| b == b'&')
                    .map(|part| Cow::Owned(part.to_vec())),
            );
        }
    };
    match value {
        Value::Nested([b'[', inner @ ..]) => {
            let mut rest = skip_space(inner);
            while let Some(end) = value_end(rest) {
                match rest[0] {
                    b'"' => push(unescape(&rest[1..end - 1])),
                    b'{' | b'[' => {}
                    _ => push(Cow::Borrowed(&rest[..end])),
                }
                rest = skip_space(&rest[end..]);
                rest = skip_space(rest.strip_prefix(b",").unwrap_or(rest));
            }
        }
        Value::Nested(_) => {}
        other => push(other.text()),
    }
    found
}

/// The end of the JSON value that `text` begins with: the index after its last byte. `None` when it is torn
/// or no value. Brackets are counted without regard to their kind, which is enough for a split.
pub fn value_end(text: &[u8]) -> Option<usize> {
    match *text.first()? {
        b'"' => string_end(text).map(|(end, _)| end),
        b'{' | b'[' => nested_end(text),
        b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
            let scalar = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
            Some(text.iter().position(|b| !scalar(b)).unwrap_or(text.len()))
        }
        _ => None,
    }
}

fn nested_end(text: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        match text[at] {
            b'"' => {
                at += string_end(&text[at..])?.0;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The index after the closing quote of the string that `text` begins with, and whether it holds
/// escapes.
#[inline]
fn string_end(text: &[u8]) -> Option<(usize, bool)> {
    let inner = text.strip_prefix(b"\"")?;
    let found = quote_or_backslash(inner)?;
    match inner[found] {
        b'"' => Some((found + 2, false)),
        _ => escaped_end(inner, found).map(|end| (end + 2, true)),
    }
}

/// The position of the closing quote of a string that has an escape at `at`.
fn escaped_end(inner: &[u8], mut at: usize) -> Option<usize> {
    while inner[at] != b'"' {
        at += 2;
        at += memchr2(b'"', b'\\', inner.get(at..)?)?;
    }
    Some(at)
}

/// The position of the first quote or backslash. Keys and most values are too short for a vector search to
/// pay off, so the first words are tested eight bytes at once (the zero-byte test of "Bit Twiddling Hacks").
#[inline]
fn quote_or_backslash(text: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    const WORDS: usize = 4;
    let equal = |word: u64, byte: u8| {
        let differs = word ^ (ONES * u64::from(byte));
        differs.wrapping_sub(ONES) & !differs & HIGH_BITS
    };
    let words = text.as_chunks().0;
    let words = &words[..words.len().min(WORDS)];
    for (number, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // Bits above the lowest one may be wrong; the lowest is right.
        let found = equal(word, b'"') | equal(word, b'\\');
        if found != 0 {
            return Some(number * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let at = words.len() * 8;
    memchr2(b'"', b'\\', &text[at..]).map(|found| at + found)
}

/// Skips white space; most writers put one space or none.
fn skip_space(text: &[u8]) -> &[u8] {
    match text {
        [b' ', rest @ ..] if !rest.first().is_some_and(u8::is_ascii_whitespace) => rest,
        [b'!'..=b'~', ..] => text,
        _ => text.trim_ascii_start(),
    }
}

/// Decodes escapes; text that is not valid content of a JSON string stays as it is.
fn unescape(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    let mut quoted = Vec::with_capacity(raw.len() + 2);
    quoted.push(b'"');
    quoted.extend_from_slice(raw);
    quoted.push(b'"');
    match serde_json::from_slice::<String>(&quoted) {
        Ok(text) => Cow::Owned(text.into_bytes()),
        Err(_) => Cow::Borrowed(raw),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(object: &str) -> Vec<String> {
        Fields::new(object.as_bytes())
            .map(|(k, v)| format!("{}={}", show(k), show(&v.text())))
            .collect()
    }

    fn show(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn a_torn_object_yields_the_fields_before_the_tear() {
        assert_eq!(
            keys(r#"{"a": 1, "b": {"c": "}"}, "d": "x"#),
            ["a=1", r#"b={"c": "}"}"#]
        );
        assert_eq!(keys(r#"{"a": "x\"#), [""; 0]);
        assert_eq!(keys("{"), [""; 0]);
        assert_eq!(keys(""), [""; 0]);
    }

    #[test]
    fn escapes_are_decoded_and_bad_ones_kept() {
        assert_eq!(
            keys(r#"{"a": "\u0041\"\n", "b": "\ud800"}"#),
            ["a=A\"\n", r"b=\ud800"]
        );
    }

    #[test]
    fn old_hosts_one_string_of_extensions_is_a_list() {
        let all = |json: &str| -> Vec<String> {
            let (_, value) = Fields::new(json.as_bytes()).next().expect("one field");
            strings(value).iter().map(|s| show(s)).collect()
        };
        assert_eq!(all(r#"{"E": ["152&151&153"]}"#), ["152", "151", "153"]);
        assert_eq!(all(r#"{"E": ["150", 151, ["x"]]}"#), ["150", "151"]);
        assert_eq!(all(r#"{"E": "150"}"#), ["150"]);
        assert_eq!(all(r#"{"E": []}"#), [""; 0]);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            for (_, value) in Fields::new(&bytes) {
                strings(value);
            }
            value_end(&bytes);
        }

        #[test]
        fn fields_agree_with_serde(map in proptest::collection::btree_map(".{0,8}", ".{0,12}", 0..6)) {
            let text = serde_json::to_string(&map).expect("a map of strings");
            let found: Vec<_> = Fields::new(text.as_bytes())
                .map(|(_, v)| show(&v.text()))
                .collect();
            let want: Vec<_> = map.values().cloned().collect();
            proptest::prop_assert_eq!(found, want);
            proptest::prop_assert_eq!(value_end(text.as_bytes()), Some(text.len()));
        }
    }
}
