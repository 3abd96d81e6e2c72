//! The direction and the outcome of a call.

/// The direction of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a client to our side.
    Incoming,
    /// From our side to a client.
    Outgoing,
    /// Between our extensions.
    Internal,
    /// The records do not show it.
    Unknown,
}

impl Direction {
    pub const ALL: [Direction; 4] = [
        Direction::Incoming,
        Direction::Outgoing,
        Direction::Internal,
        Direction::Unknown,
    ];

    /// The word for programs: in JSON, CSV and tables of calls.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Incoming => "in",
            Direction::Outgoing => "out",
            Direction::Internal => "internal",
            Direction::Unknown => "unknown",
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Answered,
    /// A call from outside that no person picked up, also if everybody was busy.
    Missed,
    /// A call to outside, or between extensions, that no person picked up.
    NotReached,
    /// The same as [`Outcome::NotReached`], and the host says that the other side was busy.
    Busy,
    /// The call is still in progress, as far as the records and the time show it.
    InProgress,
    /// No end was ever logged, and no person was reached.
    Unknown,
}

impl Outcome {
    /// The same outcome, or in progress for a call that has not ended while it `waits` for more records.
    #[must_use]
    pub fn settled(self, ended: bool, waits: impl FnOnce() -> bool) -> Outcome {
        let may_go_on = matches!(self, Outcome::Answered | Outcome::Unknown);
        match !ended && may_go_on && waits() {
            true => Outcome::InProgress,
            false => self,
        }
    }

    pub const ALL: [Outcome; 6] = [
        Outcome::Answered,
        Outcome::Missed,
        Outcome::NotReached,
        Outcome::Busy,
        Outcome::InProgress,
        Outcome::Unknown,
    ];

    /// The word for programs: in JSON, CSV and tables of calls.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Answered => "answered",
            Outcome::Missed => "missed",
            Outcome::NotReached => "not_reached",
            Outcome::Busy => "busy",
            Outcome::InProgress => "in_progress",
            Outcome::Unknown => "unknown",
        }
    }

    /// Whether the call is over and no person was reached.
    pub fn is_unanswered(self) -> bool {
        matches!(self, Outcome::Missed | Outcome::NotReached | Outcome::Busy)
    }
}
