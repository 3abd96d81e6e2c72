//! `POST /log/*`: one line in the log, answered when the kernel has it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::{MethodRouter, post};
use serde_json::json;
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
    site.metrics.line_written(kind.words().0);
    Ok(logged)
}

/// Answers posts of a kind.
pub(super) fn posts_of(kind: Kind) -> MethodRouter<Arc<Site>> {
    post(
        async move |State(site): State<Arc<Site>>,
                    admitted: Result<Admitted, Failure>,
                    request: Request| {
            let logged = take(kind, &site, admitted, request).await?;
            let mut said = json!({ "status": "success", "message": kind.words().1 });
            if kind == Kind::Event {
                said["trace_id"] = json!(trace_id(&logged));
                said["unique_id"] = json!(logged.unique_id);
            }
            Ok::<_, Failure>(answer(StatusCode::OK, &said))
        },
    )
}
