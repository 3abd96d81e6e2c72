//! A secret that can be compared and used as a key, and is never printed; and where the settings say that it is.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::error::{Error, reason};

/// No secret is longer (bytes).
const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// The length of 96 random bits in base64.
const LONG_BYTES: usize = 16;

/// The token of an enterprise's pages, or an address that must not be shown. Its memory is wiped when it is dropped.
/// `Debug` hides it, and there is no other way to print it.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// `None` for an empty or blank text, which must not open anything.
    pub fn new(text: &str) -> Option<Secret> {
        (!text.trim().is_empty()).then(|| Secret(SecretString::from(text)))
    }

    /// Whether `given` is this secret. The duration does not depend on how much of it is right.
    pub fn matches(&self, given: &str) -> bool {
        self.bytes().ct_eq(given.as_bytes()).into()
    }

    /// Whether it is too long to be guessed by trying: 16 bytes or more.
    pub fn is_long(&self) -> bool {
        self.bytes().len() >= LONG_BYTES
    }

    /// Its bytes, as a key for signatures or for a connection.
    pub fn bytes(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Secret) -> bool {
        self.bytes().ct_eq(other.bytes()).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// A secret as the settings give it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretSource {
    /// The settings hold the secret itself.
    Here(Secret),
    /// A file holds the secret as its only line.
    File(PathBuf),
}

impl SecretSource {
    /// Reads the secret. `key` is the name of the setting, for messages. A warning is added when other users can read
    /// its file.
    ///
    /// # Errors
    /// A file that is missing, can't be read, is empty or holds more than one line.
    pub fn read(&self, key: &str, warnings: &mut Vec<String>) -> Result<Secret, Error> {
        let path = match self {
            SecretSource::Here(secret) => return Ok(secret.clone()),
            SecretSource::File(path) => path,
        };
        let wrong = |what: &str| Error::Usage(format!("{key}_file: {}: {what}", path.display()));
        let (text, mode) = read_file(path).map_err(|error| match path.is_absolute() {
            true => wrong(&reason(&error)),
            // The value may be the secret itself, so the message must not show it.
            false => Error::Usage(format!(
                "{key}_file: there is no such file; it takes a file's name, not the secret itself"
            )),
        })?;
        if mode & 0o007 != 0 {
            let at = path.display();
            warnings.push(format!(
                "{key}_file: {at} is open to every user of this machine; chmod o= {at}"
            ));
        }
        let text = text.trim_end_matches(['\n', '\r']);
        if text.contains('\n') {
            return Err(wrong(
                "it holds more than one line; only the secret may stand in it",
            ));
        }
        Secret::new(text).ok_or_else(|| wrong("it is empty; put the secret into it, in one line"))
    }
}

/// The text of a small file and its mode.
fn read_file(path: &Path) -> io::Result<(String, u32)> {
    let file = File::open(path)?;
    let mode = file.metadata()?.permissions().mode();
    let mut text = String::new();
    file.take(SECRET_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > SECRET_BYTES_MAX {
        return Err(io::Error::other("too large for a secret"));
    }
    Ok((text, mode))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};

    use super::*;

    fn file(text: &str, mode: u32) -> (tempfile::TempDir, SecretSource) {
        let dir = tempfile::tempdir().expect("a folder of its own");
        let path = dir.path().join("secret");
        fs::write(&path, text).expect("its own file");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("its own file");
        (dir, SecretSource::File(path))
    }

    #[test]
    fn a_secret_of_a_file_is_its_line_without_the_end_of_it() {
        for (text, mode, warned) in [("s3 cret\r\n", 0o640, 0), ("s3 cret", 0o644, 1)] {
            let (_dir, given) = file(text, mode);
            let mut warnings = Vec::new();
            let secret = given
                .read("enterprises.0367.secret", &mut warnings)
                .expect("the file holds one");
            assert!(secret.matches("s3 cret"));
            assert_eq!(warnings.len(), warned, "{warnings:?}");
            assert!(!warnings.iter().any(|warning| warning.contains("s3 cret")));
        }
    }

    #[test]
    fn a_file_without_a_secret_is_an_error_that_names_it() {
        let texts = ["", "\n", "one\ntwo\n"];
        for (_dir, given) in texts.map(|text| file(text, 0o600)) {
            let wrong = given
                .read("postgres.url", &mut Vec::new())
                .expect_err("there is none in it");
            let wrong = wrong.to_string();
            assert!(wrong.starts_with("postgres.url_file: "), "{wrong}");
            assert!(!wrong.contains("two"), "{wrong}");
        }
        let nowhere = SecretSource::File("/nowhere/secret".into());
        let wrong = nowhere
            .read("postgres.url", &mut Vec::new())
            .expect_err("there is no such file");
        let said = "postgres.url_file: /nowhere/secret: no such file or directory";
        assert_eq!(wrong.to_string(), said);
        let endless = SecretSource::File("/dev/zero".into());
        assert!(endless.read("postgres.url", &mut Vec::new()).is_err());
    }

    #[test]
    fn a_secret_compares_and_does_not_print() {
        let secret = Secret::new("s3cret").expect("not empty");
        assert!(secret.matches("s3cret"));
        for wrong in ["", "s3cre", "s3cret ", "S3cret"] {
            assert!(!secret.matches(wrong), "{wrong}");
        }
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        assert!(Secret::new(" ").is_none());
    }
}
