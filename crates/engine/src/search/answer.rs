//! Calls that were found, before they are read whole.

use super::{Found, SearchQuestion};
use crate::table::{Light, complete};
use calltrace_model::call::Summary;
use calltrace_model::record::Stamp;

/// The answer about an enterprise some of whose calls are still to be read.
pub(super) struct Answer {
    /// The answer without its calls.
    pub(super) found: Found,
    /// The calls, newest first.
    pub(super) calls: Vec<Kept>,
}

impl Answer {
    /// Reads the calls whole.
    ///
    /// # Errors
    /// What is wrong with a table, as a clause about it; then the answer can't be used.
    pub(super) fn whole(self, question: &SearchQuestion) -> Result<Found, String> {
        Ok(Found {
            calls: read_whole(self.calls, question)?,
            ..self.found
        })
    }
}

/// Reads the calls that came from tables whole; returns all calls in the same order.
///
/// # Errors
/// As [`Answer::whole`].
pub(super) fn read_whole(
    calls: Vec<Kept>,
    question: &SearchQuestion,
) -> Result<Vec<Summary>, String> {
    let light = |kept: &Kept| match kept {
        Kept::Told(_, _, light) => Some(light.clone()),
        Kept::Swept(_) => None,
    };
    let lights: Vec<Light> = calls.iter().filter_map(light).collect();
    let mut told = complete(&lights, question.criteria.now, question.digests)?.into_iter();
    let whole = |kept| match kept {
        Kept::Told(..) => told.next(),
        Kept::Swept(call) => Some(*call),
    };
    Ok(calls.into_iter().filter_map(whole).collect())
}

/// A call that was found.
pub(super) enum Kept {
    Swept(Box<Summary>),
    /// It came from a table: when it began, the id of its main leg, and where the rest of it stands.
    Told(Stamp, Box<str>, Light),
}

impl Kept {
    pub(super) fn key(&self) -> (Stamp, &str) {
        match self {
            Kept::Swept(call) => (call.first, &call.main_uid),
            Kept::Told(first, uid, _) => (*first, uid),
        }
    }
}
