//! `POST /log/*`: writes one line to the log and answers when the kernel has accepted it.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::{MethodRouter, post};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::failure::answer;
use super::post_body::PostKind;
use super::posts::WrittenLine;
use super::{ApiAccess, ApiFailure};
use crate::site::Site;

/// Returns the number of an event for clients that store one: the same for the same call, and below 2^48, so
/// that every JSON reader keeps it exactly. There is no database that could assign numbers.
fn trace_id(logged: &WrittenLine) -> u64 {
    let named = format!("{}|{}", logged.enterprise, logged.unique_id);
    let digest = Sha256::digest(named);
    digest[..6]
        .iter()
        .fold(0, |id, byte| id << 8 | u64::from(*byte))
}

async fn take(
    kind: PostKind,
    site: &Site,
    admitted: Result<ApiAccess, ApiFailure>,
    request: Request,
) -> Result<WrittenLine, ApiFailure> {
    let _admitted = admitted?;
    let (head, body) = request.into_parts();
    let body = site.posts.slots.read(&head.headers, body).await?;
    let logged = site.posts.append(kind, body).await?;
    site.metrics.line_written(kind.words().0);
    Ok(logged)
}

/// Returns the handler for posts of a kind.
pub(super) fn posts_of(kind: PostKind) -> MethodRouter<Arc<Site>> {
    post(
        async move |State(site): State<Arc<Site>>,
                    admitted: Result<ApiAccess, ApiFailure>,
                    request: Request| {
            let logged = take(kind, &site, admitted, request).await?;
            let mut document = json!({ "status": "success", "message": kind.words().1 });
            if kind == PostKind::Event {
                document["trace_id"] = json!(trace_id(&logged));
                document["unique_id"] = json!(logged.unique_id);
            }
            Ok::<_, ApiFailure>(answer(StatusCode::OK, &document))
        },
    )
}
