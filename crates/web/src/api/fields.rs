//! The fields of a JSON body, each read as its type.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::ApiFailure;

/// The fields of a body that were not taken yet. `null` counts as missing.
pub(crate) struct BodyFields(Map<String, Value>);

impl BodyFields {
    /// Reads the fields of a body.
    ///
    /// # Errors
    /// Returns 400 when the body is not JSON, 422 when it is not an object.
    pub(crate) fn read_all(body: &[u8]) -> Result<BodyFields, ApiFailure> {
        let value: Value = serde_json::from_slice(body).map_err(|error| no_json(&error))?;
        match value {
            Value::Object(fields) => Ok(BodyFields(fields)),
            _ => Err(ApiFailure::unprocessable("the body must be a JSON object")),
        }
    }

    pub(crate) fn take(&mut self, name: &'static str) -> Value {
        self.0.get_mut(name).map(Value::take).unwrap_or_default()
    }

    /// Reads a field with `read`; `message` is the error if `read` returns `None`.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        message: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, ApiFailure> {
        match self.take(name) {
            Value::Null => Ok(None),
            value => read(value).map(Some).ok_or_else(|| wrong(name, message)),
        }
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<String, ApiFailure> {
        self.text_or_none(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn text_or_none(
        &mut self,
        name: &'static str,
    ) -> Result<Option<String>, ApiFailure> {
        self.read(name, "must be a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    pub(crate) fn object(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Map<String, Value>>, ApiFailure> {
        self.read(name, "must be an object", |value| match value {
            Value::Object(fields) => Some(fields),
            _ => None,
        })
    }

    /// Reads a number, or a string that contains one.
    pub(crate) fn integer(&mut self, name: &'static str) -> Result<Option<i64>, ApiFailure> {
        self.read(name, "must be a 64-bit integer", |value| match value {
            Value::String(text) => text.parse().ok(),
            value => value.as_i64(),
        })
    }

    /// Reads an HTTP status code, or a word such as `timeout`, which is written to the line as it is.
    pub(crate) fn status(&mut self, name: &'static str) -> Result<Option<String>, ApiFailure> {
        let message = "must be a number from 0 to 999, or a word";
        self.read(name, message, |value| match value {
            Value::String(text) => Some(text),
            value => Some(value.as_u64().filter(|n| *n <= 999)?.to_string()),
        })
    }
}

fn no_json(error: &serde_json::Error) -> ApiFailure {
    // Only the position is reported: the text around it may be a secret.
    let (line, column) = (error.line(), error.column());
    let detail =
        format!("the body is not JSON, or nested too deeply, at line {line} column {column}");
    ApiFailure::new(StatusCode::BAD_REQUEST, detail)
}

pub(crate) fn missing(name: &'static str) -> ApiFailure {
    wrong(name, "the field is missing")
}

pub(crate) fn wrong(name: &'static str, what: &str) -> ApiFailure {
    ApiFailure::unprocessable(format!("{name}: {what}"))
}
