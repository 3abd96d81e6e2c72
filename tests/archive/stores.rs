//! Buckets over the stores of a test, and objects to put there.

use calltrace_archive::{
    ArchiveConfig, ArchiveUrl, Bucket, Endpoint, Manifest, ObjectKind, ObjectRef, ShippedEntry,
};
use calltrace_store::secret::{Secret, SecretSource};
use calltrace_store::tree::EnterpriseName;
use testing::object_stores::{BUCKET, KEY};

/// The settings for a store under a prefix.
pub(crate) fn config(endpoint: &str, prefix: &str) -> ArchiveConfig {
    let secret = |text: &str| Secret::new(text).map(SecretSource::Here);
    ArchiveConfig {
        url: Some(ArchiveUrl::parse(&format!("s3://{BUCKET}/{prefix}")).expect("it is one")),
        endpoint: Some(Endpoint::parse(endpoint).expect("it is one")),
        access_key: secret(KEY.0),
        secret_key: secret(KEY.1),
        ..ArchiveConfig::default()
    }
}

/// A bucket under a prefix.
pub(crate) fn bucket(endpoint: &str, prefix: &str) -> Bucket {
    Bucket::open(&config(endpoint, prefix)).expect("the settings are right")
}

pub(crate) fn enterprise() -> EnterpriseName {
    EnterpriseName::new("0367").expect("a name")
}

pub(crate) const LOG: &str = "events.log.2025-11-29.gz";

/// Bytes that do not repeat.
pub(crate) fn noise(bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut noise = Vec::with_capacity(bytes + 8);
    while noise.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        noise.extend_from_slice(&state.to_le_bytes());
    }
    noise.truncate(bytes);
    noise
}

/// The object of these bytes.
pub(crate) fn object(kind: ObjectKind, bytes: &[u8]) -> ObjectRef {
    ObjectRef::new(kind, LOG, bytes.len() as u64, crc32fast::hash(bytes))
}

/// A manifest with one day.
pub(crate) fn manifest(log: &ObjectRef, revision: u64) -> Manifest {
    let mut manifest = Manifest::new(enterprise().as_str());
    manifest.revision = revision;
    manifest.days.push(ShippedEntry {
        name: LOG.to_owned(),
        log: log.clone(),
        modified: 1_764_460_800_123_456_789,
        content: None,
        times: None,
        index: None,
        index_head: None,
        table: None,
    });
    manifest
}
