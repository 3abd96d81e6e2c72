//! Sealed days in object storage.
//!
//! A bucket holds, for each enterprise, one object per sealed day, per index and per table of calls, and a
//! [`Manifest`] that names those that count. Objects never change, and their keys contain their checksums;
//! only a manifest is replaced.
//!
//! [`Bucket`] writes, for `ship`. [`Archive`] reads, as the store's `ShippedTree`: `held_manifest` keeps manifests fresh,
//! `object` reads objects by chunks, which `fetching` fetches, `pool` holds in memory and `disk_cache` on disk. Both block
//! over `store_client`, which has a runtime of its own; nothing above this crate is async because of it.

#![allow(
    missing_docs,
    reason = "fields and variants that explain themselves have no comment"
)]

mod archive;
mod boot_time;
mod bucket;
mod config;
mod connection;
mod disk_cache;
mod download;
mod error;
mod fetching;
mod health;
mod held_manifest;
mod manifest;
mod object;
mod pool;
mod readahead;
mod store_client;
mod upload;

pub use archive::Archive;
pub use bucket::{Bucket, ListedObject};
pub use config::{ArchiveConfig, ArchiveUrl, CredentialSource, Endpoint};
pub use error::{StoreError, StoreFault};
pub use manifest::{
    ContentRef, HexBytes, Manifest, ManifestTag, ObjectKind, ObjectRef, ShippedEntry,
};
pub use upload::PutOutcome;
