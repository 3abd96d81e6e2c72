//! Runs of a scripted [`SyncWork`] instead of hosts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use chrono::NaiveDate;
use tokio::sync::Notify;

use super::*;
use calltrace_sync::records::CallDatabase;

/// Runs that end when the test ends them; counts the active ones.
#[derive(Default)]
struct Scripted {
    go: Notify,
    running: AtomicUsize,
    most: AtomicUsize,
    begun: AtomicUsize,
    fails: bool,
}

struct Running<'s>(&'s Scripted);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn name(text: &str) -> EnterpriseName {
    EnterpriseName::new(text).expect("a name")
}

#[async_trait]
impl SyncWork for Scripted {
    fn hosts(&self) -> Vec<SyncHost> {
        let host = |number: usize| SyncHost {
            enterprise: name(&format!("010{}", number % 8)),
            name: format!("host{number}"),
            address: "192.0.2.1".to_owned(),
        };
        (0..10).map(host).collect()
    }

    fn records(&self) -> Option<&CallDatabase> {
        None
    }

    async fn sync(&self, enterprise: &EnterpriseName, _: SyncScope) -> SyncOutcome {
        let running = 1 + self.running.fetch_add(1, Ordering::SeqCst);
        let _running = Running(self);
        self.most.fetch_max(running, Ordering::SeqCst);
        self.begun.fetch_add(1, Ordering::SeqCst);
        self.go.notified().await;
        assert!(enterprise.as_str() != "0107", "on purpose");
        SyncOutcome {
            enterprise: enterprise.clone(),
            processed: 5,
            new: 2,
            errors: 1,
            skew: None,
            failure: self.fails.then(|| "no route to host".to_owned()),
        }
    }

    async fn unsuccessful(&self, _: NaiveDate) -> UnacceptedHangups {
        UnacceptedHangups {
            by_enterprise: BTreeMap::new(),
        }
    }

    async fn check_hosts(&self) -> Vec<(String, Result<(), String>)> {
        Vec::new()
    }
}

fn jobs(work: &Arc<Scripted>, interval: Option<Duration>) -> Arc<SyncJobs> {
    let work: Arc<dyn SyncWork> = Arc::<Scripted>::clone(work);
    Arc::new(SyncJobs::new(work, interval, testing::clock()))
}

/// Waits until a condition holds, for at most ten seconds.
async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it never is");
}

#[tokio::test]
async fn an_enterprise_runs_once_at_one_time_and_a_few_do_in_all() {
    let work = Arc::new(Scripted::default());
    let jobs = jobs(&work, None);
    assert_eq!(
        jobs.start(&name("0999"), SyncScope::Live),
        Err(NotStarted::Unknown)
    );
    assert_eq!(jobs.start(&name("0103"), SyncScope::Live), Ok(()));
    assert_eq!(
        jobs.start(&name("0103"), SyncScope::Live),
        Err(NotStarted::Running)
    );
    let (started, skipped) = jobs.start_all(SyncScope::Live);
    assert_eq!(
        (started.len(), skipped),
        (7, vec![name("0103")]),
        "an enterprise of two hosts once"
    );
    assert_eq!(jobs.active().len(), 8);
    until(|| work.running.load(Ordering::SeqCst) == AT_ONE_TIME).await;
    // One of them panics, and still gives back its place and its turn.
    while !jobs.active().is_empty() {
        work.go.notify_one();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(work.most.load(Ordering::SeqCst), AT_ONE_TIME);
    assert_eq!(work.begun.load(Ordering::SeqCst), 8);
    let done = jobs.done();
    assert_eq!((done.len(), done[3].1.new, done[3].1.errors), (10, 2, 1));
    assert_eq!(done[3].1.succeeded, Some(testing::clock().utc()));
    assert_eq!(done[7].1, RunTotals::default(), "it panicked");
}

#[tokio::test]
async fn counts_of_runs_are_summed_up_and_the_last_failure_is_reported() {
    let work = Arc::new(Scripted {
        fails: true,
        ..Scripted::default()
    });
    let jobs = jobs(&work, None);
    for _ in 0..2 {
        assert_eq!(jobs.start(&name("0100"), SyncScope::Live), Ok(()));
        work.go.notify_one();
        until(|| jobs.active().is_empty()).await;
    }
    let (host, done) = jobs.done().swap_remove(0);
    assert_eq!(host.name, "host0");
    let failed = RunTotals {
        succeeded: None,
        new: 4,
        errors: 2,
        failure: Some("no route to host".to_owned()),
    };
    assert_eq!(done, failed);
}

#[tokio::test]
async fn the_end_stops_active_runs_and_none_starts_after_it() {
    let work = Arc::new(Scripted::default());
    let jobs = jobs(&work, Some(Duration::from_secs(3600)));
    jobs.run_by_itself();
    until(|| work.running.load(Ordering::SeqCst) == AT_ONE_TIME).await;
    jobs.end().await;
    assert_eq!(work.running.load(Ordering::SeqCst), 0);
    assert_eq!(jobs.active(), []);
    assert_eq!(
        jobs.start(&name("0100"), SyncScope::Live),
        Err(NotStarted::Ending)
    );
    jobs.end().await;
}

#[tokio::test]
async fn runs_by_themselves_come_again_after_the_interval() {
    let work = Arc::new(Scripted::default());
    let jobs = jobs(&work, Some(Duration::from_millis(20)));
    jobs.run_by_itself();
    // Enterprises that are still active are skipped and not queued.
    while work.begun.load(Ordering::SeqCst) < 20 {
        work.go.notify_waiters();
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(jobs.active().len() <= 8);
    }
    jobs.end().await;
}
