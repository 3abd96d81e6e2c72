//! `GET /calls/{enterprise}`: the list of calls. Only the enterprise's token opens it.

mod question;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use crate::access::Resource;
use crate::answer::{NoticePage, page};
use crate::pages::{ListPage, Notice, PageContext, list_page, wanted_of_rows};
use crate::site::{Site, Visit};
use calltrace_directory::Names;
use calltrace_engine::{CallTally, FoundCalls, MissedCall, SearchQuestion, Within};
use calltrace_model::call::{Outcome, Summary};
use calltrace_model::record::Stamp;
use calltrace_model::stats::Returns;
use calltrace_store::error::{Error, Trouble};
use calltrace_store::tree::EnterpriseName;

use crate::days::day_of;
use crate::limits::Length;
use question::{ListAddress, ListDays, ListRequest, ROWS};

/// The time within which a missed call counts as returned (milliseconds), as in `calltrace stats`.
pub(super) const RETURNED_WITHIN_MILLIS: i64 = 60 * 60_000;

/// The longest time between missed calls of several clients for which callbacks are searched (milliseconds):
/// a week and an hour.
const RETURNS_SPAN_MILLIS_MAX: i64 = (7 * 24 + 1) * 3_600_000;

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    visit: Visit,
) -> Result<Response, NoticePage> {
    let bad = |_| visit.notice_page(Notice::BadRequest);
    let enterprise = visit.target.enterprise().map_err(bad)?;
    let known = site
        .admit(&visit, &Resource::Enterprise(&enterprise))
        .await?;
    let asked = ListRequest::read(&visit.target.query).map_err(bad)?;
    let token = visit.credentials.token().unwrap_or_default();
    let context = PageContext {
        language: visit.language,
        clock: site.clock,
        now: site.stamp(),
    };
    let today = day_of(&site.clock, context.now);
    let listed = match asked.mistake {
        Some(_) => ListResult::nothing(asked.period(today)),
        None => listed(&site, &visit, &enterprise, asked.clone(), &context).await?,
    };
    let wanted = wanted_of_rows(listed.rows.iter());
    let names = match listed.rows.is_empty() {
        true => Names::default(),
        false => site.directory.names(&enterprise, &wanted).await,
    };
    let address = ListAddress {
        enterprise: &enterprise,
        token,
        language: visit.language,
        asked: &asked,
        period: listed.period,
        today,
        as_of: asked
            .as_of
            .unwrap_or_else(|| newest_of(&listed.rows, context.now)),
        has_older: listed.has_older,
    };
    let (links, fixed) = (address.links(), address.fixed());
    let rows = listed.rows.into_iter().map(|summary| {
        let link = site.link(&visit, &known, &enterprise, &summary);
        // The link is relative, because a proxy may have put a folder before the path.
        let link = link.map_or_else(String::new, |link| format!("..{link}"));
        (summary, link)
    });
    let rows: Vec<(Summary, String)> = rows.collect();
    let markup = list_page(
        &context,
        &ListPage {
            enterprise: &enterprise,
            title: known.title.as_deref(),
            filters: &asked.filters,
            fixed: &fixed,
            mistake: asked.mistake,
            rows: &rows,
            returns: listed.returns.as_ref(),
            tally: &listed.tally,
            period: match listed.period {
                ListDays::Days(from, to) => Some((from, to)),
                ListDays::All | ListDays::UpTo(_) => None,
            },
            troubles: &listed.troubles,
            names: &names,
            token,
            links: &links,
        },
    );
    let status = match asked.mistake {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    Ok(page(status, markup))
}

/// Returns the time up to which further pages search: after the newest row, so that they count what this page
/// counted, also if a writer's clock is ahead of ours, or calls began during the search.
fn newest_of(rows: &[Summary], now: Stamp) -> Stamp {
    let newest = rows.iter().map(|summary| summary.first).max();
    newest.map_or(now, |first| Stamp(first.0.saturating_add(1)))
}

/// The result for one page.
struct ListResult {
    rows: Vec<Summary>,
    has_older: bool,
    tally: CallTally,
    period: ListDays,
    troubles: Vec<Trouble>,
    /// Whether the missed calls among the rows were returned, if this was searched.
    returns: Option<Returns>,
}

impl ListResult {
    fn nothing(period: ListDays) -> ListResult {
        ListResult {
            rows: Vec::new(),
            has_older: false,
            tally: CallTally::default(),
            period,
            troubles: Vec::new(),
            returns: None,
        }
    }

    /// Merges the results of one time range after the other, the newest first.
    fn of(found: Vec<FoundCalls>, asked: &ListRequest, period: ListDays) -> ListResult {
        let mut listed = ListResult::nothing(period);
        for found in found {
            listed.rows.extend(found.calls);
            listed.tally.extend(&found.tally);
            listed.troubles.extend(found.troubles);
        }
        Trouble::tidy(&mut listed.troubles);
        let passed = (asked.page - 1) * ROWS;
        listed.has_older = listed.rows.len() > passed + ROWS;
        listed.rows = listed.rows.into_iter().skip(passed).take(ROWS).collect();
        listed
    }
}

async fn listed(
    site: &Arc<Site>,
    visit: &Visit,
    enterprise: &EnterpriseName,
    asked: ListRequest,
    context: &PageContext,
) -> Result<ListResult, NoticePage> {
    let (now, enterprise) = (context.now, enterprise.clone());
    let search = move |site: &Site| match site.has_no_logs_of(&enterprise) {
        true => Ok(ListResult::nothing(asked.period(day_of(&site.clock, now)))),
        false => search(site, &enterprise, &asked, now).map(|listed| ListResult {
            returns: returns(site, &enterprise, &listed.rows, now),
            ..listed
        }),
    };
    let failed = "calls can't be searched";
    visit.answer(site, Length::Long, failed, search).await
}

/// Finds out whether the missed calls among the rows were returned. Returns `None` if there are none, if they
/// are so far apart that the search would take longer than the page itself, or if the calls around them can't
/// be read; then the page does not say it.
fn returns(
    site: &Site,
    enterprise: &EnterpriseName,
    rows: &[Summary],
    now: Stamp,
) -> Option<Returns> {
    let missed = rows.iter().filter(|row| row.outcome == Outcome::Missed);
    let missed: Vec<MissedCall> = missed
        .map(|row| MissedCall {
            enterprise: 0,
            client: row.client.clone(),
            first: row.first,
        })
        .collect();
    let (oldest, newest) = (missed.last()?, missed.first()?);
    let lasts = newest.first.since(oldest.first) + RETURNED_WITHIN_MILLIS;
    let is_one = missed.iter().all(|call| call.client == newest.client);
    if !is_one && lasts > RETURNS_SPAN_MILLIS_MAX {
        return None;
    }
    let within = Within {
        millis: RETURNED_WITHIN_MILLIS,
        now: Some(now),
        strict: false,
    };
    let enterprises = std::slice::from_ref(enterprise);
    let (returns, found) = site
        .lister()
        .returns(&site.tree, enterprises, &missed, within);
    let failed = found.into_iter().find_map(Result::err);
    let failed = failed.inspect(|error| tracing::warn!(%error, "callbacks can't be searched"));
    failed.is_none().then_some(returns)
}

/// Searches the days asked for. If no day was given and today has no such call yet, it searches the newest
/// day that has one.
fn search(
    site: &Site,
    enterprise: &EnterpriseName,
    asked: &ListRequest,
    now: Stamp,
) -> Result<ListResult, Error> {
    let (engine, tree, clock) = (site.lister(), &site.tree, &site.clock);
    let of = |period: ListDays| {
        let windows = asked.windows(period, clock).into_iter();
        let found = windows.map(|window| {
            let question = SearchQuestion {
                criteria: asked.criteria(window, now),
                limit: Some(asked.page * ROWS + 1),
                tally: true,
                ..SearchQuestion::default()
            };
            engine.search(tree, enterprise, &question)
        });
        let found = found.collect::<Result<Vec<FoundCalls>, Error>>()?;
        Ok::<ListResult, Error>(ListResult::of(found, asked, period))
    };
    let period = asked.period(day_of(clock, now));
    let listed = of(period)?;
    if !listed.rows.is_empty() || !asked.names_no_day() {
        return Ok(listed);
    }
    let newest = engine.search(
        tree,
        enterprise,
        &SearchQuestion {
            criteria: asked.criteria((None, None), now),
            limit: Some(1),
            ..SearchQuestion::default()
        },
    )?;
    match newest.calls.first() {
        None => Ok(listed),
        Some(call) => {
            let day = day_of(clock, call.first);
            of(ListDays::Days(day, day))
        }
    }
}
