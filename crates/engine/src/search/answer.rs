//! Calls that were found, before all of their parts are read.

use super::{FoundCalls, SearchQuestion};
use crate::table::{CallPosition, complete};
use calltrace_model::call::Summary;
use calltrace_model::record::Stamp;

/// The answer about an enterprise, before some of its calls are read completely.
pub(super) struct UnreadAnswer {
    /// The answer without its calls.
    pub(super) found: FoundCalls,
    /// The calls, newest first.
    pub(super) calls: Vec<FoundCall>,
}

impl UnreadAnswer {
    /// Reads the calls completely.
    ///
    /// # Errors
    /// Returns a clause that says what is wrong with a table; then the answer can't be used.
    pub(super) fn whole(self, question: &SearchQuestion) -> Result<FoundCalls, String> {
        Ok(FoundCalls {
            calls: read_whole(self.calls, question)?,
            ..self.found
        })
    }
}

/// Completes the calls that came from tables; returns all calls in the same order.
///
/// # Errors
/// As [`UnreadAnswer::whole`].
pub(super) fn read_whole(
    calls: Vec<FoundCall>,
    question: &SearchQuestion,
) -> Result<Vec<Summary>, String> {
    let position = |kept: &FoundCall| match kept {
        FoundCall::InTable(_, _, position) => Some(position.clone()),
        FoundCall::Whole(_) => None,
    };
    let positions: Vec<CallPosition> = calls.iter().filter_map(position).collect();
    let mut completed = complete(&positions, question.criteria.now, question.digests)?.into_iter();
    let whole = |kept| match kept {
        FoundCall::InTable(..) => completed.next(),
        FoundCall::Whole(call) => Some(*call),
    };
    Ok(calls.into_iter().filter_map(whole).collect())
}

/// A call that was found.
pub(super) enum FoundCall {
    Whole(Box<Summary>),
    /// It came from a table: when it began, the id of its main leg, and the position of the rest of it.
    InTable(Stamp, Box<str>, CallPosition),
}

impl FoundCall {
    pub(super) fn key(&self) -> (Stamp, &str) {
        match self {
            FoundCall::Whole(call) => (call.first, &call.main_uid),
            FoundCall::InTable(first, uid, _) => (*first, uid),
        }
    }
}
