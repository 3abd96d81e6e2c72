//! The embedded directory: the names and secrets of the settings. It is always available and is asked first.

use std::collections::{BTreeMap, BTreeSet};

use super::config::{Config, EnterpriseConfig};
use super::{Enterprise, NameQuery, Names, Secret};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

/// Names and secrets of the settings. The files of secrets have been read.
#[derive(Debug, Default)]
pub(super) struct Embedded {
    enterprises: BTreeMap<EnterpriseName, EnterpriseConfig>,
    secrets: BTreeMap<EnterpriseName, Secret>,
    people: BTreeMap<String, String>,
}

impl Embedded {
    /// # Errors
    /// When the file of a secret does not hold one.
    pub(super) fn open(config: &Config, warnings: &mut Vec<String>) -> Result<Embedded, Error> {
        let mut secrets = BTreeMap::new();
        for (number, known) in &config.enterprises {
            if let Some(given) = &known.secret {
                let secret = given.read(&format!("enterprises.{number}.secret"), warnings)?;
                secrets.insert(number.clone(), secret);
            }
        }
        Ok(Embedded {
            enterprises: config.enterprises.clone(),
            secrets,
            people: config.people.clone(),
        })
    }

    /// The enterprise; `None` if the settings hold only names of its people for it, or nothing.
    pub(super) fn enterprise(&self, number: &EnterpriseName) -> Option<Enterprise> {
        let title = self.enterprises.get(number)?.title.clone();
        let secret = self.secrets.get(number).cloned();
        let is_set = title.is_some() || secret.is_some();
        is_set.then_some(Enterprise { title, secret })
    }

    /// The numbers of the enterprises that have this name, in any case.
    pub(super) fn numbers(&self, name: &str) -> Vec<EnterpriseName> {
        let name = name.trim().to_lowercase();
        let is_named = |known: &EnterpriseConfig| {
            let title = known.title.as_ref();
            title.is_some_and(|title| title.trim().to_lowercase() == name)
        };
        let named = self.enterprises.iter().filter(|(_, known)| is_named(known));
        named.map(|(number, _)| number.clone()).collect()
    }

    /// The requested names that the settings hold. They hold none of clients.
    pub(super) fn names(&self, number: &EnterpriseName, wanted: &NameQuery) -> Names {
        let known = self.enterprises.get(number);
        let named = |wanted: &BTreeSet<String>, names: Option<&BTreeMap<String, String>>| {
            let names = names.into_iter().flatten();
            let names = names.filter(|(id, _)| wanted.contains(*id));
            names.map(|(id, name)| (id.clone(), name.clone())).collect()
        };
        Names {
            chats: named(&wanted.chats, Some(&self.people)),
            extensions: named(&wanted.extensions, known.map(|known| &known.extensions)),
            lines: named(&wanted.lines, known.map(|known| &known.lines)),
            ..Names::default()
        }
    }
}
