//! Runs over the hosts of the settings: the only implementation of [`SyncWork`].

use std::time::Duration;

use async_trait::async_trait;
use calltrace_hosts::journal::{JournalDays, JournalQuery, JournalRow, JournalTable};
use calltrace_hosts::{FetchLimits, Host, HostErrorKind, fetch};
use calltrace_model::sighting::Delivery;
use calltrace_store::tree::EnterpriseName;
use chrono::{NaiveDate, TimeDelta};
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{self, StreamExt as _};

use crate::context::SyncContext;
use crate::outcome::HostOutcome;
use crate::records::CallDatabase;
use crate::run::{SyncQuery, sync_host};
use crate::work::{SyncHost, SyncOutcome, SyncScope, SyncWork, UnacceptedHangups};

/// Maximum number of hosts that are asked concurrently.
const AT_ONE_TIME: usize = 8;

/// The time within which a host must answer a check.
const CHECK: Duration = Duration::from_secs(5);

/// The first day that a journal can have: names have four digits for the year.
pub const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(1970, 1, 1).expect("a day");
/// The last day that a journal can have.
pub const LAST_DAY: NaiveDate = NaiveDate::from_ymd_opt(9999, 12, 31).expect("a day");

/// The hosts of the settings, and the context of their runs.
pub struct HostsWork {
    /// The context of their runs.
    pub site: SyncContext,
    /// The hosts.
    pub hosts: Vec<Host>,
}

#[async_trait]
impl SyncWork for HostsWork {
    fn hosts(&self) -> Vec<SyncHost> {
        let of = |host: &Host| SyncHost {
            enterprise: host.enterprise.clone(),
            name: host.name.to_string(),
            address: host.address.to_string(),
        };
        self.hosts.iter().map(of).collect()
    }

    fn records(&self) -> Option<&CallDatabase> {
        self.site.records.as_deref()
    }

    async fn sync(&self, enterprise: &EnterpriseName, scope: SyncScope) -> SyncOutcome {
        let question = SyncQuery {
            days: match scope {
                SyncScope::Live => JournalDays::Recent,
                SyncScope::Days { from, to } => {
                    JournalDays::Range(from.unwrap_or(FIRST_DAY), to.unwrap_or(LAST_DAY))
                }
            },
            dry_run: false,
        };
        let mut asked: Vec<BoxFuture<'_, HostOutcome>> = Vec::new();
        for host in &self.hosts {
            if host.enterprise == *enterprise {
                asked.push(sync_host(&self.site, host, question).boxed());
            }
        }
        let outcomes = side_by_side(asked).await;
        summed_up(enterprise, &outcomes)
    }

    async fn unsuccessful(&self, today: NaiveDate) -> UnacceptedHangups {
        let mut asked: Vec<BoxFuture<'_, Option<u64>>> = Vec::new();
        for host in &self.hosts {
            asked.push(self.unsuccessful_of(host, today).boxed());
        }
        let counts = side_by_side(asked).await;
        let counts = self.hosts.iter().zip(counts);
        let mut answer = UnacceptedHangups::default();
        for (host, count) in counts {
            if let Some(count) = count {
                let enterprise = host.enterprise.clone();
                *answer.by_enterprise.entry(enterprise).or_default() += count;
            }
        }
        answer
    }

    async fn check_hosts(&self) -> Vec<(String, Result<(), String>)> {
        let mut asked: Vec<BoxFuture<'_, (String, Result<(), String>)>> = Vec::new();
        for host in &self.hosts {
            asked.push(self.check(host).boxed());
        }
        side_by_side(asked).await
    }
}

impl HostsWork {
    /// The hangups in the host's journal of that day that the webhook did not accept; `None` if the host cannot be
    /// asked.
    async fn unsuccessful_of(&self, host: &Host, day: NaiveDate) -> Option<u64> {
        let wanted = JournalQuery::all_of(JournalDays::Range(day, day));
        let now = self.site.now.utc();
        let fetched = fetch(host, &wanted, now, &self.site.limits).await;
        let rows = match fetched {
            Ok(fetched) => fetched.rows,
            Err(error) if error.kind == HostErrorKind::NoJournal => Vec::new(),
            Err(_) => return None,
        };
        let is_failed = |row: &&JournalRow| {
            row.table == JournalTable::Webhook
                && row.event == "hangup"
                && (row.delivery()).is_some_and(|delivery| delivery != Delivery::Accepted)
        };
        Some(rows.iter().filter(is_failed).count() as u64)
    }

    /// Checks whether a host answers at all.
    async fn check(&self, host: &Host) -> (String, Result<(), String>) {
        // No host has a journal of this day, and an answer that says so proves that the host can be asked.
        let wanted = JournalQuery::all_of(JournalDays::Range(FIRST_DAY, FIRST_DAY));
        let limits = FetchLimits {
            connect: CHECK,
            overall: CHECK,
            ..self.site.limits.clone()
        };
        let is_there = match fetch(host, &wanted, self.site.now.utc(), &limits).await {
            Err(error) if error.kind != HostErrorKind::NoJournal => Err(error.to_string()),
            _ => Ok(()),
        };
        (host.name.to_string(), is_there)
    }
}

/// The answers of hosts in the order of the questions. A few hosts are asked concurrently.
async fn side_by_side<T>(asked: Vec<BoxFuture<'_, T>>) -> Vec<T> {
    stream::iter(asked).buffered(AT_ONE_TIME).collect().await
}

/// The outcome for an enterprise, over all its hosts.
fn summed_up(enterprise: &EnterpriseName, outcomes: &[HostOutcome]) -> SyncOutcome {
    let sum = |count: fn(&HostOutcome) -> usize| outcomes.iter().map(count).sum::<usize>() as u64;
    let failures: Vec<&str> = (outcomes.iter())
        .filter_map(|one| Some(one.failure.as_ref()?.text.as_str()))
        .collect();
    let skews = outcomes.iter().filter_map(|one| one.skew_millis);
    SyncOutcome {
        enterprise: enterprise.clone(),
        processed: sum(|one| one.processed),
        new: sum(|one| one.recovered),
        errors: sum(|one| one.errors),
        skew: skews
            .max_by_key(|skew| skew.abs())
            .map(TimeDelta::milliseconds),
        failure: (!failures.is_empty()).then(|| failures.join("; ")),
    }
}
