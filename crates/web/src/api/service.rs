//! The document of the API.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::Admitted;
use super::failure::answer;

/// The document, but for its version.
const DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn document(_: Admitted) -> Response {
    answer(StatusCode::OK, &openapi())
}

fn openapi() -> Value {
    let mut document: Value = serde_json::from_str(DOCUMENT).expect("it is tested");
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document
}

#[cfg(test)]
#[path = "openapi_tests.rs"]
mod tests;
