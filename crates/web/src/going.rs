//! Calls that go on now, by enterprise. To count them reads the last hours of every log, so it is done
//! seldom, by one at a time, and on what is idle.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task;
use tokio::time::timeout;

use calltrace_engine::{Engine, SearchQuestion};
use calltrace_model::call::{Criteria, Outcome, reach};
use calltrace_model::record::Stamp;
use calltrace_store::tree::{EnterpriseName, Tree};

/// For so long a count stands.
const FRESH: Duration = Duration::from_secs(15);

/// A scraper gets the count before after so long.
const PATIENCE: Duration = Duration::from_secs(3);

/// So many enterprises have a line of their own, those with the most calls; the rest are one line.
const ENTERPRISES_MAX: usize = 200;

/// What the rest is called. No enterprise has a name that begins so.
const OTHERS: &str = "(others)";

/// The last count.
#[derive(Debug)]
pub(super) struct Going {
    counted: Arc<Mutex<Counted>>,
    turn: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Counted {
    at: Option<Instant>,
    calls: Vec<(String, usize)>,
}

impl Default for Going {
    fn default() -> Going {
        Going {
            counted: Arc::default(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

impl Going {
    /// How many calls go on, by enterprise, as `count` tells: as they were a quarter of a minute ago, or
    /// before that where `may_count` is not so or counting takes longer. Empty until they were counted once.
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
                *counted = Counted {
                    at: Some(Instant::now()),
                    calls,
                };
            });
            // It goes on to its end, and is there for the next who asks.
            let _ = timeout(PATIENCE, work).await;
        }
        self.counted().calls.clone()
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts the calls that go on at the time `now`, of every enterprise.
pub(super) fn count(tree: &Tree, engine: &Engine, now: Stamp) -> Vec<(String, usize)> {
    let names = tree.enterprises().unwrap_or_default();
    let question = SearchQuestion {
        criteria: Criteria {
            outcome: Some(Outcome::InProgress),
            // To look for longer calls would read whole days every quarter of a minute.
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

/// Those with the most calls, in the order of their names, and the rest as one.
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
        let told = bounded(counts.collect());
        assert_eq!(told.len(), ENTERPRISES_MAX + 1);
        assert!(EnterpriseName::new(OTHERS).is_none());
        let all: usize = told.iter().map(|(_, count)| count).sum();
        assert_eq!(all, (0..500).map(|at| at % 3).sum::<usize>());
        assert_eq!(told.last().map(|(name, _)| name.as_str()), Some(OTHERS));
        assert!(told[..ENTERPRISES_MAX].is_sorted());
        let few = bounded(vec![(&names[1], 0), (&names[0], 4)]);
        assert_eq!(few, [("1000".to_owned(), 4), ("1001".to_owned(), 0)]);
        assert_eq!(bounded(Vec::new()), []);
    }
}
