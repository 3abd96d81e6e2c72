//! The lives of a call's Telegram messages.

use std::collections::{BTreeMap, BTreeSet};

use super::fact::{Event, Fact, MessageAction};
use crate::record::{Place, Stamp, text};

/// One message in one chat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageLife {
    /// The chat.
    pub chat: String,
    /// Its id in the chat; empty when the writer had none (then nothing can be matched to it).
    pub message: String,
    /// The stage it is about.
    pub stage: String,
    /// When it was sent; `None` when only a change of it was logged.
    pub sent: Option<Stamp>,
    /// The line of its sending, where its text is.
    pub sent_at: Option<Place>,
    /// When its text was changed.
    pub edits: Vec<Stamp>,
    /// When it was deleted; `None` while it stands.
    pub deleted: Option<Stamp>,
}

/// The messages of a call in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageTotals {
    /// Messages sent.
    pub sent: usize,
    /// Edits.
    pub edited: usize,
    /// Deletions.
    pub deleted: usize,
    /// Sent and not deleted.
    pub standing: usize,
    /// Chats that got any.
    pub chats: usize,
}

impl MessageLife {
    /// The messages that `facts` (in order of time) speak of, in the order of their sending.
    pub fn all(facts: &[Fact]) -> Vec<MessageLife> {
        let mut lives: Vec<MessageLife> = Vec::new();
        // Which of them stand, the latest last, by chat and id.
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
                    // One without an id can't be matched.
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

    /// Sent and not deleted.
    pub fn stands(&self) -> bool {
        self.sent.is_some() && self.deleted.is_none()
    }
}

impl MessageTotals {
    /// Counts lives.
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
