//! Names that are in so many records of one call that further ones are counted, not kept.
//!
//! A sweep sorts all records into calls and keeps what each says until its call is over. One id in
//! every line of a file would keep the whole file.

use std::collections::HashSet;

use super::RecordLimits;
use crate::call::{Edge, Fact, Joiner};

/// The names of calls that have as many records as are kept.
#[derive(Debug)]
pub(super) struct Flood {
    limits: RecordLimits,
    /// Further records that are no Asterisk events are left out.
    full: HashSet<Vec<u8>>,
    /// So are Asterisk events, of calls that have twice as many.
    over: HashSet<Vec<u8>>,
    /// Records left out.
    pub left_out: u64,
}

impl Flood {
    pub(super) fn new(limits: RecordLimits) -> Flood {
        Flood {
            limits,
            full: HashSet::new(),
            over: HashSet::new(),
            left_out: 0,
        }
    }

    /// Adds a record to its call, unless that has as many as are kept.
    pub(super) fn push(&mut self, joiner: &mut Joiner, fact: Fact) {
        if self.is_left_out(&fact) {
            self.left_out += 1;
            return;
        }
        let Some(slot) = joiner.push(fact) else {
            return;
        };
        let facts = &joiner.component(slot).facts;
        if facts.len() < self.limits.records {
            return;
        }
        let names = facts.last().into_iter().flat_map(Fact::edges).map(name);
        match facts.len() < self.limits.records.saturating_mul(2) {
            true => self.full.extend(names),
            false => {
                for name in names {
                    self.full.insert(name.clone());
                    self.over.insert(name);
                }
            }
        }
    }

    fn is_left_out(&self, fact: &Fact) -> bool {
        if self.full.is_empty() {
            return false;
        }
        let names = match fact.is_asterisk() {
            true => &self.over,
            false => &self.full,
        };
        fact.edges().any(|edge| names.contains(&name(edge)))
    }
}

/// A name with the kind that it is of.
fn name(edge: Edge<'_>) -> Vec<u8> {
    match edge {
        Edge::Uid(uid) => [b"u", uid].concat(),
        Edge::Bridge(bridge) => [b"b", bridge].concat(),
        Edge::Local(stem) => [b"l", stem].concat(),
        Edge::Message { chat, message } => [b"m", chat, b"|", message].concat(),
    }
}
