//! The names that join a record to other records of its call.

use super::{BRIDGE, CHANNEL, DEST, EXTEN, Fact, LINKED};
use crate::record::id;

/// A record has at most this many edges.
pub(in crate::call) const EDGES_MAX: usize = 5;

/// A name that a record shares with other records of its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Edge<'f> {
    Uid(&'f [u8]),
    /// A bridge that channels meet in.
    Bridge(&'f [u8]),
    /// The name of a Local channel without its `;1` or `;2`. Asterisk starts these names over when it
    /// restarts.
    Local(&'f [u8]),
    Message {
        chat: &'f [u8],
        message: &'f [u8],
    },
}

impl Fact {
    /// The names that the record shares with other records of its call. A holding bridge is not one of them:
    /// the bridge of a parking lot keeps one id for all calls until Asterisk restarts.
    pub fn edges(&self) -> impl Iterator<Item = Edge<'_>> {
        let mut list = [None; EDGES_MAX];
        let mut count = 0;
        self.each_edge(|edge| {
            list[count] = Some(edge);
            count += 1;
        });
        list.into_iter().flatten()
    }

    /// Calls `take` with each edge. A sweep does this for every record, so no list is built.
    pub(in crate::call) fn each_edge<'f>(&'f self, mut take: impl FnMut(Edge<'f>)) {
        let uid = self.uid();
        if id::is_known(uid) {
            take(Edge::Uid(uid));
        }
        if self.is_message() {
            let message = self.message();
            if id::is_known(message) {
                let chat = self.chat();
                take(Edge::Message { chat, message });
            }
        }
        if !self.is_asterisk() {
            return;
        }
        let bridge = self.field(BRIDGE);
        if !self.holding && id::is_known(bridge) {
            take(Edge::Bridge(bridge));
        }
        if let Some(stem) = local_stem(self.field(CHANNEL)) {
            take(Edge::Local(stem));
        }
        // Most lines have neither of the two fields.
        if self.ends[EXTEN] != self.ends[DEST] {
            for other in [self.field(LINKED), self.field(DEST)] {
                if other != uid && id::is_known(other) {
                    take(Edge::Uid(other));
                }
            }
        }
    }
}

/// `Local/151@ctx-0000000a;1` -> `Local/151@ctx-0000000a`.
pub(in crate::call) fn local_stem(channel: &[u8]) -> Option<&[u8]> {
    if !channel.starts_with(b"Local/") {
        return None;
    }
    channel
        .strip_suffix(b";1")
        .or_else(|| channel.strip_suffix(b";2"))
}

/// `Local/151@ctx-0000000a;1` -> `151`: the party that a Local channel was created to ring.
pub(in crate::call) fn local_target(channel: &[u8]) -> Option<&[u8]> {
    let rest = channel.strip_prefix(b"Local/")?;
    let end = rest.iter().position(|b| matches!(b, b'@' | b'-' | b'/'))?;
    Some(&rest[..end]).filter(|target| !target.is_empty())
}
