//! The log tree: which folder it is, where that is set, and the message if it does not exist.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::origin::ValueOrigin;
use crate::cli::Global;
use crate::settings::{Setting, Settings};
use calltrace_store::error::Error;
use calltrace_store::tree::{FileName, Tree};

/// Usual places of log trees on hosts, besides the current folder.
const USUAL_PLACES: [&str; 4] = [
    "call_tracer",
    "../call_tracer",
    "/srv/call_tracer",
    "/var/log/call_tracer",
];

/// Maximum number of entries to look at in a folder.
const ENTRIES_MAX: usize = 64;

/// The folder of the log tree, which may be missing.
pub(super) struct Root<'s> {
    pub(super) path: &'s Path,
    settings: &'s Settings,
}

impl Root<'_> {
    pub(super) fn of<'s>(global: &'s Global, settings: &'s Settings) -> Root<'s> {
        let path = global.root.as_deref().unwrap_or(&settings.root);
        Root { path, settings }
    }

    /// The option, variable or file that sets the folder.
    pub(super) fn origin(&self) -> ValueOrigin {
        let setting = Setting::of(&["root"]).expect("it is in the table");
        ValueOrigin::of(setting, self.settings)
    }

    /// Opens the tree.
    ///
    /// # Errors
    /// The folder does not exist, or it is an enterprise's folder; the message says what to do.
    pub(super) fn open(&self) -> Result<Tree, Error> {
        if !is_there(self.path) {
            return Err(Error::Usage(self.missing()));
        }
        let tree = Tree::open(self.path)?;
        // A folder that also holds enterprises is a tree with a misplaced log file.
        if holds_logs(self.path) && !is_tree(self.path) {
            return Err(Error::Usage(self.too_deep()));
        }
        Ok(tree)
    }

    /// One sentence: the missing folder, where it is set, and how to name another.
    pub(super) fn missing(&self) -> String {
        let path = self.path.display();
        let sentence = match self.origin() {
            ValueOrigin::Default => format!(
                "no folder {path} in {}; name the log tree with --root DIR, CALLTRACE_ROOT or root \
                 in /etc/calltrace/config.toml",
                here().display()
            ),
            ValueOrigin::Flag(flag) => format!(
                "no folder {path}; {flag} takes the folder that holds one folder per enterprise"
            ),
            origin => format!("no folder {path}, which {origin} names as the log tree"),
        };
        match self.elsewhere() {
            Some(tree) if tree == Path::new(".") => {
                format!("{sentence}; this folder looks like one: --root .")
            }
            Some(tree) => format!("{sentence}; {} looks like one: --root {0}", tree.display()),
            None => sentence,
        }
    }

    fn too_deep(&self) -> String {
        let above = match (self.path.file_name(), self.path.parent()) {
            (Some(_), Some(above)) if above.as_os_str().is_empty() => PathBuf::from("."),
            (Some(_), Some(above)) => above.to_owned(),
            _ => self.path.join(".."),
        };
        format!(
            "{} holds log files itself, so it is an enterprise's folder; --root takes the folder \
             above: --root {}",
            self.path.display(),
            above.display()
        )
    }

    fn elsewhere(&self) -> Option<PathBuf> {
        let places = std::iter::once(".").chain(USUAL_PLACES);
        let mut places = places.map(PathBuf::from);
        places.find(|place| place != self.path && is_tree(place))
    }
}

/// Whether a folder exists. A folder that can't be examined counts as existing; opening it reports the error.
pub(super) fn is_there(path: &Path) -> bool {
    !matches!(fs::metadata(path), Err(error) if error.kind() == ErrorKind::NotFound)
}

/// Whether a folder within holds log files.
pub(super) fn is_tree(root: &Path) -> bool {
    entries(root).any(|entry| holds_logs(&entry))
}

fn holds_logs(folder: &Path) -> bool {
    entries(folder).any(|entry| {
        let name = entry.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| FileName::parse(name).is_some()) && entry.is_file()
    })
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.take(ENTRIES_MAX).map(|entry| entry.path())
}

/// The current folder, or a description of it.
pub(super) fn here() -> PathBuf {
    env::current_dir().unwrap_or_else(|_| PathBuf::from("the current folder"))
}
