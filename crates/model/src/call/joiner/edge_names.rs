//! The names under which a record is stored, and the names under which the records that it joins are stored.

use super::NameHash;
use crate::call::fact::{EDGES_MAX, Edge, Fact};

pub(super) const UID: u8 = b'u';
pub(super) const BRIDGE: u8 = b'b';
pub(super) const LOCAL: u8 = b'l';
pub(super) const SENT: u8 = b's';
pub(super) const CHANGED: u8 = b'c';

/// An edge of a record.
#[derive(Clone, Copy)]
pub(super) struct NamedEdge<'f> {
    pub(super) edge: Edge<'f>,
    /// The tag of the edge. The record is stored under `name`, the hash of tag and edge.
    pub(super) tag: u8,
    pub(super) name: NameHash,
}

/// The edges of a record in the order of [`Fact::edges`]: the id of its own channel first.
pub(super) struct EdgeNames<'f> {
    list: [Option<NamedEdge<'f>>; EDGES_MAX],
    count: usize,
}

impl<'f> EdgeNames<'f> {
    pub(super) fn of(fact: &'f Fact, name: impl Fn(u8, Edge<'f>) -> NameHash) -> EdgeNames<'f> {
        let mut names = EdgeNames {
            list: [None; EDGES_MAX],
            count: 0,
        };
        let changes = fact.changes_message();
        fact.each_edge(|edge| {
            let tag = match edge {
                Edge::Uid(_) => UID,
                Edge::Bridge(_) => BRIDGE,
                Edge::Local(_) => LOCAL,
                Edge::Message { .. } if changes => CHANGED,
                Edge::Message { .. } => SENT,
            };
            names.list[names.count] = Some(NamedEdge {
                edge,
                tag,
                name: name(tag, edge),
            });
            names.count += 1;
        });
        names
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = NamedEdge<'f>> {
        self.list[..self.count].iter().copied().flatten()
    }

    /// The first edge with this tag.
    pub(super) fn find(&self, tag: u8) -> Option<NamedEdge<'f>> {
        self.iter().find(|named| named.tag == tag)
    }

    /// Removes the edges with this tag.
    pub(super) fn leave_out(&mut self, tag: u8) {
        for named in &mut self.list {
            *named = named.filter(|named| named.tag != tag);
        }
    }
}

/// The tags under which a record to join may be stored; `closure` explains why sendings don't join.
pub(super) fn seen_as(tag: u8) -> &'static [u8] {
    match tag {
        UID => &[UID],
        BRIDGE => &[BRIDGE],
        LOCAL => &[LOCAL],
        SENT => &[CHANGED],
        _ => &[SENT, CHANGED],
    }
}
