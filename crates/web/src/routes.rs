//! Which path is answered by whom.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::Uri;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use super::answer::Said;
use super::api::{self, Admitted};
use super::manners::{self, Headers};
use super::pages::{Notice, STYLE};
use super::site::{Site, Visit};
use super::{call, list};

/// All paths of a site.
pub fn router(site: Arc<Site>) -> Router {
    let routes = Router::new()
        .route("/", get(api::front))
        .route("/call/{enterprise}/{unique_id}", get(call::show))
        .route("/calls/{enterprise}", get(list::show))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/robots.txt", get(async || "User-agent: *\nDisallow: /\n"));
    let api = api::routes().into_iter();
    let routes = api.fold(routes, |routes, (path, _, answers)| {
        routes.route(path, answers)
    });
    dressed(site, routes)
}

/// Routes with everything around them that holds for every request: what is refused before any
/// handler runs, the time limit, the page of a path that is not there, headers, log, compression.
pub fn dressed(site: Arc<Site>, routes: Router<Arc<Site>>) -> Router {
    let headers = Arc::new(Headers::new(STYLE));
    // Pages are packed once for one reader: fast matters more than small.
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    // The last one is outermost.
    routes
        .fallback(nowhere)
        .layer(from_fn_with_state(Arc::clone(&site), manners::guard))
        .layer(from_fn_with_state(Arc::clone(&site), manners::log))
        .layer(compression)
        .layer(from_fn(move |request, next| {
            manners::dress(Arc::clone(&headers), request, next)
        }))
        .with_state(site)
}

async fn health(State(site): State<Arc<Site>>) -> Response {
    site.health.answer(&site.tree, &site.directory).await
}

/// For the callers that the API is for; for all others there is no such page, as it tells how much is
/// asked.
async fn metrics(
    State(site): State<Arc<Site>>,
    visit: Visit,
    admitted: Result<Admitted, api::Failure>,
) -> Response {
    if admitted.is_err() {
        return visit.said(Notice::NoSuchPage).into_response();
    }
    let looked = site.health.looked(&site.tree, &site.directory).await;
    let up = looked.iter().map(|(name, result)| (*name, result.is_ok()));
    site.metrics.answer(up, &site.directory.counts())
}

async fn nowhere(State(_): State<Arc<Site>>, uri: Uri, visit: Result<Visit, Said>) -> Response {
    if api::is_api(uri.path()) {
        return api::Failure::nowhere().into_response();
    }
    match visit {
        Ok(visit) => visit.said(Notice::NoSuchPage).into_response(),
        Err(said) => said.into_response(),
    }
}
