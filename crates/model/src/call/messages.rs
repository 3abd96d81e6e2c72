//! Follows each Telegram message of a call from its sending to its deletion.

use std::collections::{BTreeMap, BTreeSet};

use super::fact::{Event, Fact, MessageAction};
use crate::record::{Place, Stamp, text};

/// One message in one chat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageLife {
    pub chat: String,
    /// The message id within the chat; empty when the writer had none (then no other record can be matched to
    /// it).
    pub message: String,
    /// The stage of the call that the message is about.
    pub stage: String,
    /// When it was sent; `None` when only a change was logged.
    pub sent: Option<Stamp>,
    /// The line that logged its sending, which holds the text.
    pub sent_at: Option<Place>,
    pub edits: Vec<Stamp>,
    /// When it was deleted; `None` for a message that was not.
    pub deleted: Option<Stamp>,
}

/// Numbers of a call's messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageTotals {
    pub sent: usize,
    pub edited: usize,
    pub deleted: usize,
    /// Messages sent and not deleted.
    pub standing: usize,
    /// Chats that got at least one message.
    pub chats: usize,
}

impl MessageLife {
    /// The messages in `facts` (which are in order of time), in the order of their sending.
    pub fn all(facts: &[Fact]) -> Vec<MessageLife> {
        let mut lives: Vec<MessageLife> = Vec::new();
        // The messages that were not deleted, by chat and id, the latest last.
        let mut standing: BTreeMap<(&[u8], &[u8]), Vec<usize>> = BTreeMap::new();
        for fact in facts {
            let Event::Message(action) = fact.event else {
                continue;
            };
            let name = (fact.chat(), fact.message());
            let known = standing.get(&name).and_then(|all| all.last()).copied();
            let at = match (action, known) {
                (MessageAction::Send, _) | (_, None) => {
                    lives.push(MessageLife {
                        chat: text(fact.chat()),
                        message: text(fact.message()),
                        stage: text(fact.message_type()),
                        ..MessageLife::default()
                    });
                    // A message without an id can't be matched.
                    if !fact.message().is_empty() {
                        standing.entry(name).or_default().push(lives.len() - 1);
                    }
                    lives.len() - 1
                }
                (_, Some(at)) => at,
            };
            let life = &mut lives[at];
            match action {
                MessageAction::Send => {
                    life.sent = Some(fact.at);
                    life.sent_at = Some(fact.place);
                }
                MessageAction::Edit => life.edits.push(fact.at),
                MessageAction::Delete => {
                    life.deleted = Some(fact.at);
                    standing.entry(name).or_default().pop();
                }
                MessageAction::Other => {}
            }
        }
        lives
    }

    /// Whether the message was sent and not deleted.
    pub fn stands(&self) -> bool {
        self.sent.is_some() && self.deleted.is_none()
    }
}

impl MessageTotals {
    /// Counts messages.
    pub fn of(lives: &[MessageLife]) -> MessageTotals {
        let sent = lives.iter().filter(|life| life.sent.is_some());
        MessageTotals {
            sent: sent.clone().count(),
            edited: lives.iter().map(|life| life.edits.len()).sum(),
            deleted: lives.iter().filter(|life| life.deleted.is_some()).count(),
            standing: lives.iter().filter(|life| life.stands()).count(),
            chats: sent.map(|life| &life.chat).collect::<BTreeSet<_>>().len(),
        }
    }
}
