//! The file and line of each setting. `calltrace config` shows them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::Value;

use super::row::{Setting, Visibility};

/// One setting as a file has it.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSetting {
    /// The value if all of it may be shown; `None` for a secret.
    pub value: Option<Value>,
    /// An address with `***` for its password, if only the password is secret.
    pub masked: Option<String>,
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// The last entry of each setting, by tables and key: `["enterprises", "0367", "name"]`.
#[derive(Debug, Clone, Default)]
pub struct Origins(BTreeMap<Vec<String>, FileSetting>);

impl Origins {
    /// Notes the entry of a setting, in place of an earlier one.
    pub(super) fn note(
        &mut self,
        setting: &Setting,
        names: &[&str],
        value: Value,
        (path, line): (&Path, usize),
    ) {
        let (value, masked) = showable(setting.shown, value);
        let at: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        if let (Some(other), Some((_, tables))) = (setting.alternative(), at.split_last()) {
            self.0.remove(&[tables, &[other.key().to_owned()]].concat());
        }
        let setting = FileSetting {
            value,
            masked,
            path: path.to_owned(),
            line,
        };
        self.0.insert(at, setting);
    }

    /// The entry of a setting with these names.
    pub fn of(&self, at: &[&str]) -> Option<&FileSetting> {
        let at: Vec<String> = at.iter().map(|&part| part.to_owned()).collect();
        self.0.get(&at)
    }

    /// Whether the alternative of a setting with fixed names is set.
    pub fn has_alternative_of(&self, setting: &Setting) -> bool {
        setting
            .alternative()
            .is_some_and(|other| self.of(&other.names()).is_some())
    }

    /// The files that hold secrets, each with a description: settings files with secrets, and files that settings
    /// name.
    pub fn files_of_secrets(&self) -> BTreeMap<PathBuf, &'static str> {
        let mut files = BTreeMap::new();
        for (at, entry) in self.all() {
            let Some(setting) = Setting::of(at) else {
                continue;
            };
            let value = entry.value.as_ref().and_then(Value::as_str);
            match (setting.shown, value) {
                (Visibility::Hidden, _) => drop(files.insert(entry.path.clone(), "secrets")),
                (Visibility::Address, None) => {
                    let file = files.entry(entry.path.clone());
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

    /// All entries, in the order of their names.
    pub fn all(&self) -> impl Iterator<Item = (&[String], &FileSetting)> {
        self.0.iter().map(|(at, setting)| (at.as_slice(), setting))
    }
}

/// The value if all of it may be shown, otherwise its masked form.
fn showable(shown: Visibility, value: Value) -> (Option<Value>, Option<String>) {
    match shown {
        Visibility::Whole => (Some(value), None),
        Visibility::Hidden => (None, None),
        Visibility::Address => match value.as_str().and_then(address) {
            Some(shown) if value.as_str() == Some(&shown) => (Some(value), None),
            masked => (None, masked),
        },
    }
}

/// An address with `***` for its password; `None` if another part may be secret: a path or a user of a web service, a
/// query, or an unusual form. It is parsed by hand, because every command does this, and compiling a regular expression
/// takes longer than the rest of the start.
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
        let mut settings = Settings::defaults();
        for (path, text) in texts {
            read(&mut settings, text, Path::new(path)).expect("it is right");
        }
        settings.origins
    }

    fn setting_lines(texts: &[(&str, &str)]) -> Vec<String> {
        let origins = noted(texts);
        let line = |(at, setting): (&[String], &FileSetting)| {
            let value = setting
                .value
                .as_ref()
                .map_or("-".to_owned(), Value::to_string);
            let path = setting.path.display();
            format!("{} {value} {path}:{}", at.join("."), setting.line)
        };
        origins.all().map(line).collect()
    }

    #[test]
    fn the_last_file_that_says_a_setting_is_its_origin() {
        let seen = setting_lines(&[
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
            setting_lines(&[("a", here)]),
            [
                "enterprises.0367.name \"june\" a:2",
                "enterprises.0367.secret - a:3"
            ]
        );
        let file = "enterprises = { 0367 = { secret_file = \"f\" } }\n";
        assert_eq!(
            setting_lines(&[("a", here), ("b", file)]),
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
    fn passwords_of_addresses_are_masked_or_the_whole_address_is() {
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
