//! The embedded directory: what the settings themselves hold. Always there, and first to be asked.

use std::collections::{BTreeMap, BTreeSet};

use super::config::Config;
use super::{Enterprise, Names, Secret, Wanted};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

/// Names and secrets of the settings, with the files that hold secrets read.
#[derive(Debug, Default)]
pub(super) struct Embedded {
    enterprises: BTreeMap<EnterpriseName, Known>,
    people: BTreeMap<String, String>,
}

#[derive(Debug)]
struct Known {
    title: Option<String>,
    secret: Option<Secret>,
    extensions: BTreeMap<String, String>,
    lines: BTreeMap<String, String>,
}

impl Embedded {
    /// # Errors
    /// A file of a secret that does not hold one.
    pub(super) fn open(config: &Config, warnings: &mut Vec<String>) -> Result<Embedded, Error> {
        let mut enterprises = BTreeMap::new();
        for (number, given) in &config.enterprises {
            let key = format!("enterprises.{number}.secret");
            let secret = given.secret.as_ref();
            let known = Known {
                title: given.title.clone(),
                secret: secret
                    .map(|secret| secret.read(&key, warnings))
                    .transpose()?,
                extensions: given.extensions.clone(),
                lines: given.lines.clone(),
            };
            enterprises.insert(number.clone(), known);
        }
        Ok(Embedded {
            enterprises,
            people: config.people.clone(),
        })
    }

    /// What is said of the enterprise; `None` where the settings hold only names for it, or
    /// nothing.
    pub(super) fn enterprise(&self, number: &EnterpriseName) -> Option<Enterprise> {
        let known = self.enterprises.get(number)?;
        let said = known.title.is_some() || known.secret.is_some();
        said.then(|| Enterprise {
            title: known.title.clone(),
            secret: known.secret.clone(),
        })
    }

    /// The names that are wanted and set. Clients have none here.
    pub(super) fn names(&self, number: &EnterpriseName, wanted: &Wanted) -> Names {
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
