//! The logs of the services that send and receive events, as [`Sighting`]s.
//!
//! Logs of the emulator (`call_tester_events.log`) say what was sent and what was answered;
//! the log of one enterprise (`0367.log`) and the log of all (`app.log`) say what arrived. Which one a file is,
//! its content tells: each record is shown to the three in turn, and each knows its own. Files are read as streams;
//! what is kept is bounded by [`EVENTS_MAX`].
//!
//! [`read`] takes a file with its rotated ones; [`Growing`] goes on where it ends.

mod all_events;
mod files;
mod growing;
mod one_enterprise;
mod parser;
mod records;
mod seen;
mod shape;
mod tester;
#[cfg(test)]
mod tests;

pub use files::{Log, read};
pub use growing::Growing;

use std::sync::Arc;

use calltrace_model::record::LogZone;
use calltrace_model::sighting::{SeenAt, Sighting};

/// Events that are kept of one log; those behind them are not read.
pub const EVENTS_MAX: usize = 1_000_000;

/// What could not be read of one log and is named; the rest is counted.
const NAMED_MAX: usize = 20;

/// A log that can't be read at all, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Which side's log it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// What an emulator sent: `call_tester_events.log`.
    Sent,
    /// What arrived: `0367.log`, `app.log`.
    Received,
}

/// What a log says.
#[derive(Debug, Default)]
pub struct Reading {
    /// Events that were sent.
    pub sent: Vec<Sighting>,
    /// Events that arrived.
    pub received: Vec<Sighting>,
    /// What a service says went wrong with an event.
    pub complaints: Vec<Complaint>,
    /// Records of any kind that it has.
    pub records: u64,
    /// What could not be read.
    pub unread: Unread,
    /// There is more than [`EVENTS_MAX`], which was not read.
    pub is_full: bool,
}

impl Reading {
    /// Which side's log it is, by what there is more of. `None` where it holds no event.
    pub fn form(&self) -> Option<Form> {
        match (self.sent.len(), self.received.len()) {
            (0, 0) => None,
            (sent, received) if sent >= received => Some(Form::Sent),
            _ => Some(Form::Received),
        }
    }
}

/// What a service says went wrong with an event after it had arrived. The text may hold a Token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// When it was written, in milliseconds since 1970 UTC.
    pub at_millis: i64,
    /// Where it stands.
    pub seen_at: SeenAt,
    /// The message.
    pub text: String,
    /// The UniqueId or bridge that it is about: what it names itself, else what its service was busy with.
    pub id: Option<String>,
}

/// What could not be read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Unread {
    /// How many events are not known, or not whole, because of it.
    pub count: u64,
    /// Where, and what is wrong there as a clause, of the first twenty.
    pub named: Vec<(SeenAt, String)>,
}

impl Unread {
    fn add(&mut self, seen_at: SeenAt, what: impl Into<String>) {
        self.count += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push((seen_at, what.into()));
        }
    }
}

/// Where records of a file stand, and in which zone their times are.
#[derive(Debug, Clone)]
struct Place {
    source: Arc<str>,
    zone: LogZone,
}

impl Place {
    fn line(&self, number: u64) -> SeenAt {
        SeenAt {
            source: Arc::clone(&self.source),
            number,
        }
    }
}
