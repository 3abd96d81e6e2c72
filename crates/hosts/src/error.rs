//! Why a host could not be asked, or did not answer to the end.

/// Why a host gave no answer, or none to the end. The text is for people: who was asked, what was wrong, what to
/// do. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {what}")]
pub struct HostError {
    /// For programs, which count them.
    pub kind: HostErrorKind,
    /// The host with its address, or the file.
    subject: String,
    what: String,
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostErrorKind {
    /// No connection came about, or the host's name is not known.
    Unreachable,
    /// The host refused the key, or the key can't be used.
    KeyRefused,
    /// The host refused the password.
    PasswordRefused,
    /// The host has another key than the one that is known.
    HostKeyChanged,
    /// No key of the host is known.
    HostKeyUnknown {
        /// Fingerprints of the keys that it has, such as `SHA256:... (ED25519)`; empty if it did not say them.
        fingerprints: Vec<String>,
    },
    /// Something here stands in the way: no ssh, a password file that others can read.
    Local,
    /// There is no sqlite3 on the host.
    NoSqlite,
    /// There is no folder of journals, or the user may not look into it.
    NoFolder,
    /// There is no journal of the days that were asked for.
    NoJournal,
    /// The answer, or the rest of it, did not come in time.
    TimedOut,
    /// What came is no answer, or its end is missing.
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
    /// An error of `subject`; `what` is the rest of the sentence.
    pub(crate) fn new(kind: HostErrorKind, subject: &str, what: impl Into<String>) -> HostError {
        HostError {
            kind,
            subject: subject.to_owned(),
            what: what.into(),
        }
    }
}
