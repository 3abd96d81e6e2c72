//! Groups of calls and their figures.

use chrono::NaiveDate;

use super::contacts::{Fate, Fates};
use super::input::StatsCall;
use super::outcomes::Outcomes;
use super::sample::{Sample, Spread};
use crate::call::{Direction, FELT_HOLD_MILLIS_MIN};

/// The property by which calls are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupBy {
    /// The hour of the day in which they began.
    Hour,
    Weekday,
    Day,
    /// The person: who answered a call from outside, or made another call. A missed call counts for each
    /// person who was rung.
    Person,
    Line,
    /// The client, in any way of writing the number; for an internal call, the extension that called.
    Client,
    Enterprise,
}

impl GroupBy {
    pub const ALL: [GroupBy; 7] = [
        GroupBy::Hour,
        GroupBy::Weekday,
        GroupBy::Day,
        GroupBy::Person,
        GroupBy::Line,
        GroupBy::Client,
        GroupBy::Enterprise,
    ];

    /// The name in options, links and documents.
    pub const fn name(self) -> &'static str {
        match self {
            GroupBy::Hour => "hour",
            GroupBy::Weekday => "weekday",
            GroupBy::Day => "day",
            GroupBy::Person => "person",
            GroupBy::Line => "line",
            GroupBy::Client => "client",
            GroupBy::Enterprise => "enterprise",
        }
    }

    /// Whether the groups are names within an enterprise.
    pub fn is_of_names(self) -> bool {
        matches!(self, GroupBy::Person | GroupBy::Line | GroupBy::Client)
    }

    /// Whether the groups are times, which are listed in order and without gaps; other groups are sorted by
    /// size.
    pub fn is_of_time(self) -> bool {
        matches!(self, GroupBy::Hour | GroupBy::Weekday | GroupBy::Day)
    }
}

/// The key of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKey {
    /// The hour, 0 to 23.
    Hour(u8),
    /// The day of the week, 0 for Monday to 6 for Sunday.
    Weekday(u8),
    Day(NaiveDate),
    /// A person, line or client of an enterprise; an empty name is for calls without one.
    Name {
        /// The number of the enterprise.
        enterprise: usize,
        name: String,
    },
    /// An enterprise, by its number.
    Enterprise(usize),
}

/// A group and its figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub key: GroupKey,
    pub figures: Figures,
}

/// The figures of a set of calls. Lengths of time are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    pub outcomes: Outcomes,
    /// For calls from outside, how long clients waited for a person or until they gave up.
    pub wait: Option<Spread>,
    /// For calls in which a person was heard, how long the parties talked.
    pub talk: Option<Spread>,
    /// For calls with at least a second of hold, how long the other side was held.
    pub hold: Option<Spread>,
    /// How long after an event the message about it was sent.
    pub message_lag: Option<Spread>,
    /// The number of messages that were sent and not deleted.
    pub messages_standing: usize,
    /// The number of HTTP requests.
    pub http: usize,
    /// The number of HTTP requests that failed.
    pub http_failed: usize,
    /// The fates of the missed calls.
    pub fates: Fates,
}

/// Collects figures.
#[derive(Debug, Clone, Default)]
pub(super) struct FigureSums {
    outcomes: Outcomes,
    wait: Sample,
    talk: Sample,
    hold: Sample,
    message_lag: Sample,
    messages_standing: usize,
    http: usize,
    http_failed: usize,
    pub(super) fates: Fates,
}

impl FigureSums {
    pub(super) fn add(&mut self, call: &StatsCall<'_>) {
        self.outcomes.add(call.outcome);
        if let (Direction::Incoming, Some(millis)) = (call.direction, call.wait_millis) {
            self.wait.push(millis);
        }
        if let Some(millis) = call.talk_millis {
            self.talk.push(millis);
        }
        if let Some(millis) = call
            .hold_millis
            .filter(|held| *held >= FELT_HOLD_MILLIS_MIN)
        {
            self.hold.push(millis);
        }
        for lag in call.message_lags {
            self.message_lag.push(*lag);
        }
        self.messages_standing += call.messages_standing;
        for request in call.requests.each() {
            self.http += 1;
            self.http_failed += usize::from(request.failed);
        }
    }

    /// Adds the sums of another one. The fates of calls are added later.
    pub(super) fn join(&mut self, other: FigureSums) {
        self.outcomes = self.outcomes.plus(other.outcomes);
        self.wait.join(other.wait);
        self.talk.join(other.talk);
        self.hold.join(other.hold);
        self.message_lag.join(other.message_lag);
        self.messages_standing += other.messages_standing;
        self.http += other.http;
        self.http_failed += other.http_failed;
    }

    pub(super) fn add_fate(&mut self, fate: &Fate<'_>) {
        self.fates.add(fate);
    }

    pub(super) fn calls(&self) -> usize {
        self.outcomes.all()
    }

    pub(super) fn figures(self) -> Figures {
        let (wait, talk) = rayon::join(|| self.wait.spread(), || self.talk.spread());
        let (hold, message_lag) = rayon::join(|| self.hold.spread(), || self.message_lag.spread());
        Figures {
            outcomes: self.outcomes,
            wait,
            talk,
            hold,
            message_lag,
            messages_standing: self.messages_standing,
            http: self.http,
            http_failed: self.http_failed,
            fates: self.fates,
        }
    }
}
