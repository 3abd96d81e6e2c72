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
    /// What is wrong with it, as a clause: "is truncated after 10:32:07".
    pub what: String,
}

impl Trouble {
    /// Trouble with `path`.
    pub fn new(path: &Path, what: impl Into<String>) -> Trouble {
        Trouble {
            path: path.to_owned(),
            what: what.into(),
        }
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
