//! A secret that can be compared and used as a key, and is never printed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

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

#[cfg(test)]
mod tests {
    use super::*;

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
