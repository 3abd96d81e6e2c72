//! What went wrong, with the path and the deed.
//!
//! Two things are told apart. An [`Error`] ends a command: nothing sensible can be answered. A
//! [`Trouble`] degrades an answer: the rest is given, the trouble is named with it, and the exit
//! code says that the search was incomplete.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a command can't be carried out. The text is one line: subject, deed, what was there, what
/// to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something typed is wrong.
    #[error("{0}")]
    Usage(String),
    /// A deed on a path failed.
    #[error("{}: can't {deed}: {}", path.display(), reason(source))]
    Io {
        /// What it was done to.
        path: PathBuf,
        /// The deed, as in "can't ...".
        deed: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// Threads can't be started.
    #[error("can't start {wanted} threads: {source}")]
    Threads {
        /// So many were asked for; 0 for one per core.
        wanted: usize,
        /// Why not.
        source: io::Error,
    },
    /// A command that goes on until it is interrupted can't listen for that.
    #[error("can't listen for signals: {}", reason(.0))]
    Signals(io::Error),
    /// A service can't listen for the signals that end it, or that have it open its log file anew.
    #[error("can't be told when to end: {0}")]
    ServiceSignals(io::Error),
    /// The output can't be written.
    #[error("can't write the answer: {}", reason(.0))]
    Output(io::Error),
}

impl Error {
    /// An error of `deed` on `path`.
    pub fn io(path: &Path, deed: &'static str, source: io::Error) -> Error {
        Error::Io {
            path: path.to_owned(),
            deed,
            source,
        }
    }
}

/// What happened to an answer's file, so that the answer may miss something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    /// The file or folder.
    pub path: PathBuf,
    /// Where in its content; 0 where that does not matter.
    pub at: u64,
    /// What is wrong with it, as a clause: "is truncated after 10:32:07".
    pub what: String,
    /// There may be many like it in the file; the first is enough.
    pub first_only: bool,
}

impl Trouble {
    /// Trouble with `path`.
    pub fn new(path: &Path, what: impl Into<String>) -> Trouble {
        Trouble {
            path: path.to_owned(),
            at: 0,
            what: what.into(),
            first_only: false,
        }
    }

    /// Sorts troubles, each once.
    pub fn tidy(troubles: &mut Vec<Trouble>) {
        troubles.sort();
        troubles.dedup_by(|next, before| {
            let like = next.first_only && before.first_only && next.path == before.path;
            like || next == before
        });
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.path.display(), self.what)
    }
}

/// The operating system's reason in its own words, without Rust's "(os error 13)".
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_could_not_be_done_and_why() {
        let source = || io::Error::from_raw_os_error(11);
        let said = |error: Error| error.to_string();
        let wanted = 8;
        assert_eq!(
            said(Error::Threads {
                wanted,
                source: io::Error::other("no memory"),
            }),
            "can't start 8 threads: no memory"
        );
        assert_eq!(
            said(Error::Signals(source())),
            "can't listen for signals: resource temporarily unavailable"
        );
        assert_eq!(
            said(Error::ServiceSignals(source())),
            "can't be told when to end: Resource temporarily unavailable (os error 11)"
        );
        assert_eq!(
            said(Error::io(Path::new("/logs"), "list the folder", source())),
            "/logs: can't list the folder: resource temporarily unavailable"
        );
    }
}
