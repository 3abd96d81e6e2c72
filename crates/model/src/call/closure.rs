//! Grows one call from one id: the transitive closure over the names that records share.

use std::collections::BTreeSet;

use super::fact::{Edge, Fact};
use crate::record::{Place, id, text};

/// A call with more names than this is a runaway join (five bridges and sixty events are a long call). The
/// closure then stops growing and sets `capped`.
const NAMES_MAX: usize = 600;

/// The two halves of a Local channel are created together. Asterisk starts its names over when it restarts,
/// so halves created further apart than this (seconds) belong to two calls.
const LOCAL_PAIR_SECONDS_MAX: i64 = 60;

/// An owned name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Uid(Vec<u8>),
    Bridge(Vec<u8>),
    Local(Vec<u8>),
    /// A message of the call by chat and id, from the record of its sending.
    Sent(Vec<u8>, Vec<u8>),
    /// A message of the call by chat and id, from the record of a change or deletion. It is kept apart: a
    /// change joins the sending and other changes, but two sendings under one id are two messages (a bot may
    /// be replaced).
    Changed(Vec<u8>, Vec<u8>),
}

/// Why an id belongs to the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is the requested id.
    Asked,
    /// It was in a bridge with the call.
    Bridge(String),
    /// It is the other half of a Local channel.
    LocalPair(String),
    /// It changed or sent a message of the call.
    Message { chat: String, message: String },
    /// It shares no id with the call; this circumstance suggests that it belongs.
    Inferred(String),
}

impl Reason {
    /// Whether a shared id proves that the leg belongs.
    pub fn is_proven(&self) -> bool {
        !matches!(self, Reason::Inferred(_))
    }
}

/// A leg, and the record that joined it to the call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    pub uid: String,
    pub reason: Reason,
    /// The record that joined it; `None` for the requested id and for inferred legs.
    pub by: Option<Place>,
}

/// The names that are known to belong to a call; the set grows with the records that are absorbed.
#[derive(Debug, Default)]
pub struct Closure {
    names: BTreeSet<Name>,
    /// The legs in the order in which they were found.
    joins: Vec<Join>,
    /// Whether growing was stopped because the call had too many names.
    pub capped: bool,
}

impl Closure {
    /// A closure that holds only `uid`.
    pub fn of(uid: &str) -> Closure {
        let mut closure = Closure::default();
        closure.add_uid(uid.as_bytes(), Reason::Asked, None);
        closure
    }

    /// A closure that begins with the names of some records of one call. `search` uses it for the records
    /// that it found.
    pub fn of_facts(facts: impl Iterator<Item = Fact>) -> Closure {
        let mut closure = Closure::default();
        for fact in facts {
            closure.learn(&fact, &Reason::Asked);
        }
        closure
    }

    /// Adds a requested id.
    pub fn ask(&mut self, uid: &str) {
        self.add_uid(uid.as_bytes(), Reason::Asked, None);
    }

    /// Adds a leg that shares no id with the call. Returns false when the leg already belongs to the call.
    pub fn infer(&mut self, uid: &[u8], circumstance: &str) -> bool {
        self.add_uid(uid, Reason::Inferred(circumstance.to_owned()), None)
    }

    /// Adds a record if it shares a name with the call; then all its names are the call's. Returns true when
    /// that added a name, so that records seen before may belong as well.
    pub fn absorb(&mut self, fact: &Fact) -> bool {
        match self.reason_for(fact) {
            Some(reason) => self.learn(fact, &reason),
            None => false,
        }
    }

    /// Whether a record belongs to the call, by the names known now. An unparsed line, or a request that was
    /// logged without an id, belongs when its text holds one of the call's ids.
    pub fn holds(&self, fact: &Fact, line: &[u8]) -> bool {
        self.reason_for(fact).is_some()
            || (fact.edges().next().is_none()
                && self
                    .uids()
                    .any(|uid| id::contains_token(line, uid.as_bytes())))
    }

    /// Whether the call has this leg.
    pub fn has_uid(&self, uid: &[u8]) -> bool {
        self.names.contains(&Name::Uid(uid.to_vec()))
    }

    /// The ids of the legs in the order in which they were found.
    pub fn uids(&self) -> impl Iterator<Item = &str> {
        self.joins.iter().map(|join| join.uid.as_str())
    }

    /// The legs, each with the reason why it belongs.
    pub fn joins(&self) -> &[Join] {
        &self.joins
    }

    /// The number of legs that were joined by circumstance, not by id.
    pub fn inferred(&self) -> usize {
        let inferred = self.joins.iter().filter(|join| !join.reason.is_proven());
        inferred.count()
    }

    /// The texts to search lines for: every record of the call that is not known yet holds one of them.
    pub fn needles(&self) -> Vec<Vec<u8>> {
        let needle = |name: &Name| match name {
            Name::Uid(text) | Name::Bridge(text) | Name::Local(text) => text.clone(),
            Name::Sent(_, message) | Name::Changed(_, message) => {
                [b"|", message.as_slice(), b"|"].concat()
            }
        };
        self.names.iter().map(needle).collect()
    }

    /// The names that records of the call share.
    pub fn edges(&self) -> impl Iterator<Item = Edge<'_>> {
        self.names.iter().map(|name| match name {
            Name::Uid(uid) => Edge::Uid(uid),
            Name::Bridge(bridge) => Edge::Bridge(bridge),
            Name::Local(stem) => Edge::Local(stem),
            Name::Sent(chat, message) | Name::Changed(chat, message) => {
                Edge::Message { chat, message }
            }
        })
    }

    /// The first of the record's names that the call has, as a reason.
    fn reason_for(&self, fact: &Fact) -> Option<Reason> {
        fact.edges().find_map(|edge| {
            let known = match edge {
                Edge::Local(_) => {
                    self.names.contains(&name(fact, edge)) && self.born_near(fact.uid())
                }
                Edge::Message { chat, message } => {
                    let (chat, message) = (chat.to_vec(), message.to_vec());
                    let sent = fact.changes_message()
                        && self
                            .names
                            .contains(&Name::Sent(chat.clone(), message.clone()));
                    sent || self.names.contains(&Name::Changed(chat, message))
                }
                _ => self.names.contains(&name(fact, edge)),
            };
            known.then(|| match edge {
                // A leg that is known adds no other leg, so its own reason does not matter.
                Edge::Uid(_) => Reason::Asked,
                Edge::Bridge(bridge) => Reason::Bridge(text(bridge)),
                Edge::Local(stem) => Reason::LocalPair(text(stem)),
                Edge::Message { chat, message } => Reason::Message {
                    chat: text(chat),
                    message: text(message),
                },
            })
        })
    }

    fn learn(&mut self, fact: &Fact, reason: &Reason) -> bool {
        let mut learned = false;
        for edge in fact.edges() {
            if self.names.len() >= NAMES_MAX {
                self.capped = true;
                return false;
            }
            learned |= match edge {
                Edge::Uid(uid) => self.add_uid(uid, reason.clone(), Some(fact.place)),
                other => self.names.insert(name(fact, other)),
            };
        }
        learned
    }

    fn born_near(&self, uid: &[u8]) -> bool {
        self.uids()
            .any(|known| local_pair_fits(known.as_bytes(), uid))
    }

    fn add_uid(&mut self, uid: &[u8], reason: Reason, by: Option<Place>) -> bool {
        let new = self.names.insert(Name::Uid(uid.to_vec()));
        if new {
            self.joins.push(Join {
                uid: text(uid),
                reason,
                by,
            });
        }
        new
    }
}

/// Whether two ids can be the halves of one Local channel.
pub(super) fn local_pair_fits(a: &[u8], b: &[u8]) -> bool {
    match (id::epoch_seconds(a), id::epoch_seconds(b)) {
        (Some(a), Some(b)) => (a - b).abs() <= LOCAL_PAIR_SECONDS_MAX,
        (None, None) => !a.is_empty() && !b.is_empty(),
        _ => false,
    }
}

fn name(fact: &Fact, edge: Edge<'_>) -> Name {
    match edge {
        Edge::Uid(uid) => Name::Uid(uid.to_vec()),
        Edge::Bridge(bridge) => Name::Bridge(bridge.to_vec()),
        Edge::Local(stem) => Name::Local(stem.to_vec()),
        Edge::Message { chat, message } if fact.changes_message() => {
            Name::Changed(chat.to_vec(), message.to_vec())
        }
        Edge::Message { chat, message } => Name::Sent(chat.to_vec(), message.to_vec()),
    }
}
