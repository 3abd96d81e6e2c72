//! The reference page of an API, made from its document.

use maud::{Markup, html};
use serde_json::{Map, Value};

use super::Language;
use super::frame::Frame;

/// Renders a page with each route of one of our OpenAPI documents: its purpose, its parameters and its
/// answers.
pub fn reference(document: &Value) -> Markup {
    let info = &document["info"];
    let title = text(&info["title"]);
    let frame = Frame {
        title,
        refresh: None,
        other_language: None,
    };
    let content = html! {
        main {
            section.head {
                h1 { (title) " " (text(&info["version"])) }
                p { (text(&info["description"])) }
                p.where { "For programs: " a href="/openapi.json" { code { "/openapi.json" } } }
            }
            @for (path, methods) in fields(&document["paths"]) {
                @for (method, route) in fields(methods) {
                    section.technical {
                        h2 { code { (method.to_uppercase()) " " (path) } }
                        p { (text(&route["summary"])) "." }
                        @if let Some(about) = route["description"].as_str() {
                            // Documents are written in Markdown; its marks are
                            // removed here.
                            p.quiet { (about.replace('`', "")) }
                        }
                        (example("Body", &route["requestBody"]))
                        (answers(document, route))
                    }
                }
            }
        }
    };
    // The document is in English, and so is its page.
    frame.around(Language::English, &content)
}

fn answers(document: &Value, route: &Value) -> Markup {
    html! {
        @for (status, answer) in fields(&route["responses"]) {
            @let answer = resolved(document, answer);
            p.where { b { (status) } " " (text(&answer["description"])) }
            @if status == "200" { (example("Answer", answer)) }
        }
    }
}

fn example(name: &str, of: &Value) -> Markup {
    let example = of.pointer("/content/application~1json/example");
    html! {
        @if let Some(example) = example {
            pre tabindex="0" role="region" aria-label=(name) { (format!("{example:#}")) }
        }
    }
}

/// Resolves a reference; returns any other value as it is.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    let path = value["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix('#'));
    path.and_then(|path| document.pointer(path))
        .unwrap_or(value)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}
