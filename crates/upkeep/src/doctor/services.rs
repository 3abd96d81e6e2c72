//! The finding about a service that names come from. The caller has asked the service and says what is wrong.

use super::{Code, Field, Finding};

/// The finding about the service `name`; `what` says what is wrong, as a clause without secrets.
pub fn service(name: &str, what: String) -> Finding {
    Finding::warning(Code::Service)
        .seen("{service}: {what}")
        .with("service", Field::Text(name.to_owned()))
        .with("what", Field::Text(what))
        .why("pages show numbers in place of names, or wait for them")
        .remedy("check the service: its log, its `/stats`; `POST /cache/refresh` makes it read everything again")
}
