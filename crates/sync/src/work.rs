//! What those who start runs need of them. `serve` asks through a trait, so that it knows neither ssh nor
//! journals.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};

use super::records::Records;
use calltrace_store::tree::EnterpriseName;

/// A host whose journal can be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncHost {
    /// The enterprise whose events it sends.
    pub enterprise: EnterpriseName,
    /// What the settings call it.
    pub name: String,
    /// Its address.
    pub address: String,
}

/// Which events of a host a run looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of these days of the host's calendar, both included; open where there is no day.
    Days {
        /// The first day.
        from: Option<NaiveDate>,
        /// The last day.
        to: Option<NaiveDate>,
    },
    /// What was sent to the service and did not arrive, in the journals of yesterday and today.
    Live,
}

/// What a run did for an enterprise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The enterprise.
    pub enterprise: EnterpriseName,
    /// Events that were looked at.
    pub processed: u64,
    /// Events that were missing and are there now.
    pub new: u64,
    /// Events that could not be taken over.
    pub errors: u64,
    /// How far the host's clock is ahead of ours; behind, if negative.
    pub skew: Option<TimeDelta>,
    /// Why the run did not do its work, or not all of it; holds no secret.
    pub failure: Option<String>,
}

/// Hangups that did not arrive today.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unsuccessful {
    /// How many, by enterprise. An enterprise whose hosts were asked in vain is not among them.
    pub by_enterprise: BTreeMap<EnterpriseName, u64>,
}

/// Fetches what hosts have and adds what is missing.
///
/// All futures may be dropped at any moment, which ends what they do: processes that they started are ended, and
/// nothing is left half-written.
#[async_trait]
pub trait SyncWork: Send + Sync {
    /// All hosts, by enterprise; an enterprise may have several.
    fn hosts(&self) -> Vec<SyncHost>;

    /// The database that copies are kept in; `None` if there is none.
    fn records(&self) -> Option<&Records>;

    /// A run for one enterprise. It is not called again for an enterprise before it has ended.
    async fn sync(&self, enterprise: &EnterpriseName, scope: Scope) -> Outcome;

    /// Counts in the journals of `today` (the date of the server) the hangups that the service did not accept.
    async fn unsuccessful(&self, today: NaiveDate) -> Unsuccessful;

    /// Whether each host can be reached, by the name that the settings give it, within some seconds; `Err` with a
    /// reason that holds no secret.
    async fn check_hosts(&self) -> Vec<(String, Result<(), String>)>;
}
