//! The settings of the directory.

use std::collections::BTreeMap;

use calltrace_store::secret::{Secret, SecretSource};
use calltrace_store::tree::EnterpriseName;

/// The embedded directory and the further sources.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// `[enterprises.NUMBER]`
    pub enterprises: BTreeMap<EnterpriseName, EnterpriseConfig>,
    /// `[people]`: names by Telegram chat.
    pub people: BTreeMap<String, String>,
    /// `[postgres]`
    pub postgres: PostgresConfig,
    /// `[metadata]`: the address of the service; it may hold a password.
    pub metadata: Option<Secret>,
}

/// `[enterprises.NUMBER]`
#[derive(Debug, Clone, Default)]
pub struct EnterpriseConfig {
    /// What people call it.
    pub title: Option<String>,
    /// What opens its pages.
    pub secret: Option<SecretSource>,
    /// Names by extension.
    pub extensions: BTreeMap<String, String>,
    /// Names by line.
    pub lines: BTreeMap<String, String>,
}

/// `[postgres]`
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// The address of the database; `None` for no database.
    pub url: Option<SecretSource>,
    /// The maximum number of connections.
    pub pool: u8,
}

impl Default for PostgresConfig {
    /// No database; 4 connections.
    fn default() -> PostgresConfig {
        PostgresConfig { url: None, pool: 4 }
    }
}

impl Config {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        let sources = self.postgres.url.is_some() || self.metadata.is_some();
        self.enterprises.is_empty() && self.people.is_empty() && !sources
    }

    /// Removes the secrets with files that cannot be read, for commands that work without them. Returns one error message
    /// for each of them.
    pub fn pass_over_unreadable(&mut self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut look = |key: &str, given: &mut Option<SecretSource>| {
            let read = given.as_ref().map(|given| given.read(key, &mut Vec::new()));
            if let Some(Err(error)) = read {
                wrong.push(error.to_string());
                *given = None;
            }
        };
        for (number, known) in &mut self.enterprises {
            look(&format!("enterprises.{number}.secret"), &mut known.secret);
        }
        look("postgres.url", &mut self.postgres.url);
        wrong
    }

    /// Whether these settings can open an enterprise: they hold a secret, or a database that may hold one.
    pub fn knows_enterprises(&self) -> bool {
        let mut enterprises = self.enterprises.values();
        self.postgres.url.is_some() || enterprises.any(|known| known.secret.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_passed_over_and_named() {
        let nowhere = || Some(SecretSource::File("/nowhere/secret".into()));
        let known = |secret| EnterpriseConfig {
            secret,
            ..EnterpriseConfig::default()
        };
        let here = Secret::new("s3cret").map(SecretSource::Here);
        let name = |text| EnterpriseName::new(text).expect("a name");
        let mut config = Config {
            enterprises: [
                (name("0367"), known(nowhere())),
                (name("0103"), known(here.clone())),
            ]
            .into(),
            ..Config::default()
        };
        config.postgres.url = nowhere();
        let said = [
            "enterprises.0367.secret_file: /nowhere/secret: no such file or directory",
            "postgres.url_file: /nowhere/secret: no such file or directory",
        ];
        assert_eq!(config.pass_over_unreadable(), said);
        assert!(config.postgres.url.is_none());
        assert_eq!(config.enterprises[&name("0103")].secret, here);
        assert_eq!(config.pass_over_unreadable(), [""; 0]);
    }

    #[test]
    fn settings_that_are_printed_show_no_secret() {
        let here = |text: &str| SecretSource::Here(Secret::new(text).expect("not blank"));
        let known = EnterpriseConfig {
            secret: Some(here("s3cret")),
            ..EnterpriseConfig::default()
        };
        let config = Config {
            enterprises: [(EnterpriseName::new("0367").expect("a name"), known)].into(),
            postgres: PostgresConfig {
                url: Some(here("postgres://reader:s3cret@localhost/db")),
                ..PostgresConfig::default()
            },
            metadata: Secret::new("http://user:s3cret@localhost:8020"),
            ..Config::default()
        };
        let printed = format!("{config:?}");
        assert!(printed.contains("0367"), "{printed}");
        assert!(!printed.contains("s3cret"), "{printed}");
    }

    #[test]
    fn names_alone_open_nothing() {
        let mut config = Config::default();
        assert!(config.is_empty() && !config.knows_enterprises());
        let number = EnterpriseName::new("0367").expect("a name");
        let known = config.enterprises.entry(number).or_default();
        known.lines.insert("0001363".into(), "Линия 1".into());
        assert!(!config.is_empty() && !config.knows_enterprises());
    }
}
