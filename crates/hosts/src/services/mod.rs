//! The logs of the services that send and receive events, as [`Sighting`]s.
//!
//! The emulator's log (`call_tester_events.log`) holds what was sent and the answers; the log of one enterprise
//! (`0367.log`) and the log of all (`app.log`) hold what arrived. The content decides which log it is: each record is
//! passed to the three parsers in turn, and each recognises its own. Files are read as streams, and [`EVENTS_MAX`]
//! bounds the events that are kept.
//!
//! [`read`] reads a file with its rotated predecessors; [`GrowingLog`] continues at its end.

mod all_events;
mod files;
mod growing;
mod one_enterprise;
mod parser;
mod placed;
mod records;
mod shape;
mod tester;
#[cfg(test)]
mod tests;

pub use files::{ServiceLog, read};
pub use growing::GrowingLog;

use std::sync::Arc;

use calltrace_model::record::LogZone;
use calltrace_model::sighting::{SeenAt, Sighting};

/// Maximum number of events per log; later ones are not read.
pub const EVENTS_MAX: usize = 1_000_000;

/// Maximum number of named problems per log; the others are only counted.
const NAMED_MAX: usize = 20;

/// A log that cannot be read, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// The side that a log belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSide {
    /// The sender: `call_tester_events.log`.
    Sent,
    /// The receiver: `0367.log`, `app.log`.
    Received,
}

/// The contents of a log.
#[derive(Debug, Default)]
pub struct LogContents {
    /// Events that were sent.
    pub sent: Vec<Sighting>,
    /// Events that arrived.
    pub received: Vec<Sighting>,
    /// Errors that a service reports for events.
    pub complaints: Vec<Complaint>,
    /// The number of records of any kind.
    pub records: u64,
    /// Problems with records that could not be read.
    pub unread: Unread,
    /// Whether there are more than [`EVENTS_MAX`] events; the others were not read.
    pub is_full: bool,
}

impl LogContents {
    /// The side with more events in the log. `None` if it holds no event.
    pub fn form(&self) -> Option<LogSide> {
        match (self.sent.len(), self.received.len()) {
            (0, 0) => None,
            (sent, received) if sent >= received => Some(LogSide::Sent),
            _ => Some(LogSide::Received),
        }
    }
}

/// An error that a service reports for an event after its arrival. The text may hold a Token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The time of the record, in milliseconds since 1970 UTC.
    pub at_millis: i64,
    /// The place of the record.
    pub seen_at: SeenAt,
    /// The message.
    pub text: String,
    /// The UniqueId or bridge of the event: named in the record, otherwise that of the nearest earlier record.
    pub id: Option<String>,
}

/// Problems with records that could not be read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Number of events that are unknown or incomplete because of these problems.
    pub count: u64,
    /// The first twenty problems: the place, and a clause that says what is wrong.
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

/// The source and the time zone of a file's records.
#[derive(Debug, Clone)]
struct RecordContext {
    source: Arc<str>,
    zone: LogZone,
}

impl RecordContext {
    fn line(&self, number: u64) -> SeenAt {
        SeenAt {
            source: Arc::clone(&self.source),
            number,
        }
    }
}
