//! What is wrong with a service that names come from. Whoever has asked it says what.

use super::{Code, Field, Finding};

/// A service by its name, and what is wrong with it, as a clause that holds no secret.
pub fn service(name: &str, what: String) -> Finding {
    Finding::warning(Code::Service)
        .seen("{service}: {what}")
        .with("service", Field::Text(name.to_owned()))
        .with("what", Field::Text(what))
        .why("pages show numbers in place of names, or wait for them")
        .remedy("look at the service: its log, its `/stats`; `POST /cache/refresh` has it read all anew")
}
