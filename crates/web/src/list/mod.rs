//! `GET /calls/{enterprise}`: which calls there are. Opened by the enterprise's token only.

mod question;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;

use crate::access::{Wanted, link};
use crate::answer::{Said, page};
use crate::pages::{ListPage, Look, Notice, list_page, wanted_of_rows};
use crate::request::{self, Query};
use crate::site::{Site, Visit};
use calltrace_directory::{Enterprise, Names};
use calltrace_engine::{Engine, Found, SearchQuestion, Tally};
use calltrace_model::call::Summary;
use calltrace_model::record::{Stamp, id};
use calltrace_output::Clock;
use calltrace_store::error::Error;
use calltrace_store::tree::{EnterpriseName, Tree};

use crate::limits::Length;
use question::{Address, Asked, Period, ROWS, day_of};

/// A row's link is signed for its call alone, so that who passes it on does not pass on the token
/// that opens all calls; it holds for this long.
const ROW_LINK: Duration = Duration::from_secs(7 * 86_400);

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    uri: Uri,
    visit: Visit,
) -> Result<Response, Said> {
    let bad = |_| visit.said(Notice::BadRequest);
    let enterprise = request::enterprise_named(uri.path()).map_err(bad)?;
    let known = site.admit(&visit, &Wanted::Enterprise(&enterprise)).await?;
    let query = Query::new(uri.query());
    let asked = Asked::read(query).map_err(bad)?;
    let token = query.verbatim("token").map_err(bad)?.unwrap_or_default();
    let look = Look {
        language: visit.language,
        clock: site.clock,
        now: site.stamp(),
    };
    let today = day_of(&site.clock, look.now);
    let listed = match asked.mistake {
        Some(_) => Listed::nothing(asked.period(today)),
        None => listed(&site, &visit, &enterprise, asked.clone(), &look).await?,
    };
    let wanted = wanted_of_rows(listed.rows.iter());
    let names = match listed.rows.is_empty() {
        true => Names::default(),
        false => site.directory.names(&enterprise, &wanted).await,
    };
    let address = Address {
        token: &token,
        language: visit.language,
        asked: &asked,
        period: listed.period,
        today,
        as_of: asked
            .as_of
            .unwrap_or_else(|| newest_of(&listed.rows, look.now)),
        has_older: listed.has_older,
    };
    let (links, fixed) = (address.links(), address.fixed());
    let expires = site.now.unix_seconds() + ROW_LINK.as_secs();
    let rows = linked(&enterprise, &known, &look, expires, listed.rows);
    let markup = list_page(
        &look,
        &ListPage {
            enterprise: &enterprise,
            title: known.title.as_deref(),
            filters: &asked.filters,
            fixed: &fixed,
            mistake: asked.mistake,
            rows: &rows,
            tally: &listed.tally,
            period: match listed.period {
                Period::Days(from, to) => Some((from, to)),
                Period::All | Period::UpTo(_) => None,
            },
            troubles: &listed.troubles,
            names: &names,
            token: &token,
            links: &links,
        },
    );
    let status = match asked.mistake {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    Ok(page(status, markup))
}

/// Up to where further pages look: behind the newest row, so that they count what this one counted,
/// also where the clock of who writes goes ahead of ours, or calls began while we searched.
fn newest_of(rows: &[Summary], now: Stamp) -> Stamp {
    let newest = rows.iter().map(|summary| summary.first).max();
    newest.map_or(now, |first| Stamp(first.0.saturating_add(1)))
}

/// Each row with the link that opens its call until then (seconds of Unix time).
fn linked(
    enterprise: &EnterpriseName,
    known: &Enterprise,
    look: &Look,
    expires: u64,
    rows: Vec<Summary>,
) -> Vec<(Summary, String)> {
    let link_of = |summary: &Summary| {
        let secret = known.secret.as_ref()?;
        // Logs hold ids of any form; a page has only what is one.
        if !id::is_id(summary.main_uid.as_bytes()) {
            return None;
        }
        let path = link::signed_path(secret, enterprise, &summary.main_uid, expires);
        // Relative: a proxy may have put a folder before it.
        Some(format!("..{path}&lang={}", look.language.tag()))
    };
    rows.into_iter()
        .map(|summary| {
            let link = link_of(&summary).unwrap_or_default();
            (summary, link)
        })
        .collect()
}

/// What was found for one page.
struct Listed {
    rows: Vec<Summary>,
    has_older: bool,
    tally: Tally,
    period: Period,
    troubles: Vec<calltrace_store::error::Trouble>,
}

impl Listed {
    fn nothing(period: Period) -> Listed {
        Listed {
            rows: Vec::new(),
            has_older: false,
            tally: Tally::default(),
            period,
            troubles: Vec::new(),
        }
    }

    fn of(found: Found, asked: &Asked, period: Period) -> Listed {
        let passed = (asked.page - 1) * ROWS;
        let has_older = found.calls.len() > passed + ROWS;
        Listed {
            rows: found.calls.into_iter().skip(passed).take(ROWS).collect(),
            has_older,
            tally: found.tally,
            period,
            troubles: found.troubles,
        }
    }
}

async fn listed(
    site: &Arc<Site>,
    visit: &Visit,
    enterprise: &EnterpriseName,
    asked: Asked,
    look: &Look,
) -> Result<Listed, Said> {
    let now = look.now;
    let (here, enterprise) = (Arc::clone(site), enterprise.clone());
    let answer = site.work.run(Length::Long, move || {
        if here.has_no_logs_of(&enterprise) {
            return Ok(Listed::nothing(asked.period(day_of(&here.clock, now))));
        }
        search(
            here.lister.as_ref().unwrap_or(&here.engine),
            &here.tree,
            &here.clock,
            &enterprise,
            &asked,
            now,
        )
    });
    let answer = answer
        .await
        .map_err(|undone| Said::undone(visit.language, undone))?;
    answer.map_err(|error: Error| {
        tracing::error!(%error, "calls can't be searched");
        visit.said(Notice::Trouble)
    })
}

/// Searches the days asked for. Where none was, and today has no such call yet, the newest day
/// that has one.
fn search(
    engine: &Engine,
    tree: &Tree,
    clock: &Clock,
    enterprise: &EnterpriseName,
    asked: &Asked,
    now: Stamp,
) -> Result<Listed, Error> {
    let of = |period: Period| {
        let question = SearchQuestion {
            criteria: asked.criteria(period, clock, now),
            limit: Some(asked.page * ROWS + 1),
            tally: true,
            ..SearchQuestion::default()
        };
        let found = engine.search(tree, enterprise, &question)?;
        Ok::<Listed, Error>(Listed::of(found, asked, period))
    };
    let period = asked.period(day_of(clock, now));
    let listed = of(period)?;
    if !listed.rows.is_empty() || !asked.is_of_no_day() {
        return Ok(listed);
    }
    let newest = engine.search(
        tree,
        enterprise,
        &SearchQuestion {
            criteria: asked.criteria(Period::All, clock, now),
            limit: Some(1),
            ..SearchQuestion::default()
        },
    )?;
    match newest.calls.first() {
        None => Ok(listed),
        Some(call) => {
            let day = day_of(clock, call.first);
            of(Period::Days(day, day))
        }
    }
}
