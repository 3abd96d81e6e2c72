//! The tree that a command works with: local folders, and shipped days in object storage.

use std::sync::Arc;

use super::root::Root;
use crate::settings::Settings;
use calltrace_archive::{Archive, ArchiveConfig, ArchiveUrl};
use calltrace_store::error::Error;
use calltrace_store::tree::{ShippedTree, Tree};

/// The days that a command works with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Days {
    /// Local and shipped ones.
    All,
    /// Those in local folders, which the command changes or examines.
    Local,
}

/// Number of threads that read shipped days. They mostly wait for the store, so their number does not depend on the
/// cores.
const READERS: u16 = 16;

/// What a path as `--root` begins with if it is the address of shipped days.
const SCHEME: &str = "s3://";

/// A tree, and what users should know about it.
pub(super) struct OpenTree {
    pub(super) tree: Tree,
    pub(super) warnings: Vec<String>,
}

impl OpenTree {
    /// Opens the tree that options and settings name.
    ///
    /// # Errors
    /// There is no such tree, or the settings of the object storage are wrong. The storage itself is not asked yet.
    pub(super) fn of(root: &Root<'_>, settings: &Settings, days: Days) -> Result<OpenTree, Error> {
        let address = root.path.to_str().filter(|path| path.starts_with(SCHEME));
        let Some(address) = address else {
            let tree = root.open()?;
            if days == Days::Local || settings.archive.url.is_none() {
                return Ok(OpenTree {
                    tree,
                    warnings: Vec::new(),
                });
            }
            let (shipped, warnings) = open(&settings.archive)?;
            return Ok(OpenTree {
                tree: tree.with_shipped(shipped),
                warnings,
            });
        };
        if days == Days::Local {
            return Err(Error::Usage(format!(
                "{address} holds shipped days, which never change; this command needs --root with a local folder"
            )));
        }
        let url = ArchiveUrl::parse(address)
            .map_err(|hint| Error::Usage(format!("{address}: {hint}")))?;
        let (shipped, warnings) = open(&ArchiveConfig {
            url: Some(url),
            ..settings.archive.clone()
        })?;
        Ok(OpenTree {
            tree: Tree::of_shipped(shipped),
            warnings,
        })
    }

    /// The number of threads of the engine if the user sets none (0: one per core).
    pub(super) fn threads(&self) -> u16 {
        match self.tree.shipped() {
            Some(_) => READERS,
            None => 0,
        }
    }
}

fn open(config: &ArchiveConfig) -> Result<(Arc<dyn ShippedTree>, Vec<String>), Error> {
    let archive = Archive::open(config).map_err(|error| Error::Usage(error.to_string()))?;
    let problem = archive.cache_problem().map(str::to_owned);
    let warnings = archive.warnings().iter().cloned().chain(problem).collect();
    Ok((Arc::new(archive), warnings))
}
