//! At most one rotation per folder, by `flock` on a file of our own, never on a log.
//!
//! The kernel releases the lock when the process ends in any way, so there is no stale lock. Another process
//! that may read the file can take the lock as well, and would silently stop every rotation. So only its
//! owner may read the file (0600), and the holder of the lock is looked up.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt as _};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{FlockOperation, Gid, Uid};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::holders::processes;
use super::{Accounts, FileIdentity, Folder, Purpose};

/// Pause between two tries while another calltrace holds the lock.
const BETWEEN_TRIES: Duration = Duration::from_millis(50);

/// A holder that is not found has normally released the lock by the next try; after this many tries
/// it can't be seen from here.
const UNSEEN_TRIES: usize = 5;

/// The program's name, also while its file is being replaced ("calltrace (deleted)").
const PROGRAM: &str = "calltrace";

/// Mode of a lock file with the time of the last run.
const OWN_MODE: u32 = 0o600;

/// Mode of a lock file that was just created and has no such time yet.
const NEW_MODE: u32 = 0o400;

/// A held lock; released when dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// When the last run took it; `None` when there was none, or the file does not say.
    pub last_taken: Option<SystemTime>,
}

impl Lock {
    /// Takes the lock `name` in `folder` and creates its file if needed. `None` when another
    /// calltrace of root or of the folder's owner holds it and `wait` is false.
    ///
    /// # Errors
    /// When the file can't be made or opened, and `ResourceBusy` when any other process holds the
    /// lock: the error names it.
    pub fn take(folder: &Folder, name: &str, wait: bool) -> io::Result<Option<Lock>> {
        let patience = if wait { Duration::MAX } else { Duration::ZERO };
        Ok(Lock::try_for(folder, name, patience)?.ok())
    }

    /// Takes the lock as [`Lock::take`] does, waiting for another calltrace for at most `patience`.
    ///
    /// # Errors
    /// As [`Lock::take`], and `ResourceBusy` when the other calltrace, which the error names, did
    /// not release it in time.
    pub fn take_within(folder: &Folder, name: &str, patience: Duration) -> io::Result<Lock> {
        Lock::try_for(folder, name, patience)?.map_err(|holder| {
            let waited = patience.as_secs();
            let words = format!("{holder} still holds it after {waited} s");
            io::Error::new(ErrorKind::ResourceBusy, words)
        })
    }

    fn try_for(
        folder: &Folder,
        name: &str,
        patience: Duration,
    ) -> io::Result<Result<Lock, Holder>> {
        let begun = Instant::now();
        let (file, metadata) = open(folder, name)?;
        let last_taken = tighten(folder, &file, &metadata)?;
        let mut unseen = 0;
        loop {
            match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Ok(Lock { file, last_taken })),
                Err(Errno::WOULDBLOCK) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            match Holder::find(&metadata) {
                Some(holder) if holder.is_calltrace_of([0, folder.metadata()?.uid()]) => {
                    if begun.elapsed() >= patience {
                        return Ok(Err(holder));
                    }
                }
                Some(holder) => return Err(lock_held(&holder.to_string())),
                None if unseen < UNSEEN_TRIES => unseen += 1,
                None => return Err(lock_held("a process that can't be seen from here")),
            }
            thread::sleep(BETWEEN_TRIES);
        }
    }

    /// When the last run took the lock `name`, without taking it.
    pub fn last_taken(folder: &Folder, name: &str) -> Option<SystemTime> {
        let (_, metadata) = folder.open_file(name, Purpose::Read).ok()?;
        date_of(&metadata)
    }

    /// Records in the lock's file that a run was at work at `now`.
    ///
    /// # Errors
    /// When another user owns the file.
    pub fn note(&self, now: SystemTime) -> io::Result<()> {
        self.file.set_modified(now)
    }
}

fn lock_held(by: &str) -> io::Error {
    io::Error::new(
        ErrorKind::ResourceBusy,
        format!("{by} holds it, which is not a calltrace of root or of the folder's owner"),
    )
}

fn open(folder: &Folder, name: &str) -> io::Result<(File, Metadata)> {
    loop {
        match folder.open_file(name, Purpose::Read) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
        match folder.create(name, NEW_MODE) {
            // Another first run created it in the meantime.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
    }
}

/// The time of the last run. Version 0.1 left the creation time in its lock file, and every user
/// could read the file; such a time does not count.
fn date_of(metadata: &Metadata) -> Option<SystemTime> {
    let modified = metadata.modified().ok()?;
    let is_dated = metadata.mode() & 0o777 == OWN_MODE && modified != SystemTime::UNIX_EPOCH;
    is_dated.then_some(modified)
}

/// Makes the lock's file readable by its owner only. Returns the time of the last run if the file
/// tells it.
fn tighten(folder: &Folder, file: &File, metadata: &Metadata) -> io::Result<Option<SystemTime>> {
    if metadata.mode() & 0o777 == OWN_MODE {
        return Ok(date_of(metadata));
    }
    // A file with a second name may be any file, and only an empty one is a lock.
    let is_lock = metadata.nlink() == 1 && metadata.len() == 0;
    let owner = folder.metadata()?;
    if is_lock && (geteuid().is_root() || geteuid().as_raw() == metadata.uid()) {
        if metadata.uid() == 0 && owner.uid() != 0 {
            // A run by root must not lock out the next run by the owner.
            let (user, group) = (Uid::from_raw(owner.uid()), Gid::from_raw(owner.gid()));
            rustix::fs::fchown(file, Some(user), Some(group))?;
        }
        // The time is set before the mode, which says that the time counts.
        file.set_modified(SystemTime::UNIX_EPOCH)?;
        file.set_permissions(Permissions::from_mode(OWN_MODE))?;
    }
    Ok(None)
}

/// The process that holds a lock.
#[derive(Debug)]
struct Holder {
    pid: u32,
    command: String,
    /// The user who started it; a program that changes its user keeps this one.
    user: Option<u32>,
}

impl Holder {
    /// Searches the descriptors of all processes: the process that took a lock says little, because a child
    /// that inherited the descriptor holds it as well. If descriptors can't be read, the kernel's list of
    /// locks names the process that took it.
    fn find(lock: &Metadata) -> Option<Holder> {
        let identity = FileIdentity::of(lock);
        let own = std::process::id();
        let holding = processes().ok()?.filter(|(pid, _)| *pid != own);
        let holding = holding.filter(|(_, process)| holds(process, identity));
        let mut found: Vec<Holder> = holding.filter_map(|(pid, _)| Holder::of(pid)).collect();
        // A process that inherited the lock from a calltrace counts before the calltrace.
        found.sort_by_key(|holder| holder.command.starts_with(PROGRAM));
        let found = found.into_iter().next();
        found.or_else(|| listed(lock.ino()).and_then(Holder::of))
    }

    fn of(pid: u32) -> Option<Holder> {
        let process = Path::new("/proc").join(pid.to_string());
        let status = fs::read_to_string(process.join("status")).ok()?;
        let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
        let user = ids.and_then(|ids| ids.split_whitespace().next()?.parse().ok());
        // The program's file, if it may be read: a process can choose any name for itself.
        let program = fs::read_link(process.join("exe")).ok();
        let program = program.and_then(|path| Some(path.file_name()?.to_str()?.to_owned()));
        let comm = || fs::read_to_string(process.join("comm")).unwrap_or_default();
        Some(Holder {
            pid,
            command: program.unwrap_or_else(|| comm().trim().to_owned()),
            user,
        })
    }

    fn is_calltrace_of(&self, users: [u32; 2]) -> bool {
        let is_ours = self.user.is_some_and(|user| users.contains(&user));
        is_ours && self.command.starts_with(PROGRAM)
    }
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Holder { pid, command, user } = self;
        let command = command.escape_debug();
        match user {
            Some(user) => write!(
                f,
                "{command} (pid {pid}) of user {}",
                Accounts::read().say(*user)
            ),
            None => write!(f, "{command} (pid {pid})"),
        }
    }
}

/// Whether a process holds a lock on the file through one of its descriptors.
fn holds(process: &Path, lock: FileIdentity) -> bool {
    let Ok(descriptors) = fs::read_dir(process.join("fd")) else {
        return false;
    };
    descriptors.flatten().any(|descriptor| {
        let is_it = fs::metadata(descriptor.path())
            .is_ok_and(|metadata| metadata.is_file() && FileIdentity::of(&metadata) == lock);
        let info = || fs::read_to_string(process.join("fdinfo").join(descriptor.file_name()));
        is_it && info().is_ok_and(|info| info.lines().any(|line| line.starts_with("lock:")))
    })
}

/// The process that took the lock, from `/proc/locks`.
fn listed(inode: u64) -> Option<u32> {
    let locks = fs::read_to_string("/proc/locks").ok()?;
    locks.lines().find_map(|line| {
        // `1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF`; one that waits has `->` after the number.
        let mut fields = line.split_whitespace().skip(1);
        let kind = fields.next()?;
        let (pid, file) = (fields.nth(2)?, fields.next()?);
        let is_it = kind == "FLOCK" && file.rsplit(':').next()?.parse() == Ok(inode);
        is_it.then(|| pid.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(dir.path()).expect("open");
        let first = Lock::take(&folder, "lock", false).expect("no error");
        assert!(first.is_some());
        let (file, _) = folder.open_file("lock", Purpose::Read).expect("there");
        let flock = || rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
        assert!(flock().is_err());
        drop(first);
        assert!(flock().is_ok());
    }

    #[test]
    fn a_lock_that_everybody_could_read_is_tightened() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(dir.path()).expect("open");
        let path = dir.path().join("lock");
        fs::write(&path, "").expect("written");
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("set");
        let lock = Lock::take(&folder, "lock", false).expect("no error");
        assert_eq!(
            lock.expect("taken").last_taken,
            None,
            "of 0.1: it says nothing"
        );
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        let again = Lock::take(&folder, "lock", false).expect("no error");
        let again = again.expect("taken");
        assert_eq!(again.last_taken, None, "no run has ended well");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_000_000);
        again.note(at).expect("noted");
        assert_eq!(Lock::last_taken(&folder, "lock"), Some(at));
    }
}
