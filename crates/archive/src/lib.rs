//! Sealed days in object storage.
//!
//! A bucket holds, for each enterprise, one object per sealed day, per index and per table of calls, and a
//! [`Manifest`] that names those that count. Objects never change, and their keys contain their checksums;
//! only a manifest is replaced.

#![allow(
    missing_docs,
    reason = "fields and variants that explain themselves have no comment"
)]

mod bucket;
mod client;
mod config;
mod connection;
mod download;
mod error;
mod manifest;
mod upload;

pub use bucket::{Bucket, ListedObject, PutOutcome};
pub use config::{ArchiveConfig, ArchiveUrl, CredentialSource, Endpoint};
pub use error::{StoreError, StoreFault};
pub use manifest::{ContentRef, Manifest, ManifestTag, ObjectKind, ObjectRef, ShippedEntry};
