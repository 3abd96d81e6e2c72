//! The values of one call that statistics need.

use crate::call::{Direction, Outcome, Request, Summary};
use crate::record::Stamp;

/// A borrowed call. Durations are milliseconds; [`Summary`] explains each value.
#[derive(Debug, Clone, Copy)]
pub struct StatsCall<'a> {
    /// The time of the first record: the call belongs to its hour and day.
    pub first: Stamp,
    pub direction: Direction,
    pub outcome: Outcome,
    /// The outside number, digits only; for an internal call, the calling extension; empty if the records do
    /// not show it.
    pub client: &'a str,
    pub trunk: &'a str,
    /// The parties that the call rang; for an outgoing call, the caller.
    pub rang: NameList<'a>,
    /// The first person that the other side heard; `None` for outgoing calls.
    pub answered_by: Option<&'a str>,
    /// Until the first person, or the end of a call that reached none.
    pub wait_millis: Option<i64>,
    /// How long the other side heard a person.
    pub talk_millis: Option<i64>,
    /// How long the other side heard no one after that.
    pub hold_millis: Option<i64>,
    /// For each message that was sent or edited, how long after the event before it.
    pub message_lags: &'a [i64],
    /// The number of messages that were sent and not deleted.
    pub messages_standing: usize,
    /// HTTP requests made for it.
    pub requests: Requests<'a>,
}

/// A list of names, from a summary or from a table.
#[derive(Debug, Clone, Copy)]
pub enum NameList<'a> {
    /// The form in a summary.
    Owned(&'a [String]),
    /// The form in a table.
    Borrowed(&'a [&'a str]),
}

/// An HTTP request in a table; see [`Request`].
#[derive(Debug, Clone, Copy)]
pub struct StatsRequest<'a> {
    /// The host with its port; empty if the records do not show it.
    pub host: &'a str,
    /// How long it took (milliseconds); `None` if that was not noted.
    pub millis: Option<i64>,
    pub failed: bool,
}

/// A list of requests, from a summary or from a table.
#[derive(Debug, Clone, Copy)]
pub enum Requests<'a> {
    /// The form in a summary.
    Owned(&'a [Request]),
    /// The form in a table.
    Borrowed(&'a [StatsRequest<'a>]),
}

impl<'a> NameList<'a> {
    pub(super) fn len(self) -> usize {
        match self {
            NameList::Owned(names) => names.len(),
            NameList::Borrowed(names) => names.len(),
        }
    }

    pub(super) fn get(self, at: usize) -> Option<&'a str> {
        match self {
            NameList::Owned(names) => names.get(at).map(String::as_str),
            NameList::Borrowed(names) => names.get(at).copied(),
        }
    }
}

impl<'a> Requests<'a> {
    /// The requests in order.
    pub(super) fn each(self) -> impl Iterator<Item = StatsRequest<'a>> {
        let (owned, borrowed): (&[Request], &[StatsRequest<'a>]) = match self {
            Requests::Owned(requests) => (requests, &[]),
            Requests::Borrowed(requests) => (&[], requests),
        };
        let owned = owned.iter().map(|request| StatsRequest {
            host: &request.host,
            millis: request.millis,
            failed: request.failed,
        });
        owned.chain(borrowed.iter().copied())
    }
}

impl<'a> From<&'a Summary> for StatsCall<'a> {
    fn from(call: &'a Summary) -> StatsCall<'a> {
        StatsCall {
            first: call.first,
            direction: call.direction,
            outcome: call.outcome,
            client: &call.client,
            trunk: &call.trunk,
            rang: NameList::Owned(&call.rang),
            answered_by: call.answered_by.as_deref(),
            wait_millis: call.wait_millis,
            talk_millis: call.talk_millis,
            hold_millis: call.hold_millis,
            message_lags: &call.message_lags,
            messages_standing: call.messages.standing,
            requests: Requests::Owned(&call.requests),
        }
    }
}

impl<'a> StatsCall<'a> {
    /// The people to whom the call belongs: who answered a call from outside or was rung by it, or who made
    /// another call. A call that no one answered belongs to each person who was rung.
    pub(super) fn persons(&self) -> NameList<'_> {
        match (self.direction, &self.answered_by) {
            (Direction::Outgoing, _) => self.rang,
            (Direction::Internal, _) => NameList::Borrowed(std::slice::from_ref(&self.client)),
            (_, Some(who)) => NameList::Borrowed(std::slice::from_ref(who)),
            (_, None) => self.rang,
        }
    }

    /// Whether the other side has heard a person. For an outgoing call in progress this is not known, and the
    /// result is false.
    pub(super) fn has_reached(&self) -> bool {
        match self.outcome {
            Outcome::Answered => true,
            Outcome::InProgress => self.answered_by.is_some(),
            _ => false,
        }
    }
}
