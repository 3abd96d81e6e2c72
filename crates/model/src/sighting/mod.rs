//! An event as one side saw it, and what two sides make of each other: what was sent, against what arrived.
//!
//! A [`Sighting`] is made of a row of a host's journal, of a record in the log of a service, or of a line of
//! `events.log`. [`compare`] matches the sightings of the sender with those of the receiver; what they are
//! read from, and how they are shown, is for others.

mod body;
mod delivery;
mod matching;

use std::sync::Arc;

pub use body::{Difference, EventBody};
pub use delivery::Delivery;
pub use matching::{Comparison, MatchWindow, Pair, compare};

/// Where an event was seen: a file and a line of it, or a table and a row of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeenAt {
    /// Name of the file or table. Shared by all that was seen there.
    pub source: Arc<str>,
    /// Number of the line, from 1, or of the row; 0 where it is not known.
    pub number: u64,
}

/// One event, as one side saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// When it was seen, in milliseconds since 1970 UTC. On the sender's side: when it was sent.
    pub at_millis: i64,
    /// How long the sender waited for the answer, in milliseconds. 0 on the receiver's side, and if unknown.
    pub waited_millis: u64,
    /// `start`, `dial`, `hangup` and so on, as the side wrote it.
    pub event: Arc<str>,
    /// What the event says; unknown where the sender noted only that it was sent.
    pub body: EventBody,
    /// What the sender learned of its arrival. `Accepted` on the receiver's side.
    pub delivery: Delivery,
    /// Where it was seen.
    pub seen_at: SeenAt,
}
