//! The folder that an export writes to. **What it did not make, it does not touch**: it knows its files by their
//! content, and gives a name that nothing has yet only while nothing has it.
//!
//! A file is written under a temporary name, synced, noted in the manifest, and then put in place; so a run that
//! is killed leaves files that are whole, a manifest that knows each of them, and one temporary file at most.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::manifest::{Arguments, Content, Entry, Manifest};
use calltrace_store::error::Error;
use calltrace_store::fsx::{Disk, DraftFile, Folder, Lock, NotAFile, Purpose, read_small};

const MANIFEST: &str = "export.json";

/// Keeps two exports into one folder apart.
const LOCK: &str = ".export.lock";

/// What a manifest is never longer than (bytes): a few hundred a day.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// How a file's temporary name ends; it begins with a dot.
const TEMPORARY: &str = ".part";

/// How the names of files with calls begin.
pub(super) const CALLS: &str = "calls";

/// What stands under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    Nothing,
    /// What this export wrote last under it.
    Own(Entry),
    /// Anything else, also a file that somebody changed.
    Foreign,
}

/// The folder, locked.
pub(super) struct Outlet {
    folder: Folder,
    manifest: Manifest,
    has_manifest: bool,
    is_noted: bool,
    _lock: Lock,
}

/// A file that is written but has no name yet.
pub(super) struct Fresh {
    draft: DraftFile<'static>,
    pub(super) content: Content,
}

impl Outlet {
    /// Opens the folder, or makes it, and removes what a killed run has left.
    ///
    /// # Errors
    /// When it is within the tree of logs, is used by another export, or holds one of other arguments.
    pub(super) fn open(path: &Path, tree: &Path, arguments: &Arguments) -> Result<Outlet, Error> {
        if real(path).starts_with(real(tree)) {
            let (path, tree) = (path.display(), tree.display());
            return Err(Error::Usage(format!(
                "--out {path} is in the tree of logs {tree}; give a folder outside of it"
            )));
        }
        match fs::create_dir(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(Error::io(path, "make the folder", error));
            }
            _ => {}
        }
        let folder =
            Folder::open(path).map_err(|error| Error::io(path, "open the folder", error))?;
        let lock = Lock::take(&folder, LOCK, false);
        let lock = lock.map_err(|error| Error::io(&path.join(LOCK), "take the lock", error))?;
        let Some(lock) = lock else {
            let path = path.display();
            return Err(Error::Usage(format!("{path}: another export writes to it")));
        };
        let known = read_manifest(&folder)?;
        let has_manifest = known.is_some();
        let manifest = match known {
            Some(known) => known,
            None => Manifest::new(arguments.clone()),
        };
        let differences = manifest.differences(arguments);
        if !differences.is_empty() {
            return Err(Error::Usage(format!(
                "{} is of an export with other arguments: {}; give each export a folder of its own",
                folder.path_of(MANIFEST).display(),
                differences.join("; ")
            )));
        }
        let outlet = Outlet {
            folder,
            manifest,
            has_manifest,
            is_noted: true,
            _lock: lock,
        };
        outlet
            .tidy()
            .map_err(|error| Error::io(path, "remove what a run left", error))?;
        Ok(outlet)
    }

    fn tidy(&self) -> io::Result<()> {
        for name in self.folder.names()? {
            let Some(name) = name.to_str() else { continue };
            let of = name
                .strip_prefix('.')
                .and_then(|name| name.strip_suffix(TEMPORARY));
            if of.is_some_and(|of| of == MANIFEST || of.starts_with(CALLS)) {
                self.folder.unlink(name)?;
            }
        }
        Ok(())
    }

    /// The path of a name in it, for messages.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.folder.path_of(name)
    }

    /// What stands under `name`, as its length shows: enough where nothing is changed.
    ///
    /// # Errors
    /// When it can't be looked at.
    pub(super) fn standing(&self, name: &str) -> Result<Standing, Error> {
        self.look(name, |entry, bytes, _| {
            let is_own = entry.before.is_none() && entry.content.bytes == bytes;
            Ok(is_own.then(|| entry.clone()))
        })
    }

    /// What stands under `name`, proven by its content.
    ///
    /// # Errors
    /// When it can't be read.
    pub(super) fn proven(&self, name: &str) -> Result<Standing, Error> {
        self.look(name, |entry, _, file| {
            let content = content_of(file)?;
            let is_own = entry.content == content || entry.before.as_ref() == Some(&content);
            Ok(is_own.then(|| Entry {
                content,
                before: None,
                ..entry.clone()
            }))
        })
    }

    fn look(
        &self,
        name: &str,
        own: impl FnOnce(&Entry, u64, File) -> io::Result<Option<Entry>>,
    ) -> Result<Standing, Error> {
        let fail = |error| Error::io(&self.path_of(name), "look at the file", error);
        let (file, metadata) = match self.folder.open_file(name, Purpose::Read) {
            Ok(opened) => opened,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Standing::Nothing),
            Err(error) if NotAFile::of(&error).is_some() => return Ok(Standing::Foreign),
            Err(error) => return Err(fail(error)),
        };
        let entry = self.manifest.files.get(name);
        let own = entry
            .map(|entry| own(entry, metadata.len(), file))
            .transpose();
        let own = own.map_err(fail)?.flatten();
        Ok(own.map_or(Standing::Foreign, Standing::Own))
    }

    /// Writes a file that is to be called `name`.
    ///
    /// # Errors
    /// When it can't be written; nothing is left of it then.
    pub(super) fn write(
        &self,
        name: &str,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> Result<Fresh, Error> {
        let written = self.draft(name, write);
        written.map_err(|error| self.cant_write(name, error))
    }

    fn draft(
        &self,
        name: &str,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> io::Result<Fresh> {
        let temporary = format!(".{name}{TEMPORARY}");
        let file = self.folder.create(&temporary, 0o666)?;
        let draft = DraftFile::of(&Disk, &self.folder, temporary, file);
        let mut out = Summed::new(draft.writer());
        write(&mut out)?;
        out.flush()?;
        let content = out.content();
        drop(out);
        draft.sync()?;
        Ok(Fresh { draft, content })
    }

    /// Puts a file in place: of what is its own, else where nothing is. `entry` says what it is.
    ///
    /// # Errors
    /// When the manifest can't be written, or something else has the name by now.
    pub(super) fn put(&mut self, name: &str, fresh: Fresh, mut entry: Entry) -> Result<(), Error> {
        entry.before = match self.proven(name)? {
            Standing::Own(known) => Some(known.content),
            _ => None,
        };
        let replaces = entry.before.is_some();
        self.manifest.files.insert(name.to_owned(), entry);
        self.note()?;
        let placed = match replaces {
            true => fresh.draft.replace(name),
            false => fresh.draft.rename(name),
        };
        placed.map_err(|error| self.cant_write(name, error))?;
        if let Some(entry) = self.manifest.files.get_mut(name) {
            entry.before = None;
        }
        self.is_noted = !replaces;
        Ok(())
    }

    /// Remembers something else of a file that stays as it is.
    pub(super) fn renew(&mut self, name: &str, entry: &Entry) {
        let known = self.manifest.files.insert(name.to_owned(), entry.clone());
        self.is_noted &= known.as_ref() == Some(entry);
    }

    /// Writes the manifest, if it says what is not written yet.
    ///
    /// # Errors
    /// When it can't be written; the old one stands then.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match self.is_noted {
            true => Ok(()),
            false => self.note(),
        }
    }

    fn note(&mut self) -> Result<(), Error> {
        let text = self.manifest.text();
        let fresh = self.write(MANIFEST, |out| out.write_all(text.as_bytes()))?;
        let placed = match self.has_manifest {
            true => fresh.draft.replace(MANIFEST),
            false => fresh.draft.rename(MANIFEST),
        };
        placed.map_err(|error| self.cant_write(MANIFEST, error))?;
        (self.has_manifest, self.is_noted) = (true, true);
        Ok(())
    }

    fn cant_write(&self, name: &str, error: io::Error) -> Error {
        let op = "write the file (what there was of it is removed)";
        Error::io(&self.path_of(name), op, error)
    }
}

/// Where a path leads, also if nothing is there yet.
fn real(path: &Path) -> PathBuf {
    let beside = || {
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        Some(fs::canonicalize(parent).ok()?.join(path.file_name()?))
    };
    let real = fs::canonicalize(path).ok().or_else(beside);
    real.unwrap_or_else(|| path.to_owned())
}

fn read_manifest(folder: &Folder) -> Result<Option<Manifest>, Error> {
    let path = folder.path_of(MANIFEST);
    let opened = folder.open_file(MANIFEST, Purpose::Read);
    let text = opened.and_then(|(file, metadata)| read_small(file, &metadata, MANIFEST_BYTES_MAX));
    match text {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(&path, "read the file", error)),
        Ok(text) => match Manifest::parse(&text) {
            Some(manifest) => Ok(Some(manifest)),
            None => Err(Error::Usage(format!(
                "{} is not of an export by this version of calltrace; give another folder, or remove it",
                path.display()
            ))),
        },
    }
}

fn content_of(mut file: File) -> io::Result<Content> {
    let mut summed = Summed::new(io::sink());
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(summed.content()),
            got => summed.write_all(&buffer[..got])?,
        }
    }
}

/// Passes bytes on, and knows what they are.
struct Summed<W: Write> {
    out: W,
    bytes: u64,
    sum: Sha256,
}

impl<W: Write> Summed<W> {
    fn new(out: W) -> Summed<W> {
        Summed {
            out,
            bytes: 0,
            sum: Sha256::new(),
        }
    }

    fn content(&self) -> Content {
        let digits = |mut text: String, byte: &u8| {
            let _ = write!(text, "{byte:02x}");
            text
        };
        Content {
            bytes: self.bytes,
            sha256: self
                .sum
                .clone()
                .finalize()
                .iter()
                .fold(String::new(), digits),
        }
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sum.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
