//! The folders: the enterprises, and the log files of each with their generations.
//!
//! Nothing is decoded here and no line is read; `source` does that. Names from outside become an
//! [`EnterpriseName`] before they become part of a path.

mod generation;
mod head;
mod listing;
mod shipped;
mod snapshot;
mod unread;

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, fstat, statat};
use rustix::io::Errno;
use rustix::process::geteuid;

pub use generation::{FileName, Generation, LineOrigin};
pub use head::Head;
pub use listing::{
    ListedFile, access_of_new, has_links_out, leads_to_sealed, list_files, look_at, still_holds,
};
pub use shipped::{MANIFEST_SECONDS_MAX, ShippedDays, ShippedFile, ShippedTree};
pub use snapshot::{LogFile, LogPlace, Snapshot};
pub use unread::UnreadLog;

use crate::error::Error;
use crate::fsx::{Accounts, FileIdentity, Folder, UntrustedStep, WalkedPath};

/// Longest enterprise name.
const NAME_BYTES_MAX: usize = 64;

/// Only names within this edit distance of a typed name are suggested.
const SUGGESTION_DISTANCE_MAX: usize = 2;

/// The name of an enterprise's folder: 1 to 64 ASCII letters, digits, `_` and `-`, the first of
/// which is not `-`. So it can't leave the root, be hidden, or be taken for an option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EnterpriseName(String);

impl EnterpriseName {
    /// `None` when `name` does not have that form.
    pub fn new(name: &str) -> Option<EnterpriseName> {
        let fits = (1..=NAME_BYTES_MAX).contains(&name.len())
            && !name.starts_with('-')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        fits.then(|| EnterpriseName(name.to_owned()))
    }

    /// The name of the folder.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EnterpriseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The root folder, which holds one folder per enterprise.
#[derive(Debug, Clone)]
pub struct Tree {
    /// The local folder; for a tree of shipped days only, the address of these.
    root: PathBuf,
    is_local: bool,
    shipped: Option<Arc<dyn ShippedTree>>,
    /// The local users and groups, read when first needed to find the groups of a folder's owner.
    accounts: Arc<OnceLock<Accounts>>,
}

/// The place of an enterprise's folder, before it is opened.
enum EnterpriseEntry {
    Folder(FileIdentity),
    Link(FileIdentity),
    /// A link of a user who may not decide where root reads.
    OthersLink,
}

impl Tree {
    /// The tree under `root`.
    ///
    /// # Errors
    /// When there is no such folder, or the path is not a folder.
    pub fn open(root: &Path) -> Result<Tree, Error> {
        let metadata = fs::metadata(root).map_err(|error| match error.kind() {
            ErrorKind::NotFound => Error::Usage(format!("no folder {}", root.display())),
            _ => Error::io(root, "open the log tree", error),
        })?;
        if !metadata.is_dir() {
            return Err(Error::Usage(format!(
                "{} is not a folder; --root takes the folder that holds one folder per enterprise",
                root.display()
            )));
        }
        Ok(Tree {
            root: root.to_owned(),
            is_local: true,
            shipped: None,
            accounts: Arc::default(),
        })
    }

    /// The same tree, with shipped days as well.
    #[must_use]
    pub fn with_shipped(self, shipped: Arc<dyn ShippedTree>) -> Tree {
        Tree {
            shipped: Some(shipped),
            ..self
        }
    }

    /// A tree of shipped days only.
    pub fn of_shipped(shipped: Arc<dyn ShippedTree>) -> Tree {
        Tree {
            root: shipped.url().to_owned(),
            is_local: false,
            shipped: Some(shipped),
            accounts: Arc::default(),
        }
    }

    /// The shipped days; `None` without object storage.
    pub fn shipped(&self) -> Option<&Arc<dyn ShippedTree>> {
        self.shipped.as_ref()
    }

    /// The same tree without its shipped days.
    #[must_use]
    pub fn without_shipped(&self) -> Tree {
        Tree {
            shipped: None,
            ..self.clone()
        }
    }

    /// Whether an enterprise has a folder or shipped days; true if that can't be found out.
    pub fn has(&self, name: &EnterpriseName) -> bool {
        self.folder(name).is_ok() || self.has_shipped(name)
    }

    /// Whether it has a local folder.
    pub fn is_local(&self) -> bool {
        self.is_local
    }

    /// The root folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of an enterprise's folder, for messages.
    pub fn path(&self, name: &EnterpriseName) -> PathBuf {
        self.root.join(name.as_str())
    }

    /// Opens an enterprise's folder. The root may be a link, and so may the folder itself if root
    /// or the user who runs this made the link, or if it names another folder of the tree.
    ///
    /// # Errors
    /// When there is no such folder, or it is a link that another user made.
    pub fn folder(&self, name: &EnterpriseName) -> io::Result<Folder> {
        let root = self.root_folder()?;
        let descriptor = match open_at(&root, name.as_str()) {
            Err(Errno::NOTDIR | Errno::LOOP) => follow(&root, name.as_str())?
                .ok_or_else(|| io::Error::new(ErrorKind::PermissionDenied, OTHERS_LINK))?,
            opened => opened?,
        };
        Folder::new(descriptor, self.path(name), &|| self.accounts())
    }

    /// Opens an enterprise's folder to change it. Root does so only if no user except the folder's
    /// owner can change what its path leads to; the inner error names who can.
    ///
    /// # Errors
    /// As [`Tree::folder`].
    pub fn folder_to_change(
        &self,
        name: &EnterpriseName,
    ) -> io::Result<Result<Folder, UntrustedStep>> {
        if !geteuid().is_root() {
            return self.folder(name).map(Ok);
        }
        let way = WalkedPath::walk(&self.path(name))?;
        if let Some(distrusted) = way.distrusted(self.accounts()) {
            return Ok(Err(distrusted));
        }
        Folder::new(way.descriptor, self.path(name), &|| self.accounts()).map(Ok)
    }

    /// Why root refuses to change an enterprise's folder; `None` if it does not, or if that can't
    /// be found out.
    pub fn distrusted(&self, name: &EnterpriseName) -> Option<UntrustedStep> {
        let way = WalkedPath::walk(&self.path(name)).ok()?;
        way.distrusted(self.accounts())
    }

    fn accounts(&self) -> &Accounts {
        self.accounts.get_or_init(Accounts::read)
    }

    fn root_folder(&self) -> io::Result<OwnedFd> {
        if !self.is_local {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(rustix::fs::openat(CWD, &self.root, FOLDER, Mode::empty())?)
    }

    /// All enterprises, by name: those with a folder and those with shipped days. While the object
    /// storage can't be listed, those with a folder; each of their answers says so.
    ///
    /// # Errors
    /// When the root can't be listed, or no enterprise is known and the object storage can't be
    /// listed.
    pub fn enterprises(&self) -> Result<Vec<EnterpriseName>, Error> {
        let mut names = match self.is_local {
            true => self.local_enterprises()?,
            false => Vec::new(),
        };
        if let Some(shipped) = &self.shipped {
            match shipped.enterprises() {
                Ok(others) => names.extend(others),
                Err(error) if names.is_empty() => return Err(error),
                Err(_) => {}
            }
            names.sort();
            names.dedup();
        }
        Ok(names)
    }

    /// The enterprises with a folder, by name. A folder with two names counts once; of a folder and
    /// a link to it, the folder counts. Folders that don't have the name of an enterprise are
    /// skipped.
    fn local_enterprises(&self) -> Result<Vec<EnterpriseName>, Error> {
        let fail = |error| Error::io(&self.root, "list the log tree", error);
        let root = self.root_folder().map_err(fail)?;
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(fail)? {
            let name = entry.map_err(fail)?.file_name();
            let name = name.to_str().and_then(EnterpriseName::new);
            entries.extend(
                name.and_then(|name| Some((EnterpriseEntry::of(&root, name.as_str())?, name))),
            );
        }
        // Folders come first, so that a link to one of them is left out.
        entries.sort_by(|(a, x), (b, y)| (a.is_link(), x).cmp(&(b.is_link(), y)));
        let mut known = HashSet::new();
        entries.retain(|(entry, _)| entry.identity().is_none_or(|folder| known.insert(folder)));
        let mut names: Vec<EnterpriseName> = entries.into_iter().map(|(_, name)| name).collect();
        names.sort();
        Ok(names)
    }

    /// The enterprises with the names `typed`; all of them when it is empty. The manifests of their
    /// shipped days are then on their way.
    ///
    /// # Errors
    /// When a name is malformed or is not an enterprise; the error suggests the nearest enterprise.
    pub fn select(&self, typed: &[String]) -> Result<Vec<EnterpriseName>, Error> {
        let selected = match typed.is_empty() {
            true => self.enterprises()?,
            false => self.named(typed)?,
        };
        if let Some(shipped) = &self.shipped {
            shipped.fetch_ahead(&selected);
        }
        Ok(selected)
    }

    fn named(&self, typed: &[String]) -> Result<Vec<EnterpriseName>, Error> {
        let root = self.root_folder().ok();
        let mut known = HashSet::new();
        let mut selected = Vec::new();
        for name in typed {
            let Some(found) = EnterpriseName::new(name) else {
                return Err(self.unknown(name));
            };
            let entry = (root.as_ref()).and_then(|root| EnterpriseEntry::of(root, found.as_str()));
            if entry.is_none() && !self.has_shipped(&found) {
                return Err(self.unknown(name));
            }
            let folder = entry.as_ref().and_then(EnterpriseEntry::identity);
            let is_new = folder.is_none_or(|folder| known.insert(folder));
            if is_new && !selected.contains(&found) {
                selected.push(found);
            }
        }
        Ok(selected)
    }

    /// Whether an enterprise without a folder has shipped days; true where that can't be found out,
    /// so that the answer says why.
    fn has_shipped(&self, name: &EnterpriseName) -> bool {
        let days = |shipped: &Arc<dyn ShippedTree>| shipped.days(name);
        let days = self.shipped.as_ref().map(days);
        days.is_some_and(|days| days.map_or(true, |days| !days.files.is_empty()))
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

impl EnterpriseEntry {
    /// `None` for a name that is not a folder and leads to none.
    fn of(root: &OwnedFd, name: &str) -> Option<EnterpriseEntry> {
        let stat = statat(root, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Some(EnterpriseEntry::Folder(FileIdentity::of_stat(&stat))),
            FileType::Symlink => match follow(root, name) {
                Ok(Some(folder)) => {
                    let stat = fstat(folder).ok()?;
                    Some(EnterpriseEntry::Link(FileIdentity::of_stat(&stat)))
                }
                Ok(None) => Some(EnterpriseEntry::OthersLink),
                Err(_) => None,
            },
            _ => None,
        }
    }

    fn identity(&self) -> Option<FileIdentity> {
        match self {
            EnterpriseEntry::Folder(identity) | EnterpriseEntry::Link(identity) => Some(*identity),
            EnterpriseEntry::OthersLink => None,
        }
    }

    fn is_link(&self) -> bool {
        !matches!(self, EnterpriseEntry::Folder(_))
    }
}

const OTHERS_LINK: &str = "it is a link of a user who is neither root nor the one who runs this";

const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

fn open_at(root: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    rustix::fs::openat(root, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())
}

/// Opens the folder that a link leads to; `None` when another user made the link. The link is
/// opened before its owner is checked, so the checked link is the one that is followed.
fn follow(root: &OwnedFd, name: &str) -> io::Result<Option<OwnedFd>> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let link = rustix::fs::openat(root, name, flags, Mode::empty())?;
    let stat = fstat(&link)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
        return Err(ErrorKind::NotADirectory.into());
    }
    let user = stat.st_uid;
    let text = rustix::fs::readlinkat(&link, "", Vec::new())?;
    let is_ours = user == 0 || user == geteuid().as_raw();
    match text.to_str().ok().and_then(EnterpriseName::new) {
        Some(other) => Ok(Some(open_at(root, other.as_str())?)),
        None if is_ours => Ok(Some(rustix::fs::openat(
            root,
            &text,
            FOLDER,
            Mode::empty(),
        )?)),
        None => Ok(None),
    }
}

/// The names of the log files in a folder, in reading order. Other names are left out.
///
/// # Errors
/// When the folder can't be listed.
pub fn list(folder: &Folder) -> io::Result<Vec<FileName>> {
    list_all(folder).map(|(names, _)| names)
}

/// The names of the log files, as [`list`] returns them, and the logs that are not read because of
/// their names.
fn list_all(folder: &Folder) -> io::Result<(Vec<FileName>, Vec<UnreadLog>)> {
    let all = folder.names()?;
    let all = || all.iter().filter_map(|name| name.to_str());
    let mut names: Vec<FileName> = all().filter_map(FileName::parse).collect();
    let mut unread: Vec<UnreadLog> = all().filter_map(UnreadLog::parse).collect();
    unread.retain(|log| !log.is_there(&names));
    names.sort();
    unread.sort();
    Ok((names, unread))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leaves_the_root_is_refused() {
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
