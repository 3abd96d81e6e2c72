//! OpenAPI documents.

use serde_json::{Value, json};

/// Returns one of our documents with the version of the program.
pub(super) fn versioned(text: &str) -> Value {
    let mut document: Value = serde_json::from_str(text).expect("it is tested");
    document["info"]["version"] = json!(env!("CARGO_PKG_VERSION"));
    document
}

#[cfg(test)]
#[path = "document_tests.rs"]
pub(super) mod checks;
