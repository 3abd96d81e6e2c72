//! `{"detail": ...}` with its status: how programs are told that there is no answer.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::access::tries::whole_seconds;
use crate::answer::{BUSY_SECONDS, refusal};
use crate::metrics::Refused;
use crate::stopped::Stopped;
use crate::work::Undone;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    detail: Cow<'static, str>,
    wait_seconds: Option<u64>,
    allow: Option<&'static str>,
}

impl Failure {
    /// With a clause that may be told to strangers.
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Failure {
        let is_busy = status == StatusCode::SERVICE_UNAVAILABLE;
        Failure {
            status,
            detail: detail.into(),
            wait_seconds: is_busy.then_some(BUSY_SECONDS),
            allow: None,
        }
    }

    /// Too many wrong tokens: the time to wait, rounded up to seconds.
    pub(super) fn too_many(wait: Duration) -> Failure {
        Failure {
            wait_seconds: Some(whole_seconds(wait)),
            ..Failure::new(StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens")
        }
    }

    /// A method that the path does not know.
    pub(crate) fn wrong_method(allow: &'static str) -> Failure {
        Failure {
            allow: Some(allow),
            ..Failure::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        }
    }

    /// A path that is not there.
    pub(crate) fn nowhere() -> Failure {
        Failure::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// What a parameter or a field is not like.
    pub(crate) fn unprocessable(detail: impl Into<Cow<'static, str>>) -> Failure {
        Failure::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// Something broke that should not.
    pub(crate) fn broken() -> Failure {
        Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "something broke; the service's log says where",
        )
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Failure {
        let unread = "the request can't be understood";
        let late = "the answer did not come in time, or could not be made";
        match stopped {
            Stopped::TooLong => Failure::new(StatusCode::URI_TOO_LONG, unread),
            Stopped::Malformed => Failure::new(StatusCode::BAD_REQUEST, unread),
            Stopped::Broken => Failure::broken(),
            Stopped::Late => Failure::new(StatusCode::SERVICE_UNAVAILABLE, late),
        }
    }
}

impl From<Undone> for Failure {
    fn from(undone: Undone) -> Failure {
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        match undone {
            Undone::Busy => Failure::new(busy, "too much to do; try again in a moment"),
            Undone::Panicked => Failure::broken(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let response = answer(self.status, &json!({ "detail": self.detail }));
        let refused = match self.status {
            StatusCode::FORBIDDEN => Some(Refused::Token),
            StatusCode::TOO_MANY_REQUESTS => Some(Refused::Tries),
            _ => None,
        };
        refusal(response, refused, self.wait_seconds, self.allow)
    }
}

/// A value as an answer.
pub(crate) fn answer(status: StatusCode, value: &Value) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], value.to_string()).into_response()
}
