//! Which path is answered by whom.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tower::ServiceExt as _;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use super::answer::Said;
use super::api::{self, Admitted, Allowed, Route};
use super::manners;
use super::pages::{Notice, STYLE};
use super::site::{Site, Visit};
use super::sync::{self, SyncJobs};
use super::{call, going, list, stats};

/// All paths of a site: those of the API, and pages.
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
    dressed(either)
}

/// All paths of the second listener, by which runs of synchronisation are started and watched. The same rules hold
/// for it as for the API.
pub fn sync_router(site: &Arc<Site>, jobs: &Arc<SyncJobs>) -> Router {
    let routes = programs(site, sync::routes(), sync::allowed);
    dressed(routes.layer(Extension(Arc::clone(jobs))))
}

/// Pages of these routes alone, with everything around them that holds for every page.
pub fn pages_of(site: &Arc<Site>, routes: Router<Arc<Site>>) -> Router {
    dressed(guarded(site, routes))
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

/// What is refused before a page is made, the time limit, the page of a path that is not there, the log.
fn guarded(site: &Arc<Site>, routes: Router<Arc<Site>>) -> Router {
    // The last one is outermost.
    routes
        .fallback(nowhere)
        .layer(from_fn_with_state(Arc::clone(site), manners::guard_pages))
        .layer(from_fn_with_state(Arc::clone(site), manners::log))
        .with_state(Arc::clone(site))
}

/// The same for programs, who are told in JSON.
fn programs(site: &Arc<Site>, routes: Vec<Route>, allowed: Allowed) -> Router {
    let routes = routes.into_iter();
    let routes = routes.fold(Router::new(), |routes, (path, _, answers)| {
        routes.route(path, answers)
    });
    let guarded = (Arc::clone(site), allowed);
    routes
        .fallback(async || api::Failure::nowhere())
        .layer(from_fn_with_state(guarded, manners::guard_api))
        .layer(from_fn_with_state(Arc::clone(site), manners::log))
        .with_state(Arc::clone(site))
}

/// Headers and compression.
fn dressed(router: Router) -> Router {
    let headers = Arc::new(manners::headers(STYLE));
    // Pages are packed once for one reader: fast matters more than small.
    let compression = CompressionLayer::new().quality(CompressionLevel::Fastest);
    router
        .layer(compression)
        .layer(from_fn(move |request, next| {
            manners::dress(Arc::clone(&headers), request, next)
        }))
}

async fn health(State(site): State<Arc<Site>>) -> Response {
    site.health
        .answer(&site.tree, &site.directory, site.port, site.now.utc())
        .await
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
    let looked = site
        .health
        .looked(&site.tree, &site.directory, site.now.utc())
        .await;
    site.metrics.concerned(&looked.concerns);
    let up = looked
        .checks
        .iter()
        .map(|(name, result)| (*name, result.is_ok()));
    let own = Arc::clone(&site);
    let count = move || going::count(&own.tree, own.lister(), own.stamp());
    let going = site.going.calls(site.work.is_idle(), count).await;
    site.metrics.answer(up, &going, &site.directory.counts())
}

async fn nowhere(visit: Visit) -> Said {
    visit.said(Notice::NoSuchPage)
}
