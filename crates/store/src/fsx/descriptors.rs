//! How many files this process may have open at a time, and what to say where that is too few.

use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit, setrlimit};

/// Lets this process have as many files open as it may: most systems allow 1,024 at first, and more to
/// whoever asks. Where that is refused, it goes on with what it has.
pub fn raise_descriptor_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}

/// Whether no more files may be open: of this process, or of the whole system.
pub fn is_out_of_descriptors(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::MFILE | Errno::NFILE))
}

/// What to say then, and what to do about it, as a sentence without its full stop.
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
