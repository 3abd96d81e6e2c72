//! An event as one side saw it, and the comparison of two sides: events sent with events that arrived.
//!
//! A [`Sighting`] is built from a row of a host's journal, from a record in the log of a service, or from a
//! line of `events.log`. [`compare`] matches the sightings of the sender with those of the receiver. Other
//! crates read and show them.

mod body;
mod delivery;
mod matching;

use std::sync::Arc;

pub use body::{Difference, EventBody};
pub use delivery::Delivery;
pub use matching::{Comparison, MatchWindow, Pair, compare};

/// Where an event was seen: a line of a file, or a row of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeenAt {
    /// The name of the file or table, shared by all sightings there.
    pub source: Arc<str>,
    /// The number of the line, from 1, or of the row; 0 if it is not known.
    pub number: u64,
}

/// One event as one side saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// When it was seen (milliseconds since 1970 UTC); on the sender's side, when it was sent.
    pub at_millis: i64,
    /// How long the sender waited for the answer (milliseconds); 0 on the receiver's side, and if unknown.
    pub waited_millis: u64,
    /// `start`, `dial`, `hangup` and so on, as this side wrote it.
    pub event: Arc<str>,
    /// The body of the event; unknown if the sender noted only that it was sent.
    pub body: EventBody,
    /// What the sender knows about its arrival; `Accepted` on the receiver's side.
    pub delivery: Delivery,
    pub seen_at: SeenAt,
}
