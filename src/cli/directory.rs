//! `[enterprises]`, `[people]`, `[postgres]` and `[metadata]` of the settings.
//!
//! What is said of a value that is wrong never shows the value: it may be a secret.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml::{Table, Value};

use super::known;
use super::wrong::Wrong;
use calltrace_directory::{Config, EnterpriseConfig, Given, PostgresConfig, Secret};
use calltrace_store::tree::EnterpriseName;

/// Most connections that make sense: each costs the database a process.
const POOL_MAX: u8 = 32;

/// Takes over what the table `key` says, key by key: what was said before of others stays.
pub(super) fn read_directory(config: &mut Config, key: &str, table: Table) -> Result<(), Wrong> {
    match key {
        "enterprises" => read_enterprises(config, table),
        "people" => {
            let is_chat = |id: &str| {
                let digits = id.strip_prefix('-').unwrap_or(id);
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
            };
            if let Some(id) = table.keys().find(|id| !is_chat(id)) {
                return Err(Wrong::value(
                    &format!("people.{id}"),
                    "people go by the number of their Telegram chat, as in 100000001 = \"Анна\"",
                ));
            }
            read_names(&mut config.people, key, table)
        }
        "postgres" => read_postgres(&mut config.postgres, table),
        "metadata" => read_metadata(config, table),
        _ => Err(known::not_read(key)),
    }
}

fn read_enterprises(config: &mut Config, table: Table) -> Result<(), Wrong> {
    for (number, value) in table {
        let key = format!("enterprises.{number}");
        let Some(number) = EnterpriseName::new(&number) else {
            return Err(Wrong::value(
                &key,
                "an enterprise is called like its folder, in letters, digits, _ and -",
            ));
        };
        let Value::Table(table) = value else {
            return Err(Wrong::new(&key, "must be a table"));
        };
        read_enterprise(config.enterprises.entry(number).or_default(), &key, table)?;
    }
    Ok(())
}

fn read_enterprise(known: &mut EnterpriseConfig, at: &str, table: Table) -> Result<(), Wrong> {
    only_one(&table, at, "secret", "secret_file")?;
    for (key, value) in table {
        let place = format!("{at}.{key}");
        match (key.as_str(), value) {
            ("name", value) => {
                known.title =
                    Some(in_quotes(&place, value)?).filter(|name| !name.trim().is_empty());
            }
            ("secret", value) => known.secret = Some(Given::Here(secret(&place, value)?)),
            ("secret_file", value) => known.secret = Some(Given::File(file(&place, value)?)),
            ("extensions", Value::Table(names)) => {
                read_names(&mut known.extensions, &place, names)?;
            }
            ("lines", Value::Table(names)) => read_names(&mut known.lines, &place, names)?,
            ("extensions" | "lines", _) => return Err(Wrong::new(&place, "must be a table")),
            _ => return Err(known::unknown(&key, "enterprises.NUMBER", at)),
        }
    }
    Ok(())
}

fn read_postgres(postgres: &mut PostgresConfig, table: Table) -> Result<(), Wrong> {
    only_one(&table, "postgres", "url", "url_file")?;
    for (key, value) in table {
        let place = format!("postgres.{key}");
        match (key.as_str(), value) {
            ("url", value) => postgres.url = Some(Given::Here(secret(&place, value)?)),
            ("url_file", value) => postgres.url = Some(Given::File(file(&place, value)?)),
            ("pool", value) => {
                let count = value.as_integer().and_then(|n| u8::try_from(n).ok());
                let count = count.filter(|count| (1..=POOL_MAX).contains(count));
                let wrong =
                    || Wrong::new(&place, &format!("must be a number from 1 to {POOL_MAX}"));
                postgres.pool = Some(count.ok_or_else(wrong)?);
            }
            _ => return Err(known::unknown(&key, "postgres", "postgres")),
        }
    }
    Ok(())
}

fn read_metadata(config: &mut Config, table: Table) -> Result<(), Wrong> {
    for (key, value) in table {
        match key.as_str() {
            "url" => config.metadata = Some(secret("metadata.url", value)?),
            _ => return Err(known::unknown(&key, "metadata", "metadata")),
        }
    }
    Ok(())
}

fn read_names(names: &mut BTreeMap<String, String>, at: &str, table: Table) -> Result<(), Wrong> {
    for (id, value) in table {
        if matches!(id.as_str(), "secret" | "secret_file") {
            return Err(Wrong::value(
                &format!("{at}.{id}"),
                "a secret stands above the names, not among them",
            ));
        }
        let name = in_quotes(&format!("{at}.{id}"), value)?;
        names.insert(id, name);
    }
    Ok(())
}

pub(super) fn only_one(table: &Table, at: &str, one: &str, other: &str) -> Result<(), Wrong> {
    let both = table.contains_key(one) && table.contains_key(other);
    if both {
        let both = format!("has both {one} and {other}; leave one of them");
        return Err(Wrong::new(at, &both));
    }
    Ok(())
}

fn in_quotes(place: &str, value: Value) -> Result<String, Wrong> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Wrong::new(place, "must be in quotes")),
    }
}

pub(super) fn secret(place: &str, value: Value) -> Result<Secret, Wrong> {
    let text = in_quotes(place, value)?;
    Secret::new(&text).ok_or_else(|| Wrong::new(place, "is empty"))
}

pub(super) fn file(place: &str, value: Value) -> Result<PathBuf, Wrong> {
    let text = in_quotes(place, value)?;
    match text.is_empty() {
        true => Err(Wrong::new(place, "is empty")),
        false => Ok(PathBuf::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(texts: &[&str]) -> Result<Config, Wrong> {
        let mut config = Config::default();
        for text in texts {
            for (key, value) in text.parse::<Table>().expect("a test's own TOML") {
                let Value::Table(table) = value else {
                    panic!("{key} is no table");
                };
                read_directory(&mut config, &key, table)?;
            }
        }
        Ok(config)
    }

    #[test]
    fn a_later_file_adds_and_wins_key_by_key() {
        let config = read(&[
            "[enterprises.0367]\nname = \"june\"\nsecret = \"one\"\n\
             extensions = { 150 = \"Анна\", 151 = \"Борис\" }\n\
             [people]\n100000001 = \"Анна\"\n-100200 = \"Группа\"\n\
             [postgres]\nurl = \"postgres://a@localhost/b\"\npool = 2",
            "[enterprises.0367]\nsecret_file = \"secret\"\n\
             [enterprises.0367.extensions]\n151 = \"Вера\"\n\
             [enterprises.0367.lines]\n\"0001363\" = \"Линия 1\"\n\
             [postgres]\nurl_file = \"url\"\n[metadata]\nurl = \"http://localhost:8020\"",
        ]);
        let config = config.expect("all of it is right");
        let known = &config.enterprises[&EnterpriseName::new("0367").expect("a name")];
        assert_eq!(known.title.as_deref(), Some("june"));
        assert!(matches!(&known.secret, Some(Given::File(path)) if path == "secret"));
        let extensions = [("150", "Анна"), ("151", "Вера")];
        assert_eq!(
            known.extensions,
            extensions.map(|(id, name)| (id.into(), name.into())).into()
        );
        assert_eq!(known.lines["0001363"], "Линия 1");
        assert_eq!(config.people.len(), 2);
        assert_eq!(config.postgres.pool, Some(2));
        assert!(matches!(config.postgres.url, Some(Given::File(_))));
        assert!(config.metadata.is_some() && config.knows_enterprises());
    }

    #[test]
    fn a_table_that_no_code_reads_sets_nothing() {
        let wrong = read(&["[weather]\nurl = \"http://localhost:8020\""]).expect_err("unread");
        let said = "weather: this version knows it and does not read it";
        assert_eq!(wrong.to_string(), said);
    }

    #[test]
    fn what_is_wrong_is_named_and_no_secret_is() {
        for (text, said) in [
            (
                "[enterprises.0367]\nsecrt = \"s3cret\"",
                "no setting \"secrt\" in [enterprises.0367]; did you mean secret?",
            ),
            (
                "[enterprises.0367]\nsecret = 5355",
                "enterprises.0367.secret must be in quotes",
            ),
            (
                "[enterprises.0367]\nsecret = \" \"",
                "enterprises.0367.secret is empty",
            ),
            (
                "[enterprises.0367]\nsecret = \"s3cret\"\nsecret_file = \"x\"",
                "enterprises.0367 has both secret and secret_file; leave one of them",
            ),
            (
                "[enterprises.0367]\nlines = 5",
                "enterprises.0367.lines must be a table",
            ),
            (
                "[enterprises.0367.lines]\n1 = 2",
                "enterprises.0367.lines.1 must be in quotes",
            ),
            (
                "[enterprises]\n0367 = \"s3cret\"",
                "enterprises.0367 must be a table",
            ),
            (
                "[enterprises.\"../x\"]\nname = \"x\"",
                "enterprises.../x: an enterprise is called like its folder, in letters, digits, _ and -",
            ),
            (
                "[people]\nanna = \"Анна\"",
                "people.anna: people go by the number of their Telegram chat, as in 100000001 = \"Анна\"",
            ),
            (
                "[postgres]\npool = 0",
                "postgres.pool must be a number from 1 to 32",
            ),
            (
                "[postgres]\nhost = \"s3cret\"",
                "no setting \"host\" in [postgres]; there are url, url_file, pool",
            ),
            ("[metadata]\nurl = \"\"", "metadata.url is empty"),
            (
                "[metadata]\nurll = \"\"",
                "no setting \"urll\" in [metadata]; did you mean url?",
            ),
        ] {
            let wrong = read(&[text]).expect_err(said);
            assert_eq!(wrong.to_string(), said);
        }
    }
}
