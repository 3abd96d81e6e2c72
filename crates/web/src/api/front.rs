//! `GET /` for programs.

use axum::http::StatusCode;
use axum::http::header::{ACCEPT, HeaderMap};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Map, Value, json};

use super::failure::answer;
use super::{ApiAccess, ApiFailure, routes};
use crate::pages::Notice;
use crate::site::Visit;

/// `GET /`: describes the service to programs that may use the API. All others get a page without
/// information.
pub(crate) async fn front(
    visit: Visit,
    admitted: Result<ApiAccess, ApiFailure>,
    headers: HeaderMap,
) -> Response {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
    let is_browser = accepts.is_some_and(|types| types.contains("text/html"));
    match (is_browser, admitted) {
        (false, Ok(_)) => answer(StatusCode::OK, &description()),
        _ => visit.notice_page(Notice::Preview).into_response(),
    }
}

fn description() -> Value {
    let endpoints: Map<String, Value> = routes()
        .iter()
        .map(|(path, method, _)| (format!("{} {path}", method.to_uppercase()), json!(path)))
        .collect();
    json!({
        "service": "calltrace",
        "version": env!("CARGO_PKG_VERSION"),
        "status": "running",
        "endpoints": endpoints,
    })
}
