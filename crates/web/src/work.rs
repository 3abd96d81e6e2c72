//! Runs the engine's calls off the threads that serve connections, a few at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task;
use tokio::time::timeout;

use super::limits::{Length, RequestLimits};
use super::metrics::Metrics;

/// Why work was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkError {
    /// There is too much work.
    Busy,
    Panicked,
}

/// Places for running work, and a queue of work that waits for one.
#[derive(Debug)]
pub(super) struct Work {
    places: Arc<Semaphore>,
    /// The number of places.
    working: usize,
    /// Long work needs one of these as well, so that it never takes all places.
    long: Arc<Semaphore>,
    queue: Semaphore,
    wait: Duration,
    metrics: Arc<Metrics>,
}

impl Work {
    pub(super) fn new(limits: &RequestLimits, metrics: Arc<Metrics>) -> Work {
        Work {
            places: Arc::new(Semaphore::new(limits.working)),
            working: limits.working,
            long: Arc::new(Semaphore::new((limits.working / 2).max(1))),
            queue: Semaphore::new(limits.waiting),
            wait: limits.wait,
            metrics,
        }
    }

    /// Whether no work is running; optional parts of a page are made only then.
    pub(super) fn is_idle(&self) -> bool {
        self.places.available_permits() == self.working
    }

    /// Runs work when a place is free. The caller may be gone by then: work that has begun runs to its
    /// end and keeps its place until then.
    ///
    /// # Errors
    /// Returns an error when the queue is full, when no place became free in time, or when the work
    /// panicked.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        length: Length,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, WorkError> {
        let begin = Instant::now();
        let place = self.place(length).await;
        self.metrics.waited(begin.elapsed());
        let (place, metrics) = (place?, Arc::clone(&self.metrics));
        let done = task::spawn_blocking(move || {
            let _place = place;
            let begin = Instant::now();
            let done = work();
            metrics.worked(length, begin.elapsed());
            done
        });
        done.await.map_err(|_| WorkError::Panicked)
    }

    async fn place(
        &self,
        length: Length,
    ) -> Result<(Option<OwnedSemaphorePermit>, OwnedSemaphorePermit), WorkError> {
        let long = match length {
            Length::Short => None,
            Length::Long => Some(self.one_of(&self.long).await?),
        };
        Ok((long, self.one_of(&self.places).await?))
    }

    async fn one_of(&self, places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, WorkError> {
        if let Ok(place) = Arc::clone(places).try_acquire_owned() {
            return Ok(place);
        }
        let _queued = self.queue.try_acquire().map_err(|_| WorkError::Busy)?;
        let place = timeout(self.wait, Arc::clone(places).acquire_owned()).await;
        let place = place.map_err(|_| WorkError::Busy)?;
        Ok(place.expect("the semaphore is never closed"))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn work(working: usize, waiting: usize, wait: Duration) -> Arc<Work> {
        let limits = RequestLimits {
            working,
            waiting,
            wait,
            ..RequestLimits::default()
        };
        Arc::new(Work::new(&limits, Arc::new(Metrics::started_at(0))))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_without_a_place_waits_in_a_queue_of_bounded_length() {
        let work = work(1, 1, Duration::from_secs(10));
        let (go, wait) = mpsc::channel::<()>();
        let busy = Arc::clone(&work);
        let first =
            tokio::spawn(async move { busy.run(Length::Short, move || wait.recv().is_ok()).await });
        while work.places.available_permits() > 0 {
            task::yield_now().await;
        }
        let busy = Arc::clone(&work);
        let second = tokio::spawn(async move { busy.run(Length::Short, || 2).await });
        while work.queue.available_permits() > 0 {
            task::yield_now().await;
        }
        assert_eq!(work.run(Length::Short, || 3).await, Err(WorkError::Busy));
        go.send(()).expect("it is right");
        assert_eq!(first.await.expect("it is right"), Ok(true));
        assert_eq!(second.await.expect("it is right"), Ok(2));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_keeps_its_place_after_its_caller_ended() {
        let work = work(1, 1, Duration::from_millis(10));
        let (go, wait) = mpsc::channel::<()>();
        let busy = Arc::clone(&work);
        let gone =
            tokio::spawn(async move { busy.run(Length::Short, move || wait.recv().is_ok()).await });
        while work.places.available_permits() > 0 {
            task::yield_now().await;
        }
        gone.abort();
        assert!(gone.await.is_err());
        assert_eq!(work.run(Length::Short, || ()).await, Err(WorkError::Busy));
        go.send(()).expect("it is right");
        while work.places.available_permits() == 0 {
            task::yield_now().await;
        }
        assert_eq!(work.run(Length::Short, || 1).await, Ok(1));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn long_work_leaves_a_place_for_short_work() {
        let work = work(2, 1, Duration::from_millis(10));
        let (go, wait) = mpsc::channel::<()>();
        let busy = Arc::clone(&work);
        let first = tokio::spawn(async move {
            let long = busy.run(Length::Long, move || wait.recv().is_ok());
            long.await
        });
        while work.places.available_permits() > 1 {
            task::yield_now().await;
        }
        assert_eq!(work.run(Length::Long, || 2).await, Err(WorkError::Busy));
        assert_eq!(work.run(Length::Short, || 3).await, Ok(3));
        go.send(()).expect("it is right");
        assert_eq!(first.await.expect("it is right"), Ok(true));
        assert_eq!(work.run(Length::Long, || 4).await, Ok(4));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_that_panics_gives_its_place_back() {
        let work = work(1, 1, Duration::from_secs(10));
        assert_eq!(
            work.run(Length::Short, || panic!("on purpose")).await,
            Err::<(), _>(WorkError::Panicked)
        );
        assert_eq!(work.run(Length::Short, || 1).await, Ok(1));
    }
}
