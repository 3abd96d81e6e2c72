//! `GET /call/{enterprise}/{unique_id}`: one call, whole.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::access::Wanted;
use super::answer::{Said, page};
use super::limits::Length;
use super::others::others;
use super::pages::{CallPage, Language, Look, Notice, call_page, wanted};
use super::request::{self, Malformed, Query};
use super::site::{Site, Visit};
use calltrace_engine::{Trace, TraceQuestion};
use calltrace_output::Secrets;
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    uri: Uri,
    visit: Visit,
) -> Result<Response, Said> {
    let named = request::call_named(uri.path());
    let (enterprise, unique_id) = named.map_err(|_| visit.said(Notice::BadRequest))?;
    let known = site
        .admit(&visit, &Wanted::Call(&enterprise, &unique_id))
        .await?;
    let trace = traced(&site, &visit, &enterprise, unique_id.clone()).await?;
    let Some(call) = trace.as_ref().and_then(|trace| trace.call.as_ref()) else {
        return Err(visit.said(no_such_call(unique_id, trace.as_ref())));
    };
    let query = Query::new(uri.query());
    let bad = |_| visit.said(Notice::BadRequest);
    let opened_by = opened_by(query).map_err(bad)?;
    let list = list_of(&enterprise, query, visit.language).map_err(bad)?;
    let from = query.field("from").map_err(bad)?.unwrap_or_default();
    // The token alone opens all calls; with both, it alone has decided.
    let sees_all = query.verbatim("token").map_err(bad)?.is_some();
    let wanted = wanted(call);
    let names = site.directory.names(&enterprise, &wanted);
    let others = async {
        match sees_all {
            true => others(&site, &enterprise, &known, &call.summary, visit.language).await,
            false => Vec::new(),
        }
    };
    let (names, others) = tokio::join!(names, others);
    let recording = site.recordings.of(call, &names);
    let look = Look {
        language: visit.language,
        clock: site.clock,
        now: site.stamp(),
    };
    let markup = call_page(
        &look,
        &CallPage {
            enterprise: &enterprise,
            title: known.title.as_deref(),
            call,
            searched: trace
                .as_ref()
                .map(|trace| trace.searched)
                .unwrap_or_default(),
            troubles: trace.as_ref().map_or(&[], |trace| &trace.troubles),
            names: &names,
            may_refresh: query.field("live").map_err(bad)?.as_deref() != Some("off"),
            from: from.parse().unwrap_or(0),
            query: &opened_by,
            list: list.as_deref(),
            recording: recording.as_deref(),
            others: &others,
        },
    );
    let secrets = Secrets::of_call(call);
    let text = secrets.mask_page(markup.into_string());
    Ok(page(StatusCode::OK, maud::PreEscaped(text)))
}

/// What opened the page, for links to itself: the token, else the signature.
fn opened_by(query: Query<'_>) -> Result<String, Malformed> {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    if let Some(token) = query.verbatim("token")? {
        return Ok(format!("?token={}", encoded(&token)));
    }
    let field = |name: &str| Ok(query.verbatim(name)?.unwrap_or_default());
    let (expires, signature) = (field("exp")?, field("sig")?);
    Ok(format!(
        "?exp={}&sig={}",
        encoded(&expires),
        encoded(&signature)
    ))
}

/// Where the list is; only the token opens it.
fn list_of(
    enterprise: &EnterpriseName,
    query: Query<'_>,
    language: Language,
) -> Result<Option<String>, Malformed> {
    let link = |token: String| {
        let token = utf8_percent_encode(&token, NON_ALPHANUMERIC);
        // Relative: a proxy may have put a folder before it.
        format!(
            "../../calls/{enterprise}?token={token}&lang={}",
            language.tag()
        )
    };
    Ok(query.verbatim("token")?.map(link))
}

/// `None` where the enterprise has no folder: nothing was ever logged for it.
async fn traced(
    site: &Arc<Site>,
    visit: &Visit,
    enterprise: &EnterpriseName,
    unique_id: String,
) -> Result<Option<Trace>, Said> {
    let question = TraceQuestion {
        id: unique_id,
        strict: false,
        every_file: false,
        since: None,
    };
    let (asked, enterprise) = (Arc::clone(site), enterprise.clone());
    let answer = site.work.run(Length::Short, move || {
        if asked.has_no_logs_of(&enterprise) {
            return Ok(None);
        }
        asked
            .engine
            .trace(&asked.tree, &enterprise, &question)
            .map(Some)
    });
    let answer = answer
        .await
        .map_err(|undone| Said::undone(visit.language, undone))?;
    answer.map_err(|error: Error| {
        tracing::error!(%error, "a call can't be traced");
        visit.said(Notice::Trouble)
    })
}

fn no_such_call(id: String, trace: Option<&Trace>) -> Notice {
    Notice::NoSuchCall {
        id,
        files: trace.map_or(0, |trace| trace.searched.files),
        whole: trace.is_none_or(|trace| trace.troubles.is_empty()),
    }
}
