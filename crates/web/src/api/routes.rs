//! The table of the API's routes: the router serves it, the method check uses it, and a test compares it with
//! the document.

use std::sync::Arc;

use axum::routing::{MethodRouter, get};

use super::super::site::Site;
use super::log::posts_of;
use super::post_body::PostKind;
use super::{search, service, trace};

/// A path, its method, and its handler.
pub(crate) type Route = (&'static str, &'static str, MethodRouter<Arc<Site>>);

/// Returns the methods of a path, as `Allow` lists them.
pub(crate) type AllowedMethods = fn(&str) -> &'static str;

/// Returns all routes.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        ("/log/event", "post", posts_of(PostKind::Event)),
        ("/log/http", "post", posts_of(PostKind::Http)),
        ("/log/sql", "post", posts_of(PostKind::Sql)),
        ("/log/telegram", "post", posts_of(PostKind::Telegram)),
        ("/log/integration", "post", posts_of(PostKind::Integration)),
        ("/trace/{unique_id}", "get", get(trace::show)),
        ("/search", "get", get(search::show)),
        ("/openapi.json", "get", get(service::document)),
    ]
}

/// Whether a path belongs to the API, so that every answer there is JSON.
pub(crate) fn is_api(path: &str) -> bool {
    let is_below = |folder: &str| path == folder || path.starts_with(&format!("{folder}/"));
    is_below("/log") || is_below("/trace") || is_below("/search") || path == "/openapi.json"
}

/// Returns the methods of a path, as `Allow` lists them.
pub(crate) fn allowed(path: &str) -> &'static str {
    match path.starts_with("/log/") {
        true => "POST",
        false => "GET, HEAD",
    }
}
