//! What was sent against what arrived: both sides as they were read, limited to what is asked about, matched and
//! summed up.
//!
//! [`journal`] makes a side of a host's rows, [`tree`] and [`database`] one of what arrived there; [`live`] matches both sides as
//! they come. Which sides there are and how they are named is for the command; how the answer looks for `output`.

pub mod database;
pub mod journal;
pub mod live;
mod report;
mod scope;
pub mod tree;

use std::collections::BTreeSet;

use calltrace_hosts::services::{Complaint, Reading};
use calltrace_model::sighting::{MatchWindow, SeenAt, Sighting};

pub use report::{Counts, Finding, Kind, Lag, Report, compare};
pub use scope::Scope;

/// One side as it was read.
#[derive(Debug, Default)]
pub struct Side {
    /// What it saw.
    pub sightings: Vec<Sighting>,
    /// What a service says went wrong.
    pub complaints: Vec<Complaint>,
    /// What could not be read, as sentences; each makes the answer incomplete.
    pub incomplete: Vec<String>,
}

/// What is asked of two sides.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Sent at this time or later, in milliseconds since 1970 UTC.
    pub since_millis: Option<i64>,
    /// Sent before this time, likewise.
    pub until_millis: Option<i64>,
    /// Only events of the call that this UniqueId or bridge belongs to.
    pub id: Option<String>,
    /// Only events of these types; empty for all.
    pub events: Vec<String>,
    /// When what was sent may arrive.
    pub window: MatchWindow,
}

impl Side {
    /// The sent or the received half of a service's log; `which` takes it.
    pub fn of_log(mut reading: Reading, which: fn(&mut Reading) -> Vec<Sighting>) -> Side {
        let mut incomplete = Vec::new();
        let named = reading.unread.named.len() as u64;
        for (seen_at, what) in &reading.unread.named {
            incomplete.push(format!("{}: {what}", place_text(seen_at, ':')));
        }
        if reading.unread.count > named {
            let more = reading.unread.count - named;
            incomplete.push(format!("{more} more events are not there or not whole"));
        }
        if reading.is_full {
            incomplete
                .push("there are more than 1,000,000 events; the others were not read".to_owned());
        }
        Side {
            sightings: which(&mut reading),
            complaints: reading.complaints,
            incomplete,
        }
    }

    /// The Tokens of its events, each once; a hundred at most.
    pub fn tokens(&self) -> BTreeSet<String> {
        let mut tokens = BTreeSet::new();
        for sighting in &self.sightings {
            let token = sighting.body.text_of("Token");
            tokens.extend(token.filter(|token| !token.is_empty()));
            if tokens.len() == TOKENS_MAX {
                break;
            }
        }
        tokens
    }

    /// First and last moment at which its events may arrive, both inclusive; `None` for no event.
    pub fn reach(&self, window: MatchWindow) -> Option<(i64, i64)> {
        let windows = self.sightings.iter().map(|sent| window.around(sent));
        windows.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))
    }
}

/// Enterprises that one log of a sender is about, at most.
const TOKENS_MAX: usize = 100;

/// `events.log:12`, or the file alone where the number is not known.
pub fn place_text(seen_at: &SeenAt, mark: char) -> String {
    match seen_at.number {
        0 => seen_at.source.to_string(),
        number => format!("{}{mark}{number}", seen_at.source),
    }
}
