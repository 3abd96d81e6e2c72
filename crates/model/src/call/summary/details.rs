//! The details of a call that no criterion uses: its requests, and how late its messages were.

use super::text;
use crate::call::fact::{Event, Fact, MessageAction, RequestResult};
use crate::record::Stamp;

/// An HTTP request made for a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The host and port; empty if the URL names no host.
    pub host: String,
    /// How long it took (milliseconds); `None` if its writer did not note it.
    pub millis: Option<i64>,
    pub failed: bool,
}

/// The HTTP requests, in order of time.
pub(super) fn requests(facts: &[Fact]) -> Vec<Request> {
    let of = |fact: &Fact| {
        Some(Request {
            failed: fact.request_result()? == RequestResult::Failed,
            host: text(fact.http_host()),
            millis: fact.took_millis().map(i64::from),
        })
    };
    facts.iter().filter_map(of).collect()
}

/// For each message that was sent or edited, how long after the event before it (milliseconds).
pub(super) fn message_lags(facts: &[Fact]) -> Vec<i64> {
    let mut event: Option<Stamp> = None;
    let mut lags = Vec::new();
    for fact in facts {
        match (fact.event, event) {
            (Event::Message(MessageAction::Send | MessageAction::Edit), Some(before)) => {
                lags.push(fact.at.since(before));
            }
            _ if fact.is_asterisk() => event = Some(fact.at),
            _ => {}
        }
    }
    lags
}
