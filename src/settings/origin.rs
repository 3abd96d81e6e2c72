//! Where a setting was said: which line of which file, or a flag. `calltrace config` shows it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Value;

use super::row::{Setting, Shown};

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
    /// Notes what a line says of a setting, in place of all that was said of it before.
    pub(super) fn note(
        &mut self,
        setting: &Setting,
        names: &[&str],
        value: Value,
        (path, line): (&Path, usize),
    ) {
        let (value, masked) = showable(setting.shown, value);
        let at: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        if let (Some(twin), Some((_, tables))) = (setting.twin(), at.split_last()) {
            self.0.remove(&[tables, &[twin.key().to_owned()]].concat());
        }
        let said = Said {
            value,
            masked,
            path: path.to_owned(),
            line,
        };
        self.0.insert(at, said);
    }

    /// What was said of the setting.
    pub fn of(&self, at: &[&str]) -> Option<&Said> {
        let at: Vec<String> = at.iter().map(|&part| part.to_owned()).collect();
        self.0.get(&at)
    }

    /// Whether the other of two settings that say the same thing is set. Asks of settings whose names
    /// are fixed.
    pub fn say_twin_of(&self, setting: &Setting) -> bool {
        setting
            .twin()
            .is_some_and(|twin| self.of(&twin.names()).is_some())
    }

    /// Files that hold secrets: those of settings that do, and those that settings name for them;
    /// each with what it holds.
    pub fn files_of_secrets(&self) -> BTreeMap<PathBuf, &'static str> {
        let mut files = BTreeMap::new();
        for (at, said) in self.all() {
            let Some(setting) = Setting::of(at) else {
                continue;
            };
            let value = said.value.as_ref().and_then(Value::as_str);
            match (setting.shown, value) {
                (Shown::Hidden, _) => drop(files.insert(said.path.clone(), "secrets")),
                (Shown::Address, None) => {
                    let file = files.entry(said.path.clone());
                    file.or_insert("a password in an address");
                }
                (_, Some(path)) if setting.names_a_secret() => {
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

/// The value if all of it may be shown, else what may be said instead.
fn showable(shown: Shown, value: Value) -> (Option<Value>, Option<String>) {
    match shown {
        Shown::Whole => (Some(value), None),
        Shown::Hidden => (None, None),
        Shown::Address => match value.as_str().and_then(address) {
            Some(shown) if value.as_str() == Some(&shown) => (Some(value), None),
            masked => (None, masked),
        },
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
    use crate::settings::{Settings, read::read};

    fn noted(texts: &[(&str, &str)]) -> Origins {
        let mut settings = Settings::usual();
        for (path, text) in texts {
            read(&mut settings, text, Path::new(path)).expect("it is right");
        }
        settings.origins
    }

    fn said(texts: &[(&str, &str)]) -> Vec<String> {
        let origins = noted(texts);
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
            let files = noted(&[("c", text)]).files_of_secrets().into_iter();
            let line = |(path, holds): (PathBuf, &str)| format!("{} {holds}", path.display());
            files.map(line).collect::<Vec<_>>().join(", ")
        };
        let url = "c a password in an address";
        for (text, held) in [
            ("postgres.url = 'postgres://reader@localhost/db'", ""),
            ("postgres.url = 'postgres://a:b@localhost/db'", url),
            ("postgres.url = 'password=s3c'", url),
            ("serve.api_token = 't'", "c secrets"),
            ("postgres.url_file = '/f'", "/f a secret"),
            ("root = '/srv'", ""),
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
