//! The identity of a finding for other programs.

use sha2::{Digest, Sha256};

use crate::finding::CheckFinding;

/// 16 hexadecimal digits, the same in each run. Unlike [`CheckFinding::key`] they are short, and do not show the number of a
/// client.
pub(super) fn id(finding: &CheckFinding) -> String {
    let sum = Sha256::digest(finding.key().as_bytes());
    sum[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
