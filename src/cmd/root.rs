//! The log tree: which folder it is, who said so, and what to say where it is not there.

use std::env;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::origin::Origin;
use crate::cli::Global;
use crate::settings::{Setting, Settings};
use calltrace_store::error::Error;
use calltrace_store::tree::{FileName, Tree};

/// Where trees have been seen on hosts, besides the current folder.
const USUAL_PLACES: [&str; 4] = [
    "call_tracer",
    "../call_tracer",
    "/srv/call_tracer",
    "/var/log/call_tracer",
];

/// Entries looked at before a folder is taken for something else.
const ENTRIES_MAX: usize = 64;

/// The folder of the log tree, there or not.
pub(super) struct Root<'s> {
    pub(super) path: &'s Path,
    settings: &'s Settings,
}

impl Root<'_> {
    pub(super) fn of<'s>(global: &'s Global, settings: &'s Settings) -> Root<'s> {
        let path = global.root.as_deref().unwrap_or(&settings.root);
        Root { path, settings }
    }

    /// Who said which folder it is.
    pub(super) fn origin(&self) -> Origin {
        let setting = Setting::of(&["root"]).expect("it is in the table");
        Origin::of(setting, self.settings)
    }

    /// Opens the tree.
    ///
    /// # Errors
    /// No such folder, or one that is no log tree but an enterprise's folder; with what to do.
    pub(super) fn open(&self) -> Result<Tree, Error> {
        if !is_there(self.path) {
            return Err(Error::Usage(self.missing()));
        }
        let tree = Tree::open(self.path)?;
        // One that holds both is a tree with a file that went astray.
        if holds_logs(self.path) && !is_tree(self.path) {
            return Err(Error::Usage(self.too_deep()));
        }
        Ok(tree)
    }

    /// One sentence: which folder is not there, why that one, how to name another.
    pub(super) fn missing(&self) -> String {
        let path = self.path.display();
        let said = match self.origin() {
            Origin::Default => format!(
                "no folder {path} in {}; name the log tree with --root DIR, CALLTRACE_ROOT or root \
                 in /etc/calltrace/config.toml",
                here().display()
            ),
            Origin::Flag(flag) => format!(
                "no folder {path}; {flag} takes the folder that holds one folder an enterprise"
            ),
            origin => format!("no folder {path}, which {origin} names as the log tree"),
        };
        match self.elsewhere() {
            Some(tree) if tree == Path::new(".") => {
                format!("{said}; this folder looks like one: --root .")
            }
            Some(tree) => format!("{said}; {} looks like one: --root {0}", tree.display()),
            None => said,
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

/// Whether there is such a folder. What can't be looked at is there for all that is known; opening it
/// says what is wrong.
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

/// The current folder, as people know it.
pub(super) fn here() -> PathBuf {
    env::current_dir().unwrap_or_else(|_| PathBuf::from("the current folder"))
}
