//! Values that programs compare: the identity of a finding, and moments.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::finding::Finding;

/// The identity of a finding: 16 hexadecimal digits, the same in each run. Unlike [`Finding::key`] it is short and does
/// not show the number of a client.
pub(super) fn id(finding: &Finding) -> String {
    let sum = Sha256::digest(finding.key().as_bytes());
    sum[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A moment in UTC, to the second.
pub(super) fn time(at: DateTime<Utc>) -> Value {
    at.to_rfc3339_opts(SecondsFormat::Secs, true).into()
}
