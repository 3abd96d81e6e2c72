//! Other calls of a call's client: looked for beside the names, and left out when that takes too long.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
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

/// Which enterprises are not asked for other calls for now.
#[derive(Debug, Default)]
pub(super) struct Neighbours {
    /// Until when; those that are being asked have no end yet.
    resting: Mutex<HashMap<EnterpriseName, Option<Instant>>>,
}

impl Neighbours {
    /// Whether to ask: nobody else asks for the enterprise, and the last search was quick or long ago.
    fn begin(&self, enterprise: &EnterpriseName, now: Instant) -> bool {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        match resting.get(enterprise) {
            Some(None) => false,
            Some(Some(until)) if now < *until => false,
            _ => {
                resting.insert(enterprise.clone(), None);
                true
            }
        }
    }

    /// A search has ended, or was not begun.
    fn end(&self, enterprise: &EnterpriseName, took: Duration, now: Instant) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        if took <= PATIENCE {
            resting.remove(enterprise);
        } else {
            resting.insert(enterprise.clone(), Some(now + took * REST));
        }
    }
}

/// Ends a search wherever its work breaks off.
struct Asking {
    site: Arc<Site>,
    enterprise: EnterpriseName,
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
    if !site.neighbours.begin(enterprise, begun) {
        return Vec::new();
    }
    let asking = Asking {
        site: Arc::clone(site),
        enterprise: enterprise.clone(),
        begun,
    };
    let now = site.stamp();
    let search = site
        .work
        .run(Length::Short, move || found(&asking, query, now));
    let Ok(Ok(calls)) = timeout(PATIENCE, search).await else {
        return Vec::new();
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
    found.map(|found| found.calls).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_enterprise_that_takes_long_is_left_alone_for_a_while() {
        let neighbours = Neighbours::default();
        let name = EnterpriseName::new("0367").expect("a name");
        let begin = Instant::now();
        assert!(neighbours.begin(&name, begin));
        assert!(!neighbours.begin(&name, begin), "it is being asked");
        neighbours.end(&name, PATIENCE, begin);
        assert!(neighbours.begin(&name, begin), "it was quick");
        neighbours.end(&name, Duration::from_secs(1), begin);
        assert!(!neighbours.begin(&name, begin + Duration::from_secs(99)));
        assert!(neighbours.begin(&name, begin + Duration::from_secs(101)));
    }
}
