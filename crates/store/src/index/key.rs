//! The keys that lines are found by: the index has postings for them, and a question looks them up.
//!
//! There are three kinds of keys, each 32 bits wide. A key may stand for several things (an index
//! may name too many blocks, never too few), so a block that it leads to is a candidate:
//! - **seconds**: the ten digits before a dot, anywhere in a line. All ids born in one second share
//!   one key, and a longer id that contains a requested id shares the key of that id.
//! - **names**: CRC-32 of a letter and a name: `B` bridge, `L` Local channel, `M` message id, `U`
//!   UniqueId without a second of birth, `H` extension with an internal hangup.
//! - **phones**: the last seven digits of every run of seven digits or more, anywhere in a line.

use calltrace_model::call::{CallType, Edge, Event, Fact};
use calltrace_model::record::id;
use calltrace_model::record::phone::{PhoneQuery, SUFFIX_DIGITS_MIN};

/// Digits of an id's second of birth.
const SECOND_DIGITS: usize = 10;

/// A key of the index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndexKey {
    pub(super) kind: KeyKind,
    pub(super) value: u32,
}

/// The kinds of keys, each with its own postings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum KeyKind {
    Second,
    Name,
    Phone,
}

impl KeyKind {
    /// All kinds, in the order of a segment's pages.
    pub(super) const ALL: [KeyKind; 3] = [KeyKind::Second, KeyKind::Name, KeyKind::Phone];
}

impl IndexKey {
    /// The key of every line that holds `text`, if there is one: `text` must contain an id's second of birth
    /// and the dot after it.
    pub fn of_text(text: &[u8]) -> Option<IndexKey> {
        runs(text).find_map(|run| run.second)
    }

    /// The key of every line that may hold the number; `None` for a short number, which has no
    /// postings.
    pub fn of_phone(query: &PhoneQuery) -> Option<IndexKey> {
        (!query.is_short()).then(|| phone(query.needle()))
    }

    /// The key of every record that has the name `edge`.
    pub fn of_edge(edge: Edge<'_>) -> IndexKey {
        match edge {
            Edge::Uid(uid) => IndexKey::of_text(uid).unwrap_or_else(|| name(b'U', uid)),
            Edge::Bridge(bridge) => name(b'B', bridge),
            Edge::Local(stem) => name(b'L', stem),
            // Two chats may share a message id; both are candidates.
            Edge::Message { message, .. } => name(b'M', message),
        }
    }

    /// The key of every internal hangup of an extension: some consultations leave only that.
    pub fn of_internal_hangup(extension: &[u8]) -> IndexKey {
        name(b'H', extension)
    }
}

fn name(letter: u8, text: &[u8]) -> IndexKey {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&[letter]);
    hasher.update(text);
    IndexKey {
        kind: KeyKind::Name,
        value: hasher.finalize(),
    }
}

/// The last seven digits as a number.
fn phone(digits: &[u8]) -> IndexKey {
    let tail = &digits[digits.len().saturating_sub(SUFFIX_DIGITS_MIN)..];
    IndexKey {
        kind: KeyKind::Phone,
        value: tail.iter().fold(0, |n, d| n * 10 + u32::from(d - b'0')),
    }
}

/// Calls `post` with every key of a line except those of its names.
pub(super) fn keys_of_line(line: &[u8], mut post: impl FnMut(IndexKey)) {
    for run in runs(line) {
        post(run.phone);
        run.second.into_iter().for_each(&mut post);
    }
}

/// Calls `post` with every key of a record's names.
pub(super) fn keys_of_fact(fact: &Fact, mut post: impl FnMut(IndexKey)) {
    for edge in fact.edges() {
        post(IndexKey::of_edge(edge));
    }
    // This bridge does not identify a call, but the record that shows this must be found.
    if fact.holding && id::is_known(fact.bridge()) {
        post(IndexKey::of_edge(Edge::Bridge(fact.bridge())));
    }
    if fact.event == Event::Hangup && fact.call_type == Some(CallType::Internal) {
        post(IndexKey::of_internal_hangup(fact.phone()));
    }
}

/// A run of seven digits or more.
struct DigitRun {
    phone: IndexKey,
    second: Option<IndexKey>,
}

fn runs(line: &[u8]) -> impl Iterator<Item = DigitRun> {
    let mut from = 0;
    std::iter::from_fn(move || {
        // Probes are seven bytes apart, so every run of seven digits contains one. The bytes between need no
        // check unless a probe is a digit.
        loop {
            let probe = from + SUFFIX_DIGITS_MIN - 1;
            if !line.get(probe)?.is_ascii_digit() {
                from = probe + 1;
                continue;
            }
            let before = line[from..probe].iter().rev();
            let start = probe - before.take_while(|b| b.is_ascii_digit()).count();
            let after = line[probe..].iter();
            let end = probe + after.take_while(|b| b.is_ascii_digit()).count();
            from = end;
            if end - start >= SUFFIX_DIGITS_MIN {
                return Some(DigitRun::of(&line[start..end], line.get(end)));
            }
        }
    })
}

impl DigitRun {
    fn of(digits: &[u8], next: Option<&u8>) -> DigitRun {
        let second = digits
            .last_chunk::<SECOND_DIGITS>()
            .filter(|_| next == Some(&b'.'))
            .and_then(|ten| u32::try_from(id::decimal(ten)?).ok())
            .map(|value| IndexKey {
                kind: KeyKind::Second,
                value,
            });
        DigitRun {
            phone: phone(digits),
            second,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(line: &str) -> Vec<IndexKey> {
        let mut keys = Vec::new();
        keys_of_line(line.as_bytes(), |key| keys.push(key));
        keys
    }

    #[test]
    fn every_run_of_seven_digits_or_more_is_a_phone_at_any_position() {
        let value = |n: u32| IndexKey {
            kind: KeyKind::Phone,
            value: n,
        };
        for before in 0..20 {
            for digits in ["1234567", "12345678", "375291234567", "00000001234567"] {
                for after in ["", "x", "x123456x"] {
                    let line = format!("{}{digits}{after}", "x".repeat(before));
                    let wanted = value(digits[digits.len() - 7..].parse().expect("digits"));
                    assert_eq!(keys(&line), [wanted], "{line}");
                }
            }
        }
        assert_eq!(keys("123456 123456"), []);
    }

    #[test]
    fn an_id_is_found_by_its_second_in_every_form() {
        let asked = IndexKey::of_text(b"1764493655.6").expect("a key");
        for line in [
            "x|1764493655.61|y",
            "PBX1-1764493655.6",
            "91764493655.6",
            "test_1764493655.0a0b0c0d.377",
        ] {
            assert!(keys(line).contains(&asked), "{line}");
        }
        assert!(!keys("1764493656.6").contains(&asked));
        for none in ["", "abc-1", "764493655.6", "9999999999.1", "1764493655"] {
            assert_eq!(IndexKey::of_text(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn a_short_number_leads_nowhere() {
        let short = PhoneQuery::parse("225566").expect("a number");
        assert_eq!(IndexKey::of_phone(&short), None);
    }

    #[test]
    fn ids_in_every_field_have_a_key() {
        let line = "x|AST|bridge|1764493655.6|{\"Linkedid\": \"pbx1-1764493650.1\", \"DestUniqueid\": \"1764493657.9\"}";
        for id in ["1764493655.6", "pbx1-1764493650.1", "1764493657.9"] {
            let asked = IndexKey::of_text(id.as_bytes()).expect("a key");
            assert!(keys(line).contains(&asked), "{id}");
        }
    }

    #[test]
    fn names_that_newer_versions_read_are_found_with_an_index_of_version_0_1() {
        // Such an index has the keys of lines, and those of the names that version 0.1 knew: the id and the
        // bridge. The line that shows that a bridge is only for hold is found by that bridge.
        let line = "2025-12-02 09:15:10,100|AST|bridge_create||{\"BridgeUniqueid\": \"b1\", \"BridgeTechnology\": \"holding_bridge\"}";
        let place = calltrace_model::record::Place {
            source: 0,
            offset: 0,
        };
        let record = calltrace_model::record::Record::parse(line.as_bytes());
        let fact = Fact::of(&record, calltrace_model::record::Stamp(0), place);
        assert_eq!(fact.edges().count(), 0);
        let mut posted = Vec::new();
        keys_of_fact(&fact, |key| posted.push(key));
        assert_eq!(posted, [IndexKey::of_edge(Edge::Bridge(b"b1"))]);
        // Ids with a second of birth are found by it, wherever they are; for others nothing is looked up.
        for id in ["pbx1-1764493650.1", "1764493650.1"] {
            let line = format!("x|AST|new_callerid|1764493655.6|{{\"Linkedid\": \"{id}\"}}");
            let wanted = IndexKey::of_edge(Edge::Uid(id.as_bytes()));
            assert!(keys(&line).contains(&wanted), "{id}");
        }
    }

    #[test]
    fn a_number_is_found_in_every_form() {
        let asked = IndexKey::of_phone(&PhoneQuery::parse("80290001234").expect("a number"));
        let asked = asked.expect("it is long enough");
        for line in [
            "+375290001234",
            "80290001234",
            "\"375290001234\"",
            "0001234",
        ] {
            assert!(keys(line).contains(&asked), "{line}");
        }
    }
}
