//! Requests that start runs. A run goes on in the background; the answer says only that it was started.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use serde_json::{Value, json};

use super::jobs::{JobsExtension, NotStarted, SyncJobs};
use crate::api::{ApiAccess, ApiFailure, BodyFields, answer, day};
use crate::site::Site;
use calltrace_store::tree::EnterpriseName;
use calltrace_sync::work::SyncScope;

/// The name of the field's service for runs that fetch records that did not arrive, and the table it fetches
/// them from.
const LIVE: (&str, &str) = ("live_events", "AlternativeAPIlogs");

/// `POST /sync/{enterprise_id}`: the path names the enterprise, the body the days.
pub(super) async fn one(
    State(site): State<Arc<Site>>,
    Extension(jobs): JobsExtension,
    admitted: ApiAccess,
    request: Request,
) -> Result<Response, ApiFailure> {
    let asked = SyncRequest::read(&mut site.posts.fields(request).await?)?;
    let enterprise = started(&jobs, &admitted, asked.scope())?;
    let document = json!({
        "message": format!("synchronisation of enterprise {enterprise} was started"),
        "enterprise_id": enterprise.as_str(),
        "force_all": asked.force_all,
        "date_from": asked.from.map(|day| day.to_string()),
        "date_to": asked.to.map(|day| day.to_string()),
    });
    Ok(answer(StatusCode::OK, &document))
}

/// `POST /sync/all`
pub(super) async fn all(Extension(jobs): JobsExtension, _: ApiAccess) -> Response {
    let every_day = SyncScope::Days {
        from: None,
        to: None,
    };
    answer(StatusCode::OK, &all_started(&jobs, every_day))
}

/// `POST /sync/live/{enterprise_id}`
pub(super) async fn live_one(
    Extension(jobs): JobsExtension,
    admitted: ApiAccess,
) -> Result<Response, ApiFailure> {
    let enterprise = started(&jobs, &admitted, SyncScope::Live)?;
    let document = json!({
        "message": format!("live synchronisation of enterprise {enterprise} was started"),
        "enterprise_id": enterprise.as_str(),
        "type": LIVE.0,
        "target_table": LIVE.1,
    });
    Ok(answer(StatusCode::OK, &document))
}

/// `POST /sync/live/all`
pub(super) async fn live_all(Extension(jobs): JobsExtension, _: ApiAccess) -> Response {
    let mut document = all_started(&jobs, SyncScope::Live);
    document["type"] = json!(LIVE.0);
    document["target_table"] = json!(LIVE.1);
    answer(StatusCode::OK, &document)
}

fn all_started(jobs: &SyncJobs, scope: SyncScope) -> Value {
    let (started, skipped) = jobs.start_all(scope);
    let names =
        |all: &[EnterpriseName]| all.iter().map(|one| json!(one.as_str())).collect::<Value>();
    json!({
        "message": format!("synchronisation of {} was started", enterprises(started.len())),
        "started_tasks": names(&started),
        "skipped_active": names(&skipped),
    })
}

fn enterprises(count: usize) -> String {
    match count {
        1 => "1 enterprise".to_owned(),
        count => format!("{count} enterprises"),
    }
}

/// Starts a run for the enterprise at the end of the path.
fn started(
    jobs: &SyncJobs,
    admitted: &ApiAccess,
    scope: SyncScope,
) -> Result<EnterpriseName, ApiFailure> {
    let unknown = || ApiFailure::new(StatusCode::NOT_FOUND, "Enterprise not found or inactive");
    let named = admitted
        .target
        .path
        .last()
        .and_then(|name| EnterpriseName::new(name));
    let enterprise = named.ok_or_else(unknown)?;
    match jobs.start(&enterprise, scope) {
        Ok(()) => Ok(enterprise),
        Err(NotStarted::Unknown) => Err(unknown()),
        Err(NotStarted::Running) => {
            let message = format!("Sync already running for enterprise {enterprise}");
            Err(ApiFailure::new(StatusCode::CONFLICT, message))
        }
        Err(NotStarted::Ending) => Err(ApiFailure::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "the service is ending",
        )),
    }
}

/// The body of `POST /sync/{enterprise_id}`.
#[derive(Debug, PartialEq, Eq)]
struct SyncRequest {
    /// Has no effect, as in the field's service.
    force_all: bool,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

impl SyncRequest {
    /// Reads the body. `enterprise_id` must be present and has no effect; the path decides.
    fn read(fields: &mut BodyFields) -> Result<SyncRequest, ApiFailure> {
        fields.text("enterprise_id")?;
        let force_all = fields.read("force_all", "must be true or false", |value| {
            value.as_bool()
        })?;
        let mut date = |name| {
            let text = fields.text_or_none(name)?.filter(|text| !text.is_empty());
            text.map(|text| day(name, &text)).transpose()
        };
        let (from, to) = (date("date_from")?, date("date_to")?);
        if from.zip(to).is_some_and(|(from, to)| from > to) {
            return Err(ApiFailure::unprocessable(
                "date_to: must not be before date_from",
            ));
        }
        Ok(SyncRequest {
            force_all: force_all.unwrap_or_default(),
            from,
            to,
        })
    }

    fn scope(&self) -> SyncScope {
        SyncScope::Days {
            from: self.from,
            to: self.to,
        }
    }
}
