//! The document says what the router does, and its examples are like its schemas.

use serde_json::Value;

use super::*;
use crate::api::posted::{self, Kind};
use crate::api::routes;

/// Whether a value is like a schema, in the words of JSON Schema that the document uses; says where
/// not.
fn check(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(path) = schema["$ref"].as_str() {
        let target = document
            .pointer(&path[1..])
            .ok_or(format!("{at}: no {path}"))?;
        return check(document, target, value, at);
    }
    let wrong = |what: &str| Err(format!("{at}: {what}: {value}"));
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = choices
            .iter()
            .any(|one| check(document, one, value, at).is_ok());
        return if fits { Ok(()) } else { wrong("fits none") };
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|all| !all.contains(value))
    {
        return wrong("is none of the values");
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        name => name.as_str().into_iter().collect(),
    };
    if !types.is_empty() && !types.iter().any(|name| is_of(name, value)) {
        return wrong("is of another type");
    }
    let names = schema["required"].as_array().into_iter().flatten();
    for name in names.filter_map(Value::as_str) {
        if value.get(name).is_none() {
            return wrong(&format!("has no {name}"));
        }
    }
    for (name, held) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            Some(known) => check(document, known, held, &format!("{at}.{name}"))?,
            None if schema["additionalProperties"] == Value::Bool(false) => {
                return wrong(&format!("{name} is not known"));
            }
            None => {}
        }
    }
    for item in value.as_array().into_iter().flatten() {
        check(document, &schema["items"], item, &format!("{at}[]"))?;
    }
    Ok(())
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        _ => false,
    }
}

#[test]
fn the_document_has_the_routes_that_there_are_and_no_others() {
    let document = openapi();
    let mut documented: Vec<(String, String)> = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("an object") {
        for method in methods.as_object().expect("an object").keys() {
            documented.push((path.clone(), method.clone()));
        }
    }
    let there = routes();
    let mut there: Vec<_> = there
        .iter()
        .map(|(p, m, _)| ((*p).to_owned(), (*m).to_owned()))
        .collect();
    documented.sort();
    there.sort();
    assert_eq!(documented, there);
    for (path, method) in there {
        assert!(crate::api::is_api(&path), "{path}");
        let allowed = crate::api::allowed(&path).to_lowercase();
        assert!(allowed.contains(&method), "{path}");
    }
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
}

/// Every `content` below a value: its schema and its example.
fn contents<'d>(value: &'d Value, found: &mut Vec<&'d Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(
                fields
                    .get("application/json")
                    .filter(|it| it.get("example").is_some()),
            );
            fields.values().for_each(|held| contents(held, found));
        }
        Value::Array(items) => items.iter().for_each(|held| contents(held, found)),
        _ => {}
    }
}

#[test]
fn every_example_is_like_its_schema() {
    let document = openapi();
    let mut found = Vec::new();
    contents(&document, &mut found);
    assert!(found.len() > 20, "{}", found.len());
    for content in found {
        let checked = check(
            &document,
            &content["schema"],
            &content["example"],
            "example",
        );
        assert_eq!(checked, Ok(()));
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = openapi();
    let text = document.to_string();
    let mut seen = 0;
    for part in text.split("\"$ref\":\"#").skip(1) {
        let path = part.split('"').next().expect("there is one");
        assert!(document.pointer(path).is_some(), "{path}");
        seen += 1;
    }
    assert!(seen > 50, "{seen}");
}

#[test]
fn every_example_of_a_body_makes_a_line() {
    let document = openapi();
    let kinds = [
        ("/log/event", Kind::Event),
        ("/log/http", Kind::Http),
        ("/log/sql", Kind::Sql),
        ("/log/telegram", Kind::Telegram),
        ("/log/integration", Kind::Integration),
    ];
    for (path, kind) in kinds {
        let body = &document["paths"][path]["post"]["requestBody"];
        let example = &body["content"]["application/json"]["example"];
        let (_, entry) = posted::read(kind, example.to_string().as_bytes()).expect(path);
        assert!(
            entry.line(calltrace_model::record::Stamp(0)).is_ok(),
            "{path}"
        );
    }
}
