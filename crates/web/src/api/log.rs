//! `POST /log/*`: one line in the log, answered when the kernel has it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::failure::answer;
use super::posted::Kind;
use super::posts::Logged;
use super::{Admitted, Failure};
use crate::site::Site;

/// What an event is known by to those who keep a number: the same for the same call, below 2^48 so
/// that every reader of JSON has it whole. There is no database that could give one out.
fn trace_id(logged: &Logged) -> u64 {
    let named = format!("{}|{}", logged.enterprise, logged.unique_id);
    let digest = Sha256::digest(named);
    digest[..6]
        .iter()
        .fold(0, |id, byte| id << 8 | u64::from(*byte))
}

async fn take(
    kind: Kind,
    site: &Site,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Logged, Failure> {
    let _admitted = admitted?;
    let (head, body) = request.into_parts();
    let body = site.posts.seats.read(&head.headers, body).await?;
    let logged = site.posts.append(kind, body).await?;
    site.metrics.line_written(kind.word());
    Ok(logged)
}

fn done(message: &str) -> Response {
    answer(
        StatusCode::OK,
        &json!({ "status": "success", "message": message }),
    )
}

/// `POST /log/event`
pub(super) async fn event(
    State(site): State<Arc<Site>>,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Response, Failure> {
    let logged = take(Kind::Event, &site, admitted, request).await?;
    let said: Value = json!({
        "status": "success",
        "message": "Event logged",
        "trace_id": trace_id(&logged),
        "unique_id": logged.unique_id,
    });
    Ok(answer(StatusCode::OK, &said))
}

/// `POST /log/http`
pub(super) async fn http(
    State(site): State<Arc<Site>>,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Response, Failure> {
    take(Kind::Http, &site, admitted, request).await?;
    Ok(done("HTTP request logged"))
}

/// `POST /log/sql`
pub(super) async fn sql(
    State(site): State<Arc<Site>>,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Response, Failure> {
    take(Kind::Sql, &site, admitted, request).await?;
    Ok(done("SQL query logged"))
}

/// `POST /log/telegram`
pub(super) async fn telegram(
    State(site): State<Arc<Site>>,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Response, Failure> {
    take(Kind::Telegram, &site, admitted, request).await?;
    Ok(done("Telegram message logged"))
}

/// `POST /log/integration`
pub(super) async fn integration(
    State(site): State<Arc<Site>>,
    admitted: Result<Admitted, Failure>,
    request: Request,
) -> Result<Response, Failure> {
    take(Kind::Integration, &site, admitted, request).await?;
    Ok(done("Integration response logged"))
}
