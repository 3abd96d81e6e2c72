//! The folder: which enterprises there are, which files of which generation each has.
//!
//! Nothing is decoded here and no line is read; `source` does that. Names that come from outside
//! become an [`EnterpriseName`] before they touch a path.

mod generation;
mod head;
mod listing;
mod snapshot;

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

pub use generation::{FileName, Generation};
pub use head::Head;
pub use listing::{Listed, list_files, look_at, still_holds};
pub(crate) use snapshot::open_regular;
pub use snapshot::{LogFile, Snapshot};

use crate::error::Error;

/// Longest enterprise name.
const NAME_BYTES_MAX: usize = 64;

/// Names further than this from what was typed are no suggestion.
const SUGGESTION_DISTANCE_MAX: usize = 2;

/// The name of an enterprise's folder: 1 to 64 ASCII letters, digits, `_` and `-`, not beginning
/// with `-`. So it can't leave the root, hide, or be taken for an option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnterpriseName(String);

impl EnterpriseName {
    /// `None` when `name` is not of that form.
    pub fn new(name: &str) -> Option<EnterpriseName> {
        let fits = (1..=NAME_BYTES_MAX).contains(&name.len())
            && !name.starts_with('-')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        fits.then(|| EnterpriseName(name.to_owned()))
    }

    /// The name as typed and as the folder is called.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EnterpriseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The root folder that holds a folder an enterprise.
#[derive(Debug, Clone)]
pub struct Tree {
    root: PathBuf,
}

impl Tree {
    /// The tree under `root`.
    ///
    /// # Errors
    /// When there is no such folder, or something else is in its place.
    pub fn open(root: &Path) -> Result<Tree, Error> {
        let metadata = fs::metadata(root).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::Usage(format!("no folder {}", root.display())),
            _ => Error::io(root, "open the log tree", error),
        })?;
        if !metadata.is_dir() {
            return Err(Error::Usage(format!(
                "{} is not a folder; --root takes the folder that holds one folder an enterprise",
                root.display()
            )));
        }
        Ok(Tree {
            root: root.to_owned(),
        })
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of an enterprise.
    pub fn folder(&self, name: &EnterpriseName) -> PathBuf {
        self.root.join(name.as_str())
    }

    /// All enterprises, by name. Folders whose names are no enterprise's are passed over.
    ///
    /// # Errors
    /// When the root can't be listed.
    pub fn enterprises(&self) -> Result<Vec<EnterpriseName>, Error> {
        let fail = |error| Error::io(&self.root, "list the log tree", error);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name();
            let Some(name) = name.to_str().and_then(EnterpriseName::new) else {
                continue;
            };
            // Followed on purpose: an enterprise's folder may be a link to another disk.
            if fs::metadata(entry.path()).is_ok_and(|m| m.is_dir()) {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The enterprises asked for; all of them when none is.
    ///
    /// # Errors
    /// When a name is malformed or has no folder; the error names the nearest one that has.
    pub fn select(&self, typed: &[String]) -> Result<Vec<EnterpriseName>, Error> {
        if typed.is_empty() {
            return self.enterprises();
        }
        let mut selected = Vec::new();
        for name in typed {
            let found = EnterpriseName::new(name)
                .filter(|n| fs::metadata(self.folder(n)).is_ok_and(|m| m.is_dir()));
            let Some(found) = found else {
                return Err(self.unknown(name));
            };
            if !selected.contains(&found) {
                selected.push(found);
            }
        }
        Ok(selected)
    }

    fn unknown(&self, typed: &str) -> Error {
        let known = self.enterprises().unwrap_or_default();
        let nearest = known
            .iter()
            .map(|name| (strsim::osa_distance(name.as_str(), typed), name))
            .filter(|(distance, _)| *distance <= SUGGESTION_DISTANCE_MAX)
            .min();
        let hint = match (nearest, known.len()) {
            (Some((_, name)), _) => format!("did you mean {name}?"),
            (None, 0) => "it holds no enterprises".to_owned(),
            (None, 1..=12) => {
                let names: Vec<&str> = known.iter().map(EnterpriseName::as_str).collect();
                format!("there are {}", names.join(", "))
            }
            (None, n) => format!("there are {n} others"),
        };
        let typed = typed.escape_debug();
        Error::Usage(format!(
            "no enterprise {typed} under {}; {hint}",
            self.root.display()
        ))
    }
}

/// The log files' names in a folder, in reading order. What is no log file is not mentioned.
pub(crate) fn list(folder: &Path) -> std::io::Result<Vec<FileName>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        if let Some(name) = entry?.file_name().to_str().and_then(FileName::parse) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leaves_the_root_is_no_name() {
        for name in [
            "",
            "..",
            ".",
            "a/b",
            "/etc",
            "a\0",
            "-rf",
            ".calltrace",
            "а",
        ] {
            assert_eq!(EnterpriseName::new(name), None, "{name:?}");
        }
        assert!(EnterpriseName::new("0367").is_some());
    }
}
