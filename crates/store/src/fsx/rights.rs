//! The rights that files of a folder are opened and created with.
//!
//! Root may open everything, so a log's name that leads to another file would let the folder's
//! owner read and change that file through root. Therefore root acts as the owner while the kernel
//! looks a name up, and as itself for what it then does with the descriptor.
//!
//! The effective ids of **this thread only** are changed, by raw system calls, and changed back
//! before [`FolderRights::act`] returns: other threads, such as rayon's workers, keep theirs. The
//! real and the saved user id stay root's, so the owner can neither signal nor trace the process,
//! and file systems that the owner has mounted (FUSE) refuse the thread instead of making it wait.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::process;
use std::sync::Arc;

use rustix::process::{Gid, Uid, getegid, geteuid, getgroups};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};

use super::Accounts;

/// The rights that a folder's files are opened with.
#[derive(Debug, Clone, Default)]
pub struct FolderRights(Option<Arc<Owner>>);

#[derive(Debug)]
struct Owner {
    user: Uid,
    groups: Vec<Gid>,
    /// The groups of the process, to restore.
    own_group: Gid,
    own_groups: Vec<Gid>,
}

impl FolderRights {
    /// The rights for a folder: those of its owner if root runs this, otherwise those of the
    /// process.
    ///
    /// # Errors
    /// When the groups of the process can't be read.
    pub fn for_folder(folder: &Metadata, accounts: &Accounts) -> io::Result<FolderRights> {
        if !geteuid().is_root() || folder.uid() == 0 {
            return Ok(FolderRights(None));
        }
        let groups = accounts.groups_of(folder.uid());
        let groups = groups.unwrap_or_else(|| vec![folder.gid()]);
        Ok(FolderRights(Some(Arc::new(Owner {
            user: Uid::from_raw(folder.uid()),
            groups: groups.into_iter().map(Gid::from_raw).collect(),
            own_group: getegid(),
            own_groups: getgroups()?,
        }))))
    }

    /// Runs `act` with these rights. `act` must only make system calls: it must not start threads
    /// or wait for them. Calls must not be nested.
    ///
    /// # Errors
    /// Any error of `act`, and an error when the process may not take these rights because it lacks
    /// CAP_SETUID or CAP_SETGID.
    pub fn act<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let Some(owner) = &self.0 else {
            return act();
        };
        let _back = owner.take()?;
        act()
    }
}

impl Owner {
    fn take(&self) -> io::Result<RightsGuard<'_>> {
        // From here on, dropping the guard restores the process's rights, also when only half of
        // them changed.
        let back = RightsGuard(self);
        let taken = set_thread_groups(&self.groups)
            .and_then(|()| {
                set_thread_res_gid(None::<Gid>, self.groups.first().copied(), None::<Gid>)
            })
            .and_then(|()| set_thread_res_uid(None::<Uid>, self.user, None::<Uid>));
        match taken {
            Ok(()) => Ok(back),
            Err(error) => Err(io::Error::new(
                io::Error::from(error).kind(),
                format!(
                    "can't act as its owner, uid {}: {}; root needs CAP_SETUID and CAP_SETGID for \
                     that",
                    self.user.as_raw(),
                    crate::error::reason(&error.into()),
                ),
            )),
        }
    }

    fn give_back(&self) -> rustix::io::Result<()> {
        set_thread_res_uid(None::<Uid>, Uid::ROOT, None::<Uid>)?;
        set_thread_res_gid(None::<Gid>, self.own_group, None::<Gid>)?;
        set_thread_groups(&self.own_groups)
    }
}

/// Restores the process's rights when dropped.
struct RightsGuard<'o>(&'o Owner);

impl Drop for RightsGuard<'_> {
    fn drop(&mut self) {
        // To continue with another user's rights would be wrong in ways that no caller expects. If
        // no right could be taken (no CAP_SETGID), setgroups fails here as well, and nothing has
        // changed.
        if self.0.give_back().is_err() && !self.0.is_untouched() {
            process::abort();
        }
    }
}

impl Owner {
    fn is_untouched(&self) -> bool {
        let groups = getgroups();
        geteuid().is_root()
            && getegid() == self.own_group
            && groups.is_ok_and(|groups| groups == self.own_groups)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::chown;
    use std::thread;

    use super::*;

    #[test]
    fn root_acts_as_the_owner_on_one_thread_and_is_root_again() {
        if !geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().expect("a folder");
        chown(dir.path(), Some(4711), Some(4712)).expect("given away");
        let metadata = fs::metadata(dir.path()).expect("there");
        let rights = FolderRights::for_folder(&metadata, &Accounts::default()).expect("rights");
        let before = getgroups().expect("groups");
        let seen = rights.act(|| {
            fs::write(dir.path().join("made"), "x")?;
            Ok((geteuid().as_raw(), getegid().as_raw(), getgroups()?))
        });
        let seen = seen.expect("acted");
        assert_eq!(seen, (4711, 4712, vec![Gid::from_raw(4712)]));
        assert!(geteuid().is_root() && getgroups().expect("groups") == before);
        let made = fs::metadata(dir.path().join("made")).expect("made");
        assert_eq!((made.uid(), made.gid()), (4711, 4712));
        let other = rights.act(|| Ok(fs::read("/etc/shadow").is_err()));
        assert!(
            other.expect("acted"),
            "what is root's is closed to the owner"
        );
        // A panic gives the rights back as well.
        let panicked = thread::spawn(move || {
            let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                let _ = rights.act(|| -> io::Result<()> { panic!("in between") });
            }));
            caught.is_err() && geteuid().is_root()
        });
        assert!(panicked.join().expect("joined"));
    }
}
