//! The error response of the API: `{"detail": ...}` with its status.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::access::tries::whole_seconds;
use crate::answer::{BUSY_SECONDS, refusal};
use crate::handler_failure::HandlerFailure;
use crate::metrics::RefusalReason;
use crate::work::WorkError;

/// The reason why the API gives no other answer.
#[derive(Debug)]
pub(crate) struct ApiFailure {
    status: StatusCode,
    detail: Cow<'static, str>,
    wait_seconds: Option<u64>,
    allow: Option<&'static str>,
}

impl ApiFailure {
    /// A failure with a reason that strangers may read.
    pub(crate) fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> ApiFailure {
        let is_busy = status == StatusCode::SERVICE_UNAVAILABLE;
        ApiFailure {
            status,
            detail: detail.into(),
            wait_seconds: is_busy.then_some(BUSY_SECONDS),
            allow: None,
        }
    }

    /// Too many wrong tokens; `wait` is the time to wait, rounded up to seconds.
    pub(super) fn too_many(wait: Duration) -> ApiFailure {
        ApiFailure {
            wait_seconds: Some(whole_seconds(wait)),
            ..ApiFailure::new(StatusCode::TOO_MANY_REQUESTS, "too many wrong tokens")
        }
    }

    /// The path does not support the method.
    pub(crate) fn wrong_method(allow: &'static str) -> ApiFailure {
        ApiFailure {
            allow: Some(allow),
            ..ApiFailure::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        }
    }

    /// There is no such path.
    pub(crate) fn nowhere() -> ApiFailure {
        ApiFailure::new(StatusCode::NOT_FOUND, "Not Found")
    }

    /// A parameter or a field is wrong; `detail` says what it must be.
    pub(crate) fn unprocessable(detail: impl Into<Cow<'static, str>>) -> ApiFailure {
        ApiFailure::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// An internal error.
    pub(crate) fn broken() -> ApiFailure {
        ApiFailure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal error; the service's log says where",
        )
    }
}

impl From<HandlerFailure> for ApiFailure {
    fn from(stopped: HandlerFailure) -> ApiFailure {
        let unread = "the request can't be understood";
        let late = "the answer did not come in time, or could not be made";
        match stopped {
            HandlerFailure::TooLong => ApiFailure::new(StatusCode::URI_TOO_LONG, unread),
            HandlerFailure::Malformed => ApiFailure::new(StatusCode::BAD_REQUEST, unread),
            HandlerFailure::Panicked => ApiFailure::broken(),
            HandlerFailure::TimedOut => ApiFailure::new(StatusCode::SERVICE_UNAVAILABLE, late),
        }
    }
}

impl From<WorkError> for ApiFailure {
    fn from(undone: WorkError) -> ApiFailure {
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        match undone {
            WorkError::Busy => ApiFailure::new(busy, "too much to do; try again in a moment"),
            WorkError::Panicked => ApiFailure::broken(),
        }
    }
}

impl IntoResponse for ApiFailure {
    fn into_response(self) -> Response {
        let response = answer(self.status, &json!({ "detail": self.detail }));
        let refused = match self.status {
            StatusCode::FORBIDDEN => Some(RefusalReason::Token),
            StatusCode::TOO_MANY_REQUESTS => Some(RefusalReason::Tries),
            _ => None,
        };
        refusal(response, refused, self.wait_seconds, self.allow)
    }
}

/// Returns a value as a JSON answer.
pub(crate) fn answer(status: StatusCode, value: &Value) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(CONTENT_TYPE, json)], value.to_string()).into_response()
}
