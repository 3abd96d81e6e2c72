//! What went wrong, with the path and the deed.
//!
//! Two things are told apart. An [`Error`] ends a command: nothing sensible can be answered. A
//! [`Trouble`] degrades an answer: the rest is given, the trouble is named with it, and the exit
//! code says that the search was incomplete.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::fsx::is_out_of_descriptors;

/// The reason of an error of another crate.
type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a command can't be carried out. The text is one line: subject, deed, what was there, what
/// to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something typed is wrong.
    #[error("{0}")]
    Usage(String),
    /// A deed on a path failed.
    #[error("{}: {}", path.display(), cant(deed, source))]
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
    /// A service can't listen at the address that it was given.
    #[error("{}", not_bound(*at, source))]
    Listen {
        /// The address.
        at: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// A service can't go on at the address that it listens on.
    #[error("can't serve on {at}: {source}")]
    Serve {
        /// The address.
        at: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The system has no random numbers for a token of one run.
    #[error("no random numbers for a token: {0}")]
    Random(Source),
    /// The machine has no certificates for a service that a setting names with https.
    #[error("{setting}: no certificates to check https with")]
    Certificates {
        /// The setting.
        setting: &'static str,
        /// What was wrong with them.
        source: Source,
    },
    /// A source of secrets can't be asked.
    #[error("{0}")]
    Directory(Source),
    /// The output can't be written.
    #[error("can't write the answer: {}", reason(.0))]
    Output(io::Error),
}

impl Error {
    /// Whether the reason is that no more files may be open.
    pub fn is_out_of_descriptors(&self) -> bool {
        matches!(self, Error::Io { source, .. } if is_out_of_descriptors(source))
    }

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
    /// What it means to an answer.
    pub kind: TroubleKind,
}

/// What a trouble means to an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TroubleKind {
    /// The answer may miss something.
    Hides,
    /// The same; it is no fault of the file, which could not be opened because too many were open.
    OutOfDescriptors,
    /// Worth a line; no answer misses anything for it.
    Harmless,
}

impl Trouble {
    /// Trouble with `path`.
    pub fn new(path: &Path, what: impl Into<String>) -> Trouble {
        Trouble {
            path: path.to_owned(),
            at: 0,
            what: what.into(),
            first_only: false,
            kind: TroubleKind::Hides,
        }
    }

    /// Whether an answer with these troubles may miss something.
    pub fn may_hide(troubles: &[Trouble]) -> bool {
        let hides = |trouble: &Trouble| trouble.kind != TroubleKind::Harmless;
        troubles.iter().any(hides)
    }

    /// Trouble with `path`, of which this could not be done: "be read", "list it".
    pub fn cant(path: &Path, deed: &str, error: &io::Error) -> Trouble {
        let kind = match is_out_of_descriptors(error) {
            true => TroubleKind::OutOfDescriptors,
            false => TroubleKind::Hides,
        };
        Trouble {
            kind,
            ..Trouble::new(path, cant(deed, error))
        }
    }

    /// Sorts troubles, each once. Of files that were too many to open, the first stands for all.
    pub fn tidy(troubles: &mut Vec<Trouble>) {
        troubles.sort();
        let mut is_first = true;
        troubles.retain(|trouble| {
            let is_limit = trouble.kind == TroubleKind::OutOfDescriptors;
            !is_limit || std::mem::take(&mut is_first)
        });
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

/// What could not be done and why, as a clause: "can't be read: permission denied".
pub fn cant(deed: &str, error: &io::Error) -> String {
    format!("can't {deed}: {}", reason(error))
}

/// The operating system's reason in its own words, without Rust's "(os error 13)".
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

fn not_bound(at: SocketAddr, error: &io::Error) -> String {
    let (host, port) = (at.ip(), at.port());
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{at} is taken, maybe by another calltrace serve; end that one, or choose another \
             port with --listen {host}:{}",
            port.checked_add(1).unwrap_or(8026)
        ),
        io::ErrorKind::PermissionDenied => format!(
            "{at}: ports below 1024 are not for everybody; choose another with --listen {host}:8026"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "{at}: this host has no such address; it always has 127.0.0.1:{port}, and \
             0.0.0.0:{port} is all it has"
        ),
        _ => format!("can't listen on {at}: {error}"),
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
        let at = SocketAddr::from(([127, 0, 0, 1], 8026));
        assert_eq!(
            said(Error::Serve {
                at,
                source: source(),
            }),
            "can't serve on 127.0.0.1:8026: Resource temporarily unavailable (os error 11)"
        );
        assert_eq!(
            said(Error::Random("no device".into())),
            "no random numbers for a token: no device"
        );
        assert_eq!(
            said(Error::Certificates {
                setting: "metadata.url",
                source: "none".into(),
            }),
            "metadata.url: no certificates to check https with"
        );
    }

    #[test]
    fn an_address_that_is_not_to_be_had_says_which_is() {
        let said = |kind: io::ErrorKind, at: &str| {
            let at = at.parse().expect("an address");
            let source = kind.into();
            Error::Listen { at, source }.to_string()
        };
        assert!(
            said(io::ErrorKind::AddrInUse, "127.0.0.1:8026").ends_with("--listen 127.0.0.1:8027")
        );
        assert!(
            said(io::ErrorKind::PermissionDenied, "0.0.0.0:80").ends_with("--listen 0.0.0.0:8026")
        );
        assert!(said(io::ErrorKind::AddrNotAvailable, "10.9.9.9:80").contains("has 127.0.0.1:80,"));
    }
}
