//! Why the store did not do what it was asked for. No text holds a key, a secret, a header or a query: of what the
//! store answers only the status and its one-word code are shown.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use object_store::client::{HttpError, HttpErrorKind};

/// Longest code of an answer that is shown, such as `AccessDenied`.
const CODE_BYTES_MAX: usize = 40;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The settings do not name a store that can be opened.
    #[error("{0}")]
    Settings(String),
    /// Another writer replaced the manifest first: read it again.
    #[error("{}: another writer changed it meanwhile", .0.display())]
    Changed(PathBuf),
    /// The store, or an object in it.
    #[error("{}: {fault}", url.display())]
    At { url: PathBuf, fault: StoreFault },
    /// What was to be sent can't be read, or what was read can't be written here.
    #[error("{0}")]
    Local(io::Error),
}

/// What is wrong with an object or the store, as a clause about its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreFault {
    Missing,
    /// The object has another length than the manifest states (bytes).
    Length {
        expected: u64,
        found: u64,
    },
    /// All bytes of the object have another CRC-32 than the manifest states.
    Checksum {
        expected: u32,
        found: u32,
    },
    /// The content is not what it has to be; the text is a clause.
    Invalid(String),
    /// The store does not accept the keys, or they do not allow this.
    Denied(Option<String>),
    /// There is no connection; the text is the reason.
    Unreachable(String),
    /// There was no answer, or not the whole of one, within this time.
    TimedOut(Duration),
    /// Any other answer: its status, and its code if it has one.
    Answer(u16, Option<String>),
    /// An answer that does not follow the protocol.
    Protocol,
}

impl StoreError {
    pub(crate) fn at(url: &Path, fault: StoreFault) -> StoreError {
        StoreError::At {
            url: url.to_owned(),
            fault,
        }
    }

    /// What is wrong with the object or the store, if it is one of them.
    pub fn fault(&self) -> Option<&StoreFault> {
        match self {
            StoreError::At { fault, .. } => Some(fault),
            _ => None,
        }
    }
}

impl StoreFault {
    /// Whether the whole store may be down, so that asking it for something else has little hope.
    pub fn is_of_store(&self) -> bool {
        matches!(self, StoreFault::Unreachable(_) | StoreFault::TimedOut(_))
    }

    fn kind(&self) -> io::ErrorKind {
        match self {
            StoreFault::Missing => io::ErrorKind::NotFound,
            StoreFault::Length { .. } | StoreFault::Checksum { .. } | StoreFault::Invalid(_) => {
                io::ErrorKind::InvalidData
            }
            StoreFault::Denied(_) => io::ErrorKind::PermissionDenied,
            StoreFault::Unreachable(_) => io::ErrorKind::NotConnected,
            StoreFault::TimedOut(_) => io::ErrorKind::TimedOut,
            StoreFault::Answer(..) | StoreFault::Protocol => io::ErrorKind::Other,
        }
    }
}

impl fmt::Display for StoreFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coded = |code: &Option<String>| match code {
            Some(code) => format!(" ({code})"),
            None => String::new(),
        };
        match self {
            StoreFault::Missing => f.write_str("the store does not have it"),
            StoreFault::Length { expected, found } => {
                write!(f, "it has {found} bytes in the store instead of {expected}")
            }
            StoreFault::Checksum { expected, found } => write!(
                f,
                "its bytes in the store have the CRC-32 {found:08x} instead of {expected:08x}"
            ),
            StoreFault::Invalid(what) => f.write_str(what),
            StoreFault::Denied(code) => write!(f, "the store denies access{}", coded(code)),
            StoreFault::Unreachable(why) => write!(f, "the store can't be reached: {why}"),
            StoreFault::TimedOut(limit) => write!(
                f,
                "the store did not answer within {} s",
                limit.as_secs_f32()
            ),
            StoreFault::Answer(status, code) => {
                write!(f, "the store answers with status {status}{}", coded(code))
            }
            StoreFault::Protocol => f.write_str("the store's answer is not that of S3"),
        }
    }
}

impl Error for StoreFault {}

/// The clause alone: who reads the object names its address.
impl From<StoreFault> for io::Error {
    fn from(fault: StoreFault) -> io::Error {
        io::Error::new(fault.kind(), fault)
    }
}

/// The clause alone where the store is at fault, and the whole text otherwise.
impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> io::Error {
        match error {
            StoreError::At { fault, .. } => fault.into(),
            StoreError::Local(error) => error,
            StoreError::Changed(_) | StoreError::Settings(_) => io::Error::other(error.to_string()),
        }
    }
}

/// What an error of the client means. `limit` is the time limit of a request.
pub(crate) fn fault_of(error: &object_store::Error, limit: Duration) -> StoreFault {
    use object_store::Error as Found;
    let text = error.to_string();
    let code = code_in(&text);
    match error {
        // A bucket that is missing is no object that is missing.
        Found::NotFound { .. } if code.as_deref() == Some("NoSuchBucket") => {
            StoreFault::Answer(404, code)
        }
        Found::NotFound { .. } => StoreFault::Missing,
        Found::PermissionDenied { .. } | Found::Unauthenticated { .. } => StoreFault::Denied(code),
        _ => match (transport_in(error), status_in(&text)) {
            (Some((HttpErrorKind::Timeout, _)), _) => StoreFault::TimedOut(limit),
            (Some((_, why)), _) => StoreFault::Unreachable(why),
            (None, Some(status)) => StoreFault::Answer(status, code),
            (None, None) => StoreFault::Protocol,
        },
    }
}

/// The kind of an error of the connection, and its innermost cause, which holds no address.
fn transport_in(error: &object_store::Error) -> Option<(HttpErrorKind, String)> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut kind = None;
    while let Some(inner) = cause {
        if let Some(http) = inner.downcast_ref::<HttpError>() {
            kind = Some(http.kind());
        }
        match (inner.source(), kind) {
            (None, Some(kind)) => {
                let why = match inner.downcast_ref::<io::Error>() {
                    Some(error) => calltrace_store::error::reason(error),
                    None => inner.to_string(),
                };
                return Some((kind, why));
            }
            (next, _) => cause = next,
        }
    }
    None
}

/// The status of an answer, as the client's errors write it.
fn status_in(text: &str) -> Option<u16> {
    let (_, after) = text.split_once("status code: ")?;
    after.get(..3)?.parse().ok()
}

/// The code in the body of an answer, if it is one plain word.
fn code_in(text: &str) -> Option<String> {
    let (_, after) = text.split_once("<Code>")?;
    let (code, _) = after.split_once("</Code>")?;
    let fits = (1..=CODE_BYTES_MAX).contains(&code.len())
        && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    fits.then(|| code.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_answer_only_its_status_and_a_plain_code_are_shown() {
        let said = |body: &str| {
            let source = format!("Server returned non-2xx status code: 403 Forbidden: {body}");
            let error = object_store::Error::Generic {
                store: "S3",
                source: source.into(),
            };
            fault_of(&error, Duration::from_secs(10)).to_string()
        };
        assert_eq!(
            said(
                "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>s3cret</StringToSign></Error>"
            ),
            "the store answers with status 403 (SignatureDoesNotMatch)"
        );
        assert_eq!(
            said("<Code>s3cret=/+</Code>"),
            "the store answers with status 403"
        );
    }

    #[test]
    fn a_fault_names_the_address_once() {
        let url = Path::new("s3://calls/logs/0367/manifest.json");
        let error = StoreError::at(url, StoreFault::Missing);
        assert_eq!(
            error.to_string(),
            "s3://calls/logs/0367/manifest.json: the store does not have it"
        );
        let error = io::Error::from(error);
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(error.to_string(), "the store does not have it");
    }
}
