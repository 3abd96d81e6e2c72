//! Builds the steps about a call that are not part of it: messages, requests, queries. Consecutive records
//! with the same content become one step.

use super::{Step, StepEvent};
use crate::call::fact::{Event, Fact, MessageAction};
use crate::record::{Stamp, text};

/// A server writes to all chats within this many milliseconds.
const BURST_MILLIS: i64 = 5_000;

/// The steps of all messages, requests and queries.
pub(super) fn notices(facts: &[Fact]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (at, fact) in facts.iter().enumerate() {
        let Some(event) = event(fact) else { continue };
        let is_near = |step: &Step| {
            let last = step.records.last().map_or(step.at, |&last| facts[last].at);
            fact.at.since(last) <= BURST_MILLIS
        };
        let mut near = steps.iter_mut().rev().take_while(|step| is_near(step));
        match near.find_map(|step| join(&mut step.event, &event).then_some(step)) {
            Some(step) => step.records.push(at),
            None => steps.push(Step {
                at: fact.at,
                event,
                records: vec![at],
            }),
        }
    }
    fold_deletions(&mut steps, facts);
    steps
}

fn event(fact: &Fact) -> Option<StepEvent> {
    match fact.event {
        Event::Message(action) => Some(StepEvent::Messages {
            action,
            stage: text(fact.message_type()),
            chats: vec![text(fact.chat())],
            replaces: false,
            cut: fact.text_details.cut,
        }),
        Event::Http => fact.request_result().map(|result| StepEvent::Requests {
            lookup: fact.text_details.lookup,
            result,
        }),
        Event::Sql => Some(StepEvent::Queries),
        _ => None,
    }
}

/// Merges `fresh` into `known` if both say the same. Returns false otherwise.
fn join(known: &mut StepEvent, fresh: &StepEvent) -> bool {
    let (
        StepEvent::Messages {
            action,
            stage,
            chats,
            cut,
            ..
        },
        StepEvent::Messages {
            action: again,
            stage: same,
            chats: more,
            cut: also,
            ..
        },
    ) = (&mut *known, fresh)
    else {
        return known == fresh;
    };
    let is_same = action == again && stage == same;
    if is_same {
        let more = more.iter().filter(|chat| !chats.contains(chat)).cloned();
        chats.extend(more.collect::<Vec<_>>());
        *cut |= also;
    }
    is_same
}

/// Joins two steps in which the bot deletes the message of one stage and sends the message of the next: they
/// become one step, the step of the sending.
fn fold_deletions(steps: &mut Vec<Step>, facts: &[Fact]) {
    let is = |step: &Step, wanted: MessageAction| matches!(&step.event, StepEvent::Messages { action, .. } if *action == wanted);
    let last = |step: &Step| -> Stamp { step.records.last().map_or(step.at, |&at| facts[at].at) };
    let mut at = 0;
    while at < steps.len() {
        if !is(&steps[at], MessageAction::Delete) {
            at += 1;
            continue;
        }
        let deleted = steps.remove(at);
        let near = |sent: &&mut Step| {
            is(sent, MessageAction::Send)
                && sent.at.since(last(&deleted)) <= BURST_MILLIS
                && deleted.at.since(last(sent)) <= BURST_MILLIS
        };
        let sent = steps.iter_mut().filter(near);
        match sent.min_by_key(|sent| sent.at.since(deleted.at).abs()) {
            Some(sent) => {
                if let StepEvent::Messages { replaces, .. } = &mut sent.event {
                    *replaces = true;
                }
                sent.records.extend(deleted.records);
                sent.records.sort_unstable();
            }
            None => {
                steps.insert(at, deleted);
                at += 1;
            }
        }
    }
}
