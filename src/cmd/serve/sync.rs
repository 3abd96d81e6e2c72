//! The second listener of `calltrace serve`: synchronisation on request and on a schedule.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;

use super::warn_of_open;
use crate::cmd::App;
use crate::cmd::sync::{all_hosts, site};
use calltrace_store::error::Error;
use calltrace_sync::HostsWork;
use calltrace_web::{ConnectionLimits, Site, SyncJobs, serve, sync_router};

/// The listener and the jobs that `[sync]` sets up.
pub(super) struct Sync {
    listener: Option<(TcpListener, SocketAddr)>,
    jobs: Arc<SyncJobs>,
}

/// Binds the listener; `None` if the settings ask for neither a listener nor scheduled runs.
pub(super) async fn open(app: &App) -> Result<Option<Sync>, Error> {
    let settings = &app.settings.sync;
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
    let site = site(app)?;
    let hosts = all_hosts(app, &site).await?;
    let work = HostsWork { site, hosts };
    let jobs = SyncJobs::new(Arc::new(work), settings.interval, app.now.clone());
    Ok(Some(Sync {
        listener,
        jobs: Arc::new(jobs),
    }))
}

impl Sync {
    /// Prints the address of the listener.
    pub(super) fn say(&self, app: &App) {
        if let Some((_, at)) = self.listener {
            app.say(&format!(
                "requests for synchronisation are taken on http://{at}"
            ));
            warn_of_open(app, at);
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
