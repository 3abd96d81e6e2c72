//! What went wrong, with the path and the operation.
//!
//! There are two types. An [`Error`] ends a command: no sensible answer is possible. A [`Trouble`]
//! degrades an answer: the answer comes with the trouble named, and the exit code says that the
//! search was incomplete if the trouble may hide something that was asked for.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use calltrace_model::record::Stamp;

use crate::fsx::{is_out_of_descriptors, out_of_descriptors};

/// The cause of an error, as another crate reports it.
type ErrorSource = Box<dyn std::error::Error + Send + Sync>;

/// Why a command can't be carried out. The text is one line: the subject, the operation, what was
/// there, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An argument is wrong.
    #[error("{0}")]
    Usage(String),
    /// An operation on a path failed.
    #[error("{}", not_done(path, op, source))]
    Io {
        path: PathBuf,
        /// The operation, as the text after "can't".
        op: &'static str,
        source: io::Error,
    },
    /// Threads can't be started.
    #[error("can't start {wanted} threads: {source}")]
    Threads {
        /// The number of threads that was asked for; 0 means one per core.
        wanted: usize,
        source: io::Error,
    },
    /// A command that runs until it is interrupted can't listen for the signal.
    #[error("can't listen for signals: {}", reason(.0))]
    Signals(io::Error),
    /// A service can't listen for the signals that end it or make it reopen its log file.
    #[error("can't listen for the signals that end the service: {0}")]
    ServiceSignals(io::Error),
    /// A service can't listen at its address.
    #[error("{}", not_bound(*at, source))]
    Listen { at: SocketAddr, source: io::Error },
    /// A service can't continue at the address that it listens on.
    #[error("can't serve on {at}: {source}")]
    Serve { at: SocketAddr, source: io::Error },
    /// The system has no random numbers for the token of a run.
    #[error("can't get random numbers for a token: {0}")]
    Random(ErrorSource),
    /// The machine has no certificates to check the https service that a setting names.
    #[error(
        "{setting}: can't check https without the system's certificates; install ca-certificates"
    )]
    Certificates {
        setting: &'static str,
        source: ErrorSource,
    },
    /// A source of secrets can't be queried.
    #[error("{0}")]
    Directory(ErrorSource),
    /// The output can't be written.
    #[error("can't write the answer: {}", reason(.0))]
    Output(io::Error),
}

impl Error {
    /// An error of `operation` on `path`.
    pub fn io(path: &Path, op: &'static str, source: io::Error) -> Error {
        Error::Io {
            path: path.to_owned(),
            op,
            source,
        }
    }
}

/// What is wrong with a file of an answer, so that the answer may miss something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trouble {
    pub path: PathBuf,
    /// Offset in its content; 0 if the place does not matter.
    pub at: u64,
    /// What is wrong with it, as a clause: "is truncated after 10:32:07".
    pub what: String,
    /// The file may have many troubles of this kind; only the first is reported.
    pub first_only: bool,
    /// The times of the records that it may hide; `None` if it hides none.
    pub hides: Option<TimeRange>,
    /// It may hide something that was asked for (see [`Trouble::judge`]).
    pub matters: bool,
    /// The file is not at fault: it could not be opened because too many files were open.
    pub out_of_descriptors: bool,
}

/// A range of record times, both ends inclusive; `None` is an end that is not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimeRange {
    pub from: Option<Stamp>,
    pub to: Option<Stamp>,
}

impl TimeRange {
    /// All time.
    pub const ANY: TimeRange = TimeRange {
        from: None,
        to: None,
    };

    /// Whether the two ranges have a moment in common.
    pub fn meets(self, other: TimeRange) -> bool {
        let is_before = |one: TimeRange, next: TimeRange| matches!((one.to, next.from), (Some(to), Some(from)) if to < from);
        !is_before(self, other) && !is_before(other, self)
    }

    /// The smallest range that covers both.
    fn with(self, other: TimeRange) -> TimeRange {
        TimeRange {
            from: self.from.zip(other.from).map(|(a, b)| a.min(b)),
            to: self.to.zip(other.to).map(|(a, b)| a.max(b)),
        }
    }
}

impl Trouble {
    /// A trouble with `path` that may hide records of any time.
    pub fn new(path: &Path, what: impl Into<String>) -> Trouble {
        Trouble {
            path: path.to_owned(),
            at: 0,
            what: what.into(),
            first_only: false,
            hides: Some(TimeRange::ANY),
            matters: true,
            out_of_descriptors: false,
        }
    }

    /// A trouble with `path`: an operation on it ("be read", "list it") failed.
    pub fn cant(path: &Path, op: &str, error: &io::Error) -> Trouble {
        Trouble {
            out_of_descriptors: is_out_of_descriptors(error),
            ..Trouble::new(path, cant(op, error))
        }
    }

    /// Sorts troubles and removes repeated ones. Of the files that could not be opened because too
    /// many were open, only the first is kept.
    pub fn tidy(troubles: &mut Vec<Trouble>) {
        troubles.sort();
        let mut is_first = true;
        troubles.retain(|trouble| !trouble.out_of_descriptors || std::mem::take(&mut is_first));
        troubles.dedup_by(|next, before| {
            let like = next.first_only && before.first_only;
            let same = (next.at, &next.what) == (before.at, &before.what);
            let is_known = next.path == before.path && (like || same);
            if is_known && let Some(more) = next.hides {
                before.hides = Some(before.hides.map_or(more, |hides| hides.with(more)));
            }
            is_known
        });
    }

    /// Marks which troubles matter to a question about records of the time `asked`: those that may
    /// hide such a record. A record that is hidden at an unknown time may be of any time. A second
    /// call with a narrower range leaves fewer marked.
    pub fn judge(troubles: &mut [Trouble], asked: TimeRange) {
        for trouble in troubles {
            trouble.matters &= trouble.hides.is_some_and(|hides| hides.meets(asked));
        }
    }

    /// Whether one of them matters, so that an answer may miss something.
    pub fn any_matters(troubles: &[Trouble]) -> bool {
        troubles.iter().any(|trouble| trouble.matters)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.out_of_descriptors {
            true => write!(f, "{}", out_of_descriptors()),
            false => write!(f, "{} {}", self.path.display(), self.what),
        }
    }
}

/// What failed and why, as a clause: "can't be read: permission denied".
pub fn cant(op: &str, error: &io::Error) -> String {
    format!("can't {op}: {}", reason(error))
}

/// The operating system's reason, without Rust's "(os error 13)".
pub fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

fn not_done(path: &Path, op: &str, error: &io::Error) -> String {
    match is_out_of_descriptors(error) {
        true => out_of_descriptors(),
        false => format!("{}: {}", path.display(), cant(op, error)),
    }
}

fn not_bound(at: SocketAddr, error: &io::Error) -> String {
    let (host, port) = (at.ip(), at.port());
    match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{at} is in use, maybe by another calltrace serve; stop that one, or choose another \
             port with --listen {host}:{}",
            port.checked_add(1).unwrap_or(8026)
        ),
        io::ErrorKind::PermissionDenied => format!(
            "{at}: this user may not listen on ports below 1024; choose another with --listen {host}:8026"
        ),
        io::ErrorKind::AddrNotAvailable => format!(
            "{at}: this host does not have that address; use 127.0.0.1:{port}, or 0.0.0.0:{port} \
             for all addresses of the host"
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
        let message = |error: Error| error.to_string();
        let wanted = 8;
        assert_eq!(
            message(Error::Threads {
                wanted,
                source: io::Error::other("no memory"),
            }),
            "can't start 8 threads: no memory"
        );
        assert_eq!(
            message(Error::Signals(source())),
            "can't listen for signals: resource temporarily unavailable"
        );
        assert_eq!(
            message(Error::ServiceSignals(source())),
            "can't listen for the signals that end the service: Resource temporarily unavailable (os error 11)"
        );
        assert_eq!(
            message(Error::io(Path::new("/logs"), "list the folder", source())),
            "/logs: can't list the folder: resource temporarily unavailable"
        );
        let at = SocketAddr::from(([127, 0, 0, 1], 8026));
        assert_eq!(
            message(Error::Serve {
                at,
                source: source(),
            }),
            "can't serve on 127.0.0.1:8026: Resource temporarily unavailable (os error 11)"
        );
        assert_eq!(
            message(Error::Random("no device".into())),
            "can't get random numbers for a token: no device"
        );
        assert_eq!(
            message(Error::Certificates {
                setting: "metadata.url",
                source: "none".into(),
            }),
            "metadata.url: can't check https without the system's certificates; install ca-certificates"
        );
    }

    #[test]
    fn damage_matters_if_it_may_hide_records_of_the_requested_time() {
        let times = |from: Option<i64>, to: Option<i64>| TimeRange {
            from: from.map(Stamp),
            to: to.map(Stamp),
        };
        let asked = times(Some(100), Some(200));
        let matters = |hides: Option<TimeRange>| {
            let mut troubles = [Trouble {
                hides,
                ..Trouble::new(Path::new("events.log"), "is damaged")
            }];
            Trouble::judge(&mut troubles, asked);
            Trouble::any_matters(&troubles)
        };
        assert!(!matters(None), "a line that was read whole");
        assert!(matters(Some(TimeRange::ANY)), "of unknown time");
        for (from, to, is_within) in [
            (Some(0), Some(99), false),
            (Some(0), Some(100), true),
            (Some(120), Some(130), true),
            (Some(200), None, true),
            (Some(201), None, false),
            (None, Some(99), false),
            (None, Some(150), true),
        ] {
            assert_eq!(matters(Some(times(from, to))), is_within, "{from:?} {to:?}");
        }
    }

    #[test]
    fn the_first_hole_of_a_file_reports_the_hidden_range_of_all_its_holes() {
        let hole = |at: u64, from: Option<i64>| Trouble {
            at,
            first_only: true,
            hides: Some(TimeRange {
                from: from.map(Stamp),
                to: Some(Stamp(at as i64)),
            }),
            ..Trouble::new(Path::new("events.log"), format!("has a hole at {at}"))
        };
        let mut troubles = vec![hole(90, Some(80)), hole(20, Some(10))];
        Trouble::tidy(&mut troubles);
        let [only] = troubles.as_slice() else {
            panic!("{troubles:?}");
        };
        assert_eq!(only.at, 20);
        let all = TimeRange {
            from: Some(Stamp(10)),
            to: Some(Stamp(90)),
        };
        assert_eq!(only.hides, Some(all));
    }

    #[test]
    fn an_address_that_is_not_to_be_had_says_which_is() {
        let message = |kind: io::ErrorKind, at: &str| {
            let at = at.parse().expect("an address");
            let source = kind.into();
            Error::Listen { at, source }.to_string()
        };
        assert!(
            message(io::ErrorKind::AddrInUse, "127.0.0.1:8026")
                .ends_with("--listen 127.0.0.1:8027")
        );
        assert!(
            message(io::ErrorKind::PermissionDenied, "0.0.0.0:80")
                .ends_with("--listen 0.0.0.0:8026")
        );
        assert!(
            message(io::ErrorKind::AddrNotAvailable, "10.9.9.9:80").contains("use 127.0.0.1:80,")
        );
    }
}
