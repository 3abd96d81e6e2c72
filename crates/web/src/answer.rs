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
        let status = match notice {
            Notice::Preview => StatusCode::OK,
            Notice::NoAccess | Notice::Expired => StatusCode::FORBIDDEN,
            Notice::TooManyTries(_) => StatusCode::TOO_MANY_REQUESTS,
            Notice::NoSuchPage | Notice::NoSuchCall { .. } => StatusCode::NOT_FOUND,
            Notice::BadRequest => StatusCode::BAD_REQUEST,
            Notice::WrongMethod => StatusCode::METHOD_NOT_ALLOWED,
            Notice::Trouble | Notice::Busy => StatusCode::SERVICE_UNAVAILABLE,
        };
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

impl IntoResponse for Said {
    fn into_response(self) -> Response {
        let mut response = page(self.status, notice(self.language, &self.notice));
        let refused = match self.notice {
            Notice::NoAccess => Some(Refused::Token),
            Notice::Expired => Some(Refused::Expired),
            Notice::TooManyTries(_) => Some(Refused::Tries),
            Notice::Busy => Some(Refused::Busy),
            _ => None,
        };
        if let Some(why) = refused {
            response.extensions_mut().insert(why);
        }
        let headers = response.headers_mut();
        let wait = match self.notice {
            Notice::TooManyTries(seconds) => Some(seconds),
            Notice::Busy => Some(BUSY_SECONDS),
            _ => None,
        };
        if let Some(seconds) = wait {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }
}
