//! A call's records as a timeline tells them: a message to five chats is one entry.

use calltrace_engine::TracedCall;
use calltrace_model::call::{Event, Fact, MessageAction, MessageLife};
use calltrace_model::record::{Body, Record, Stamp};

/// The same message to the next chat is sent within this (milliseconds); one by one, with the
/// answer of Telegram in between.
const GROUP_MILLIS: i64 = 10_000;

/// One entry; numbers count in [`TracedCall::lines`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// One record.
    One(usize),
    /// The same done with the same message in several chats (or in one).
    Messages {
        /// What was done.
        action: MessageAction,
        /// Its records; never empty.
        lines: Vec<usize>,
    },
}

impl Entry {
    /// The first record.
    pub(super) fn first(&self) -> usize {
        match self {
            Entry::One(at) => *at,
            Entry::Messages { lines, .. } => lines[0],
        }
    }

    /// Whether a record is one of it.
    pub(super) fn holds(&self, record: usize) -> bool {
        match self {
            Entry::One(at) => *at == record,
            Entry::Messages { lines, .. } => lines.contains(&record),
        }
    }
}

/// The entries of a call, each at the place of its first record.
pub(super) fn entries(call: &TracedCall) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    // The newest group of each sort: few, as a call has few stages.
    let mut open: Vec<(Key<'_>, Stamp, usize)> = Vec::new();
    for (at, (line, fact)) in call.lines.iter().zip(&call.facts).enumerate() {
        let Some(key) = key(&line.text, fact) else {
            entries.push(Entry::One(at));
            continue;
        };
        let joins = open
            .iter()
            .rev()
            .take_while(|(_, since, _)| fact.at.since(*since) <= GROUP_MILLIS)
            .find(|(known, _, _)| *known == key);
        if let Some((_, _, entry)) = joins
            && let Entry::Messages { lines, .. } = &mut entries[*entry]
        {
            lines.push(at);
            continue;
        }
        let (action, _) = key;
        open.push((key, fact.at, entries.len()));
        entries.push(Entry::Messages {
            action,
            lines: vec![at],
        });
    }
    entries
}

/// By what messages are one entry: what was done, and its name, stage and text.
type Key<'l> = (MessageAction, [&'l [u8]; 3]);

fn key<'l>(line: &'l [u8], fact: &Fact) -> Option<Key<'l>> {
    let Event::Message(action) = fact.event else {
        return None;
    };
    match Record::parse(line).body {
        Body::Tg(tg) => Some((action, [tg.action, tg.msg_type, tg.text])),
        _ => None,
    }
}

/// The life that a sending, an edit or a deletion is a part of.
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
