//! Compares what was sent with what arrived: both sides are limited to the question, matched and counted.
//!
//! [`journal`] makes a side of a host's rows; [`tree`] and [`database`] make a side of what arrived; [`live`] matches
//! both sides while events arrive. The command chooses and names the sides, and `output` formats the answer.

pub mod database;
pub mod journal;
pub mod live;
mod report;
mod scope;
pub mod tree;

use std::collections::BTreeSet;

use calltrace_hosts::services::{Complaint, LogContents};
use calltrace_model::sighting::{MatchWindow, SeenAt, Sighting};

pub use report::{CompareReport, EventCounts, Lag, Mismatch, MismatchKind, compare};
pub use scope::EventFilter;

/// One side of a comparison.
#[derive(Debug, Default)]
pub struct SideEvents {
    /// The events that it saw.
    pub sightings: Vec<Sighting>,
    /// Errors that a service reports.
    pub complaints: Vec<Complaint>,
    /// The files that could not be read, as sentences. Each makes the answer incomplete.
    pub incomplete: Vec<String>,
}

/// The limits of a comparison.
#[derive(Debug, Clone, Default)]
pub struct CompareQuery {
    /// Earliest time of sending, inclusive, in milliseconds since 1970 UTC.
    pub since_millis: Option<i64>,
    /// End of the time of sending, exclusive, in milliseconds since 1970 UTC.
    pub until_millis: Option<i64>,
    /// Only events of the call with this UniqueId or bridge.
    pub id: Option<String>,
    /// Only events of these types; empty for all.
    pub events: Vec<String>,
    /// The time within which a sent event may arrive.
    pub window: MatchWindow,
}

impl SideEvents {
    /// Makes a side of a service's log. `which` selects its sent or its received half.
    pub fn of_log(
        mut reading: LogContents,
        which: fn(&mut LogContents) -> Vec<Sighting>,
    ) -> SideEvents {
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
        SideEvents {
            sightings: which(&mut reading),
            complaints: reading.complaints,
            incomplete,
        }
    }

    /// The Tokens of its events, each once; at most a hundred.
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

    /// First and last time at which its events may arrive, both inclusive; `None` if there are no events.
    pub fn reach(&self, window: MatchWindow) -> Option<(i64, i64)> {
        let windows = self.sightings.iter().map(|sent| window.around(sent));
        windows.reduce(|all, one| (all.0.min(one.0), all.1.max(one.1)))
    }
}

/// Maximum number of enterprises in one sender's log.
const TOKENS_MAX: usize = 100;

/// `events.log:12`, or the file alone if the line number is not known.
pub fn place_text(seen_at: &SeenAt, mark: char) -> String {
    match seen_at.number {
        0 => seen_at.source.to_string(),
        number => format!("{}{mark}{number}", seen_at.source),
    }
}
