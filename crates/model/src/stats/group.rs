//! Calls that belong together, and the figures of them.

use chrono::NaiveDate;

use super::contacts::{Fate, Fates};
use super::input::StatsCall;
use super::outcomes::Outcomes;
use super::sample::{Sample, Spread};
use crate::call::{Direction, FELT_HOLD_MILLIS_MIN};

/// What calls are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupBy {
    /// The hour of the day that they began in.
    Hour,
    /// The day of the week.
    Weekday,
    /// The day.
    Day,
    /// The person: who answered a call from outside; of a missed one everybody who was rung, so that such a call
    /// counts for each of them; who made any other call.
    Person,
    /// The line.
    Line,
    /// The client, however the number is written; of an internal call the extension that called.
    Client,
    /// The enterprise.
    Enterprise,
}

impl GroupBy {
    /// All of them.
    pub const ALL: [GroupBy; 7] = [
        GroupBy::Hour,
        GroupBy::Weekday,
        GroupBy::Day,
        GroupBy::Person,
        GroupBy::Line,
        GroupBy::Client,
        GroupBy::Enterprise,
    ];

    /// As options, links and documents have it.
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

    /// Whether the groups are names, each of one enterprise.
    pub fn is_of_names(self) -> bool {
        matches!(self, GroupBy::Person | GroupBy::Line | GroupBy::Client)
    }

    /// Whether the groups are times, in their order and without gaps; the others come by size.
    pub fn is_of_time(self) -> bool {
        matches!(self, GroupBy::Hour | GroupBy::Weekday | GroupBy::Day)
    }
}

/// Which group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKey {
    /// 0 to 23.
    Hour(u8),
    /// 0 for Monday to 6 for Sunday.
    Weekday(u8),
    /// A day.
    Day(NaiveDate),
    /// A person, line or client of an enterprise, which is named by its place; an empty name is of calls that
    /// have none.
    Name {
        /// Which enterprise.
        enterprise: usize,
        /// The name.
        name: String,
    },
    /// An enterprise, by its place.
    Enterprise(usize),
}

/// A group and its figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Which.
    pub key: GroupKey,
    /// Of its calls.
    pub figures: Figures,
}

/// What is counted and measured of calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// How they ended.
    pub outcomes: Outcomes,
    /// How long clients waited for a person or until they gave up: calls from outside.
    pub wait: Option<Spread>,
    /// How long was talked: calls in which somebody was heard.
    pub talk: Option<Spread>,
    /// How long the other side was held: calls with a second of hold or more.
    pub hold: Option<Spread>,
    /// How long after an event the message about it was sent.
    pub message_lag: Option<Spread>,
    /// Messages that were sent and not deleted.
    pub messages_standing: usize,
    /// HTTP requests.
    pub http: usize,
    /// HTTP requests that failed.
    pub http_failed: usize,
    /// What became of the missed calls.
    pub fates: Fates,
}

/// Figures in the making.
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

    /// Takes over what another counted, before the fates of calls are told.
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
