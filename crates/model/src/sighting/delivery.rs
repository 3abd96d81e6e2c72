//! What a sender learned of the arrival of an event.

/// What a sender learned of the arrival of an event. An event whose delivery failed may have arrived all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// The receiver answered with a status below 400. It had not stored anything yet.
    Accepted,
    /// The receiver answered with this status, 400 or more.
    Refused(u16),
    /// No answer came in time.
    TimedOut,
    /// No connection came about, or it broke.
    Unreachable,
    /// The sender thought it was offline and did not even try. The journal notes a 404 that nobody answered.
    NotTried,
    /// The sender says nothing of it, or something that is not known.
    Unknown,
}

impl Delivery {
    /// The word for it in JSON and tables. That of a refusal does not name the status.
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

    /// What an HTTP status says.
    pub fn of_status(status: u16) -> Delivery {
        match status {
            100..400 => Delivery::Accepted,
            _ => Delivery::Refused(status),
        }
    }
}
