//! The second listener of `calltrace serve`: runs of synchronisation, when they are asked for and by themselves.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::NaiveDate;
use tokio::net::TcpListener;

use super::warn_of_open;
use crate::cmd::Desk;
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;
use calltrace_sync::records::Records;
use calltrace_sync::work::{Outcome, Scope, SyncHost, SyncWork, Unsuccessful};
use calltrace_web::{ConnectionLimits, Site, SyncJobs, serve, sync_router};

/// What was asked for by `[sync]`.
pub(super) struct Sync {
    listener: Option<(TcpListener, SocketAddr)>,
    jobs: Arc<SyncJobs>,
}

/// Binds the listener; `None` where the settings want neither a listener nor runs by themselves.
pub(super) async fn open(desk: &Desk) -> Result<Option<Sync>, Error> {
    let settings = &desk.settings.sync;
    if settings.listen.is_none() && settings.interval.is_none() {
        return Ok(None);
    }
    let listener = match settings.listen {
        None => None,
        Some(at) => {
            let listener = TcpListener::bind(at).await;
            let listener = listener.map_err(|source| Error::Listen { at, source })?;
            let at = listener.local_addr().unwrap_or(at);
            Some((listener, at))
        }
    };
    let mut warnings = Vec::new();
    let work = work(desk, &mut warnings)?;
    warnings.iter().for_each(|warning| desk.say(warning));
    let jobs = SyncJobs::new(work, settings.interval, desk.now.clone());
    Ok(Some(Sync {
        listener,
        jobs: Arc::new(jobs),
    }))
}

impl Sync {
    /// Says where it listens.
    pub(super) fn say(&self, desk: &Desk) {
        if let Some((_, at)) = self.listener {
            desk.say(&format!("synchronisation is asked for on http://{at}"));
            warn_of_open(desk, at);
        }
    }

    /// Serves until `shutdown` is done; then ends the runs.
    pub(super) async fn serve(
        self,
        site: &Arc<Site>,
        limits: ConnectionLimits,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        self.jobs.run_by_itself();
        let served = match self.listener {
            Some((listener, at)) => {
                let router = sync_router(site, &self.jobs);
                let metrics = Arc::clone(&site.metrics);
                let served = serve(listener, router, limits, metrics, shutdown).await;
                served.map_err(|source| Error::Serve { at, source })
            }
            None => {
                shutdown.await;
                Ok(())
            }
        };
        self.jobs.end().await;
        served
    }
}

/// What a run does.
fn work(desk: &Desk, warnings: &mut Vec<String>) -> Result<Arc<dyn SyncWork>, Error> {
    let records = Records::open(&desk.settings.sync.records, warnings)?;
    Ok(Arc::new(NoHosts { records }))
}

/// Where no hosts are set there is nothing to fetch; what the database holds is told all the same.
struct NoHosts {
    records: Option<Records>,
}

#[async_trait]
impl SyncWork for NoHosts {
    fn hosts(&self) -> Vec<SyncHost> {
        Vec::new()
    }

    fn records(&self) -> Option<&Records> {
        self.records.as_ref()
    }

    async fn sync(&self, enterprise: &EnterpriseName, _: Scope) -> Outcome {
        Outcome {
            enterprise: enterprise.clone(),
            processed: 0,
            new: 0,
            errors: 0,
            skew: None,
            failure: Some("no host is set for this enterprise".to_owned()),
        }
    }

    async fn unsuccessful(&self, _: NaiveDate) -> Unsuccessful {
        Unsuccessful::default()
    }

    async fn check_hosts(&self) -> Vec<(String, Result<(), String>)> {
        Vec::new()
    }
}
