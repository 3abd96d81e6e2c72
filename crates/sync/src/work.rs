//! The interface of runs for the programs that start them. `serve` uses a trait, so that it depends on neither ssh
//! nor journals.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};

use super::records::CallDatabase;
use calltrace_store::tree::EnterpriseName;

/// A host with journals that can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncHost {
    /// The enterprise that the host belongs to.
    pub enterprise: EnterpriseName,
    /// The name of the host in the settings.
    pub name: String,
    /// Its address.
    pub address: String,
}

/// The events of a host that a run covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncScope {
    /// All events of these days of the host's calendar, both inclusive. `None` leaves that end open.
    Days {
        /// The first day.
        from: Option<NaiveDate>,
        /// The last day.
        to: Option<NaiveDate>,
    },
    /// The events of yesterday and today that were sent to the service and did not arrive.
    Live,
}

/// The outcome of a run for an enterprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncOutcome {
    /// The enterprise.
    pub enterprise: EnterpriseName,
    /// Events in the journals.
    pub processed: u64,
    /// Missing events that were recovered.
    pub new: u64,
    /// Missing events that could not be recovered.
    pub errors: u64,
    /// The host's clock minus ours; negative if it is behind.
    pub skew: Option<TimeDelta>,
    /// Why the run failed, in full or in part. The text holds no secret.
    pub failure: Option<String>,
}

/// Hangups of today that did not arrive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnacceptedHangups {
    /// Their number by enterprise. An enterprise without a reachable host is left out.
    pub by_enterprise: BTreeMap<EnterpriseName, u64>,
}

/// Fetches the journals of hosts and recovers what is missing.
///
/// All futures may be dropped at any time. Their child processes are then killed, and nothing is left half-written.
#[async_trait]
pub trait SyncWork: Send + Sync {
    /// All hosts, by enterprise; an enterprise may have several.
    fn hosts(&self) -> Vec<SyncHost>;

    /// The database of copies; `None` if there is none.
    fn records(&self) -> Option<&CallDatabase>;

    /// Runs for one enterprise. It is not called again for an enterprise before the run has ended.
    async fn sync(&self, enterprise: &EnterpriseName, scope: SyncScope) -> SyncOutcome;

    /// Counts the hangups in the journals of `today` (the date of the server) that the service did not accept.
    async fn unsuccessful(&self, today: NaiveDate) -> UnacceptedHangups;

    /// Checks within some seconds whether each host can be reached. Hosts are named as in the settings. `Err` holds a
    /// reason without any secret.
    async fn check_hosts(&self) -> Vec<(String, Result<(), String>)>;
}
