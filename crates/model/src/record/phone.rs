//! Compares phone numbers as people type them with numbers as hosts write them.

use std::borrow::Cow;

/// A suffix with fewer digits than this matches too much; extensions have their own filter.
pub const SUFFIX_DIGITS_MIN: usize = 7;

/// The longest number that is matched (E.164 allows 15 digits, plus an international prefix).
const DIGITS_MAX: usize = 20;

/// The longest number with a key: 15 digits of E.164 after `810`. With a leading one, 64 bits hold it.
const KEY_DIGITS_MAX: usize = 18;

/// The shortest number that can be searched.
const DIGITS_MIN: usize = 3;

/// A phone number in a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneQuery {
    /// The digits, or the name that a caller without a number shows, in lower case.
    canonical: Vec<u8>,
    is_name: bool,
}

/// Why a typed number can't be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadPhone {
    /// It contains characters other than digits, the usual `+ ( ) - . /` and spaces.
    NotANumber,
    /// It has fewer than three digits.
    TooShort,
    /// It has more digits than any phone number.
    TooLong,
}

impl PhoneQuery {
    /// Reads the text of a search field for callers: a number as in [`PhoneQuery::parse`], or the name of a
    /// caller without a number as in [`PhoneQuery::named`].
    ///
    /// # Errors
    /// [`BadPhone`] if the text is neither.
    pub fn typed(typed: &str) -> Result<PhoneQuery, BadPhone> {
        PhoneQuery::named(typed).map_or_else(|| PhoneQuery::parse(typed), Ok)
    }

    /// Reads a number as typed: `+375 (29) 000-12-34`, `80290001234`, `375290001234`, or its last seven or
    /// more digits. A number with three to six digits (103, 225566) is matched as a whole.
    ///
    /// # Errors
    /// [`BadPhone`] if the text is not a number, or too short or too long.
    ///
    /// ```
    /// use calltrace_model::record::phone::{BadPhone, PhoneQuery};
    ///
    /// assert!(PhoneQuery::parse("+375 (29) 000-12-34").is_ok());
    /// assert_eq!(PhoneQuery::parse("12").unwrap_err(), BadPhone::TooShort);
    /// ```
    pub fn parse(typed: &str) -> Result<PhoneQuery, BadPhone> {
        let dress = |c: char| c.is_whitespace() || "+()-./\u{2011}\u{2013}".contains(c);
        if typed.is_empty() || !typed.chars().all(|c| c.is_ascii_digit() || dress(c)) {
            return Err(BadPhone::NotANumber);
        }
        let digits: Vec<u8> = typed.bytes().filter(u8::is_ascii_digit).collect();
        match digits.len() {
            n if n < DIGITS_MIN => Err(BadPhone::TooShort),
            n if n > DIGITS_MAX => Err(BadPhone::TooLong),
            _ => Ok(PhoneQuery {
                canonical: canonical(&digits).into_owned(),
                is_name: false,
            }),
        }
    }

    /// Reads the name that a caller without a number shows: a word (`anonymous`), or a SIP address with or
    /// without its scheme (`sip:ivan@example.org`, `ivan@example.org`). `None` for any other text.
    ///
    /// ```
    /// use calltrace_model::record::phone::PhoneQuery;
    ///
    /// let query = PhoneQuery::named("Anonymous").expect("a word");
    /// assert!(query.matches_field(b"anonymous"));
    /// assert!(PhoneQuery::named("37529abc").is_none());
    /// ```
    pub fn named(typed: &str) -> Option<PhoneQuery> {
        let is_word = typed.chars().any(char::is_alphabetic) && !typed.contains(char::is_numeric);
        let is_address = typed.contains('@') || SCHEMES.iter().any(|s| typed.starts_with(s));
        (is_word || is_address).then(|| PhoneQuery {
            canonical: bare(typed).to_lowercase().into_bytes(),
            is_name: true,
        })
    }

    /// Whether a caller field of a log matches the query.
    pub fn matches_field(&self, field: &[u8]) -> bool {
        match self.is_name {
            true => {
                let shown = String::from_utf8_lossy(field);
                bare(&shown).to_lowercase().as_bytes() == self.canonical
            }
            false => self.matches_digits(digits_of(field)),
        }
    }

    /// Whether a number from a log, digits only, is the requested one or ends with it.
    pub fn matches_digits(&self, digits: &[u8]) -> bool {
        let digits = canonical(digits);
        if self.is_name {
            false
        } else if self.is_whole() {
            digits.as_ref() == self.canonical
        } else {
            digits.ends_with(&self.canonical)
        }
    }

    /// Whether the query is a number with few digits, or a name. The digits of such a number occur in many
    /// unrelated lines (in a time, in an id), so only fields for numbers count, and no index is used.
    pub fn is_short(&self) -> bool {
        self.is_name || self.canonical.len() < SUFFIX_DIGITS_MIN
    }

    /// Whether a whole number with its country code was typed, not only its end.
    fn is_whole(&self) -> bool {
        self.is_short()
            || match self.canonical.as_slice() {
                [b'3', b'7', b'5', rest @ ..] => rest.len() == 9,
                [b'7', rest @ ..] => rest.len() == 10,
                all => all.len() > 11,
            }
    }

    /// Whether `text` contains the number as a whole run of digits, with or without `+`.
    pub fn found_in(&self, text: &[u8]) -> bool {
        text.split(|b| !b.is_ascii_digit())
            .any(|run| run.len() >= SUFFIX_DIGITS_MIN && self.matches_digits(run))
    }

    /// The digits of the query: in international form if the whole number was typed.
    pub fn digits(&self) -> &[u8] {
        &self.canonical
    }

    /// Digits that every way of writing the number contains; a scan searches for them.
    pub fn needle(&self) -> &[u8] {
        let national = match self.canonical.as_slice() {
            [b'3', b'7', b'5', rest @ ..] if rest.len() == 9 => rest,
            [b'7', rest @ ..] if rest.len() == 10 => rest,
            all => all,
        };
        &national[national.len().saturating_sub(DIGITS_MAX)..]
    }
}

/// The schemes with which a caller's address begins.
const SCHEMES: [&str; 3] = ["sip:", "sips:", "tel:"];

/// An address without its scheme and brackets.
fn bare(shown: &str) -> &str {
    let shown = shown.trim().trim_start_matches('<').trim_end_matches('>');
    let mut schemes = SCHEMES.iter();
    let rest = schemes.find_map(|scheme| shown.strip_prefix(scheme));
    rest.unwrap_or(shown)
}

/// The number in international form, without dialling prefixes: `80 29 ...` is a call within Belarus (`375 29
/// ...`), `8` and ten digits a call within Russia (`7 ...`), and `00` and `810` are prefixes for calls
/// abroad.
pub fn canonical(digits: &[u8]) -> Cow<'_, [u8]> {
    match country_and_rest(digits) {
        ([], rest) => Cow::Borrowed(rest),
        (country, rest) => Cow::Owned([country, rest].concat()),
    }
}

/// The country code that [`canonical`] puts before a number, and the part of the number that it keeps.
fn country_and_rest(digits: &[u8]) -> (&'static [u8], &[u8]) {
    match digits {
        [b'8', b'1', b'0', rest @ ..] if rest.len() >= 10 => (b"", rest),
        [b'0', b'0', rest @ ..] if rest.len() >= 10 => (b"", rest),
        [b'8', b'0', rest @ ..] if rest.len() == 9 => (b"375", rest),
        [b'8', rest @ ..] if rest.len() == 10 => (b"7", rest),
        [b'0', rest @ ..] if rest.len() == 9 => (b"", rest),
        _ => (b"", digits),
    }
}

/// A key that two fields share exactly when [`same_number`] holds. With it, a number is found among many
/// without comparing it with each. `None` for a field that is not an outside number, and for a number of more
/// than 18 digits.
///
/// ```
/// use calltrace_model::record::phone::key;
///
/// assert_eq!(key(b"+375290001234"), key(b"80290001234"));
/// assert_eq!(key(b"151"), None);
/// ```
pub fn key(field: &[u8]) -> Option<u64> {
    let digits = digits_of(field);
    if !(SUFFIX_DIGITS_MIN..=KEY_DIGITS_MAX).contains(&digits.len()) {
        return None;
    }
    let (country, rest) = country_and_rest(digits);
    let all = country.iter().chain(rest);
    // The leading one preserves leading zeros.
    Some(all.fold(1, |key, digit| key * 10 + u64::from(digit - b'0')))
}

/// The digits of a phone field: `+375290001234`, `-375290001234` and `375290001234` give the same. Empty for
/// `<unknown>`, names and anything else that is not a number.
pub fn digits_of(field: &[u8]) -> &[u8] {
    let digits = match field {
        [b'+' | b'-', rest @ ..] => rest,
        all => all,
    };
    if digits.iter().all(u8::is_ascii_digit) {
        digits
    } else {
        b""
    }
}

/// Whether the digits are an outside number rather than an extension or a line.
pub fn is_external(digits: &[u8]) -> bool {
    digits.len() >= SUFFIX_DIGITS_MIN
}

/// Whether a field holds an outside number.
pub fn is_outside(field: &[u8]) -> bool {
    is_external(digits_of(field))
}

/// Whether two fields hold the same outside number, in any way of writing.
pub fn same_number(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (digits_of(a), digits_of(b));
    is_external(a) && is_external(b) && canonical(a) == canonical(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_typing_finds_every_way_of_writing() {
        let written = ["375290001234", "80290001234", "00375290001234"];
        for typed in [
            "+375 (29) 000-12-34",
            "80290001234",
            "375290001234",
            "8 029 000 12 34",
            "290001234",
            "0001234",
        ] {
            let typed_digits: String = typed.chars().filter(char::is_ascii_digit).collect();
            if typed_digits == "80290001234" {
                assert_eq!(canonical(typed_digits.as_bytes()).as_ref(), b"375290001234");
            }
            let query = PhoneQuery::parse(typed).expect(typed);
            for digits in written {
                assert!(
                    query.matches_digits(digits.as_bytes()),
                    "{typed} ~ {digits}"
                );
                let needle = query.needle();
                assert!(memchr::memmem::find(digits.as_bytes(), needle).is_some());
            }
        }
    }

    #[test]
    fn another_number_is_not_found() {
        let query = PhoneQuery::parse("375290001234").expect("a number");
        for other in ["375290001235", "1375290001234", "0001234", "151", ""] {
            assert!(!query.found_in(other.as_bytes()), "{other}");
        }
        assert!(query.found_in("💰+375290001234 ➡️".as_bytes()));
    }

    #[test]
    fn a_number_of_few_digits_is_found_as_a_whole_one_only() {
        let query = PhoneQuery::parse("22-55-66").expect("a number");
        assert!(query.is_short() && query.matches_digits(b"225566"));
        for other in ["375170225566", "2255667", "5566"] {
            assert!(!query.matches_digits(other.as_bytes()), "{other}");
        }
        assert!(!query.found_in(b"at 225566"));
    }

    #[test]
    fn a_text_that_is_not_a_number_gives_the_reason() {
        assert_eq!(PhoneQuery::parse("15"), Err(BadPhone::TooShort));
        assert_eq!(PhoneQuery::parse("abc"), Err(BadPhone::NotANumber));
        assert_eq!(PhoneQuery::parse(""), Err(BadPhone::NotANumber));
        assert_eq!(PhoneQuery::parse(&"1".repeat(40)), Err(BadPhone::TooLong));
    }

    #[test]
    fn names_and_marks_are_not_numbers() {
        assert_eq!(digits_of(b"<unknown>"), b"");
        assert_eq!(digits_of(b"-375290001234"), b"375290001234");
        assert!(same_number(b"+375290001234", b"80290001234"));
        assert!(!same_number(b"151", b"151"));
    }

    #[test]
    fn a_key_is_shared_by_the_same_numbers_alone() {
        let fields = [
            "375290001234",
            "+375290001234",
            "-80290001234",
            "00375290001234",
            "810375290001234",
            "290001234",
            "0290001234",
            "89261234567",
            "79261234567",
            "0001234",
            "1234567",
            "01234567",
            "151",
            "",
            "<unknown>",
        ];
        for (a, b) in fields.iter().flat_map(|a| fields.map(|b| (*a, b))) {
            let (a_key, b_key) = (key(a.as_bytes()), key(b.as_bytes()));
            let same = a_key.is_some() && a_key == b_key;
            assert_eq!(same, same_number(a.as_bytes(), b.as_bytes()), "{a} {b}");
        }
        assert_eq!(key("1".repeat(19).as_bytes()), None);
        assert!(key("9".repeat(18).as_bytes()).is_some());
    }
}
