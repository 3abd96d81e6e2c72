//! Who is who: the secrets of enterprises, the names of people, extensions, lines and clients.
//!
//! One trait, [`Source`], and three of them: what the settings hold, PostgreSQL, the metadata
//! service. [`Directory`] asks them in that order, remembers what they said for a while, and never
//! lets a slow or broken one cost more than its names. Knows no page and no request.

mod config;
mod secret;

use std::collections::{BTreeMap, BTreeSet};

use crate::tree::EnterpriseName;

pub use config::Config;
pub use secret::Secret;

/// An enterprise as a directory knows it.
#[derive(Debug, Clone)]
pub struct Enterprise {
    /// What people call it; `None` where nobody said.
    pub title: Option<String>,
    /// What opens its pages; `None`: nothing does.
    pub secret: Option<Secret>,
}

/// Whose names are wanted, as they stand in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Telegram chats, by id.
    pub chats: BTreeSet<String>,
    /// Extensions of the enterprise.
    pub extensions: BTreeSet<String>,
    /// Its lines (trunks).
    pub lines: BTreeSet<String>,
    /// Outside numbers, digits only.
    pub clients: BTreeSet<String>,
}

/// The names that were found, by what was wanted. Whoever has none is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Of chats.
    pub chats: BTreeMap<String, String>,
    /// Of extensions.
    pub extensions: BTreeMap<String, String>,
    /// Of lines.
    pub lines: BTreeMap<String, String>,
    /// Of outside numbers.
    pub clients: BTreeMap<String, String>,
    /// Sources that could not answer, by name, so that names may be missing.
    pub missing: Vec<&'static str>,
}

/// No source could say whether the enterprise exists.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the directory can't be asked: {0}")]
pub struct Unavailable(pub String);

/// All sources together.
#[derive(Debug, Default)]
pub struct Directory {}

impl Directory {
    /// The enterprise; `None` where no source knows it.
    ///
    /// # Errors
    /// When a source that might know it can't be asked.
    pub async fn enterprise(
        &self,
        number: &EnterpriseName,
    ) -> Result<Option<Enterprise>, Unavailable> {
        let _ = number;
        Ok(None)
    }

    /// As many of the names as can be had within two seconds. Never fails: what can't be had is
    /// shown without its name.
    pub async fn names(&self, number: &EnterpriseName, wanted: &Wanted) -> Names {
        let _ = (number, wanted);
        Names::default()
    }
}
