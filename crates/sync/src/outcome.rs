//! What came of asking one host.

use std::collections::BTreeMap;

use calltrace_store::tree::EnterpriseName;

use crate::judge::Cause;

/// What came of asking one host for its journals and of holding them against the logs of its enterprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOutcome {
    /// Whose events the host sends.
    pub enterprise: EnterpriseName,
    /// What the settings call the host.
    pub host: String,
    /// Events that the journals name, without those that earlier runs have settled.
    pub processed: usize,
    /// Of those, how many stand in the logs.
    pub arrived: usize,
    /// Of those that arrived, how many at another time than the host says: a clock or a zone is wrong.
    pub misdated: usize,
    /// How many did not arrive, by cause. What can't be written (`errors`) is among them.
    pub missing: BTreeMap<Cause, usize>,
    /// Lines that were added to the logs; 0 in a dry run.
    pub recovered: usize,
    /// Calls that were new to the database that calls are copied to; `None` if there is none.
    pub copied: Option<u64>,
    /// How many may still arrive.
    pub pending: usize,
    /// How many may stand in what could not be read of the logs.
    pub hidden: usize,
    /// Missing events that make no line.
    pub errors: usize,
    /// The host's clock minus ours, in milliseconds; `None` if the host did not say.
    pub skew_millis: Option<i64>,
    /// What could not be read of journals and logs, each a sentence.
    pub troubles: Vec<String>,
    /// Why the host could not be asked, or nothing could be written.
    pub failure: Option<Failure>,
}

/// Why nothing, or not all, came of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// A word for programs: that of a `HostErrorKind`, or `logs` or `database`.
    pub kind: &'static str,
    /// The sentence for people. Holds no secret.
    pub text: String,
}

impl HostOutcome {
    /// Nothing is known yet.
    pub fn of(enterprise: &EnterpriseName, host: &str) -> HostOutcome {
        HostOutcome {
            enterprise: enterprise.clone(),
            host: host.to_owned(),
            processed: 0,
            arrived: 0,
            misdated: 0,
            missing: BTreeMap::new(),
            recovered: 0,
            copied: None,
            pending: 0,
            hidden: 0,
            errors: 0,
            skew_millis: None,
            troubles: Vec::new(),
            failure: None,
        }
    }

    /// How many events did not arrive.
    pub fn missing_count(&self) -> usize {
        self.missing.values().sum()
    }

    /// Whether all that was asked was read, and all that was missing was written, as far as it makes lines.
    pub fn is_complete(&self) -> bool {
        self.failure.is_none() && self.troubles.is_empty() && self.hidden == 0
    }
}
