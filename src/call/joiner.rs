//! A stream of records sorted into calls.
//!
//! Union of everything that shares an edge, in one pass. Calls that have been quiet for long enough
//! are handed out and forgotten, so memory holds the calls of some hours, not of the log.

use std::collections::HashMap;

use super::closure::local_pair_fits;
use super::fact::{Edge, Fact};
use super::reach;
use crate::record::Stamp;

/// The records of one call, as far as ids join them.
#[derive(Debug, Default)]
pub struct Component {
    /// In order of arrival.
    pub facts: Vec<Fact>,
    /// Time of the latest.
    pub last: Option<Stamp>,
    /// What `reach::silence` said of it, as long as nothing was added since.
    silence: Option<i64>,
}

impl Component {
    fn push(&mut self, fact: Fact) {
        self.last = self.last.max(Some(fact.at));
        self.silence = None;
        self.facts.push(fact);
    }
}

/// The calls that may still grow.
#[derive(Debug, Default)]
pub struct Joiner {
    /// Tagged name -> slot.
    names: HashMap<Box<[u8]>, u32>,
    slots: Vec<Component>,
    free: Vec<u32>,
    key: Vec<u8>,
}

impl Joiner {
    /// Adds a record. One that shares no name with anything (an unparsed line) is dropped.
    pub fn push(&mut self, fact: Fact) {
        let mut home = None;
        for (edge, tag) in tagged(&fact) {
            for wanted in seen_as(tag) {
                fill(&mut self.key, *wanted, edge);
                let Some(&slot) = self.names.get(self.key.as_slice()) else {
                    continue;
                };
                if tag == LOCAL && !self.pair_fits(slot, &fact) {
                    continue;
                }
                home = Some(match home {
                    None => slot,
                    Some(other) => self.merge(other, slot),
                });
            }
        }
        if home.is_none() && fact.edges().next().is_none() {
            return;
        }
        let home = home.unwrap_or_else(|| self.new_slot());
        for (edge, tag) in tagged(&fact) {
            fill(&mut self.key, tag, edge);
            if !self.names.contains_key(self.key.as_slice()) {
                self.names.insert(self.key.as_slice().into(), home);
            }
        }
        self.slots[home as usize].push(fact);
    }

    /// The slots of calls that nothing can be added to any more, when all records up to `now` have
    /// been pushed.
    pub fn quiet(&mut self, now: Stamp) -> Vec<u32> {
        let is_quiet = |component: &mut Component| {
            let Some(last) = component.last else {
                return false;
            };
            let silence = now.since(last);
            silence >= reach::QUIET_MILLIS
                && silence
                    >= *component
                        .silence
                        .get_or_insert_with(|| reach::silence(&component.facts))
        };
        (0..)
            .zip(&mut self.slots)
            .filter_map(|(slot, component)| is_quiet(component).then_some(slot))
            .collect()
    }

    /// Takes out all calls.
    pub fn take_all(&mut self) -> Vec<Component> {
        let slots: Vec<u32> = self.components().map(|(slot, _)| slot).collect();
        slots.into_iter().map(|slot| self.take(slot)).collect()
    }

    /// The calls as they are now, by slot.
    pub fn components(&self) -> impl Iterator<Item = (u32, &Component)> {
        (0..).zip(&self.slots).filter(|(_, c)| c.last.is_some())
    }

    /// Takes out the call of one slot.
    pub fn take(&mut self, slot: u32) -> Component {
        let component = std::mem::take(&mut self.slots[slot as usize]);
        for fact in &component.facts {
            for (edge, tag) in tagged(fact) {
                fill(&mut self.key, tag, edge);
                self.names.remove(self.key.as_slice());
            }
        }
        self.free.push(slot);
        component
    }

    /// Puts the call of slot `part` into that of slot `into`; nothing when they are one already.
    pub fn merge_into(&mut self, into: u32, part: u32) {
        if into == part {
            return;
        }
        let moved = std::mem::take(&mut self.slots[part as usize]);
        self.free.push(part);
        for fact in moved.facts {
            for (edge, tag) in tagged(&fact) {
                fill(&mut self.key, tag, edge);
                if let Some(slot) = self.names.get_mut(self.key.as_slice()) {
                    *slot = into;
                }
            }
            self.slots[into as usize].push(fact);
        }
    }

    fn new_slot(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(Component::default());
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 calls are open at once")
        })
    }

    /// Puts the smaller of two calls into the larger.
    fn merge(&mut self, a: u32, b: u32) -> u32 {
        let weight = |slot: u32| self.slots[slot as usize].facts.len();
        let (into, part) = if weight(a) >= weight(b) { (a, b) } else { (b, a) };
        self.merge_into(into, part);
        into
    }

    fn pair_fits(&self, slot: u32, fact: &Fact) -> bool {
        let others = &self.slots[slot as usize].facts;
        others
            .iter()
            .any(|other| local_pair_fits(other.uid(), fact.uid()))
    }
}

const UID: u8 = b'u';
const BRIDGE: u8 = b'b';
const LOCAL: u8 = b'l';
const SENT: u8 = b's';
const CHANGED: u8 = b'c';

/// The record's edges, each with the tag that it is stored under.
fn tagged(fact: &Fact) -> impl Iterator<Item = (Edge<'_>, u8)> {
    let changes = fact.changes_message();
    fact.edges().map(move |edge| {
        let tag = match edge {
            Edge::Uid(_) => UID,
            Edge::Bridge(_) => BRIDGE,
            Edge::Local(_) => LOCAL,
            Edge::Message { .. } if changes => CHANGED,
            Edge::Message { .. } => SENT,
        };
        (edge, tag)
    })
}

/// The tags under which a partner may be stored; see `closure` for why sendings don't join.
fn seen_as(tag: u8) -> &'static [u8] {
    match tag {
        UID => &[UID],
        BRIDGE => &[BRIDGE],
        LOCAL => &[LOCAL],
        SENT => &[CHANGED],
        _ => &[SENT, CHANGED],
    }
}

fn fill(key: &mut Vec<u8>, tag: u8, edge: Edge<'_>) {
    key.clear();
    key.push(tag);
    match edge {
        Edge::Uid(name) | Edge::Bridge(name) | Edge::Local(name) => key.extend_from_slice(name),
        Edge::Message { chat, message } => {
            key.extend_from_slice(chat);
            key.push(b'|');
            key.extend_from_slice(message);
        }
    }
}
