//! Middleware: the rules for every request, regardless of its path.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt as _;
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use super::access::robots::is_robot;
use super::answer::NoticePage;
use super::api::{self, AllowedMethods};
use super::handler_failure::HandlerFailure;
use super::metrics::RefusalReason;
use super::pages::Notice;
use super::request::{RequestTarget, loggable};
use super::site::{Peer, RequestAddress, Site};

/// Returns the headers of every answer; `style` is the one inline style sheet of the pages.
pub(super) fn headers(style: &str) -> HeaderMap {
    let hash = STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).expect("it is plain ASCII");
    let same = "same-origin";
    let fixed = [
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "private, no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::VARY, "Accept-Language, Accept-Encoding"),
        (
            HeaderName::from_static("x-robots-tag"),
            "noindex, nofollow, noarchive",
        ),
        (HeaderName::from_static("cross-origin-opener-policy"), same),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            same,
        ),
    ];
    let fixed = fixed.map(|(name, value)| (name, HeaderValue::from_static(value)));
    let mut headers = HeaderMap::from_iter(fixed);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers
}

/// Sets the headers on an answer and replaces its own.
pub(super) async fn set_headers(headers: Arc<HeaderMap>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let answered = response.headers_mut();
    for (name, value) in headers.iter() {
        answered.insert(name, value.clone());
    }
    response
}

/// Logs one line per request, never with its query, which holds the token. Metrics name no more of the
/// request than its route.
pub(super) async fn log(
    State(site): State<Arc<Site>>,
    mut request: Request,
    next: Next,
) -> Response {
    let begin = Instant::now();
    // A method may be any word.
    let method = loggable(request.method().as_str());
    let path = loggable(request.uri().path());
    let peer = site.address(request.extensions().get::<Peer>(), request.headers());
    request.extensions_mut().insert(RequestAddress(peer));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    site.metrics
        .answered(route, response.status(), begin.elapsed());
    if let Some(&why) = response.extensions().get::<RefusalReason>() {
        site.metrics.refused(why);
    }
    let status = response.status().as_u16();
    let bytes = response.body().size_hint().lower();
    let millis = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, %path, status, millis, %peer, bytes, "answered");
    response
}

/// Refuses requests that no page may see, and limits the time of the others.
pub(super) async fn guard_pages(
    State(site): State<Arc<Site>>,
    mut request: Request,
    next: Next,
) -> Response {
    let language = site.language(request.uri().query(), request.headers());
    request.extensions_mut().insert(language);
    let notice_page = |notice| NoticePage::new(language, notice);
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return notice_page(Notice::WrongMethod).into_response();
    }
    if is_preview_robot(&request) && !is_too_long(&site, request.uri()) {
        return counted(
            notice_page(Notice::Preview).into_response(),
            RefusalReason::Robot,
        );
    }
    let failure = match bounded(&site, request, next).await {
        Ok(response) => return response,
        Err(failure) => failure,
    };
    let page = match failure {
        HandlerFailure::TooLong => notice_page(Notice::BadRequest).with(StatusCode::URI_TOO_LONG),
        HandlerFailure::Malformed => notice_page(Notice::BadRequest),
        HandlerFailure::Panicked => {
            notice_page(Notice::Trouble).with(StatusCode::INTERNAL_SERVER_ERROR)
        }
        HandlerFailure::TimedOut => notice_page(Notice::Trouble),
    };
    counted_late(page.into_response(), failure)
}

/// Guards the routes of the API, each of which has one method.
pub(super) async fn guard_api(
    State((site, allowed)): State<(Arc<Site>, AllowedMethods)>,
    request: Request,
    next: Next,
) -> Response {
    let allowed = allowed(request.uri().path());
    let is_allowed = match *request.method() {
        Method::POST => allowed == "POST",
        Method::GET | Method::HEAD => allowed != "POST",
        _ => false,
    };
    if !is_allowed {
        return api::ApiFailure::wrong_method(allowed).into_response();
    }
    match bounded(&site, request, next).await {
        Ok(response) => response,
        Err(failure) => counted_late(api::ApiFailure::from(failure).into_response(), failure),
    }
}

/// Passes on requests that can be read, and limits the time of the answer.
async fn bounded(
    site: &Site,
    mut request: Request,
    next: Next,
) -> Result<Response, HandlerFailure> {
    if is_too_long(site, request.uri()) {
        return Err(HandlerFailure::TooLong);
    }
    let uri = request.uri();
    let target =
        RequestTarget::read(uri.path(), uri.query()).map_err(|_| HandlerFailure::Malformed)?;
    request.extensions_mut().insert(Arc::new(target));
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match timeout(site.limits.request, answer).await {
        Ok(answer) => answer.map_err(|_| HandlerFailure::Panicked),
        Err(_) => Err(HandlerFailure::TimedOut),
    }
}

fn is_too_long(site: &Site, uri: &Uri) -> bool {
    uri.path().len() + uri.query().map_or(0, str::len) > site.limits.uri_bytes
}

fn counted_late(response: Response, failure: HandlerFailure) -> Response {
    match failure {
        HandlerFailure::TimedOut => counted(response, RefusalReason::Timeout),
        _ => response,
    }
}

fn counted(mut response: Response, why: RefusalReason) -> Response {
    response.extensions_mut().insert(why);
    response
}

/// Robots get one neutral page for every request, because links are for the people they were sent to. They
/// may read what is written for robots, and the state of the service.
fn is_preview_robot(request: &Request) -> bool {
    let name = request.headers().get(USER_AGENT);
    let is_robot = name.is_some_and(|name| is_robot(&String::from_utf8_lossy(name.as_bytes())));
    is_robot && !matches!(request.uri().path(), "/robots.txt" | "/health" | "/metrics")
}
