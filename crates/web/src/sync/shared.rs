//! An answer that takes long and is asked for often: concurrent callers share one, and it holds for a while.

use std::fmt;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// The last answer.
pub(super) struct Shared<T> {
    holds: Duration,
    last: Mutex<Option<(Instant, T)>>,
}

impl<T: Clone> Shared<T> {
    /// One whose answers hold for so long.
    pub(super) fn holding(holds: Duration) -> Shared<T> {
        Shared {
            holds,
            last: Mutex::new(None),
        }
    }

    /// The last answer, if it still holds; else a new one. One that is given up leaves nothing behind.
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

impl<T> fmt::Debug for Shared<T> {
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
    async fn who_asks_at_the_same_time_gets_one_answer_and_later_another() {
        let (asked, shared) = (
            AtomicUsize::new(0),
            Shared::holding(Duration::from_secs(60)),
        );
        let ask = || async {
            task::yield_now().await;
            asked.fetch_add(1, Ordering::Relaxed)
        };
        let both = tokio::join!(shared.get(ask()), shared.get(ask()));
        assert_eq!((both, shared.get(ask()).await), ((0, 0), 0));
        let brief = Shared::holding(Duration::ZERO);
        assert_eq!((brief.get(ask()).await, brief.get(ask()).await), (1, 2));
    }
}
