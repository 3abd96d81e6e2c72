//! OpenAPI documents.

use serde_json::Value;

/// Returns one of our documents with each empty `version` replaced by the version of the program.
pub(super) fn versioned(text: &str) -> Value {
    let version = concat!(r#""version": ""#, env!("CARGO_PKG_VERSION"), '"');
    let text = text.replace(r#""version": """#, version);
    serde_json::from_str(&text).expect("it is tested")
}

#[cfg(test)]
#[path = "document_tests.rs"]
pub(super) mod checks;
