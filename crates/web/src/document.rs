//! OpenAPI documents.

use serde_json::Value;

/// Returns one of our documents with the version of the program wherever the text has an empty one.
pub(super) fn versioned(text: &str) -> Value {
    let version = concat!(r#""version": ""#, env!("CARGO_PKG_VERSION"), '"');
    let text = text.replace(r#""version": """#, version);
    serde_json::from_str(&text).expect("it is tested")
}

#[cfg(test)]
#[path = "document_tests.rs"]
pub(super) mod checks;
