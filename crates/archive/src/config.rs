//! `[archive]` of the settings: where the store is, and what opens it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use calltrace_store::secret::{Secret, SecretSource};
use object_store::path::Path as Key;

use crate::error::StoreError;

/// Time limit of one request, unless the settings state another.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Size of the cache on disk, unless the settings state another: 1 GiB.
const CACHE_BYTES: u64 = 1 << 30;

/// `[archive]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveConfig {
    /// The bucket and prefix of all enterprises; `None` for no archive.
    pub url: Option<ArchiveUrl>,
    /// The address of the store; `None` for Amazon's in `region`.
    pub endpoint: Option<Endpoint>,
    /// `None` for `us-east-1`, which stores of other makers accept.
    pub region: Option<String>,
    pub access_key: Option<SecretSource>,
    pub secret_key: Option<SecretSource>,
    /// Both in one: `ACCESS_KEY:SECRET_KEY`.
    pub key: Option<SecretSource>,
    /// Where the keys come from.
    pub credentials: CredentialSource,
    /// The folder of the cache on disk; `None` for none.
    pub cache: Option<PathBuf>,
    /// The most that the cache on disk holds (bytes).
    pub cache_bytes: u64,
    /// The time limit of one request. A whole operation, with its retries, takes at most twice as long.
    pub request_timeout: Duration,
    /// Whether keys and logs may be sent without TLS to another host.
    pub allow_http: bool,
}

/// Where keys come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CredentialSource {
    /// Files.
    #[default]
    Files,
    /// The metadata service of the cloud that this host runs in.
    Instance,
}

impl Default for ArchiveConfig {
    /// No archive.
    fn default() -> ArchiveConfig {
        ArchiveConfig {
            url: None,
            endpoint: None,
            region: None,
            access_key: None,
            secret_key: None,
            key: None,
            credentials: CredentialSource::Files,
            cache: None,
            cache_bytes: CACHE_BYTES,
            request_timeout: REQUEST_TIMEOUT,
            allow_http: false,
        }
    }
}

impl ArchiveConfig {
    /// The access key and the secret key; `None` where the cloud gives them. Adds a warning when other users can read
    /// one of the files.
    pub(crate) fn keys(
        &self,
        warnings: &mut Vec<String>,
    ) -> Result<Option<(Secret, Secret)>, StoreError> {
        if self.credentials == CredentialSource::Instance {
            return Ok(None);
        }
        let mut read = |given: &SecretSource, key: &str| {
            let read = given.read(key, warnings);
            read.map_err(|error| StoreError::Settings(error.to_string()))
        };
        if let Some(both) = &self.key {
            let both = read(both, "archive.key")?;
            let split = str::from_utf8(both.bytes()).ok();
            let split = split.and_then(|text| text.split_once(':'));
            let parts =
                split.and_then(|(access, secret)| Secret::new(access).zip(Secret::new(secret)));
            return parts.map(Some).ok_or_else(|| {
                StoreError::Settings(
                    "archive.key_file: its line must be ACCESS_KEY:SECRET_KEY".to_owned(),
                )
            });
        }
        let (Some(access), Some(secret)) = (&self.access_key, &self.secret_key) else {
            return Err(StoreError::Settings(
                "archive.url is set without keys; set archive.access_key_file and archive.secret_key_file, or \
                 archive.credentials = \"instance\" in a cloud that gives keys to its hosts"
                    .to_owned(),
            ));
        };
        let access = read(access, "archive.access_key")?;
        Ok(Some((access, read(secret, "archive.secret_key")?)))
    }

    /// Refuses to send keys and logs without TLS to another host, unless the settings allow it.
    pub(crate) fn check_endpoint(&self) -> Result<(), StoreError> {
        match &self.endpoint {
            Some(endpoint) if endpoint.is_open() && !self.allow_http => {
                Err(StoreError::Settings(format!(
                    "archive.endpoint: {} has no TLS, so that others in the network could read the logs; use https:, or \
                     set archive.allow_http = true",
                    endpoint.as_str()
                )))
            }
            _ => Ok(()),
        }
    }
}

/// `s3://bucket/prefix`: where the enterprises are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveUrl {
    bucket: String,
    prefix: Key,
    shown: PathBuf,
}

impl ArchiveUrl {
    /// # Errors
    /// The hint about a text that is no such address.
    pub fn parse(typed: &str) -> Result<ArchiveUrl, String> {
        let hint = || "it is like s3://bucket/prefix; the prefix is optional".to_owned();
        let rest = typed.strip_prefix("s3://").ok_or_else(hint)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_end_matches('/');
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_')
            });
        let is_part = |part: &str| {
            !part.is_empty()
                && !part.bytes().all(|b| b == b'.')
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        };
        if !is_bucket || !(prefix.is_empty() || prefix.split('/').all(is_part)) {
            return Err(hint());
        }
        let shown = match prefix {
            "" => format!("s3://{bucket}"),
            _ => format!("s3://{bucket}/{prefix}"),
        };
        Ok(ArchiveUrl {
            bucket: bucket.to_owned(),
            prefix: Key::parse(prefix).map_err(|_| hint())?,
            shown: shown.into(),
        })
    }

    /// As it is written in messages, without a slash at the end.
    pub fn path(&self) -> &Path {
        &self.shown
    }

    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }

    pub(crate) fn prefix(&self) -> &Key {
        &self.prefix
    }
}

/// The address of a store: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// # Errors
    /// The hint about a text that is no such address. It does not repeat the text, which may hold a password.
    pub fn parse(typed: &str) -> Result<Endpoint, String> {
        let hint = || {
            "it is like https://s3.example.org or http://127.0.0.1:8333, without a path, user or password"
                .to_owned()
        };
        let (scheme, host) = typed.split_once("://").ok_or_else(hint)?;
        let host = host.trim_end_matches('/');
        let is_host = !host.is_empty()
            && host.bytes().all(|b| {
                b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']')
            });
        match is_host && matches!(scheme, "http" | "https") {
            true => Ok(Endpoint(format!("{scheme}://{host}"))),
            false => Err(hint()),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it sends to another host without TLS.
    fn is_open(&self) -> bool {
        let Some(host) = self.0.strip_prefix("http://") else {
            return false;
        };
        let host = match host.strip_prefix('[') {
            Some(address) => address
                .split_once(']')
                .map_or(address, |(address, _)| address),
            None => host.split_once(':').map_or(host, |(host, _)| host),
        };
        let is_loopback = host
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
        !(is_loopback || host == "localhost")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_bucket_and_a_prefix() {
        for (typed, shown) in [
            ("s3://calls", "s3://calls"),
            ("s3://calls/", "s3://calls"),
            ("s3://calls/logs/2025/", "s3://calls/logs/2025"),
        ] {
            let url = ArchiveUrl::parse(typed).expect("it is one");
            assert_eq!(url.path(), Path::new(shown));
        }
        for wrong in [
            "",
            "calls",
            "s3:/calls",
            "s3://",
            "s3://Calls",
            "s3://calls//logs",
            "s3://calls/../logs",
            "s3://calls/a b",
            "s3://key:secret@calls/logs",
            "https://s3.example.org/calls",
        ] {
            assert!(ArchiveUrl::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn without_tls_only_this_host_is_asked() {
        let config = |endpoint: &str, allow_http| ArchiveConfig {
            endpoint: Some(Endpoint::parse(endpoint).expect("it is one")),
            allow_http,
            ..ArchiveConfig::default()
        };
        for here in [
            "http://127.0.0.1:8333",
            "http://localhost:8333/",
            "http://[::1]:8333",
            "https://s3.example.org",
        ] {
            assert!(config(here, false).check_endpoint().is_ok(), "{here}");
        }
        for elsewhere in [
            "http://10.0.0.5:8333",
            "http://s3.example.org",
            "http://127.0.0.1.example.org",
        ] {
            assert!(
                config(elsewhere, false).check_endpoint().is_err(),
                "{elsewhere}"
            );
            assert!(
                config(elsewhere, true).check_endpoint().is_ok(),
                "{elsewhere}"
            );
        }
        for wrong in [
            "s3.example.org",
            "http://",
            "http://key:s3cret@host",
            "http://host/path",
            "ftp://host",
        ] {
            let hint = Endpoint::parse(wrong).expect_err("it is none");
            assert!(!hint.contains("s3cret"), "{hint}");
        }
    }

    #[test]
    fn keys_come_from_one_place() {
        let here = |text: &str| Secret::new(text).map(SecretSource::Here);
        let keys = |config: &ArchiveConfig| config.keys(&mut Vec::new());
        let mut config = ArchiveConfig::default();
        assert!(keys(&config).is_err(), "there are none");
        config.access_key = here("AKIA");
        assert!(keys(&config).is_err(), "one of two");
        config.secret_key = here("s3cret");
        let (access, secret) = keys(&config).expect("two").expect("of files");
        assert!(access.matches("AKIA") && secret.matches("s3cret"));
        config.key = here("AKIB:s3:cret");
        let (access, secret) = keys(&config).expect("one").expect("of a file");
        assert!(access.matches("AKIB") && secret.matches("s3:cret"));
        config.key = here("AKIB");
        let wrong = keys(&config).expect_err("it has no colon").to_string();
        assert!(!wrong.contains("AKIB"), "{wrong}");
        config.credentials = CredentialSource::Instance;
        assert_eq!(keys(&config).expect("the cloud gives them"), None);
    }
}
