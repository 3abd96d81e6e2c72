//! `GET /call/{enterprise}/{unique_id}`: the page of one call.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::access::Resource;
use super::answer::{NoticePage, page};
use super::limits::Length;
use super::others::others;
use super::pages::{CallPage, Notice, PageContext, call_page, wanted};
use super::request::in_query;
use super::site::{Site, Visit};
use calltrace_engine::{Trace, TraceQuestion};
use calltrace_output::Secrets;
use calltrace_store::error::Trouble;
use calltrace_store::tree::EnterpriseName;

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    visit: Visit,
) -> Result<Response, NoticePage> {
    let bad = |_| visit.notice_page(Notice::BadRequest);
    let (enterprise, unique_id) = visit.target.call().map_err(bad)?;
    let known = site
        .admit(&visit, &Resource::Call(&enterprise, unique_id))
        .await?;
    let trace = traced(&site, &visit, enterprise.clone(), unique_id.to_owned()).await?;
    let found = trace.as_ref();
    let found = found.and_then(|trace| Some((trace, trace.call.as_ref()?)));
    let Some((trace, call)) = found else {
        return Err(visit.notice_page(no_such_call(unique_id.to_owned(), trace.as_ref())));
    };
    let query = &visit.target.query;
    let from = query.field("from").map_err(bad)?.unwrap_or_default();
    let token = visit.credentials.token();
    let list = token.map(|token| {
        let (token, language) = (in_query(token), visit.language.tag());
        // The link is relative, because a proxy may have put a folder before the path.
        format!("../../calls/{enterprise}?token={token}&lang={language}")
    });
    let wanted = wanted(call);
    let names = site.directory.names(&enterprise, &wanted);
    let others = async {
        match token.is_some() {
            true => others(&site, &enterprise, &known, &call.summary, &visit).await,
            false => Vec::new(),
        }
    };
    let (names, others) = tokio::join!(names, others);
    let recording = site.recordings.of(call, &names);
    let context = PageContext {
        language: visit.language,
        clock: site.clock,
        now: site.stamp(),
    };
    let markup = call_page(
        &context,
        &CallPage {
            enterprise: &enterprise,
            title: known.title.as_deref(),
            call,
            searched: trace.searched,
            troubles: &trace.troubles,
            names: &names,
            may_refresh: query.field("live").map_err(bad)?.as_deref() != Some("off"),
            from: from.parse().unwrap_or(0),
            query: &visit.credentials.shown_again(),
            list: list.as_deref(),
            recording: recording.as_deref(),
            others: &others,
        },
    );
    let secrets = Secrets::of_call(call);
    let text = secrets.mask_page(markup.into_string());
    Ok(page(StatusCode::OK, maud::PreEscaped(text)))
}

/// Returns `None` if the enterprise has no folder, so nothing was ever logged for it.
async fn traced(
    site: &Arc<Site>,
    visit: &Visit,
    enterprise: EnterpriseName,
    unique_id: String,
) -> Result<Option<Trace>, NoticePage> {
    let question = TraceQuestion::of(unique_id);
    let failed = "a call can't be traced";
    let trace = move |site: &Site| match site.has_no_logs_of(&enterprise) {
        true => Ok(None),
        false => (site.engine)
            .trace(&site.tree, &enterprise, &question)
            .map(Some),
    };
    visit.answer(site, Length::Short, failed, trace).await
}

fn no_such_call(id: String, trace: Option<&Trace>) -> Notice {
    Notice::NoSuchCall {
        id,
        files: trace.map_or(0, |trace| trace.searched.files),
        whole: !trace.is_some_and(|trace| Trouble::any_matters(&trace.troubles)),
    }
}
