//! Checks that hold for every document: it has the routes of the router, its examples match its schemas, and
//! its references resolve.

use serde_json::Value;

/// Routes: path and method, in lower case.
pub(crate) type Routes = Vec<(String, String)>;

/// Checks a value against a schema, for the JSON Schema keywords that the documents use; the error names the
/// place.
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

/// Returns the routes of a document, sorted.
pub(crate) fn routes_of(document: &Value) -> Routes {
    let mut documented: Routes = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("an object") {
        for method in methods.as_object().expect("an object").keys() {
            documented.push((path.clone(), method.clone()));
        }
    }
    documented.sort();
    documented
}

/// Collects every `content` below a value: its schema and its example.
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

/// Checks every example; there must be more than `least` examples.
pub(crate) fn examples(document: &Value, least: usize) {
    let mut found = Vec::new();
    contents(document, &mut found);
    assert!(found.len() > least, "{}", found.len());
    for content in found {
        let checked = check(document, &content["schema"], &content["example"], "example");
        assert_eq!(checked, Ok(()));
    }
}

/// Checks every reference; there must be more than `least` references.
pub(crate) fn references(document: &Value, least: usize) {
    let text = document.to_string();
    let mut seen = 0;
    for part in text.split("\"$ref\":\"#").skip(1) {
        let path = part.split('"').next().expect("there is one");
        assert!(document.pointer(path).is_some(), "{path}");
        seen += 1;
    }
    assert!(seen > least, "{seen}");
}
