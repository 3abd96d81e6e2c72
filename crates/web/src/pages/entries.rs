//! A call's records as entries of the timeline: a message to five chats is one entry.

use calltrace_engine::TracedCall;
use calltrace_model::call::{Event, Fact, MessageAction, MessageLife};
use calltrace_model::record::{Body, Record, Stamp};

/// The longest time between sending the same message to one chat and to the next (milliseconds); the bot
/// sends them one by one and waits for Telegram's answer in between.
const GROUP_MILLIS: i64 = 10_000;

/// One entry; the numbers index [`TracedCall::lines`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TimelineEntry {
    One(usize),
    /// The same operation with the same message in one or several chats.
    Messages {
        action: MessageAction,
        /// The records; never empty.
        lines: Vec<usize>,
    },
}

impl TimelineEntry {
    /// Returns the first record.
    pub(super) fn first(&self) -> usize {
        match self {
            TimelineEntry::One(at) => *at,
            TimelineEntry::Messages { lines, .. } => lines[0],
        }
    }

    /// Whether the entry contains a record.
    pub(super) fn holds(&self, record: usize) -> bool {
        match self {
            TimelineEntry::One(at) => *at == record,
            TimelineEntry::Messages { lines, .. } => lines.contains(&record),
        }
    }
}

/// Returns the entries of a call, each at the position of its first record.
pub(super) fn entries(call: &TracedCall) -> Vec<TimelineEntry> {
    let mut entries: Vec<TimelineEntry> = Vec::new();
    // The newest group of each kind: there are few, because a call has few stages.
    let mut open: Vec<(MessageKey<'_>, Stamp, usize)> = Vec::new();
    for (at, (line, fact)) in call.lines.iter().zip(&call.facts).enumerate() {
        let Some(key) = key(&line.text, fact) else {
            entries.push(TimelineEntry::One(at));
            continue;
        };
        let joins = open
            .iter()
            .rev()
            .take_while(|(_, since, _)| fact.at.since(*since) <= GROUP_MILLIS)
            .find(|(known, _, _)| *known == key);
        if let Some((_, _, entry)) = joins
            && let TimelineEntry::Messages { lines, .. } = &mut entries[*entry]
        {
            lines.push(at);
            continue;
        }
        let (action, _) = key;
        open.push((key, fact.at, entries.len()));
        entries.push(TimelineEntry::Messages {
            action,
            lines: vec![at],
        });
    }
    entries
}

/// Messages with the same key are one entry: the operation, and the message's name, stage and text.
type MessageKey<'l> = (MessageAction, [&'l [u8]; 3]);

fn key<'l>(line: &'l [u8], fact: &Fact) -> Option<MessageKey<'l>> {
    let Event::Message(action) = fact.event else {
        return None;
    };
    match Record::parse(line).body {
        Body::Tg(tg) => Some((action, [tg.action, tg.msg_type, tg.text])),
        _ => None,
    }
}

/// Returns the message's life that a sending, an edit or a deletion belongs to.
pub(super) fn life_of<'m>(fact: &Fact, lives: &'m [MessageLife]) -> Option<&'m MessageLife> {
    if fact.event == Event::Message(MessageAction::Send) {
        return lives.iter().find(|life| life.sent_at == Some(fact.place));
    }
    let known = |life: &&MessageLife| {
        !life.message.is_empty()
            && life.message.as_bytes() == fact.message()
            && life.chat.as_bytes() == fact.chat()
            && life.sent.is_some_and(|sent| sent <= fact.at)
    };
    lives.iter().rfind(known)
}
