//! Other calls of a call's client: looked for beside the names, and left out when that takes too long.

use std::sync::Arc;
use std::time::Instant;

use tokio::time::timeout;

use super::limits::Length;
use super::neighbours::{Begin, PATIENCE};
use super::pages::OtherCall;
use super::site::{Site, Visit};
use calltrace_directory::Enterprise;
use calltrace_engine::SearchQuestion;
use calltrace_model::call::{Criteria, SAME_CALL_MILLIS, Summary};
use calltrace_model::record::Stamp;
use calltrace_model::record::phone::{self, PhoneQuery};
use calltrace_store::tree::EnterpriseName;

/// So many are shown.
const SHOWN: usize = 5;

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
    visit: &Visit,
) -> Vec<OtherCall> {
    let query = PhoneQuery::parse(&call.client).ok();
    // A short number is in most lines by chance.
    let Some(query) = query.filter(|_| phone::is_external(call.client.as_bytes())) else {
        return Vec::new();
    };
    let begun = Instant::now();
    // Those who wait for a page go before.
    let may_search = site.work.is_idle();
    let calls = match (site.neighbours).begin(enterprise, &call.client, begun, may_search) {
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
    let linked = calls.into_iter().filter(is_other).filter_map(|summary| {
        let link = site.link(visit, known, enterprise, &summary)?;
        // Relative: a proxy may have put a folder before it.
        Some(OtherCall {
            summary,
            link: format!("../..{link}"),
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
    let found = site
        .lister()
        .search(&site.tree, &asking.enterprise, &question);
    let calls = found.map(|found| found.calls).unwrap_or_default();
    let (enterprise, client) = (&asking.enterprise, &asking.client);
    site.neighbours
        .found(enterprise, client, &calls, Instant::now());
    calls
}
