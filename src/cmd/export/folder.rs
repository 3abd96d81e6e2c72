//! The folder that an export writes to. **It never replaces a file that this export did not write**: it recognises
//! its own files by their content, and uses a free name only if it is still free at that moment.
//!
//! A file is written under a temporary name, synced, noted in the manifest and then renamed. A killed run leaves only
//! whole files, a manifest with each of them, and at most one temporary file.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::manifest::{Arguments, ExportManifest, FileDigest, ManifestEntry};
use calltrace_store::error::Error;
use calltrace_store::fsx::{Disk, DraftFile, Folder, Lock, NotAFile, Purpose, read_small};

const MANIFEST: &str = "export.json";

/// The lock that keeps two exports out of the same folder.
const LOCK: &str = ".export.lock";

/// Maximum length of a manifest (bytes); a day takes a few hundred.
const MANIFEST_BYTES_MAX: u64 = 64 << 20;

/// The end of a temporary file name, which begins with a dot.
const TEMPORARY: &str = ".part";

/// The beginning of the names of files with calls.
pub(super) const CALLS: &str = "calls";

/// The existing file with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExistingFile {
    Nothing,
    /// The file that this export wrote last.
    Own(ManifestEntry),
    /// Any other file, also a file of this export that was changed.
    Foreign,
}

/// The locked folder of an export.
pub(super) struct ExportFolder {
    folder: Folder,
    manifest: ExportManifest,
    has_manifest: bool,
    is_noted: bool,
    _lock: Lock,
}

/// A file that is written and does not have its final name yet.
pub(super) struct WrittenFile {
    draft: DraftFile<'static>,
    pub(super) content: FileDigest,
}

impl ExportFolder {
    /// Opens or makes the folder, and removes temporary files of a killed run.
    ///
    /// # Errors
    /// If the folder is inside the log tree, is in use by another export, or holds an export with other arguments.
    pub(super) fn open(
        path: &Path,
        tree: &Path,
        arguments: &Arguments,
    ) -> Result<ExportFolder, Error> {
        if real(path).starts_with(real(tree)) {
            let (path, tree) = (path.display(), tree.display());
            return Err(Error::Usage(format!(
                "--out {path} is inside the log tree {tree}; choose a folder outside of it"
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
            return Err(Error::Usage(format!(
                "{path}: another export is writing to this folder; wait until it ends"
            )));
        };
        let known = read_manifest(&folder)?;
        let has_manifest = known.is_some();
        let manifest = match known {
            Some(known) => known,
            None => ExportManifest::new(arguments.clone()),
        };
        let differences = manifest.differences(arguments);
        if !differences.is_empty() {
            return Err(Error::Usage(format!(
                "{} belongs to an export with other arguments: {}; use a separate folder for each export",
                folder.path_of(MANIFEST).display(),
                differences.join("; ")
            )));
        }
        let outlet = ExportFolder {
            folder,
            manifest,
            has_manifest,
            is_noted: true,
            _lock: lock,
        };
        outlet.tidy().map_err(|error| {
            Error::io(path, "remove the temporary files of an earlier run", error)
        })?;
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

    /// The path of a file in the folder, for messages.
    pub(super) fn path_of(&self, name: &str) -> PathBuf {
        self.folder.path_of(name)
    }

    /// The existing file `name`, recognised by its length only. That is enough if it will not be replaced.
    ///
    /// # Errors
    /// If the file can't be examined.
    pub(super) fn standing(&self, name: &str) -> Result<ExistingFile, Error> {
        self.look(name, |entry, bytes, _| {
            let is_own = entry.before.is_none() && entry.content.bytes == bytes;
            Ok(is_own.then(|| entry.clone()))
        })
    }

    /// The existing file `name`, recognised by its content.
    ///
    /// # Errors
    /// If the file can't be read.
    pub(super) fn proven(&self, name: &str) -> Result<ExistingFile, Error> {
        self.look(name, |entry, _, file| {
            let content = content_of(file)?;
            let is_own = entry.content == content || entry.before.as_ref() == Some(&content);
            Ok(is_own.then(|| ManifestEntry {
                content,
                before: None,
                ..entry.clone()
            }))
        })
    }

    fn look(
        &self,
        name: &str,
        own: impl FnOnce(&ManifestEntry, u64, File) -> io::Result<Option<ManifestEntry>>,
    ) -> Result<ExistingFile, Error> {
        let fail = |error| Error::io(&self.path_of(name), "look at the file", error);
        let (file, metadata) = match self.folder.open_file(name, Purpose::Read) {
            Ok(opened) => opened,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(ExistingFile::Nothing),
            Err(error) if NotAFile::of(&error).is_some() => return Ok(ExistingFile::Foreign),
            Err(error) => return Err(fail(error)),
        };
        let entry = self.manifest.files.get(name);
        let own = entry
            .map(|entry| own(entry, metadata.len(), file))
            .transpose();
        let own = own.map_err(fail)?.flatten();
        Ok(own.map_or(ExistingFile::Foreign, ExistingFile::Own))
    }

    /// Writes a file that will get the name `name`.
    ///
    /// # Errors
    /// If the file can't be written; it is then removed.
    pub(super) fn write(
        &self,
        name: &str,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> Result<WrittenFile, Error> {
        let written = self.draft(name, write);
        written.map_err(|error| self.cant_write(name, error))
    }

    fn draft(
        &self,
        name: &str,
        write: impl FnOnce(&mut (dyn Write + Send)) -> io::Result<()>,
    ) -> io::Result<WrittenFile> {
        let temporary = format!(".{name}{TEMPORARY}");
        let file = self.folder.create(&temporary, 0o666)?;
        let draft = DraftFile::of(&Disk, &self.folder, temporary, file);
        let mut out = HashingWriter::new(draft.writer());
        write(&mut out)?;
        out.flush()?;
        let content = out.content();
        drop(out);
        draft.sync()?;
        Ok(WrittenFile { draft, content })
    }

    /// Gives a file its name. It replaces only a file of this export. `entry` describes it in the manifest.
    ///
    /// # Errors
    /// If the manifest can't be written, or another file has the name by now.
    pub(super) fn put(
        &mut self,
        name: &str,
        fresh: WrittenFile,
        mut entry: ManifestEntry,
    ) -> Result<(), Error> {
        entry.before = match self.proven(name)? {
            ExistingFile::Own(known) => Some(known.content),
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

    /// Updates the manifest entry of a file that is not replaced.
    pub(super) fn renew(&mut self, name: &str, entry: &ManifestEntry) {
        let known = self.manifest.files.insert(name.to_owned(), entry.clone());
        self.is_noted &= known.as_ref() == Some(entry);
    }

    /// Writes the manifest if it has changed.
    ///
    /// # Errors
    /// If it can't be written; the old manifest is kept.
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
        let op = "write the file (the part that was written is removed)";
        Error::io(&self.path_of(name), op, error)
    }
}

/// The canonical path, also of a file that does not exist yet.
fn real(path: &Path) -> PathBuf {
    let in_parent = || {
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        Some(fs::canonicalize(parent).ok()?.join(path.file_name()?))
    };
    let real = fs::canonicalize(path).ok().or_else(in_parent);
    real.unwrap_or_else(|| path.to_owned())
}

fn read_manifest(folder: &Folder) -> Result<Option<ExportManifest>, Error> {
    let path = folder.path_of(MANIFEST);
    let opened = folder.open_file(MANIFEST, Purpose::Read);
    let text = opened.and_then(|(file, metadata)| read_small(file, &metadata, MANIFEST_BYTES_MAX));
    match text {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(&path, "read the file", error)),
        Ok(text) => match ExportManifest::parse(&text) {
            Some(manifest) => Ok(Some(manifest)),
            None => Err(Error::Usage(format!(
                "{} was not written by an export of this version of calltrace; choose another folder, or remove the file",
                path.display()
            ))),
        },
    }
}

fn content_of(mut file: File) -> io::Result<FileDigest> {
    let mut summed = HashingWriter::new(io::sink());
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(summed.content()),
            got => summed.write_all(&buffer[..got])?,
        }
    }
}

/// Passes bytes on, and computes their length and checksum.
struct HashingWriter<W: Write> {
    out: W,
    bytes: u64,
    sum: Sha256,
}

impl<W: Write> HashingWriter<W> {
    fn new(out: W) -> HashingWriter<W> {
        HashingWriter {
            out,
            bytes: 0,
            sum: Sha256::new(),
        }
    }

    fn content(&self) -> FileDigest {
        let digits = |mut text: String, byte: &u8| {
            let _ = write!(text, "{byte:02x}");
            text
        };
        FileDigest {
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

impl<W: Write> Write for HashingWriter<W> {
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
