//! Reads the delivery from the emulator's words.

use calltrace_model::sighting::Delivery;

/// The delivery that an error of the sender means.
pub(super) fn delivery_of(error: &str) -> Delivery {
    let lower = error.to_lowercase();
    let words = ["timeout", "timed out", "timedout", "abort"];
    match words.iter().any(|word| lower.contains(word)) {
        true => Delivery::TimedOut,
        false => Delivery::Unreachable,
    }
}

/// The delivery for a status as it is written: `200`, `502 Bad Gateway`, `unknown`.
pub(super) fn delivery_of_status(written: &str) -> Delivery {
    let digits = written.trim().split(|c: char| !c.is_ascii_digit()).next();
    let status = digits.and_then(|digits| digits.parse().ok());
    status.map_or(Delivery::Unknown, Delivery::of_status)
}
