//! What statistics need of one call.

use crate::call::{Direction, Outcome, Request, Summary};
use crate::record::Stamp;

/// A call, borrowed from wherever it is kept. Durations are milliseconds; see [`Summary`] for what each means.
#[derive(Debug, Clone, Copy)]
pub struct StatsCall<'a> {
    /// First record: the call belongs to the hour and the day of it.
    pub first: Stamp,
    /// Which way.
    pub direction: Direction,
    /// How it ended.
    pub outcome: Outcome,
    /// The outside number, digits only; of an internal call the calling extension; empty if nothing says.
    pub client: &'a str,
    /// The line; may be empty.
    pub trunk: &'a str,
    /// Whom it rang; of an outgoing call who called.
    pub rang: NameList<'a>,
    /// The first person whom the other side heard; `None` for outgoing calls.
    pub answered_by: Option<&'a str>,
    /// Until the first person, or the end of a call that reached none.
    pub wait_millis: Option<i64>,
    /// How long the other side heard a person.
    pub talk_millis: Option<i64>,
    /// How long it heard no one after that.
    pub hold_millis: Option<i64>,
    /// For each message that was sent or edited how long after the event before it.
    pub message_lags: &'a [i64],
    /// Messages that were sent and not deleted.
    pub messages_standing: usize,
    /// HTTP requests made for it.
    pub requests: Requests<'a>,
}

/// Names, owned or borrowed by who keeps them.
#[derive(Debug, Clone, Copy)]
pub enum NameList<'a> {
    /// As a summary has them.
    Owned(&'a [String]),
    /// As a table has them.
    Borrowed(&'a [&'a str]),
}

/// An HTTP request, as a table has it; see [`Request`].
#[derive(Debug, Clone, Copy)]
pub struct StatsRequest<'a> {
    /// The host with its port; empty where nothing says.
    pub host: &'a str,
    /// How long it took, where that was noted.
    pub millis: Option<i64>,
    /// Whether it failed.
    pub failed: bool,
}

/// Requests, owned or borrowed by who keeps them.
#[derive(Debug, Clone, Copy)]
pub enum Requests<'a> {
    /// As a summary has them.
    Owned(&'a [Request]),
    /// As a table has them.
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
    /// Each of them, in order.
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
    /// Whose call it is, the number of them and each by its place: who answered a call from outside or was rung by
    /// it; who made any other call. A call that several telephones rang and nobody answered is of each of them.
    pub(super) fn persons(&self) -> NameList<'_> {
        match (self.direction, &self.answered_by) {
            (Direction::Outgoing, _) => self.rang,
            (Direction::Internal, _) => NameList::Borrowed(std::slice::from_ref(&self.client)),
            (_, Some(who)) => NameList::Borrowed(std::slice::from_ref(who)),
            (_, None) => self.rang,
        }
    }

    /// Whether the other side has heard a person; of an outgoing call that goes on nothing says.
    pub(super) fn has_reached(&self) -> bool {
        match self.outcome {
            Outcome::Answered => true,
            Outcome::InProgress => self.answered_by.is_some(),
            _ => false,
        }
    }
}
