//! The one table of what there is: the router serves it, the guard goes by its methods, and a test compares it
//! with the document.

use axum::routing::{get, post};

use super::{asked, document, told};
use crate::api::Route;

/// All routes.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        ("/", "get", get(told::front)),
        ("/health", "get", get(told::health)),
        ("/enterprises", "get", get(told::enterprises)),
        ("/sync/status", "get", get(told::status)),
        ("/sync/all", "post", post(asked::all)),
        ("/sync/{enterprise_id}", "post", post(asked::one)),
        ("/sync/live/all", "post", post(asked::live_all)),
        ("/sync/live/{enterprise_id}", "post", post(asked::live_one)),
        ("/sync/live/status", "get", get(told::sources)),
        ("/sync/live/today", "get", get(told::today)),
        ("/docs", "get", get(document::page)),
        ("/openapi.json", "get", get(document::document)),
    ]
}

/// The methods that a path may be asked with, as `Allow` says them.
pub(crate) fn allowed(path: &str) -> &'static str {
    let reads = ["/sync/status", "/sync/live/status", "/sync/live/today"];
    match path.starts_with("/sync/") && !reads.contains(&path) {
        true => "POST",
        false => "GET, HEAD",
    }
}
