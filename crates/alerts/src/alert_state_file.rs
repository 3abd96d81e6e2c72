//! The file of the state, which only one run at a time may change.
//!
//! It belongs to the user who runs the checks, and only that user and the group may read it: it holds numbers of clients.
//! Its folder must exist or be made by that user. A lock file stands next to it. It is always replaced as a whole: a run
//! that is killed leaves the state before or after. A file that can't be understood is renamed, never overwritten.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::document::{self, UnusableDocument};
use super::state::AlertState;
use calltrace_store::error::Error;
use calltrace_store::fsx::{Access, DiskOps, DraftFile, Folder, Lock, Purpose, read_small};

/// A larger file is not a state (bytes).
const BYTES_MAX: u64 = 64 << 20;

/// Owner and group may read it.
const MODE: u32 = 0o640;

/// Where a state is.
#[derive(Debug, Clone)]
pub struct AlertStateFile {
    path: PathBuf,
    /// The tree that it is about.
    root: PathBuf,
}

/// The state of a tree, held by this run until it is dropped.
#[derive(Debug)]
pub struct OpenedState {
    pub state: AlertState,
    /// What the user has to know about the file, as sentences.
    pub notes: Vec<String>,
    folder: Folder,
    name: String,
    root: PathBuf,
    _lock: Lock,
}

impl AlertStateFile {
    /// The state of the tree `root` in the file `path`.
    pub fn new(path: &Path, root: &Path) -> AlertStateFile {
        let absolute = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        AlertStateFile {
            path: path.to_owned(),
            root: absolute(root),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the lock and reads the state; an empty one if there is no file yet. `None` if another run has the lock;
    /// with `wait` its end is waited for.
    ///
    /// # Errors
    /// When the folder can't be opened or changed, or the file belongs to another tree.
    pub fn open(&self, ops: &dyn DiskOps, wait: bool) -> Result<Option<OpenedState>, Error> {
        let (folder, name) = self.place()?;
        let fail = |error| Error::io(&self.path, "open the state", error);
        let lock = Lock::take(&folder, &format!("{name}.lock"), wait).map_err(fail)?;
        let Some(lock) = lock else { return Ok(None) };
        let mut notes = Vec::new();
        let state = match read(&folder, &name).map_err(fail)? {
            None => AlertState::default(),
            Some(bytes) => match document::read(&bytes, &self.root) {
                Ok(state) => state,
                Err(UnusableDocument::OtherTree(other)) => return Err(self.other_tree(&other)),
                Err(UnusableDocument::Damaged) => {
                    notes.push(self.set_aside(ops, &folder, &name)?);
                    AlertState::default()
                }
            },
        };
        Ok(Some(OpenedState {
            state,
            notes,
            folder,
            name,
            root: self.root.clone(),
            _lock: lock,
        }))
    }

    /// Reads the state without the lock, for a look that changes nothing. `None` if there is no state of this tree that
    /// this user can read.
    pub fn look(&self) -> Option<AlertState> {
        let (folder, name) = self.place().ok()?;
        let bytes = read(&folder, &name).ok()??;
        document::read(&bytes, &self.root).ok()
    }

    /// When the file was last replaced; `None` if there is none.
    pub fn written(&self) -> Option<SystemTime> {
        fs::metadata(&self.path).ok()?.modified().ok()
    }

    fn place(&self) -> Result<(Folder, String), Error> {
        let parent = self
            .path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let parent = parent.unwrap_or(Path::new("."));
        let name = self.path.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| {
            Error::Usage(format!("{}: not the name of a file", self.path.display()))
        })?;
        let folder = Folder::open(parent);
        let folder =
            folder.map_err(|error| Error::io(parent, "open the folder of the state", error))?;
        Ok((folder, name.to_owned()))
    }

    fn other_tree(&self, other: &str) -> Error {
        Error::Usage(format!(
            "{} is the state of the tree {other}, and this is {}; --state names another file",
            self.path.display(),
            self.root.display()
        ))
    }

    /// Renames a damaged file and returns the message about it.
    fn set_aside(&self, ops: &dyn DiskOps, folder: &Folder, name: &str) -> Result<String, Error> {
        let fail = |error| Error::io(&self.path, "set the damaged state aside", error);
        let free = |number: &u32| !folder.has(&format!("{name}.damaged-{number}"));
        let number = (1..).find(free).expect("a number is free");
        let aside = format!("{name}.damaged-{number}");
        ops.rename(folder, name, &aside).map_err(fail)?;
        Ok(format!(
            "{} is damaged and is now {aside}; this run begins anew, and what still fires is told again",
            self.path.display()
        ))
    }
}

fn read(folder: &Folder, name: &str) -> io::Result<Option<Vec<u8>>> {
    match folder.open_file(name, Purpose::Read) {
        Ok((file, metadata)) => read_small(file, &metadata, BYTES_MAX).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl OpenedState {
    /// Replaces the file.
    ///
    /// # Errors
    /// When it can't be written. The file is then as it was.
    pub fn save(&self, ops: &dyn DiskOps) -> Result<(), Error> {
        let path = self.folder.path_of(&self.name);
        let content = document::write(&self.state, &self.root);
        let replaced = self.replace(ops, &content);
        replaced.map_err(|error| Error::io(&path, "write the state", error))
    }

    fn replace(&self, ops: &dyn DiskOps, content: &[u8]) -> io::Result<()> {
        let temporary = format!("{}.tmp", self.name);
        // A killed run leaves its temporary file.
        if self.folder.has(&temporary) {
            ops.unlink(&self.folder, &temporary)?;
        }
        let file = ops.create(&self.folder, &temporary)?;
        let draft = DraftFile::of(ops, &self.folder, temporary, file);
        let access = Access {
            mode: MODE,
            ..Access::of(&draft.file().metadata()?)
        };
        ops.set_access(draft.file(), access)?;
        ops.write(draft.file(), content)?;
        draft.sync()?;
        draft.replace(&self.name)
    }
}
