//! The names under which a record is found, and those under which its partners are.

use crate::call::fact::{Edge, Fact};

/// A record has at most this many edges.
pub(super) const EDGES_MAX: usize = 6;

pub(super) const UID: u8 = b'u';
pub(super) const BRIDGE: u8 = b'b';
pub(super) const LOCAL: u8 = b'l';
pub(super) const SENT: u8 = b's';
pub(super) const CHANGED: u8 = b'c';

/// The record's edges, each with the tag that it is stored under.
pub(super) fn tagged(fact: &Fact) -> impl Iterator<Item = (Edge<'_>, u8)> {
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
pub(super) fn seen_as(tag: u8) -> &'static [u8] {
    match tag {
        UID => &[UID],
        BRIDGE => &[BRIDGE],
        LOCAL => &[LOCAL],
        SENT => &[CHANGED],
        _ => &[SENT, CHANGED],
    }
}
