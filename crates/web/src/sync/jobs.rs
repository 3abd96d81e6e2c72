//! Runs in the background: one per enterprise at one time, a few in all, ended with the server.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::shared::Shared;
use calltrace_store::fsx::WallClock;
use calltrace_store::tree::EnterpriseName;
use calltrace_sync::work::{SyncHost, SyncOutcome, SyncScope, SyncWork, UnacceptedHangups};

/// Enterprises that are synchronised at one time; others wait.
const AT_ONE_TIME: usize = 4;

/// A run that takes longer is given up: what it waits for never comes.
const LONGEST: Duration = Duration::from_secs(2 * 3600);

/// Checks and counts ask every host, and hold for so long.
const HOLDS: Duration = Duration::from_secs(10);

/// Runs of synchronisation.
pub struct SyncJobs {
    pub(super) work: Arc<dyn SyncWork>,
    /// How often what is missing is fetched without being asked for; `None`: never.
    pub(super) interval: Option<Duration>,
    pub(super) checked: Shared<Checked>,
    pub(super) unsuccessful: Shared<UnacceptedHangups>,
    now: WallClock,
    places: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
    /// `None` once the end has come.
    tasks: Mutex<Option<JoinSet<()>>>,
}

/// What the database, if there is one, and each host by its name said.
#[derive(Debug, Clone)]
pub(super) struct Checked {
    pub(super) database: Option<Result<(), String>>,
    pub(super) hosts: Vec<(String, Result<(), String>)>,
}

#[derive(Debug, Default)]
struct State {
    /// Enterprises that run or wait for their turn.
    active: BTreeSet<EnterpriseName>,
    done: BTreeMap<EnterpriseName, Done>,
}

/// What the runs of an enterprise did since the server was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// When the last run without a failure ended.
    pub(super) succeeded: Option<DateTime<Utc>>,
    /// Of all runs.
    pub(super) new: u64,
    /// Of all runs.
    pub(super) errors: u64,
    /// Of the last run.
    pub(super) failure: Option<String>,
}

/// Why no run was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotStarted {
    /// It has no host.
    Unknown,
    /// There is a run already.
    Running,
    /// The server ends.
    Ending,
}

impl SyncJobs {
    /// Nothing runs yet. With an interval, `run_by_itself` is to be called.
    pub fn new(work: Arc<dyn SyncWork>, interval: Option<Duration>, now: WallClock) -> SyncJobs {
        SyncJobs {
            work,
            interval,
            checked: Shared::holding(HOLDS),
            unsuccessful: Shared::holding(HOLDS),
            now,
            places: Arc::new(Semaphore::new(AT_ONE_TIME)),
            state: Arc::default(),
            tasks: Mutex::new(Some(JoinSet::new())),
        }
    }

    /// From now on what did not arrive is fetched of all enterprises, now and after each interval; does nothing
    /// where there is no interval. Must be called within a runtime.
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

    /// Ends what runs and starts nothing more. Returns when nothing runs.
    pub async fn end(&self) {
        let tasks = self.tasks().take();
        if let Some(mut tasks) = tasks {
            tasks.shutdown().await;
        }
    }

    /// Starts a run for an enterprise; it begins when it is its turn.
    ///
    /// # Errors
    /// Why not.
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
        // What has ended is only forgotten here.
        while tasks.try_join_next().is_some() {}
        let active = Active::of(&self.state, enterprise).ok_or(NotStarted::Running)?;
        let (work, places) = (Arc::clone(&self.work), Arc::clone(&self.places));
        let now = self.now.clone();
        tasks.spawn(async move {
            let _place = places.acquire().await.expect("the places are never closed");
            let run = timeout(LONGEST, work.sync(&active.enterprise, scope));
            let outcome = run.await.unwrap_or_else(|_| gave_up(&active.enterprise));
            told(&outcome);
            active.done(outcome, now.utc());
        });
        Ok(())
    }

    /// Starts a run for each enterprise; those that were started, and those that ran already.
    pub(super) fn start_all(&self, scope: SyncScope) -> (Vec<EnterpriseName>, Vec<EnterpriseName>) {
        let all = self.enterprises().into_iter();
        all.partition(|enterprise| self.start(enterprise, scope).is_ok())
    }

    /// Enterprises that have a host, each once, sorted.
    pub(super) fn enterprises(&self) -> BTreeSet<EnterpriseName> {
        let hosts = self.work.hosts().into_iter();
        hosts.map(|host| host.enterprise).collect()
    }

    /// Enterprises that run or wait for their turn, sorted.
    pub(super) fn active(&self) -> Vec<EnterpriseName> {
        lock(&self.state).active.iter().cloned().collect()
    }

    /// What runs did since the server was started, for each host.
    pub(super) fn done(&self) -> Vec<(SyncHost, Done)> {
        let state = lock(&self.state);
        let of = |host: SyncHost| {
            let done = state.done.get(&host.enterprise).cloned();
            (host, done.unwrap_or_default())
        };
        self.work.hosts().into_iter().map(of).collect()
    }

    /// What the database and the hosts say, at most 10 seconds old.
    pub(super) async fn check(&self) -> Checked {
        let database = async {
            let records = self.work.records()?;
            Some(records.check().await.map_err(|error| error.to_string()))
        };
        let ask = async {
            let (database, hosts) = tokio::join!(database, self.work.check_hosts());
            Checked { database, hosts }
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

/// The one run of an enterprise, however it ends.
struct Active {
    state: Arc<Mutex<State>>,
    enterprise: EnterpriseName,
}

impl Active {
    fn of(state: &Arc<Mutex<State>>, enterprise: &EnterpriseName) -> Option<Active> {
        let is_new = lock(state).active.insert(enterprise.clone());
        is_new.then(|| Active {
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

impl Drop for Active {
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

/// A line of the log about a run.
fn told(outcome: &SyncOutcome) {
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
    // What is held is changed in one step.
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "jobs_tests.rs"]
mod tests;
