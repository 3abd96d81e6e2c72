//! Which way a call went, and how it ended.

/// Which way a call went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From a client to us.
    Incoming,
    /// From us to a client.
    Outgoing,
    /// Between our extensions.
    Internal,
    /// Nothing says.
    Unknown,
}

impl Direction {
    /// All of them.
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
    /// The other side reached a person.
    Answered,
    /// A call from outside that no person picked up, busy ones among them.
    Missed,
    /// A call to outside, or between extensions, that no person picked up.
    NotReached,
    /// The same, and the host says that the other side was busy.
    Busy,
    /// It still goes on, as far as the records and the time tell.
    InProgress,
    /// No end was ever logged, and no person was reached.
    Unknown,
}

impl Outcome {
    /// The same, or in progress: of a call that has not ended, while it `waits` for more records.
    #[must_use]
    pub fn settled(self, ended: bool, waits: impl FnOnce() -> bool) -> Outcome {
        let may_go_on = matches!(self, Outcome::Answered | Outcome::Unknown);
        match !ended && may_go_on && waits() {
            true => Outcome::InProgress,
            false => self,
        }
    }

    /// All of them.
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

    /// Whether it is over and no person was reached.
    pub fn is_unanswered(self) -> bool {
        matches!(self, Outcome::Missed | Outcome::NotReached | Outcome::Busy)
    }
}
