//! Caches an answer that takes long and is requested often: concurrent callers share one query, and its
//! answer stays valid for a while.

use std::fmt;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// The last answer.
pub(super) struct SharedAnswer<T> {
    holds: Duration,
    last: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> SharedAnswer<T> {
    /// Makes a cache in which an answer stays valid for `holds`.
    pub(super) fn holding(holds: Duration) -> SharedAnswer<T> {
        SharedAnswer {
            holds,
            last: Mutex::new(None),
        }
    }

    /// Returns the last answer if it is still valid; otherwise queries a new one. A cancelled query leaves
    /// nothing behind.
    pub(super) async fn get(&self, ask: impl Future<Output = T>) -> T {
        let mut last = self.last.lock().await;
        match &*last {
            Some((at, answer)) if at.elapsed() < self.holds => answer.clone(),
            _ => {
                let answer = ask.await;
                *last = Some((Instant::now(), answer.clone()));
                answer
            }
        }
    }
}

impl<T> fmt::Debug for SharedAnswer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("holds", &self.holds)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task;

    use super::*;

    #[tokio::test]
    async fn concurrent_callers_share_an_answer_and_later_ones_get_another() {
        let (asked, shared) = (
            AtomicUsize::new(0),
            SharedAnswer::holding(Duration::from_secs(60)),
        );
        let ask = || async {
            task::yield_now().await;
            asked.fetch_add(1, Ordering::Relaxed)
        };
        let both = tokio::join!(shared.get(ask()), shared.get(ask()));
        assert_eq!((both, shared.get(ask()).await), ((0, 0), 0));
        let brief = SharedAnswer::holding(Duration::ZERO);
        assert_eq!((brief.get(ask()).await, brief.get(ask()).await), (1, 2));
    }
}
