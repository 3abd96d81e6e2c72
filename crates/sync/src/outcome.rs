//! The outcome of a run for one host.

use std::collections::BTreeMap;

use calltrace_store::tree::EnterpriseName;

use crate::judge::Cause;

/// The outcome of reading one host's journals and comparing them with the logs of its enterprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOutcome {
    /// The enterprise that the host belongs to.
    pub enterprise: EnterpriseName,
    /// The name of the host in the settings.
    pub host: String,
    /// Events in the journals, without those that earlier runs have settled.
    pub processed: usize,
    /// The part of them that is in the logs.
    pub arrived: usize,
    /// The part of those that arrived at another time than the host says: a clock or a zone is wrong.
    pub misdated: usize,
    /// Events that did not arrive, by cause, including those that cannot be written (`errors`).
    pub missing: BTreeMap<Cause, usize>,
    /// Lines that were added to the logs; 0 in a dry run.
    pub recovered: usize,
    /// Calls that were new to the database of copies; `None` if there is none.
    pub copied: Option<u64>,
    /// Events that may still arrive.
    pub pending: usize,
    /// Events that may be in logs that could not be read.
    pub hidden: usize,
    /// Missing events that cannot be written as a line.
    pub errors: usize,
    /// The host's clock minus ours, in milliseconds; `None` if the host did not say.
    pub skew_millis: Option<i64>,
    /// The parts of journals and logs that could not be read, one sentence each.
    pub troubles: Vec<String>,
    /// Why the host could not be asked, or the lines could not be written.
    pub failure: Option<HostFailure>,
}

/// Why a run failed, in full or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFailure {
    /// A word for programs: that of a `HostErrorKind`, or `logs` or `database`.
    pub kind: &'static str,
    /// A sentence for people. It holds no secret.
    pub text: String,
}

impl HostOutcome {
    /// An outcome without any events.
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

    /// The number of events that did not arrive.
    pub fn missing_count(&self) -> usize {
        self.missing.values().sum()
    }

    /// Whether everything was read, and every missing event that makes a line was written.
    pub fn is_complete(&self) -> bool {
        self.failure.is_none() && self.troubles.is_empty() && self.hidden == 0
    }
}
