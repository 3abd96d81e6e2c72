//! Counts the calls in progress per enterprise. A count reads the last hours of every log, so it is made
//! rarely, by one task at a time, and only when the server is idle.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task;
use tokio::time::timeout;

use calltrace_engine::{Engine, SearchQuestion};
use calltrace_model::call::{Criteria, Outcome, reach};
use calltrace_model::record::Stamp;
use calltrace_store::tree::{EnterpriseName, Tree};

/// How long a count stays valid.
const FRESH: Duration = Duration::from_secs(15);

/// A scraper that waits for this long gets the previous count.
const PATIENCE: Duration = Duration::from_secs(3);

/// The number of enterprises that are counted separately, those with the most calls; all others are summed
/// up.
const ENTERPRISES_MAX: usize = 200;

/// The name of that sum. No enterprise has a name that begins so.
const OTHERS: &str = "(others)";

/// The last count.
#[derive(Debug)]
pub(super) struct ActiveCalls {
    counted: Arc<Mutex<LastCount>>,
    turn: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct LastCount {
    at: Option<Instant>,
    calls: Vec<(String, usize)>,
}

impl Default for ActiveCalls {
    fn default() -> ActiveCalls {
        ActiveCalls {
            counted: Arc::default(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

impl ActiveCalls {
    /// Returns the calls in progress per enterprise, as `count` returns them. The answer is at most 15
    /// seconds old, and older if `may_count` is false or if counting takes longer than [`PATIENCE`]. It is
    /// empty until the first count is done.
    pub(super) async fn calls(
        &self,
        may_count: bool,
        count: impl FnOnce() -> Vec<(String, usize)> + Send + 'static,
    ) -> Vec<(String, usize)> {
        let is_due = self.counted().at.is_none_or(|at| at.elapsed() >= FRESH);
        if is_due
            && may_count
            && let Ok(turn) = Arc::clone(&self.turn).try_acquire_owned()
        {
            let counted = Arc::clone(&self.counted);
            let work = task::spawn_blocking(move || {
                let _turn = turn;
                let calls = count();
                let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
                *counted = LastCount {
                    at: Some(Instant::now()),
                    calls,
                };
            });
            // The count runs to its end and is there for the next scrape.
            let _ = timeout(PATIENCE, work).await;
        }
        self.counted().calls.clone()
    }

    fn counted(&self) -> MutexGuard<'_, LastCount> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts the calls in progress at the time `now`, of every enterprise.
///
/// Calls in progress are in local files, so no shipped day is read.
pub(super) fn count(tree: &Tree, engine: &Engine, now: Stamp) -> Vec<(String, usize)> {
    let tree = &tree.without_shipped();
    let names = tree.enterprises().unwrap_or_default();
    let question = SearchQuestion {
        criteria: Criteria {
            outcome: Some(Outcome::InProgress),
            // Looking for longer calls would read whole days every 15 seconds.
            since: Some(now.plus_millis(-reach::HORIZON_MILLIS)),
            now: Some(now),
            ..Criteria::default()
        },
        count_only: true,
        ..SearchQuestion::default()
    };
    let answers = engine.search_each(tree, &names, &question);
    let found = names.iter().zip(answers);
    let counts = found.filter_map(|(name, found)| Some((name, found.ok()?.count)));
    bounded(counts.collect())
}

/// Returns the enterprises with the most calls, sorted by name, and the sum of the rest.
fn bounded(mut counts: Vec<(&EnterpriseName, usize)>) -> Vec<(String, usize)> {
    counts.sort_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let rest = counts.split_off(counts.len().min(ENTERPRISES_MAX));
    counts.sort();
    let named = counts
        .into_iter()
        .map(|(name, count)| (name.to_string(), count));
    let others = rest.iter().map(|(_, count)| count).sum();
    let others = (!rest.is_empty()).then(|| (OTHERS.to_owned(), others));
    named.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_many_enterprises_has_a_bounded_number_of_lines() {
        let names: Vec<EnterpriseName> = (1000..1500)
            .map(|number| EnterpriseName::new(&number.to_string()).expect("a name"))
            .collect();
        let counts = names.iter().enumerate().map(|(at, name)| (name, at % 3));
        let counted = bounded(counts.collect());
        assert_eq!(counted.len(), ENTERPRISES_MAX + 1);
        assert!(EnterpriseName::new(OTHERS).is_none());
        let all: usize = counted.iter().map(|(_, count)| count).sum();
        assert_eq!(all, (0..500).map(|at| at % 3).sum::<usize>());
        assert_eq!(counted.last().map(|(name, _)| name.as_str()), Some(OTHERS));
        assert!(counted[..ENTERPRISES_MAX].is_sorted());
        let few = bounded(vec![(&names[1], 0), (&names[0], 4)]);
        assert_eq!(few, [("1000".to_owned(), 4), ("1001".to_owned(), 0)]);
        assert_eq!(bounded(Vec::new()), []);
    }
}
