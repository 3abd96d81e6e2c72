//! `GET /openapi.json`: the document of the API.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::ApiAccess;
use super::failure::answer;
use crate::document::versioned;

/// The document without its version.
const DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn document(_: ApiAccess) -> Response {
    answer(StatusCode::OK, &openapi())
}

fn openapi() -> Value {
    versioned(DOCUMENT)
}

#[cfg(test)]
#[path = "openapi_tests.rs"]
mod tests;
