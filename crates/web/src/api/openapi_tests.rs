//! The document has the routes of the router, and its examples match its schemas.

use super::*;
use crate::api::post_body::{self, PostKind};
use crate::api::routes;
use crate::document::checks;

#[test]
fn the_document_has_the_routes_that_there_are_and_no_others() {
    let document = openapi();
    let there = routes();
    let mut there: checks::Routes = there
        .iter()
        .map(|(p, m, _)| ((*p).to_owned(), (*m).to_owned()))
        .collect();
    there.sort();
    assert_eq!(checks::routes_of(&document), there);
    for (path, method) in there {
        assert!(crate::api::is_api(&path), "{path}");
        let allowed = crate::api::allowed(&path).to_lowercase();
        assert!(allowed.contains(&method), "{path}");
    }
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_example_is_like_its_schema() {
    checks::examples(&openapi(), 20);
}

#[test]
fn every_reference_leads_somewhere() {
    checks::references(&openapi(), 50);
}

#[test]
fn every_example_of_a_body_makes_a_line() {
    let document = openapi();
    let kinds = [
        ("/log/event", PostKind::Event),
        ("/log/http", PostKind::Http),
        ("/log/sql", PostKind::Sql),
        ("/log/telegram", PostKind::Telegram),
        ("/log/integration", PostKind::Integration),
    ];
    for (path, kind) in kinds {
        let body = &document["paths"][path]["post"]["requestBody"];
        let example = &body["content"]["application/json"]["example"];
        let (_, entry) = post_body::read(kind, example.to_string().as_bytes()).expect(path);
        assert!(
            entry.line(calltrace_model::record::Stamp(0)).is_ok(),
            "{path}"
        );
    }
}
