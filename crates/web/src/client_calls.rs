//! A cache of other calls of clients, which also limits how often they are searched.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use calltrace_model::call::Summary;
use calltrace_store::tree::EnterpriseName;

/// The longest time that a page waits for them.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);

/// After a search that took too long, the enterprise is not searched for this many times as long: a search runs
/// to its end once it has begun, and so takes at most 1% of a processor.
const REST: u32 = 100;

/// How long a result stays valid, so that a page that is reloaded does not search again.
const FRESH: Duration = Duration::from_secs(30);

/// The number of clients in the cache.
const REMEMBERED_MAX: usize = 256;

/// Other calls that were found recently, and the enterprises that must not be searched now.
#[derive(Debug, Default)]
pub(super) struct ClientCalls(Mutex<ClientCallsState>);

#[derive(Debug, Default)]
struct ClientCallsState {
    /// Until when each enterprise is not searched; `None` while it is being searched.
    resting: HashMap<EnterpriseName, Option<Instant>>,
    found: HashMap<(EnterpriseName, String), (Instant, Vec<Summary>)>,
}

/// What to do about a client's other calls.
#[derive(Debug)]
pub(super) enum SearchDecision {
    Cached(Vec<Summary>),
    Search,
    Skip,
}

impl ClientCalls {
    fn state(&self) -> MutexGuard<'_, ClientCallsState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the cached calls of a client; otherwise says whether to search. A search may begin when
    /// `may_search` is true, no other search of the enterprise runs, and the last one was quick or long
    /// ago.
    pub(super) fn begin(
        &self,
        enterprise: &EnterpriseName,
        client: &str,
        now: Instant,
        may_search: bool,
    ) -> SearchDecision {
        let mut state = self.state();
        let key = (enterprise.clone(), client.to_owned());
        if let Some((at, calls)) = state.found.get(&key)
            && now.duration_since(*at) < FRESH
        {
            return SearchDecision::Cached(calls.clone());
        }
        match state.resting.get(enterprise) {
            Some(None) => SearchDecision::Skip,
            Some(Some(until)) if now < *until => SearchDecision::Skip,
            _ if !may_search => SearchDecision::Skip,
            _ => {
                state.resting.insert(enterprise.clone(), None);
                SearchDecision::Search
            }
        }
    }

    pub(super) fn found(
        &self,
        enterprise: &EnterpriseName,
        client: &str,
        calls: &[Summary],
        now: Instant,
    ) {
        let mut state = self.state();
        if state.found.len() >= REMEMBERED_MAX {
            state.found.clear();
        }
        let key = (enterprise.clone(), client.to_owned());
        state.found.insert(key, (now, calls.to_vec()));
    }

    /// Ends a search that has finished or was not begun.
    pub(super) fn end(&self, enterprise: &EnterpriseName, took: Duration, now: Instant) {
        let mut state = self.state();
        if took <= PATIENCE {
            state.resting.remove(enterprise);
        } else {
            let until = now + took * REST;
            state.resting.insert(enterprise.clone(), Some(until));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_enterprise_is_not_searched_for_a_while() {
        let neighbours = ClientCalls::default();
        let name = EnterpriseName::new("0367").expect("a name");
        let begin = Instant::now();
        let searches = |client: &str, after: Duration| {
            matches!(
                neighbours.begin(&name, client, begin + after, true),
                SearchDecision::Search
            )
        };
        let now = Duration::ZERO;
        let busy = neighbours.begin(&name, "1", begin, false);
        assert!(matches!(busy, SearchDecision::Skip), "{busy:?}");
        assert!(searches("1", now));
        assert!(!searches("2", now), "it is being asked");
        neighbours.end(&name, PATIENCE, begin);
        assert!(searches("2", now), "it was quick");
        neighbours.found(&name, "2", &[], begin);
        neighbours.end(&name, Duration::from_secs(1), begin);
        assert!(!searches("1", Duration::from_secs(99)));
        let known = neighbours.begin(&name, "2", begin + Duration::from_secs(29), true);
        assert!(matches!(known, SearchDecision::Cached(_)), "{known:?}");
        assert!(searches("2", Duration::from_secs(101)));
    }
}
