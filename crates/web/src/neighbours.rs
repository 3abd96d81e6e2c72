//! Other calls of clients that were found lately, and which enterprises are to be left alone.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use calltrace_model::call::Summary;
use calltrace_store::tree::EnterpriseName;

/// A page does not wait longer for them.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);

/// After a search that took too long the enterprise is left alone for this many times as long: a search that
/// was begun goes on to its end, and may then take one part in a hundred of a processor.
const REST: u32 = 100;

/// What was found holds for so long: a page that is loaded again does not search again.
const FRESH: Duration = Duration::from_secs(30);

/// Clients remembered at one time.
const REMEMBERED_MAX: usize = 256;

/// Other calls that were found lately, and which enterprises are not to be asked for now.
#[derive(Debug, Default)]
pub(super) struct Neighbours(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Until when; those that are being asked have no end yet.
    resting: HashMap<EnterpriseName, Option<Instant>>,
    found: HashMap<(EnterpriseName, String), (Instant, Vec<Summary>)>,
}

/// Whether to search.
#[derive(Debug)]
pub(super) enum Begin {
    Known(Vec<Summary>),
    Search,
    Leave,
}

impl Neighbours {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a client's calls; else whether to ask: a search may begin, nobody else asks for the
    /// enterprise, and the last search was quick or long ago.
    pub(super) fn begin(
        &self,
        enterprise: &EnterpriseName,
        client: &str,
        now: Instant,
        may_search: bool,
    ) -> Begin {
        let mut state = self.state();
        let key = (enterprise.clone(), client.to_owned());
        if let Some((at, calls)) = state.found.get(&key)
            && now.duration_since(*at) < FRESH
        {
            return Begin::Known(calls.clone());
        }
        match state.resting.get(enterprise) {
            Some(None) => Begin::Leave,
            Some(Some(until)) if now < *until => Begin::Leave,
            _ if !may_search => Begin::Leave,
            _ => {
                state.resting.insert(enterprise.clone(), None);
                Begin::Search
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

    /// A search has ended, or was not begun.
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
    fn an_enterprise_that_takes_long_is_left_alone_for_a_while() {
        let neighbours = Neighbours::default();
        let name = EnterpriseName::new("0367").expect("a name");
        let begin = Instant::now();
        let searches = |client: &str, after: Duration| {
            matches!(
                neighbours.begin(&name, client, begin + after, true),
                Begin::Search
            )
        };
        let now = Duration::ZERO;
        let busy = neighbours.begin(&name, "1", begin, false);
        assert!(matches!(busy, Begin::Leave), "{busy:?}");
        assert!(searches("1", now));
        assert!(!searches("2", now), "it is being asked");
        neighbours.end(&name, PATIENCE, begin);
        assert!(searches("2", now), "it was quick");
        neighbours.found(&name, "2", &[], begin);
        neighbours.end(&name, Duration::from_secs(1), begin);
        assert!(!searches("1", Duration::from_secs(99)));
        let known = neighbours.begin(&name, "2", begin + Duration::from_secs(29), true);
        assert!(matches!(known, Begin::Known(_)), "{known:?}");
        assert!(searches("2", Duration::from_secs(101)));
    }
}
