//! Other calls of a call's client. They are searched while the names are looked up, and left out when that
//! takes too long.

use std::sync::Arc;
use std::time::Instant;

use tokio::time::timeout;

use super::client_calls::{PATIENCE, SearchDecision};
use super::limits::Length;
use super::pages::OtherCall;
use super::site::{Site, Visit};
use calltrace_directory::Enterprise;
use calltrace_engine::SearchQuestion;
use calltrace_model::call::{Criteria, SAME_CALL_MILLIS, Summary};
use calltrace_model::record::Stamp;
use calltrace_model::record::phone::{self, PhoneQuery};
use calltrace_store::tree::EnterpriseName;

/// The number of calls shown.
const SHOWN: usize = 5;

/// Ends a search when its work ends in any way.
struct SearchGuard {
    site: Arc<Site>,
    enterprise: EnterpriseName,
    client: String,
    begun: Instant,
}

impl Drop for SearchGuard {
    fn drop(&mut self) {
        let (took, now) = (self.begun.elapsed(), Instant::now());
        self.site.client_calls.end(&self.enterprise, took, now);
    }
}

/// Returns the newest other calls of a call's client, each with its link; none if they can't be found in
/// time. Only visitors who may see all calls of the enterprise get them.
pub(super) async fn others(
    site: &Arc<Site>,
    enterprise: &EnterpriseName,
    known: &Enterprise,
    call: &Summary,
    visit: &Visit,
) -> Vec<OtherCall> {
    let query = PhoneQuery::parse(&call.client).ok();
    // A short number occurs in most lines by chance.
    let Some(query) = query.filter(|_| phone::is_external(call.client.as_bytes())) else {
        return Vec::new();
    };
    let begun = Instant::now();
    // Work for pages that people wait for goes first.
    let may_search = site.work.is_idle();
    let calls = match (site.client_calls).begin(enterprise, &call.client, begun, may_search) {
        SearchDecision::Cached(calls) => calls,
        SearchDecision::Skip => return Vec::new(),
        SearchDecision::Search => {
            let asking = SearchGuard {
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
        // The link is relative, because a proxy may have put a folder before the path.
        Some(OtherCall {
            summary,
            link: format!("../..{link}"),
        })
    });
    linked.take(SHOWN).collect()
}

fn found(asking: &SearchGuard, query: PhoneQuery, now: Stamp) -> Vec<Summary> {
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
    site.client_calls
        .found(enterprise, client, &calls, Instant::now());
    calls
}
