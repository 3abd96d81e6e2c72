//! HTTP answers: pages with their status, and pages that say why there is nothing to show.

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::Markup;

use super::metrics::RefusalReason;
use super::pages::{Language, Notice, notice};
use super::work::WorkError;

/// The value of `Retry-After` when the server is too busy (seconds).
pub(super) const BUSY_SECONDS: u64 = 5;

/// A page with its status.
pub(super) fn page(status: StatusCode, markup: Markup) -> Response {
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(CONTENT_TYPE, html)], markup.into_string()).into_response()
}

/// A page that says why there is nothing else to show.
#[derive(Debug, Clone)]
pub(super) struct NoticePage {
    language: Language,
    notice: Notice,
    status: StatusCode,
}

impl NoticePage {
    /// A page with the status of the notice.
    pub(super) fn new(language: Language, notice: Notice) -> NoticePage {
        let (status, ..) = answered(&notice);
        NoticePage {
            language,
            notice,
            status,
        }
    }

    /// The page for work that was not done.
    pub(super) fn undone(language: Language, undone: WorkError) -> NoticePage {
        match undone {
            WorkError::Busy => NoticePage::new(language, Notice::Busy),
            WorkError::Panicked => {
                NoticePage::new(language, Notice::Trouble).with(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// Returns the same page with another status.
    pub(super) fn with(self, status: StatusCode) -> NoticePage {
        NoticePage { status, ..self }
    }
}

/// Returns the status of a notice, the reason it is counted by, and the value of `Retry-After` (seconds).
fn answered(notice: &Notice) -> (StatusCode, Option<RefusalReason>, Option<u64>) {
    match *notice {
        Notice::Preview => (StatusCode::OK, None, None),
        Notice::NoAccess => (StatusCode::FORBIDDEN, Some(RefusalReason::Token), None),
        Notice::Expired => (StatusCode::FORBIDDEN, Some(RefusalReason::Expired), None),
        Notice::TooManyTries(seconds) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            (status, Some(RefusalReason::Tries), Some(seconds))
        }
        Notice::NoSuchPage | Notice::NoSuchCall { .. } => (StatusCode::NOT_FOUND, None, None),
        Notice::BadRequest => (StatusCode::BAD_REQUEST, None, None),
        Notice::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, None, None),
        Notice::Trouble => (StatusCode::SERVICE_UNAVAILABLE, None, None),
        Notice::Busy => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            (status, Some(RefusalReason::Busy), Some(BUSY_SECONDS))
        }
    }
}

impl IntoResponse for NoticePage {
    fn into_response(self) -> Response {
        let page = page(self.status, notice(self.language, &self.notice));
        let (_, refused, wait) = answered(&self.notice);
        let is_method = self.status == StatusCode::METHOD_NOT_ALLOWED;
        refusal(page, refused, wait, is_method.then_some("GET, HEAD"))
    }
}

/// Adds to a refusing response the reason that is counted, `Retry-After` in seconds, and `Allow`.
pub(super) fn refusal(
    mut response: Response,
    why: Option<RefusalReason>,
    wait_seconds: Option<u64>,
    allow: Option<&'static str>,
) -> Response {
    if let Some(why) = why {
        response.extensions_mut().insert(why);
    }
    let headers = response.headers_mut();
    if let Some(seconds) = wait_seconds {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    response
}
