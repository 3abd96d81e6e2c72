//! The document of these routes, as JSON for programs and as a page for people.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use crate::answer;
use crate::api::{self, ApiAccess};
use crate::document::versioned;
use crate::pages::reference;

/// The document without its version.
const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /openapi.json`
pub(super) async fn document(_: ApiAccess) -> Response {
    api::answer(StatusCode::OK, &openapi())
}

/// `GET /docs`
pub(super) async fn page(_: ApiAccess) -> Response {
    answer::page(StatusCode::OK, reference(&openapi()))
}

fn openapi() -> Value {
    versioned(DOCUMENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::checks;
    use crate::sync::{allowed, routes};

    #[test]
    fn the_document_has_the_routes_that_there_are_and_its_examples_are_right() {
        let document = openapi();
        let there = routes();
        let mut there: checks::Routes = there
            .iter()
            .map(|(path, method, _)| ((*path).to_owned(), (*method).to_owned()))
            .collect();
        there.sort();
        assert_eq!(checks::routes_of(&document), there);
        for (path, method) in there {
            let allowed = allowed(&path).to_lowercase();
            assert!(allowed.contains(&method), "{path}");
        }
        checks::examples(&document, 12);
        checks::references(&document, 30);
    }

    #[test]
    fn the_page_shows_each_route_and_needs_nothing_from_elsewhere() {
        let page = reference(&openapi()).into_string();
        for (path, method, _) in routes() {
            let heading = format!("<code>{} {path}</code>", method.to_uppercase());
            assert!(page.contains(&heading), "{heading}");
        }
        for outside in ["<script", "<link rel=\"stylesheet", "src=", "https://"] {
            assert!(!page.contains(outside), "{outside}");
        }
    }
}
