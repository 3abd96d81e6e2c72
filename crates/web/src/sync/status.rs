//! Reports of runs, hosts and the database.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use super::jobs::JobsExtension;
use crate::api::{ApiAccess, ApiFailure, answer};
use crate::site::Site;
use calltrace_directory::SourceError;
use calltrace_model::sanitise::sanitise;
use calltrace_store::tree::EnterpriseName;
use calltrace_sync::records::{CallSources, HostState};
use calltrace_sync::work::SyncHost;

/// `GET /`
pub(super) async fn front(Extension(jobs): JobsExtension, _: ApiAccess) -> Response {
    let document = json!({
        "service": "calltrace sync",
        "version": env!("CARGO_PKG_VERSION"),
        "status": "running",
        "enterprises": names(jobs.enterprises().iter()),
        "active_tasks": names(jobs.active().iter()),
    });
    answer(StatusCode::OK, &document)
}

/// `GET /health`: always answers 200.
pub(super) async fn health(
    State(site): State<Arc<Site>>,
    Extension(jobs): JobsExtension,
    _: ApiAccess,
) -> Response {
    let checked = jobs.check().await;
    let is_well = checked.database.as_ref().is_none_or(Result::is_ok)
        && checked.hosts.iter().all(|(_, state)| state.is_ok());
    let error = |reason: &String| format!("error: {}", sanitise(reason.as_bytes()));
    let state = |state: &Result<(), String>| match state {
        Ok(()) => "connected".to_owned(),
        Err(reason) => error(reason),
    };
    let hosts: Map<String, Value> = checked
        .hosts
        .iter()
        .map(|(name, found)| (name.clone(), json!(state(found))))
        .collect();
    let document = json!({
        "status": if is_well { "healthy" } else { "unhealthy" },
        "database": checked.database.as_ref().map_or("none".to_owned(), state),
        "hosts": hosts,
        "timestamp": time(site.now.utc()),
    });
    answer(StatusCode::OK, &document)
}

/// `GET /enterprises`: an entry for each host, without its Token, which is secret.
pub(super) async fn enterprises(
    State(site): State<Arc<Site>>,
    Extension(jobs): JobsExtension,
    _: ApiAccess,
) -> Response {
    let hosts = jobs.work.hosts();
    let titles = hosts
        .iter()
        .map(|host| site.directory.enterprise(&host.enterprise));
    let titles = join_all(titles).await.into_iter();
    let titles = titles.map(|known| known.ok().flatten().and_then(|known| known.title));
    let entry = |(host, title): (&SyncHost, Option<String>)| {
        json!({
            "enterprise_id": host.enterprise.as_str(),
            "name": title.as_deref().unwrap_or(host.enterprise.as_str()),
            "host": host.name,
            "ip": host.address,
            "token": "***",
        })
    };
    let entries: Vec<Value> = hosts.iter().zip(titles).map(entry).collect();
    answer(StatusCode::OK, &json!({ "enterprises": entries }))
}

/// `GET /sync/status`: read from the database, or, if there is none, from what this process did.
pub(super) async fn status(
    Extension(jobs): JobsExtension,
    _: ApiAccess,
) -> Result<Response, ApiFailure> {
    let states: Vec<HostState> = match jobs.work.records() {
        Some(records) => records
            .states()
            .await
            .map_err(|error| unavailable(&error))?,
        None => {
            let done = jobs.done().into_iter();
            done.map(|(host, done)| HostState {
                enterprise: host.enterprise.as_str().to_owned(),
                host: host.name,
                last_sync: done.succeeded.map(time),
                downloaded: done.new,
                failed: done.errors,
                last_error: done.failure,
            })
            .collect()
        }
    };
    let entry = |state: &HostState| {
        let error = state.last_error.as_ref();
        json!({
            "enterprise_id": state.enterprise,
            "asterisk_host": state.host,
            "last_sync": state.last_sync,
            "total_downloaded": state.downloaded,
            "failed_events": state.failed,
            "last_error": error.map(|error| sanitise(error.as_bytes())),
        })
    };
    let document = json!({
        "sync_status": states.iter().map(entry).collect::<Vec<_>>(),
        "active_tasks": names(jobs.active().iter()),
    });
    Ok(answer(StatusCode::OK, &document))
}

/// `GET /sync/live/status`: how the calls in the database arrived; empty if there is no database.
pub(super) async fn sources(
    Extension(jobs): JobsExtension,
    _: ApiAccess,
) -> Result<Response, ApiFailure> {
    let sources = match jobs.work.records() {
        Some(records) => records
            .sources()
            .await
            .map_err(|error| unavailable(&error))?,
        None => CallSources::default(),
    };
    let all = sources.all.iter().map(|one| {
        json!({
            "data_source": one.source,
            "total_calls": one.calls,
            "first_call": one.first,
            "last_call": one.last,
        })
    });
    let of_each = sources.by_enterprise.iter().map(|(enterprise, source, count)| {
        json!({ "enterprise_id": enterprise, "data_source": source, "count": count })
    });
    let document = json!({
        "data_sources": all.collect::<Vec<_>>(),
        "enterprise_breakdown": of_each.collect::<Vec<_>>(),
        // Whole minutes, as in the field's service.
        "auto_sync_interval": jobs.interval.map(|every| every.as_secs() / 60),
    });
    Ok(answer(StatusCode::OK, &document))
}

/// `GET /sync/live/today`
pub(super) async fn today(
    State(site): State<Arc<Site>>,
    Extension(jobs): JobsExtension,
    _: ApiAccess,
) -> Response {
    let day = site.now.utc().date_naive();
    let counted = jobs.unsuccessful.get(jobs.work.unsuccessful(day)).await;
    let of_each = counted.by_enterprise.iter();
    let of_each: Map<String, Value> = of_each
        .map(|(enterprise, count)| (enterprise.as_str().to_owned(), json!(count)))
        .collect();
    let document = json!({
        "date": day.to_string(),
        "total_unsuccessful_events_today": counted.by_enterprise.values().sum::<u64>(),
        "by_enterprise": of_each,
    });
    answer(StatusCode::OK, &document)
}

fn names<'n>(all: impl Iterator<Item = &'n EnterpriseName>) -> Vec<&'n str> {
    all.map(EnterpriseName::as_str).collect()
}

/// Formats a time in UTC without a zone, as the field's service does.
fn time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

fn unavailable(error: &SourceError) -> ApiFailure {
    tracing::warn!(%error, "the database of copies can't be asked");
    let message = format!("the database {error}");
    ApiFailure::new(StatusCode::SERVICE_UNAVAILABLE, message)
}
