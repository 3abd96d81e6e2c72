//! A disk that fails: it dies at a chosen operation, loses power, or refuses one operation.

pub mod scene;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use calltrace_store::fsx::{Access, Disk, DiskOps, Folder, Lease};

/// The fault to inject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No fault.
    None,
    /// The process is killed at this operation; half of a write is done.
    DieAt(usize),
    /// This one operation fails with an error of the system; all others are done.
    FailAt(usize, i32),
    /// Every operation that needs space fails from this operation on.
    FullFrom(usize),
}

type Hook = Box<dyn Fn(usize) + Send + Sync>;

/// A real folder with a fault.
pub struct Faulty {
    fault: Fault,
    has_leases: bool,
    state: Mutex<State>,
    /// Called before each operation with its name.
    hook: Option<Hook>,
    /// The folder for removed files, which a power loss may bring back.
    grave: tempfile::TempDir,
}

#[derive(Default)]
struct State {
    ops: usize,
    dead: bool,
    names: Vec<(PathBuf, NameUndo)>,
    data: Vec<(u64, DataUndo)>,
    buried: usize,
}

/// Reverts a change of a folder that was not synced.
enum NameUndo {
    Create(PathBuf),
    Rename(PathBuf, PathBuf),
    /// Over a file that lies at the last path now.
    Replace(PathBuf, PathBuf, PathBuf),
    Unlink(PathBuf, PathBuf),
}

/// Reverts a change of content that was not synced.
enum DataUndo {
    Append(File, u64),
    WriteAt(File, u64, Vec<u8>),
    Collapse(File, Vec<u8>),
}

impl Faulty {
    /// A disk that keeps removed files next to `root`.
    pub fn new(root: &Path, fault: Fault) -> Faulty {
        Faulty {
            fault,
            has_leases: true,
            hook: None,
            state: Mutex::default(),
            grave: tempfile::tempdir_in(root.parent().expect("a parent")).expect("a folder"),
        }
    }

    /// A file system without leases.
    pub fn without_leases(mut self) -> Faulty {
        self.has_leases = false;
        self
    }

    /// An action of other processes, run before each operation.
    pub fn with_others(mut self, hook: impl Fn(usize) + Send + Sync + 'static) -> Faulty {
        self.hook = Some(Box::new(hook));
        self
    }

    /// Whether the fault has occurred.
    pub fn has_died(&self) -> bool {
        self.state.lock().expect("whole").dead
    }

    /// DiskOps done so far.
    pub fn ops(&self) -> usize {
        self.state.lock().expect("whole").ops
    }

    /// Simulates a power loss: the last part of what was not synced is lost, for the names and for
    /// each file's content separately.
    pub fn lose_power(&self, mut random: impl FnMut(usize) -> usize) {
        let mut state = self.state.lock().expect("whole");
        state.dead = true;
        let keep = random(state.names.len() + 1);
        let lost: Vec<_> = state.names.drain(keep..).collect();
        for (_, undo) in lost.into_iter().rev() {
            undo.take_back();
        }
        let mut inodes: Vec<u64> = state.data.iter().map(|(inode, _)| *inode).collect();
        inodes.sort_unstable();
        inodes.dedup();
        for inode in inodes {
            let (own, others): (Vec<_>, Vec<_>) =
                state.data.drain(..).partition(|(of, _)| *of == inode);
            state.data = others;
            let keep = random(own.len() + 1);
            for (_, undo) in own.into_iter().skip(keep).rev() {
                undo.take_back();
            }
        }
    }

    /// Counts an operation; an error when it is not to be done. `Some(true)` from `dies` is half an operation.
    fn begin(&self, needs_room: bool) -> Result<(), (io::Error, bool)> {
        let mut state = self.state.lock().expect("whole");
        if state.dead {
            return Err((io::Error::other("dead"), false));
        }
        let at = state.ops;
        state.ops += 1;
        if let Some(hook) = &self.hook {
            hook(at);
        }
        match self.fault {
            Fault::DieAt(n) if n == at => {
                state.dead = true;
                Err((io::Error::other("killed"), true))
            }
            Fault::FailAt(n, code) if n == at => Err((io::Error::from_raw_os_error(code), false)),
            Fault::FullFrom(n) if at >= n && needs_room => {
                const ENOSPC: i32 = 28;
                Err((io::Error::from_raw_os_error(ENOSPC), true))
            }
            _ => Ok(()),
        }
    }

    fn op(&self) -> io::Result<()> {
        self.begin(false).map_err(|(error, _)| error)
    }

    fn note_name(&self, path: &Path, undo: NameUndo) {
        let folder = path.parent().expect("in a folder").to_owned();
        let mut state = self.state.lock().expect("whole");
        state.names.push((folder, undo));
    }

    fn note_data(&self, file: &File, undo: DataUndo) {
        let inode = file.metadata().expect("open").ino();
        self.state.lock().expect("whole").data.push((inode, undo));
    }

    fn bury(&self, path: &Path) -> PathBuf {
        let mut state = self.state.lock().expect("whole");
        state.buried += 1;
        let grave = self.grave.path().join(state.buried.to_string());
        fs::hard_link(path, &grave).expect("linked");
        grave
    }
}

impl NameUndo {
    fn take_back(self) {
        match self {
            NameUndo::Create(path) => drop(fs::remove_file(path)),
            NameUndo::Rename(from, to) => fs::rename(to, from).expect("renamed back"),
            NameUndo::Replace(from, to, old) => {
                fs::rename(&to, from).expect("renamed back");
                fs::rename(old, to).expect("brought back");
            }
            NameUndo::Unlink(path, old) => fs::rename(old, path).expect("brought back"),
        }
    }
}

impl DataUndo {
    fn take_back(self) {
        match self {
            DataUndo::Append(file, bytes) => file.set_len(bytes).expect("cut"),
            DataUndo::WriteAt(file, at, old) => file.write_all_at(&old, at).expect("written"),
            DataUndo::Collapse(file, front) => {
                let mut rest = vec![0; file.metadata().expect("open").len() as usize];
                file.read_exact_at(&mut rest, 0).expect("read");
                file.write_all_at(&front, 0).expect("written");
                file.write_all_at(&rest, front.len() as u64)
                    .expect("written");
            }
        }
    }
}

impl DiskOps for Faulty {
    fn wait(&self, _: Duration) {}

    fn create(&self, folder: &Folder, name: &str) -> io::Result<File> {
        self.begin(true).map_err(|(error, _)| error)?;
        let file = Disk.create(folder, name)?;
        let path = folder.path_of(name);
        self.note_name(&path, NameUndo::Create(path.clone()));
        Ok(file)
    }

    fn make_folder(&self, folder: &Folder, name: &str) -> io::Result<()> {
        self.op()?;
        Disk.make_folder(folder, name)
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        let length = file.metadata()?.len();
        let undo = DataUndo::Append(file.try_clone()?, length);
        match self.begin(true) {
            Ok(()) => Disk.write(file, bytes)?,
            Err((error, half)) => {
                if half {
                    Disk.write(file, &bytes[..bytes.len() / 2])?;
                    self.note_data(file, undo);
                }
                return Err(error);
            }
        }
        self.note_data(file, undo);
        Ok(())
    }

    fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut old = vec![0; bytes.len()];
        file.read_exact_at(&mut old, offset)?;
        let undo = DataUndo::WriteAt(file.try_clone()?, offset, old);
        let done = match self.begin(false) {
            Ok(()) => Disk.write_at(file, bytes, offset),
            Err((error, half)) => {
                if half {
                    // A disk loses whole sectors.
                    let half = (bytes.len() / 2) & !511;
                    Disk.write_at(file, &bytes[..half], offset)?;
                }
                Err(error)
            }
        };
        self.note_data(file, undo);
        done
    }

    fn collapse(&self, file: &File, bytes: u64) -> io::Result<()> {
        self.op()?;
        let mut front = vec![0; bytes as usize];
        file.read_exact_at(&mut front, 0)?;
        Disk.collapse(file, bytes)?;
        self.note_data(file, DataUndo::Collapse(file.try_clone()?, front));
        Ok(())
    }

    fn set_access(&self, file: &File, access: Access) -> io::Result<()> {
        self.op()?;
        Disk.set_access(file, access)
    }

    fn set_modified(&self, file: &File, at: SystemTime) -> io::Result<()> {
        self.op()?;
        Disk.set_modified(file, at)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        self.op()?;
        let inode = file.metadata()?.ino();
        let mut state = self.state.lock().expect("whole");
        state.data.retain(|(of, _)| *of != inode);
        Ok(())
    }

    fn sync_folder(&self, folder: &Folder) -> io::Result<()> {
        self.op()?;
        let mut state = self.state.lock().expect("whole");
        state.names.retain(|(of, _)| of != folder.path());
        Ok(())
    }

    fn rename(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()> {
        self.op()?;
        Disk.rename(folder, from, to)?;
        let (from, to) = (folder.path_of(from), folder.path_of(to));
        self.note_name(&to, NameUndo::Rename(from, to.clone()));
        Ok(())
    }

    fn replace(&self, folder: &Folder, from: &str, to: &str) -> io::Result<()> {
        self.op()?;
        let (from_path, to_path) = (folder.path_of(from), folder.path_of(to));
        if folder.has(to) {
            let old = self.bury(&to_path);
            Disk.replace(folder, from, to)?;
            let undo = NameUndo::Replace(from_path, to_path.clone(), old);
            self.note_name(&to_path, undo);
        } else {
            Disk.replace(folder, from, to)?;
            self.note_name(&to_path, NameUndo::Rename(from_path, to_path.clone()));
        }
        Ok(())
    }

    fn unlink(&self, folder: &Folder, name: &str) -> io::Result<()> {
        self.op()?;
        if !folder.has(name) {
            return Disk.unlink(folder, name);
        }
        let path = folder.path_of(name);
        let old = self.bury(&path);
        Disk.unlink(folder, name)?;
        self.note_name(&path, NameUndo::Unlink(path.clone(), old));
        Ok(())
    }

    fn lease(&self, file: &File) -> io::Result<Lease> {
        if self.has_died() {
            return Err(io::Error::other("dead"));
        }
        if !self.has_leases {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Disk.lease(file)
    }
}
