//! Maps paths to handlers.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tower::ServiceExt as _;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use super::answer::NoticePage;
use super::api::{self, AllowedMethods, ApiAccess, Route};
use super::middleware;
use super::pages::{Notice, STYLE};
use super::site::{Site, Visit};
use super::sync::{self, SyncJobs};
use super::{active_calls, call, list, stats};

/// All routes of a site: the API and the pages.
pub fn router(site: &Arc<Site>) -> Router {
    let pages = guarded(site, pages());
    let api = programs(site, api::routes(), api::allowed);
    let either = Router::new().fallback(move |request: Request| {
        let router = match api::is_api(request.uri().path()) {
            true => api.clone(),
            false => pages.clone(),
        };
        router.oneshot(request)
    });
    with_headers(either)
}

/// All routes of the second listener, which starts and reports runs of synchronisation. The same rules hold
/// for it as for the API.
pub fn sync_router(site: &Arc<Site>, jobs: &Arc<SyncJobs>) -> Router {
    let routes = programs(site, sync::routes(), sync::allowed);
    with_headers(routes.layer(Extension(Arc::clone(jobs))))
}

/// Only these routes, with the middleware of all pages.
pub fn pages_of(site: &Arc<Site>, routes: Router<Arc<Site>>) -> Router {
    with_headers(guarded(site, routes))
}

fn pages() -> Router<Arc<Site>> {
    Router::new()
        .route("/", get(api::front))
        .route("/call/{enterprise}/{unique_id}", get(call::show))
        .route("/calls/{enterprise}", get(list::show))
        .route("/stats/{enterprise}", get(stats::show))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .route("/robots.txt", get(async || "User-agent: *\nDisallow: /\n"))
}

/// Adds the checks before a page is made, the time limit, the page for unknown paths, and the log.
fn guarded(site: &Arc<Site>, routes: Router<Arc<Site>>) -> Router {
    // The last layer is the outermost one.
    routes
        .fallback(nowhere)
        .layer(from_fn_with_state(
            Arc::clone(site),
            middleware::guard_pages,
        ))
        .layer(from_fn_with_state(Arc::clone(site), middleware::log))
        .with_state(Arc::clone(site))
}

/// Only these routes, with the middleware for programs, which get errors in JSON.
fn programs(site: &Arc<Site>, routes: Vec<Route>, allowed: AllowedMethods) -> Router {
    let routes = routes.into_iter();
    let routes = routes.fold(Router::new(), |routes, (path, _, answers)| {
        routes.route(path, answers)
    });
    let guarded = (Arc::clone(site), allowed);
    routes
        .fallback(async || api::ApiFailure::nowhere())
        .layer(from_fn_with_state(guarded, middleware::guard_api))
        .layer(from_fn_with_state(Arc::clone(site), middleware::log))
        .with_state(Arc::clone(site))
}

/// Adds headers and compression.
fn with_headers(router: Router) -> Router {
    let headers = Arc::new(middleware::headers(STYLE));
    // Each page is compressed for one reader only, so speed matters more than size.
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    router
        .layer(compression)
        .layer(from_fn(move |request, next| {
            middleware::set_headers(Arc::clone(&headers), request, next)
        }))
}

async fn health(State(site): State<Arc<Site>>) -> Response {
    site.health
        .answer(&site.tree, &site.directory, site.port, site.now.utc())
        .await
}

/// Answers the callers that the API is for. All others get the answer that there is no such page, because
/// metrics show how much the service is used.
async fn metrics(
    State(site): State<Arc<Site>>,
    visit: Visit,
    admitted: Result<ApiAccess, api::ApiFailure>,
) -> Response {
    if admitted.is_err() {
        return visit.notice_page(Notice::NoSuchPage).into_response();
    }
    let report = site
        .health
        .report(&site.tree, &site.directory, site.now.utc())
        .await;
    site.metrics.concerned(&report.concerns);
    let up = report
        .checks
        .iter()
        .map(|(name, result)| (*name, result.is_ok()));
    let own = Arc::clone(&site);
    let count = move || active_calls::count(&own.tree, own.lister(), own.stamp());
    let active_calls = site.active_calls.calls(site.work.is_idle(), count).await;
    site.metrics
        .answer(up, &active_calls, &site.directory.counts())
}

async fn nowhere(visit: Visit) -> NoticePage {
    visit.notice_page(Notice::NoSuchPage)
}
