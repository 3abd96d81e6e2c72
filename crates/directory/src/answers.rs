//! Questions to a directory and its answers.

use std::collections::{BTreeMap, BTreeSet};

use super::Secret;

/// Longer names are cut. No person has one, and a page must stay small.
const NAME_CHARS_MAX: usize = 200;

/// An enterprise as a directory knows it.
#[derive(Debug, Clone)]
pub struct Enterprise {
    /// The name that people use for it; `None` if no source has one.
    pub title: Option<String>,
    /// The token of its pages; `None` if there is none, and then nothing opens them.
    pub secret: Option<Secret>,
}

/// The ids to find names for, as in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NameQuery {
    /// Telegram chats, by id.
    pub chats: BTreeSet<String>,
    /// Extensions of the enterprise.
    pub extensions: BTreeSet<String>,
    /// Its lines (trunks).
    pub lines: BTreeSet<String>,
    /// Outside numbers, digits only.
    pub clients: BTreeSet<String>,
    /// UniqueIds of one call, to find its recording.
    pub calls: BTreeSet<String>,
}

/// The names that were found, by id. Ids without a name are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// Names of chats.
    pub chats: BTreeMap<String, String>,
    /// Names of extensions.
    pub extensions: BTreeMap<String, String>,
    /// Names of lines.
    pub lines: BTreeMap<String, String>,
    /// Names of outside numbers.
    pub clients: BTreeMap<String, String>,
    /// Addresses of recordings, by UniqueId, exactly as the source holds them.
    pub recordings: BTreeMap<String, String>,
    /// The `uuid_token` of recordings, by UniqueId.
    pub uuids: BTreeMap<String, String>,
    /// Chats that belong to the enterprise's owner, with or without a name.
    pub owners: BTreeSet<String>,
    /// Sources that could not answer, each named once. Names may be missing because of them.
    pub missing: Vec<&'static str>,
}

/// No source could say whether the enterprise exists.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the directory can't be asked: {0}")]
pub struct Unavailable(pub String);

impl NameQuery {
    /// Whether no id is asked for.
    pub fn is_empty(&self) -> bool {
        let names = [&self.chats, &self.extensions, &self.lines, &self.clients];
        names
            .into_iter()
            .chain([&self.calls])
            .all(BTreeSet::is_empty)
    }

    /// The ids that still need a name. All chats stay in it: whether a chat is the owner's is a separate question
    /// from its name.
    pub(super) fn without(&self, names: &Names) -> NameQuery {
        let unnamed = |wanted: &BTreeSet<String>, had: &BTreeMap<String, String>| {
            let left = wanted.iter().filter(|id| !had.contains_key(*id));
            left.cloned().collect()
        };
        NameQuery {
            chats: self.chats.clone(),
            extensions: unnamed(&self.extensions, &names.extensions),
            lines: unnamed(&self.lines, &names.lines),
            clients: unnamed(&self.clients, &names.clients),
            calls: self.calls.clone(),
        }
    }
}

impl Names {
    /// Adds the names of `later` that this one lacks.
    pub(super) fn adopt(&mut self, later: Names) {
        let pairs = [
            (&mut self.chats, later.chats),
            (&mut self.extensions, later.extensions),
            (&mut self.lines, later.lines),
            (&mut self.clients, later.clients),
        ];
        for (had, more) in pairs {
            for (id, name) in more {
                if let Some(name) = tidy(&id, &name) {
                    had.entry(id).or_insert(name);
                }
            }
        }
        for (had, more) in [
            (&mut self.recordings, later.recordings),
            (&mut self.uuids, later.uuids),
        ] {
            for (id, value) in more {
                had.entry(id).or_insert(value);
            }
        }
        self.owners.extend(later.owners);
        for source in later.missing {
            self.add_missing(source);
        }
    }

    /// Records that `source` could not answer.
    pub(super) fn add_missing(&mut self, source: &'static str) {
        if !self.missing.contains(&source) {
            self.missing.push(source);
        }
    }
}

/// The name on one line, cut to the maximum length. `None` when nothing is left or when the name only repeats the id.
pub(super) fn tidy(id: &str, name: &str) -> Option<String> {
    let words: Vec<&str> = name
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let name = words.join(" ");
    if name.is_empty() || name == id {
        return None;
    }
    let end = name.char_indices().nth(NAME_CHARS_MAX);
    Some(
        end.map_or(name.as_str(), |(end, _)| &name[..end])
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_of_bearable_length_or_none() {
        assert_eq!(tidy("151", "  Анна \n Ким\0 "), Some("Анна Ким".into()));
        for nothing in ["", " \t", "151", " 151 "] {
            assert_eq!(tidy("151", nothing), None, "{nothing:?}");
        }
        let long = tidy("151", &"ж".repeat(1000)).expect("there is a name");
        assert_eq!(long.chars().count(), NAME_CHARS_MAX);
    }

    #[test]
    fn a_blank_name_of_an_earlier_source_hides_none_of_a_later_one() {
        let names = |name: &str| Names {
            lines: [("0001363".to_owned(), name.to_owned())].into(),
            missing: vec!["postgres"],
            ..Names::default()
        };
        let mut all = Names::default();
        for name in [" ", "Линия 1", "Линия 2"] {
            all.adopt(names(name));
        }
        assert_eq!(all.lines["0001363"], "Линия 1");
        assert_eq!(all.missing, ["postgres"]);
    }
}
