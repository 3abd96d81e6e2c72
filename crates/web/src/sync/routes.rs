//! The table of the second listener's routes: the router serves it, the method check uses it, and a test
//! compares it with the document.

use axum::routing::{get, post};

use super::{document, start, status};
use crate::api::Route;

/// Returns all routes.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        ("/", "get", get(status::front)),
        ("/health", "get", get(status::health)),
        ("/enterprises", "get", get(status::enterprises)),
        ("/sync/status", "get", get(status::status)),
        ("/sync/all", "post", post(start::all)),
        ("/sync/{enterprise_id}", "post", post(start::one)),
        ("/sync/live/all", "post", post(start::live_all)),
        ("/sync/live/{enterprise_id}", "post", post(start::live_one)),
        ("/sync/live/status", "get", get(status::sources)),
        ("/sync/live/today", "get", get(status::today)),
        ("/docs", "get", get(document::page)),
        ("/openapi.json", "get", get(document::document)),
    ]
}

/// Returns the methods of a path, as `Allow` lists them.
pub(crate) fn allowed(path: &str) -> &'static str {
    let reads = ["/sync/status", "/sync/live/status", "/sync/live/today"];
    match path.starts_with("/sync/") && !reads.contains(&path) {
        true => "POST",
        false => "GET, HEAD",
    }
}
