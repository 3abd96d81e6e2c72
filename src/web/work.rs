//! The engine's calls, away from the threads that serve connections, a few at a time.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use tokio::task;
use tokio::time::timeout;

use super::answer::Said;
use super::limits::Limits;
use super::pages::{Language, Notice};

/// Why work was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undone {
    /// There is too much of it.
    Busy,
    /// It broke off.
    Panicked,
}

impl Undone {
    /// The page that says so.
    pub(super) fn said(self, language: Language) -> Said {
        match self {
            Undone::Busy => Said::new(language, Notice::Busy),
            Undone::Panicked => {
                Said::new(language, Notice::Trouble).with(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

/// Places to work at, and places to wait for one.
#[derive(Debug)]
pub(super) struct Work {
    places: Arc<Semaphore>,
    queue: Semaphore,
    wait: Duration,
}

impl Work {
    pub(super) fn new(limits: &Limits) -> Work {
        Work {
            places: Arc::new(Semaphore::new(limits.working)),
            queue: Semaphore::new(limits.waiting),
            wait: limits.wait,
        }
    }

    /// Does it when there is a place. Whoever asked may have gone by then: work that has begun
    /// goes on to its end and keeps its place until then.
    ///
    /// # Errors
    /// When the queue is full, or no place came free in time; when the work panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Undone> {
        let place = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(place) => place,
            Err(_) => {
                let _queued = self.queue.try_acquire().map_err(|_| Undone::Busy)?;
                let place = timeout(self.wait, Arc::clone(&self.places).acquire_owned()).await;
                place
                    .map_err(|_| Undone::Busy)?
                    .expect("the places are never closed")
            }
        };
        let done = task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        done.await.map_err(|_| Undone::Panicked)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn work(working: usize, waiting: usize, wait: Duration) -> Arc<Work> {
        Arc::new(Work::new(&Limits {
            working,
            waiting,
            wait,
            ..Limits::default()
        }))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_finds_no_place_waits_and_no_more_than_some_do() {
        let work = work(1, 1, Duration::from_secs(10));
        let (go, wait) = mpsc::channel::<()>();
        let busy = Arc::clone(&work);
        let first = tokio::spawn(async move { busy.run(move || wait.recv().is_ok()).await });
        while work.places.available_permits() > 0 {
            task::yield_now().await;
        }
        let busy = Arc::clone(&work);
        let second = tokio::spawn(async move { busy.run(|| 2).await });
        while work.queue.available_permits() > 0 {
            task::yield_now().await;
        }
        assert_eq!(work.run(|| 3).await, Err(Undone::Busy));
        go.send(()).expect("it is right");
        assert_eq!(first.await.expect("it is right"), Ok(true));
        assert_eq!(second.await.expect("it is right"), Ok(2));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_place_is_kept_by_work_whose_asker_has_gone() {
        let work = work(1, 1, Duration::from_millis(10));
        let (go, wait) = mpsc::channel::<()>();
        let busy = Arc::clone(&work);
        let gone = tokio::spawn(async move { busy.run(move || wait.recv().is_ok()).await });
        while work.places.available_permits() > 0 {
            task::yield_now().await;
        }
        gone.abort();
        assert!(gone.await.is_err());
        assert_eq!(work.run(|| ()).await, Err(Undone::Busy));
        go.send(()).expect("it is right");
        while work.places.available_permits() == 0 {
            task::yield_now().await;
        }
        assert_eq!(work.run(|| 1).await, Ok(1));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_that_panics_gives_its_place_back() {
        let work = work(1, 1, Duration::from_secs(10));
        assert_eq!(
            work.run(|| panic!("on purpose")).await,
            Err::<(), _>(Undone::Panicked)
        );
        assert_eq!(work.run(|| 1).await, Ok(1));
    }
}
