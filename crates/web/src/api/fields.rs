//! The fields of a body, each read as what it must be.

use axum::http::StatusCode;
use serde_json::{Map, Value};

use super::Failure;

/// What is left of a body. `null` is as good as nothing.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// Those of a body.
    ///
    /// # Errors
    /// 400 when it is no JSON, 422 when it is no object.
    pub(crate) fn read_all(body: &[u8]) -> Result<Fields, Failure> {
        let value: Value = serde_json::from_slice(body).map_err(|error| no_json(&error))?;
        match value {
            Value::Object(fields) => Ok(Fields(fields)),
            _ => Err(Failure::unprocessable("the body is an object")),
        }
    }

    pub(crate) fn take(&mut self, name: &'static str) -> Value {
        self.0.get_mut(name).map(Value::take).unwrap_or_default()
    }

    /// What `read` makes of a field; `said` where it makes nothing of it.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        said: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        match self.take(name) {
            Value::Null => Ok(None),
            value => read(value).map(Some).ok_or_else(|| wrong(name, said)),
        }
    }

    pub(crate) fn text(&mut self, name: &'static str) -> Result<String, Failure> {
        self.text_or_none(name)?.ok_or_else(|| missing(name))
    }

    pub(crate) fn text_or_none(&mut self, name: &'static str) -> Result<Option<String>, Failure> {
        self.read(name, "it is a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    pub(crate) fn object(
        &mut self,
        name: &'static str,
    ) -> Result<Option<Map<String, Value>>, Failure> {
        self.read(name, "it is an object", |value| match value {
            Value::Object(fields) => Some(fields),
            _ => None,
        })
    }

    /// A number, or a string that writes one.
    pub(crate) fn integer(&mut self, name: &'static str) -> Result<Option<i64>, Failure> {
        self.read(name, "it is an integer of 64 bits", |value| match value {
            Value::String(text) => text.parse().ok(),
            value => value.as_i64(),
        })
    }

    /// A number of HTTP's, or a word such as `timeout`; which words, the line says.
    pub(crate) fn status(&mut self, name: &'static str) -> Result<Option<String>, Failure> {
        let said = "it is a number from 0 to 999, or a word";
        self.read(name, said, |value| match value {
            Value::String(text) => Some(text),
            value => Some(value.as_u64().filter(|n| *n <= 999)?.to_string()),
        })
    }
}

fn no_json(error: &serde_json::Error) -> Failure {
    // The place alone: the text around it may be a secret.
    let (line, column) = (error.line(), error.column());
    let detail = format!("the body is no JSON, or too deep, at line {line} column {column}");
    Failure::new(StatusCode::BAD_REQUEST, detail)
}

pub(crate) fn missing(name: &'static str) -> Failure {
    wrong(name, "it is missing")
}

pub(crate) fn wrong(name: &'static str, what: &str) -> Failure {
    Failure::unprocessable(format!("{name}: {what}"))
}
