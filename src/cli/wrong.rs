//! What is wrong in a settings file, and on which line.

use std::fmt;

use toml::de::{DeTable, DeValue};

/// A setting that does not exist or has a value that it can't have. Whoever makes one quotes no value
/// that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    /// The tables it stands in and its key, with dots between them: `rotate.keep`.
    at: String,
    says: String,
}

impl Wrong {
    /// A sentence that begins with the setting: `rotate.keep must be in quotes`.
    pub(super) fn new(at: &str, predicate: &str) -> Wrong {
        Wrong {
            at: at.to_owned(),
            says: format!("{at} {predicate}"),
        }
    }

    /// A hint after the setting: `rotate.keep: it is whole days, such as 14d or 2w`.
    pub(super) fn value(at: &str, hint: &str) -> Wrong {
        Wrong {
            at: at.to_owned(),
            says: format!("{at}: {hint}"),
        }
    }

    /// A setting that does not exist; what `says` must name it.
    pub(super) fn unknown(at: &str, says: String) -> Wrong {
        Wrong {
            at: at.to_owned(),
            says,
        }
    }

    /// The line of the file that it is about, from 1; 1 where that can't be told.
    pub(super) fn line_in(&self, text: &str) -> usize {
        let places = DeTable::parse(text).ok();
        let start = places.and_then(|places| find(places.get_ref(), "", &self.at));
        line_at(text, start.unwrap_or(0))
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.says)
    }
}

/// The line of a place in a text (bytes from its start), from 1.
pub(super) fn line_at(text: &str, start: usize) -> usize {
    let before = text.as_bytes().get(..start).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

/// Where the key stands that is called `wanted` with its tables; `within` names those of `table`,
/// each with a dot after it.
fn find(table: &DeTable<'_>, within: &str, wanted: &str) -> Option<usize> {
    table.iter().find_map(|(key, value)| {
        let at = format!("{within}{}", key.get_ref());
        if at == wanted {
            return Some(key.span().start);
        }
        match value.get_ref() {
            DeValue::Table(inner) => find(inner, &format!("{at}."), wanted),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_setting_is_found_however_its_tables_are_written() {
        let text = "root = \"/srv\"\n\n[rotate]\n# days\nkeep = \"14\"\n\
                    [enterprises.0367]\nname = \"june\"\nlines = { 1 = 2 }\n\
                    [enterprises.\"a.b\"]\nname = 5\n";
        for (at, line) in [
            ("root", 1),
            ("rotate", 3),
            ("rotate.keep", 5),
            ("enterprises.0367", 6),
            ("enterprises.0367.name", 7),
            ("enterprises.0367.lines.1", 8),
            ("enterprises.a.b.name", 10),
            ("nowhere", 1),
        ] {
            assert_eq!(Wrong::new(at, "is wrong").line_in(text), line, "{at}");
        }
        assert_eq!(Wrong::new("root", "is wrong").line_in("no = TOML ="), 1);
    }
}
