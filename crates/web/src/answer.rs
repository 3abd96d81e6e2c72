//! Answers as HTTP has them: pages with their status, and the page that says why there is none.

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::Markup;

use super::metrics::Refused;
use super::pages::{Language, Notice, notice};
use super::work::Undone;

/// When to come again after there was too much to do (seconds).
pub(super) const BUSY_SECONDS: u64 = 5;

/// A page.
pub(super) fn page(status: StatusCode, markup: Markup) -> Response {
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    (status, [(CONTENT_TYPE, html)], markup.into_string()).into_response()
}

/// A page that says why there is no other.
#[derive(Debug, Clone)]
pub(super) struct Said {
    language: Language,
    notice: Notice,
    status: StatusCode,
}

impl Said {
    /// With the status that fits the notice.
    pub(super) fn new(language: Language, notice: Notice) -> Said {
        let (status, ..) = answered(&notice);
        Said {
            language,
            notice,
            status,
        }
    }

    /// Of work that was not done.
    pub(super) fn undone(language: Language, undone: Undone) -> Said {
        match undone {
            Undone::Busy => Said::new(language, Notice::Busy),
            Undone::Panicked => {
                Said::new(language, Notice::Trouble).with(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }

    /// With another status.
    pub(super) fn with(self, status: StatusCode) -> Said {
        Said { status, ..self }
    }
}

/// The status of a notice, what it counts as, and when to come again (seconds).
fn answered(notice: &Notice) -> (StatusCode, Option<Refused>, Option<u64>) {
    match *notice {
        Notice::Preview => (StatusCode::OK, None, None),
        Notice::NoAccess => (StatusCode::FORBIDDEN, Some(Refused::Token), None),
        Notice::Expired => (StatusCode::FORBIDDEN, Some(Refused::Expired), None),
        Notice::TooManyTries(seconds) => {
            let status = StatusCode::TOO_MANY_REQUESTS;
            (status, Some(Refused::Tries), Some(seconds))
        }
        Notice::NoSuchPage | Notice::NoSuchCall { .. } => (StatusCode::NOT_FOUND, None, None),
        Notice::BadRequest => (StatusCode::BAD_REQUEST, None, None),
        Notice::WrongMethod => (StatusCode::METHOD_NOT_ALLOWED, None, None),
        Notice::Trouble => (StatusCode::SERVICE_UNAVAILABLE, None, None),
        Notice::Busy => {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            (status, Some(Refused::Busy), Some(BUSY_SECONDS))
        }
    }
}

impl IntoResponse for Said {
    fn into_response(self) -> Response {
        let page = page(self.status, notice(self.language, &self.notice));
        let (_, refused, wait) = answered(&self.notice);
        let is_method = self.status == StatusCode::METHOD_NOT_ALLOWED;
        refusal(page, refused, wait, is_method.then_some("GET, HEAD"))
    }
}

/// A response that refuses something: why, as it is counted; in how many seconds it may be asked again;
/// which methods there are.
pub(super) fn refusal(
    mut response: Response,
    why: Option<Refused>,
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
