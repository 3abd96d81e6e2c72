//! Errors of hosts that could not be asked or did not finish their answer.

/// The error of a host that gave no answer or only a part of one. The text is for people: the host, what was wrong,
/// and what to do. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {what}")]
pub struct HostError {
    /// The kind, for programs that count errors.
    pub kind: HostErrorKind,
    /// The host with its address, or the file.
    subject: String,
    what: String,
}

/// The kind of an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostErrorKind {
    /// No connection was possible, or the host's name is not known.
    Unreachable,
    /// The host refused the key, or the key cannot be used.
    KeyRefused,
    /// The host refused the password.
    PasswordRefused,
    /// The host has a different key than the known one.
    HostKeyChanged,
    /// No key of the host is known.
    HostKeyUnknown {
        /// Fingerprints of the host's keys, such as `SHA256:... (ED25519)`; empty if they could not be read.
        fingerprints: Vec<String>,
    },
    /// A problem on this machine: no ssh, or a password file that others can read.
    Local,
    /// There is no sqlite3 on the host.
    NoSqlite,
    /// The folder of journals is missing, or the user may not open it.
    NoFolder,
    /// No journal exists for these days.
    NoJournal,
    /// The answer, or the rest of it, did not come in time.
    TimedOut,
    /// The answer is invalid, or its end is missing.
    Broken,
}

impl HostErrorKind {
    /// The word for it in JSON and counters.
    pub fn word(&self) -> &'static str {
        match self {
            HostErrorKind::Unreachable => "unreachable",
            HostErrorKind::KeyRefused => "key_refused",
            HostErrorKind::PasswordRefused => "password_refused",
            HostErrorKind::HostKeyChanged => "host_key_changed",
            HostErrorKind::HostKeyUnknown { .. } => "host_key_unknown",
            HostErrorKind::Local => "local",
            HostErrorKind::NoSqlite => "no_sqlite3",
            HostErrorKind::NoFolder => "no_folder",
            HostErrorKind::NoJournal => "no_journal",
            HostErrorKind::TimedOut => "timed_out",
            HostErrorKind::Broken => "broken",
        }
    }
}

impl HostError {
    /// An error about `subject`; `what` is the rest of the sentence.
    pub(crate) fn new(kind: HostErrorKind, subject: &str, what: impl Into<String>) -> HostError {
        HostError {
            kind,
            subject: subject.to_owned(),
            what: what.into(),
        }
    }
}
