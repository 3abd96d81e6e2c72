//! The one table of what there is: the router serves it, the guard goes by its methods, and a test
//! compares it with the document.

use std::sync::Arc;

use axum::routing::{MethodRouter, get};

use super::super::site::Site;
use super::log::posts_of;
use super::posted::Kind;
use super::{search, service, trace};

/// A path, the method that it answers, and who answers.
pub(crate) type Route = (&'static str, &'static str, MethodRouter<Arc<Site>>);

/// Says of a path which methods it may be asked with, as `Allow` does.
pub(crate) type Allowed = fn(&str) -> &'static str;

/// All routes.
pub(crate) fn routes() -> Vec<Route> {
    vec![
        ("/log/event", "post", posts_of(Kind::Event)),
        ("/log/http", "post", posts_of(Kind::Http)),
        ("/log/sql", "post", posts_of(Kind::Sql)),
        ("/log/telegram", "post", posts_of(Kind::Telegram)),
        ("/log/integration", "post", posts_of(Kind::Integration)),
        ("/trace/{unique_id}", "get", get(trace::show)),
        ("/search", "get", get(search::show)),
        ("/openapi.json", "get", get(service::document)),
    ]
}

/// Whether a path is a program's, so that whatever is said of it is JSON.
pub(crate) fn is_api(path: &str) -> bool {
    let is_below = |folder: &str| path == folder || path.starts_with(&format!("{folder}/"));
    is_below("/log") || is_below("/trace") || is_below("/search") || path == "/openapi.json"
}

/// The methods that a path may be asked with, as `Allow` says them.
pub(crate) fn allowed(path: &str) -> &'static str {
    match path.starts_with("/log/") {
        true => "POST",
        false => "GET, HEAD",
    }
}
