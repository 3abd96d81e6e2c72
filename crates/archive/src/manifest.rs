//! The manifest of an enterprise: which objects are its sealed days.
//!
//! `PREFIX/ENTERPRISE/manifest.json` is replaced only if it is still the one that was read (`If-Match`), so
//! that two writers can't lose each other's days. An object that no manifest names is no part of any answer.

use serde::{Deserialize, Serialize};

/// The `format` of every manifest.
const FORMAT: &str = "calltrace-manifest";

/// Raised when an older program would misread a manifest.
const VERSION: u32 = 1;

/// The sealed days of one enterprise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    version: u32,
    pub enterprise: String,
    /// Increases by one each time that the manifest is written; 0 for one that was never written.
    pub revision: u64,
    /// By name of the log. A name occurs twice only if the days have different content.
    pub days: Vec<ShippedEntry>,
    /// The catalog of exactly these days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<ObjectRef>,
}

/// A sealed day, with its index and its table of calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShippedEntry {
    /// The name of the log: `events.log.2025-11-29.gz`.
    pub name: String,
    pub log: ObjectRef,
    /// Modification time of the local file (nanoseconds of Unix time).
    pub modified: i64,
    /// Length (bytes) and CRC-32 of the decoded content, if its index knew them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<ContentRef>,
    /// Earliest and latest time of its records (milliseconds of Unix time, UTC), if they are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<(i64, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<ObjectRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<ObjectRef>,
}

/// An object by its key below the enterprise's prefix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectRef {
    /// `events.log.2025-11-29.gz/1f2e3d4c.gz`: the name of the log, then the CRC-32 of the object.
    pub key: String,
    /// Length (bytes).
    pub bytes: u64,
    /// CRC-32 of all its bytes.
    pub crc32: u32,
}

/// Decoded content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentRef {
    pub bytes: u64,
    pub crc32: u32,
}

impl Manifest {
    /// The manifest of an enterprise that has none yet.
    pub fn new(enterprise: &str) -> Manifest {
        Manifest {
            format: FORMAT.to_owned(),
            version: VERSION,
            enterprise: enterprise.to_owned(),
            revision: 0,
            days: Vec::new(),
            catalog: None,
        }
    }
}
