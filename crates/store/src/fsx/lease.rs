//! A lease: the kernel's guarantee that no process has a file open for writing, whether or not that
//! process can be seen from here.
//!
//! `fcntl(F_SETLEASE, F_RDLCK)` succeeds only then. While the lease is held, an `open` for writing
//! by another process waits in the kernel (up to `/proc/sys/fs/lease-break-time` seconds), and the
//! holder gets a signal. The signal is set to SIGURG, which does nothing to a process that has no
//! handler for it; the default, SIGIO, ends the process.
//!
//! The other kind, F_WRLCK, also blocks readers: it fails while any process has the file open for
//! reading, and makes new readers wait. To prove that a file stays as it is, F_RDLCK is as good.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Sets the signal that reports an `open`; libc lacks it (`asm-generic/fcntl.h`).
const F_SETSIG: libc::c_int = 10;

/// A held lease; released when dropped.
#[derive(Debug)]
pub struct Lease {
    descriptor: OwnedFd,
}

impl Lease {
    /// Takes a lease through `file`, which must be open for reading only.
    ///
    /// # Errors
    /// `WouldBlock` when the file is open for writing, `PermissionDenied` for a file of another user,
    /// `InvalidInput` if the file system has no leases.
    pub fn take(file: BorrowedFd<'_>) -> io::Result<Lease> {
        // A duplicate shares the open file description, so it does not count as another opener.
        let descriptor = file.try_clone_to_owned()?;
        control(descriptor.as_fd(), F_SETSIG, libc::SIGURG)?;
        control(descriptor.as_fd(), libc::F_SETLEASE, libc::F_RDLCK)?;
        Ok(Lease { descriptor })
    }

    /// Whether no process has tried to open the file for writing since. After such a try, that
    /// `open` waits until the lease is released, and then succeeds even if the name is gone.
    pub fn is_whole(&self) -> bool {
        let held = control(self.descriptor.as_fd(), libc::F_GETLEASE, 0);
        held.is_ok_and(|kind| kind == libc::F_RDLCK)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A failure has no consequence: the lease is gone then.
        let _ = control(self.descriptor.as_fd(), libc::F_SETLEASE, libc::F_UNLCK);
    }
}

#[allow(unsafe_code)]
fn control(file: BorrowedFd<'_>, command: libc::c_int, value: libc::c_int) -> io::Result<i32> {
    // SAFETY: the descriptor is open for as long as it is borrowed. F_SETSIG and F_SETLEASE take an
    // `int` as their third argument and F_GETLEASE ignores it; none of them takes a pointer, so the
    // kernel neither reads nor writes memory of this process.
    let answer = unsafe { libc::fcntl(file.as_raw_fd(), command, value) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::ErrorKind;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lease_is_granted_only_while_no_process_has_the_file_open_for_writing() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        fs::write(&path, "x").expect("written");
        let file = File::open(&path).expect("open");
        let lease = match Lease::take(file.as_fd()) {
            Ok(lease) => lease,
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                return testing::skipped(testing::NO_LEASES);
            }
            Err(error) => panic!("{error}"),
        };
        assert!(lease.is_whole());
        drop(lease);
        let _reader = File::open(&path).expect("open");
        let other = File::options().append(true).open(&path).expect("open");
        let refused = Lease::take(file.as_fd()).expect_err("a writer is there");
        assert_eq!(refused.kind(), ErrorKind::WouldBlock);
        drop(other);
        Lease::take(file.as_fd()).expect("free again");
    }

    #[test]
    fn an_open_waits_for_the_lease_and_the_signal_does_no_harm() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("log");
        fs::write(&path, "x").expect("written");
        let file = File::open(&path).expect("open");
        let Ok(lease) = Lease::take(file.as_fd()) else {
            return testing::skipped(testing::NO_LEASES);
        };
        thread::scope(|scope| {
            let opener = scope.spawn(|| File::options().append(true).open(&path));
            while lease.is_whole() {
                thread::sleep(Duration::from_millis(1));
            }
            drop(lease);
            let opened = opener.join().expect("no panic");
            opened.expect("opened after the lease");
        });
    }
}
