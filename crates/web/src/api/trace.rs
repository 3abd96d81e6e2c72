//! `GET /trace/{unique_id}`: one whole call, by the id of any of its legs.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::failure::answer;
use super::timeline::{Timeline, time};
use super::{ApiAccess, ApiFailure};
use crate::limits::Length;
use crate::request::Query;
use crate::site::Site;
use calltrace_engine::{RecordLimits, Trace, TraceQuestion, TracedCall};
use calltrace_model::call::{Direction, Summary};
use calltrace_model::record::id;
use calltrace_output::Clock;
use calltrace_store::error::{Error, Trouble};
use calltrace_store::tree::EnterpriseName;

pub(super) async fn show(
    State(site): State<Arc<Site>>,
    ApiAccess { target }: ApiAccess,
) -> Result<Response, ApiFailure> {
    let unique_id = target.path.last().filter(|text| id::is_addressable(text));
    let message = "unique_id: must be an id as in the log, percent-encoded, of 1 to 150 bytes and without '|', '/' and '\\'";
    let unique_id = unique_id
        .ok_or_else(|| ApiFailure::unprocessable(message))?
        .clone();
    let enterprise = enterprise(&target.query)?;
    let asked = Arc::clone(&site);
    let work = move || traced(&asked, enterprise, unique_id);
    let found = site.work.run(Length::Short, work).await?;
    found.map_err(|error| unreadable(&error))
}

/// Returns the enterprise that a query names; `None` for all.
pub(super) fn enterprise(query: &Query) -> Result<Option<EnterpriseName>, ApiFailure> {
    let name = parameter(query, "enterprise")?;
    let named = |name: String| {
        let message =
            "enterprise: must be 1 to 64 ASCII letters, digits, '_' and '-', such as 0367";
        EnterpriseName::new(&name).ok_or_else(|| ApiFailure::unprocessable(message))
    };
    name.map(named).transpose()
}

/// Returns a parameter that is not empty.
pub(super) fn parameter(query: &Query, name: &'static str) -> Result<Option<String>, ApiFailure> {
    let unreadable = |_| ApiFailure::unprocessable(format!("{name}: must be given once, in UTF-8"));
    let text = query.field(name).map_err(unreadable)?;
    Ok(text.filter(|text| !text.is_empty()))
}

pub(super) fn unreadable(error: &Error) -> ApiFailure {
    tracing::error!(%error, "a question of the API can't be answered");
    let message = "the logs can't be read; the service's log says why";
    ApiFailure::new(StatusCode::SERVICE_UNAVAILABLE, message)
}

/// Returns the enterprises to search: the named one, if it has a folder, otherwise all.
pub(super) fn enterprises(
    site: &Site,
    named: Option<EnterpriseName>,
) -> Result<Vec<EnterpriseName>, Error> {
    let Some(name) = named else {
        return site.tree.enterprises();
    };
    Ok(match site.has_no_logs_of(&name) {
        true => Vec::new(),
        false => vec![name],
    })
}

fn traced(
    site: &Site,
    enterprise: Option<EnterpriseName>,
    unique_id: String,
) -> Result<Response, Error> {
    let question = TraceQuestion::of(unique_id);
    let names = enterprises(site, enterprise)?;
    let answers = site
        .engine
        .trace_each(&site.tree, &names, &question, RecordLimits::default());
    let traces = answers.into_iter().collect::<Result<Vec<Trace>, Error>>()?;
    let is_complete = !traces
        .iter()
        .any(|trace| Trouble::any_matters(&trace.troubles));
    let found = traces.into_iter().find_map(|mut trace| {
        let call = trace.call.take()?;
        Some((trace, call))
    });
    let Some((trace, call)) = found else {
        let document = json!({ "detail": "Call trace not found", "complete": is_complete });
        return Ok(answer(StatusCode::NOT_FOUND, &document));
    };
    let document = document(&trace, &call, &question.id, &site.clock);
    Ok(Timeline::of(call, site.clock).answer(document))
}

/// Returns the answer without the items of the timeline.
fn document(trace: &Trace, call: &TracedCall, asked: &str, clock: &Clock) -> Value {
    let s = &call.summary;
    let legs: Vec<&str> = s.legs.iter().map(|leg| leg.uid.as_str()).collect();
    json!({
        "unique_id": asked,
        "enterprise_number": trace.enterprise.as_str(),
        "phone_number": phone(s),
        "call_direction": direction(s),
        "call_status": status(s),
        "start_time": time(s.first, clock),
        "end_time": s.ended.then(|| time(s.last, clock)),
        "duration_seconds": s.ended.then(|| s.last.since(s.first) / 1000),
        "created_at": time(s.first, clock),
        "updated_at": time(s.last, clock),
        "summary": null,
        "timeline": [],
        "main_unique_id": s.main_uid,
        "related_unique_ids": legs,
        "records_left_out": call.left_out,
        "complete": !Trouble::any_matters(&trace.troubles),
    })
}

pub(super) fn phone(call: &Summary) -> Option<&str> {
    Some(call.client.as_str()).filter(|client| !client.is_empty())
}

fn direction(call: &Summary) -> Option<&'static str> {
    match call.direction {
        Direction::Incoming => Some("incoming"),
        Direction::Outgoing => Some("outgoing"),
        Direction::Internal => Some("internal"),
        Direction::Unknown => None,
    }
}

/// The values of [`status`].
pub(super) const STATUSES: [&str; 3] = ["active", "completed", "failed"];

/// Returns `active` until the call has ended, then `failed` if it was not answered, otherwise `completed`.
pub(super) fn status(call: &Summary) -> &'static str {
    match (call.ended, call.outcome) {
        (false, _) => "active",
        (true, outcome) if outcome.is_unanswered() => "failed",
        (true, _) => "completed",
    }
}
