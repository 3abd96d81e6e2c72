//! Runs in the background: one per enterprise and a few in total at a time; they end with the server.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Extension;
use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::shared::SharedAnswer;
use calltrace_store::fsx::WallClock;
use calltrace_store::tree::EnterpriseName;
use calltrace_sync::work::{SyncHost, SyncOutcome, SyncScope, SyncWork, UnacceptedHangups};

/// Enterprises that are synchronised at a time; others wait.
const AT_ONE_TIME: usize = 4;

/// The time limit of a run: one that takes longer waits for something that never comes.
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// How long checks and counts stay valid, because they query every host.
const HOLDS: Duration = Duration::from_secs(10);

/// Runs of synchronisation.
pub struct SyncJobs {
    pub(super) work: Arc<dyn SyncWork>,
    /// The interval at which missing records are fetched automatically; `None` for never.
    pub(super) interval: Option<Duration>,
    pub(super) checked: SharedAnswer<CheckResult>,
    pub(super) unsuccessful: SharedAnswer<UnacceptedHangups>,
    now: WallClock,
    places: Arc<Semaphore>,
    state: Arc<Mutex<JobsState>>,
    /// `None` once the server ends.
    tasks: Mutex<Option<JoinSet<()>>>,
}

/// The runs of the server, as handlers get them.
pub(super) type JobsExtension = Extension<Arc<SyncJobs>>;

/// The result for the database, if there is one, and for each host by its name.
#[derive(Debug, Clone)]
pub(super) struct CheckResult {
    pub(super) database: Option<Result<(), String>>,
    pub(super) hosts: Vec<(String, Result<(), String>)>,
}

#[derive(Debug, Default)]
struct JobsState {
    /// Enterprises that run or wait for their turn.
    active: BTreeSet<EnterpriseName>,
    done: BTreeMap<EnterpriseName, RunTotals>,
}

/// What the runs of an enterprise did since the server was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RunTotals {
    /// The end of the last run without a failure.
    pub(super) succeeded: Option<DateTime<Utc>>,
    /// New records of all runs.
    pub(super) new: u64,
    /// Errors of all runs.
    pub(super) errors: u64,
    /// The failure of the last run.
    pub(super) failure: Option<String>,
}

/// Why no run was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotStarted {
    /// The enterprise has no host.
    Unknown,
    /// A run of the enterprise is active.
    Running,
    /// The server is ending.
    Ending,
}

impl SyncJobs {
    /// Makes the state; no run is active. With an interval, `run_by_itself` must be called.
    pub fn new(work: Arc<dyn SyncWork>, interval: Option<Duration>, now: WallClock) -> SyncJobs {
        SyncJobs {
            work,
            interval,
            checked: SharedAnswer::holding(HOLDS),
            unsuccessful: SharedAnswer::holding(HOLDS),
            now,
            places: Arc::new(Semaphore::new(AT_ONE_TIME)),
            state: Arc::default(),
            tasks: Mutex::new(Some(JoinSet::new())),
        }
    }

    /// Fetches the missing records of all enterprises now and after each interval; does nothing without
    /// an interval. Must be called within a runtime.
    pub fn run_by_itself(self: &Arc<SyncJobs>) {
        let Some(every) = self.interval else {
            return;
        };
        let jobs = Arc::downgrade(self);
        let mut turns = interval(every);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let run = async move {
            loop {
                turns.tick().await;
                let Some(jobs) = jobs.upgrade() else {
                    return;
                };
                jobs.start_all(SyncScope::Live);
            }
        };
        if let Some(tasks) = self.tasks().as_mut() {
            tasks.spawn(run);
        }
    }

    /// Ends all runs and starts no further ones. Returns when none is active.
    pub async fn end(&self) {
        let tasks = self.tasks().take();
        if let Some(mut tasks) = tasks {
            tasks.shutdown().await;
        }
    }

    /// Starts a run for an enterprise; it begins when its turn comes.
    ///
    /// # Errors
    /// Returns why no run was started.
    pub(super) fn start(
        &self,
        enterprise: &EnterpriseName,
        scope: SyncScope,
    ) -> Result<(), NotStarted> {
        if !self.enterprises().contains(enterprise) {
            return Err(NotStarted::Unknown);
        }
        let mut tasks = self.tasks();
        let tasks = tasks.as_mut().ok_or(NotStarted::Ending)?;
        // Finished tasks are removed only here.
        while tasks.try_join_next().is_some() {}
        let active = ActiveRun::of(&self.state, enterprise).ok_or(NotStarted::Running)?;
        let (work, places) = (Arc::clone(&self.work), Arc::clone(&self.places));
        let now = self.now.clone();
        tasks.spawn(async move {
            let _place = places
                .acquire()
                .await
                .expect("the semaphore is never closed");
            let run = timeout(LONGEST, work.sync(&active.enterprise, scope));
            let outcome = run.await.unwrap_or_else(|_| gave_up(&active.enterprise));
            log_outcome(&outcome);
            active.done(outcome, now.utc());
        });
        Ok(())
    }

    /// Starts a run for each enterprise. Returns those that were started, and those that had one already.
    pub(super) fn start_all(&self, scope: SyncScope) -> (Vec<EnterpriseName>, Vec<EnterpriseName>) {
        let all = self.enterprises().into_iter();
        all.partition(|enterprise| self.start(enterprise, scope).is_ok())
    }

    /// Returns the enterprises that have a host, each once, sorted.
    pub(super) fn enterprises(&self) -> BTreeSet<EnterpriseName> {
        let hosts = self.work.hosts().into_iter();
        hosts.map(|host| host.enterprise).collect()
    }

    /// Returns the enterprises that run or wait for their turn, sorted.
    pub(super) fn active(&self) -> Vec<EnterpriseName> {
        lock(&self.state).active.iter().cloned().collect()
    }

    /// Returns what the runs did since the server was started, for each host.
    pub(super) fn done(&self) -> Vec<(SyncHost, RunTotals)> {
        let state = lock(&self.state);
        let of = |host: SyncHost| {
            let done = state.done.get(&host.enterprise).cloned();
            (host, done.unwrap_or_default())
        };
        self.work.hosts().into_iter().map(of).collect()
    }

    /// Returns the state of the database and the hosts, at most 10 seconds old.
    pub(super) async fn check(&self) -> CheckResult {
        let database = async {
            let records = self.work.records()?;
            Some(records.check().await.map_err(|error| error.to_string()))
        };
        let ask = async {
            let (database, hosts) = tokio::join!(database, self.work.check_hosts());
            CheckResult { database, hosts }
        };
        self.checked.get(ask).await
    }

    fn tasks(&self) -> MutexGuard<'_, Option<JoinSet<()>>> {
        lock(&self.tasks)
    }
}

impl fmt::Debug for SyncJobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncJobs")
            .field("interval", &self.interval)
            .field("active", &self.active())
            .finish_non_exhaustive()
    }
}

/// Marks an enterprise as active until the run ends in any way.
struct ActiveRun {
    state: Arc<Mutex<JobsState>>,
    enterprise: EnterpriseName,
}

impl ActiveRun {
    fn of(state: &Arc<Mutex<JobsState>>, enterprise: &EnterpriseName) -> Option<ActiveRun> {
        let is_new = lock(state).active.insert(enterprise.clone());
        is_new.then(|| ActiveRun {
            state: Arc::clone(state),
            enterprise: enterprise.clone(),
        })
    }

    fn done(&self, outcome: SyncOutcome, now: DateTime<Utc>) {
        let mut state = lock(&self.state);
        let done = state.done.entry(self.enterprise.clone()).or_default();
        done.new += outcome.new;
        done.errors += outcome.errors;
        if outcome.failure.is_none() {
            done.succeeded = Some(now);
        }
        done.failure = outcome.failure;
    }
}

impl Drop for ActiveRun {
    fn drop(&mut self) {
        lock(&self.state).active.remove(&self.enterprise);
    }
}

fn gave_up(enterprise: &EnterpriseName) -> SyncOutcome {
    SyncOutcome {
        enterprise: enterprise.clone(),
        processed: 0,
        new: 0,
        errors: 0,
        skew: None,
        failure: Some("the run took longer than two hours and was given up".to_owned()),
    }
}

/// Logs the outcome of a run.
fn log_outcome(outcome: &SyncOutcome) {
    let SyncOutcome {
        enterprise,
        processed,
        new,
        errors,
        ..
    } = outcome;
    match &outcome.failure {
        None => tracing::info!(%enterprise, processed, new, errors, "synchronised"),
        Some(failure) => {
            tracing::warn!(%enterprise, processed, new, errors, %failure, "not synchronised");
        }
    }
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    // A value under a lock is changed in one step, so it is valid even after a panic.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "jobs_tests.rs"]
mod tests;
