//! What a sender knows about the arrival of an event.

/// What a sender knows about the arrival of an event. An event may have arrived although its delivery failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// The receiver answered with a status below 400. It had not stored anything yet.
    Accepted,
    /// The receiver answered with this status, 400 or more.
    Refused(u16),
    TimedOut,
    /// No connection was established, or it broke.
    Unreachable,
    /// The sender took itself for offline and did not try. The journal then notes a 404 that no server sent.
    NotTried,
    /// The sender notes nothing about it, or an unknown value.
    Unknown,
}

impl Delivery {
    /// The word in JSON and tables. The word for a refusal does not contain the status.
    pub fn word(self) -> &'static str {
        match self {
            Delivery::Accepted => "accepted",
            Delivery::Refused(_) => "refused",
            Delivery::TimedOut => "timed_out",
            Delivery::Unreachable => "unreachable",
            Delivery::NotTried => "not_tried",
            Delivery::Unknown => "unknown",
        }
    }

    /// The delivery for an HTTP status.
    pub fn of_status(status: u16) -> Delivery {
        match status {
            100..400 => Delivery::Accepted,
            _ => Delivery::Refused(status),
        }
    }
}
