//! Other calls of a call's client: looked for beside the names, and left out when that takes too long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;

use super::access::link;
use super::pages::{Language, OtherCall};
use super::site::Site;
use super::work::Length;
use crate::call::{Criteria, SAME_CALL_MILLIS, Summary};
use crate::directory::Enterprise;
use crate::engine::SearchQuestion;
use crate::record::phone::{self, PhoneQuery};
use crate::record::{Stamp, id};
use crate::tree::EnterpriseName;

/// A page does not wait longer for them.
const PATIENCE: Duration = Duration::from_millis(20);

/// So many are shown.
const SHOWN: usize = 5;

/// A link to one of them holds for this long.
const LINK: Duration = Duration::from_secs(7 * 86_400);

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
enum Begin {
    Known(Vec<Summary>),
    Search,
    Leave,
}

impl Neighbours {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of a client's calls; else whether to ask: nobody else asks for the enterprise, and the
    /// last search was quick or long ago.
    fn begin(&self, enterprise: &EnterpriseName, client: &str, now: Instant) -> Begin {
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
            _ => {
                state.resting.insert(enterprise.clone(), None);
                Begin::Search
            }
        }
    }

    fn found(&self, enterprise: &EnterpriseName, client: &str, calls: &[Summary], now: Instant) {
        let mut state = self.state();
        if state.found.len() >= REMEMBERED_MAX {
            state.found.clear();
        }
        let key = (enterprise.clone(), client.to_owned());
        state.found.insert(key, (now, calls.to_vec()));
    }

    /// A search has ended, or was not begun.
    fn end(&self, enterprise: &EnterpriseName, took: Duration, now: Instant) {
        let mut state = self.state();
        if took <= PATIENCE {
            state.resting.remove(enterprise);
        } else {
            let until = now + took * REST;
            state.resting.insert(enterprise.clone(), Some(until));
        }
    }
}

/// Ends a search wherever its work breaks off.
struct Asking {
    site: Arc<Site>,
    enterprise: EnterpriseName,
    client: String,
    begun: Instant,
}

impl Drop for Asking {
    fn drop(&mut self) {
        let (took, now) = (self.begun.elapsed(), Instant::now());
        self.site.neighbours.end(&self.enterprise, took, now);
    }
}

/// The newest other calls of a call's client, each with a link of its own; none where they can't be had in
/// time. Only for those who may see all calls of the enterprise.
pub(super) async fn others(
    site: &Arc<Site>,
    enterprise: &EnterpriseName,
    known: &Enterprise,
    call: &Summary,
    language: Language,
) -> Vec<OtherCall> {
    let query = PhoneQuery::parse(&call.client).ok();
    // A short number is in most lines by chance.
    let Some(query) = query.filter(|_| phone::is_external(call.client.as_bytes())) else {
        return Vec::new();
    };
    let begun = Instant::now();
    let calls = match site.neighbours.begin(enterprise, &call.client, begun) {
        Begin::Known(calls) => calls,
        Begin::Leave => return Vec::new(),
        Begin::Search => {
            let asking = Asking {
                site: Arc::clone(site),
                enterprise: enterprise.clone(),
                client: call.client.clone(),
                begun,
            };
            let now = site.stamp();
            let search = (site.work).run(Length::Long, move || found(&asking, query, now));
            match timeout(PATIENCE, search).await {
                Ok(Ok(calls)) => calls,
                _ => return Vec::new(),
            }
        }
    };
    let is_other = |other: &Summary| {
        other.main_uid != call.main_uid || other.first.since(call.first).abs() > SAME_CALL_MILLIS
    };
    let expires = site.now.unix_seconds() + LINK.as_secs();
    let linked = calls.into_iter().filter(is_other).filter_map(|summary| {
        let secret = known.secret.as_ref()?;
        // Logs hold ids of any form; a page has only what is one.
        id::is_id(summary.main_uid.as_bytes()).then_some(())?;
        let path = link::signed_path(secret, enterprise, &summary.main_uid, expires);
        // Relative: a proxy may have put a folder before it.
        Some(OtherCall {
            summary,
            link: format!("../..{path}&lang={}", language.tag()),
        })
    });
    linked.take(SHOWN).collect()
}

fn found(asking: &Asking, query: PhoneQuery, now: Stamp) -> Vec<Summary> {
    let site = &asking.site;
    let question = SearchQuestion {
        criteria: Criteria {
            phone: Some(query),
            now: Some(now),
            ..Criteria::default()
        },
        // One of them may be the call itself.
        limit: Some(SHOWN + 1),
        ..SearchQuestion::default()
    };
    let engine = site.lister.as_ref().unwrap_or(&site.engine);
    let found = engine.search(&site.tree, &asking.enterprise, &question);
    let calls = found.map(|found| found.calls).unwrap_or_default();
    let (enterprise, client) = (&asking.enterprise, &asking.client);
    site.neighbours
        .found(enterprise, client, &calls, Instant::now());
    calls
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
                neighbours.begin(&name, client, begin + after),
                Begin::Search
            )
        };
        let now = Duration::ZERO;
        assert!(searches("1", now));
        assert!(!searches("2", now), "it is being asked");
        neighbours.end(&name, PATIENCE, begin);
        assert!(searches("2", now), "it was quick");
        neighbours.found(&name, "2", &[], begin);
        neighbours.end(&name, Duration::from_secs(1), begin);
        assert!(!searches("1", Duration::from_secs(99)));
        let known = neighbours.begin(&name, "2", begin + Duration::from_secs(29));
        assert!(matches!(known, Begin::Known(_)), "{known:?}");
        assert!(searches("2", Duration::from_secs(101)));
    }
}
