//! Finds a transfer that only a dial shows.

use super::text;
use crate::call::fact::{Event, Fact};
use crate::call::talk::{Talk, Transfer, TransferKind, TransferResult};

/// A transfer that no one picked up: the other side was left alone, a further dial rang, and no one was heard
/// after it.
pub(super) fn unanswered_transfer(
    facts: &[Fact],
    followed: &[u8],
    talk: &Talk,
) -> Option<Transfer> {
    let last = talk.heard.last()?;
    let left = last.to?;
    let by = last.with.first()?.clone();
    let dial = facts
        .iter()
        .find(|f| f.event == Event::Dial && f.uid() == followed && f.at >= left)?;
    let to = dial.extensions().next().map(text)?;
    Some(Transfer {
        kind: TransferKind::Blind,
        result: TransferResult::NotAnswered,
        by,
        to,
        at: dial.at,
    })
}
