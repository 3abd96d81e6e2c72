//! The number of files that this process may have open, and the message for when it is too low.

use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the number of files that this process may have open to the maximum: most systems allow
/// 1,024 at first, and more on request. A refusal is ignored.
pub fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Whether the process, or the whole system, has too many files open.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE))
}

/// The message for that case, and what to do about it, as a sentence without its full stop.
pub fn out_of_descriptors() -> String {
    let most = match getrlimit(Resource::Nofile).current {
        Some(most) => format!("this process may have {most} open at a time"),
        None => "the system has too many open".to_owned(),
    };
    format!(
        "not all files could be opened: {most}; allow more (`ulimit -Hn` shows the most that a shell may \
         ask for, LimitNOFILE= sets it for a service, limits.conf for a user), or name fewer enterprises"
    )
}
