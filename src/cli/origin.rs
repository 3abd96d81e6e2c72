//! Where a setting was said: which line of which file, or a flag. `calltrace config` shows it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::known::{KNOWN, Known, Shown, twin};
use super::wrong::line_at;

/// What a file says of one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The value, where all of it may be shown; `None` of a secret.
    pub value: Option<Value>,
    /// An address with `***` for its password, where that is the one thing to hide.
    pub masked: Option<String>,
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// What was said last of each setting, by tables and key: `["enterprises", "0367", "name"]`.
#[derive(Debug, Clone, Default)]
pub struct Origins(BTreeMap<Vec<String>, Said>);

impl Origins {
    /// Notes what a file says that was read without an error.
    pub(super) fn note(&mut self, text: &str, path: &Path) {
        let (Ok(table), Ok(places)) = (text.parse::<Table>(), DeTable::parse(text)) else {
            return;
        };
        let mut walk = Walk {
            origins: self,
            text,
            path,
        };
        walk.table(&mut Vec::new(), &table, places.get_ref());
    }

    /// What was said of the setting.
    pub fn of(&self, at: &[&str]) -> Option<&Said> {
        let at: Vec<String> = at.iter().map(|&part| part.to_owned()).collect();
        self.0.get(&at)
    }

    /// Files that hold secrets: those of settings that do, and those that settings name for them;
    /// each with what it holds.
    pub fn files_of_secrets(&self) -> BTreeMap<PathBuf, &'static str> {
        let mut files = BTreeMap::new();
        for (at, said) in self.all() {
            let Some(known) = Known::of(at) else {
                continue;
            };
            let value = said.value.as_ref().and_then(Value::as_str);
            match (known.shown, value) {
                (Shown::Hidden, _) => drop(files.insert(said.path.clone(), "secrets")),
                (Shown::Address, None) => {
                    let file = files.entry(said.path.clone());
                    file.or_insert("a password in an address");
                }
                (_, Some(path)) if known.names_a_secret() => {
                    files.insert(PathBuf::from(path), "a secret");
                }
                _ => {}
            }
        }
        files
    }

    /// All that was said, in order of names.
    pub fn all(&self) -> impl Iterator<Item = (&[String], &Said)> {
        self.0.iter().map(|(at, said)| (at.as_slice(), said))
    }
}

/// One file as its settings are noted.
struct Walk<'o> {
    origins: &'o mut Origins,
    text: &'o str,
    path: &'o Path,
}

impl Walk<'_> {
    fn table(&mut self, at: &mut Vec<String>, table: &Table, places: &DeTable<'_>) {
        for (key, place) in places {
            let name = key.get_ref().to_string();
            let Some(value) = table.get(&name) else {
                continue;
            };
            at.push(name);
            match (value, place.get_ref()) {
                (Value::Table(table), DeValue::Table(places)) => self.table(at, table, places),
                _ => self.leaf(at, value, key.span().start),
            }
            at.pop();
        }
    }

    fn leaf(&mut self, at: &[String], value: &Value, start: usize) {
        let Some(known) = Known::of(at) else {
            return;
        };
        let (value, masked) = showable(known.shown, value);
        let said = Said {
            value,
            masked,
            path: self.path.to_owned(),
            line: line_at(self.text, start),
        };
        if let (Some(other), Some((_, table))) = (twin(known.key), at.split_last()) {
            let mut twin = table.to_vec();
            twin.push(other.to_owned());
            self.origins.0.remove(&twin);
        }
        self.origins.0.insert(at.to_vec(), said);
    }
}

impl Known {
    /// The setting that stands under these names.
    pub fn of(at: &[String]) -> Option<&'static Known> {
        KNOWN.iter().find(|known| {
            let names = known.names();
            let same = |(name, typed): (&str, &String)| is_free(name) || name == typed;
            names.len() == at.len() && names.into_iter().zip(at).all(same)
        })
    }

    /// Its tables and its key; in capitals those that the user chooses.
    pub fn names(&self) -> Vec<&'static str> {
        let tables = self.table.split('.').filter(|table| !table.is_empty());
        tables.chain([self.key]).collect()
    }

    /// Whether the other of two settings that say the same thing is set.
    pub fn is_said_by_twin(&self, origins: &Origins) -> bool {
        twin(self.key).is_some_and(|other| {
            let mut names = self.names();
            names.pop();
            names.push(other);
            origins.of(&names).is_some()
        })
    }

    /// Whether it is the name of a file that holds a secret.
    pub fn names_a_secret(&self) -> bool {
        self.shown == Shown::Whole && twin(self.key).is_some()
    }

    /// Whether the user chooses one of its names.
    pub fn is_free(&self) -> bool {
        self.names().into_iter().any(is_free)
    }
}

fn is_free(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The value if all of it may be shown, else what may be said instead.
fn showable(shown: Shown, value: &Value) -> (Option<Value>, Option<String>) {
    match (shown, value.as_str()) {
        (Shown::Whole, _) => (Some(value.clone()), None),
        (Shown::Address, Some(text)) => match address(text) {
            Some(shown) if shown == text => (Some(value.clone()), None),
            masked => (None, masked),
        },
        _ => (None, None),
    }
}

/// An address with `***` for its password; `None` where something else of it may be secret: a path or a
/// user of a web service, a query, anything that is not of the usual form. By hand: every command
/// notes its settings, and an expression takes longer to compile than all else it does by then.
fn address(text: &str) -> Option<String> {
    let is_host = |host: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-[]:".contains(&b);
        !host.is_empty() && host.bytes().all(plain)
    };
    let is_name = |name: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-".contains(&b);
        name.bytes().all(plain)
    };
    let is_user = |user: &str| !user.is_empty() && !user.contains('/');
    let odd = |c: char| c.is_whitespace() || matches!(c, '?' | '#');
    let (scheme, rest) = text.split_once("://").filter(|_| !text.contains(odd))?;
    let whole = || Some(text.to_owned());
    match scheme {
        "http" | "https" if is_host(rest.strip_suffix('/').unwrap_or(rest)) => whole(),
        "postgres" | "postgresql" => {
            let (login, place) = match rest.split_once('@') {
                Some((login, place)) => (Some(login), place),
                None => (None, rest),
            };
            let (host, name) = place.split_once('/')?;
            if !is_host(host) || !is_name(name) {
                return None;
            }
            match login.map(|login| login.split_once(':').ok_or(login)) {
                None => whole(),
                Some(Err(user)) if is_user(user) => whole(),
                Some(Ok((user, _))) if is_user(user) => {
                    Some(format!("{scheme}://{user}:***@{place}"))
                }
                Some(_) => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(texts: &[(&str, &str)]) -> Vec<String> {
        let mut origins = Origins::default();
        for (path, text) in texts {
            origins.note(text, Path::new(path));
        }
        let line = |(at, said): (&[String], &Said)| {
            let value = said.value.as_ref().map_or("-".to_owned(), Value::to_string);
            let path = said.path.display();
            format!("{} {value} {path}:{}", at.join("."), said.line)
        };
        origins.all().map(line).collect()
    }

    #[test]
    fn the_last_file_that_says_a_setting_is_its_origin() {
        let seen = said(&[
            (
                "a",
                "root = \"/srv\"\n\n[rotate]\nkeep = \"7d\"\nmode = \"auto\"\n",
            ),
            (
                "b",
                "# mine\nrotate.keep = \"30d\"\n[people]\n100000001 = \"Анна\"\n",
            ),
        ]);
        let wanted = [
            "people.100000001 \"Анна\" b:4",
            "root \"/srv\" a:1",
            "rotate.keep \"30d\" b:2",
            "rotate.mode \"auto\" a:5",
        ];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn a_secret_is_noted_and_not_kept_and_its_file_takes_its_place() {
        let here = "[enterprises.0367]\nname = \"june\"\nsecret = \"s3cret\"\n";
        assert_eq!(
            said(&[("a", here)]),
            [
                "enterprises.0367.name \"june\" a:2",
                "enterprises.0367.secret - a:3"
            ]
        );
        let file = "enterprises = { 0367 = { secret_file = \"f\" } }\n";
        assert_eq!(
            said(&[("a", here), ("b", file)]),
            [
                "enterprises.0367.name \"june\" a:2",
                "enterprises.0367.secret_file \"f\" b:1"
            ]
        );
    }

    #[test]
    fn files_of_secrets_are_those_that_hold_them_and_those_that_are_named() {
        let files = |text: &str| {
            let mut origins = Origins::default();
            origins.note(text, Path::new("c"));
            let files = origins.files_of_secrets().into_iter();
            let line = |(path, holds): (PathBuf, &str)| format!("{} {holds}", path.display());
            files.map(line).collect::<Vec<_>>()
        };
        let address = "a password in an address";
        for (text, held) in [
            (
                "[postgres]\nurl = \"postgres://reader@localhost/db\"",
                vec![],
            ),
            (
                "[postgres]\nurl = \"postgres://a:b@localhost/db\"",
                vec![format!("c {address}")],
            ),
            (
                "[postgres]\nurl = \"password=s3c\"",
                vec![format!("c {address}")],
            ),
            ("[serve]\napi_token = \"t\"", vec!["c secrets".to_owned()]),
            (
                "[postgres]\nurl_file = \"/f\"",
                vec!["/f a secret".to_owned()],
            ),
            ("root = \"/srv\"", vec![]),
        ] {
            assert_eq!(files(text), held, "{text}");
        }
    }

    #[test]
    fn passwords_of_addresses_are_masked_or_the_whole_is() {
        let whole = |text: &'static str| (text, Some(text));
        for (text, shown) in [
            whole("postgres://reader@localhost/db"),
            whole("http://localhost:8020"),
            whole("http://[::1]:8020/"),
            whole("postgres://localhost/db"),
            (
                "postgres://reader:s3c@localhost:5432/db",
                Some("postgres://reader:***@localhost:5432/db"),
            ),
            (
                "postgres://reader:a/s3c@localhost/db",
                Some("postgres://reader:***@localhost/db"),
            ),
            ("postgres://reader:s3c@x@localhost/db", None),
            ("postgres://localhost/db?password=s3c", None),
            ("host=localhost password=s3c", None),
            ("http://a/s3c@host", None),
            ("http://s3c@localhost:8020", None),
            ("http://localhost:8020/token/s3c", None),
        ] {
            assert_eq!(address(text).as_deref(), shown, "{text}");
        }
    }
}
