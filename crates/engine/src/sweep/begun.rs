//! Whether a call began in a window, when only the time near the window was read.
//!
//! A call that began before the window and was silent just before it (a caller on hold, or a phone that rings
//! for long) looks as if it began with its next record. Its ids show the difference: each names the second in
//! which its channel was born. If a channel was born before the time that was read, the earlier records are
//! searched for it.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::Sweep;
use crate::plan::blocks_near;
use crate::search::CallCollector;
use crate::window::TimeWindow;
use calltrace_model::call::{Component, Edge, Fact, SAME_CALL_MILLIS, reach};
use calltrace_model::record::{LogZone, Place, Record, Stamp, id};
use calltrace_store::index::IndexKey;
use calltrace_store::scan::{Needles, Task};
use calltrace_store::source::{Span, first_line_at};

/// Bisection finds a place that is at most this far (bytes) before the first line of a given time.
const FIRST_LINE_BYTES: u64 = 64 << 10;

impl Sweep<'_> {
    /// Whether a call with these records (in order of time) may have begun before the window.
    pub(super) fn may_be_older(&self, facts: &[Fact]) -> bool {
        let is_near = facts
            .first()
            .is_some_and(|first| first.at.since(self.window.start) < reach::HORIZON_MILLIS);
        self.has_older && is_near && facts.iter().any(|fact| self.is_older(fact.uid()))
    }

    /// Whether the channel of an id was born before the first record that was read.
    fn is_older(&self, uid: &[u8]) -> bool {
        let born = born(self.engine.zone, uid);
        born.is_some_and(|born| born < self.window.reads_from())
    }

    /// Those of the unsure calls that have no record before the window.
    pub(super) fn begun_here(&mut self, calls: &mut CallCollector<'_>) -> Vec<Component> {
        let mut unsure = std::mem::take(&mut self.unsure);
        if unsure.is_empty() {
            return unsure;
        }
        let uids: HashSet<&[u8]> = unsure
            .iter()
            .flat_map(|call| call.facts.iter().map(Fact::uid))
            .filter(|uid| self.is_older(uid))
            .collect();
        let seen = self.seen_before(&uids, calls);
        unsure.retain(|call| !call.facts.iter().any(|fact| seen.contains(fact.uid())));
        unsure
    }

    /// Those of some ids that have records before the window, at most as long before it as a call may be
    /// silent.
    fn seen_before(
        &self,
        uids: &HashSet<&[u8]>,
        calls: &mut CallCollector<'_>,
    ) -> HashSet<Vec<u8>> {
        let when = TimeWindow {
            start: self.window.start.plus_millis(-reach::HORIZON_MILLIS),
            end: self.window.reads_from(),
        };
        let keys: Vec<IndexKey> = uids
            .iter()
            .map(|uid| IndexKey::of_edge(Edge::Uid(uid)))
            .collect();
        let needles = Needles::new(uids.iter().copied());
        let tasks = self.tasks_of(when, &keys);
        let parts = self.engine.scanner.run(&tasks, |task, blocks| {
            let mut seen = HashSet::new();
            while let Some(block) = blocks.next_block() {
                needles.lines(block.text, |_, text| {
                    let record = Record::parse(text);
                    let Some(at) = record.at.filter(|at| when.holds(*at)) else {
                        return;
                    };
                    let place = Place {
                        source: task.index,
                        offset: block.offset,
                    };
                    let fact = Fact::without_texts(&record, at, place);
                    let names = fact.edges().filter_map(|edge| match edge {
                        Edge::Uid(uid) => uids.contains(uid).then(|| uid.to_vec()),
                        _ => None,
                    });
                    seen.extend(names);
                });
            }
            seen
        });
        let mut all = HashSet::new();
        for (seen, troubles) in parts {
            all.extend(seen);
            calls.troubles.extend(troubles);
        }
        all
    }

    /// The content to read to see all records within `when` that one of `keys` leads to.
    fn tasks_of(&self, when: TimeWindow, keys: &[IndexKey]) -> Vec<Task> {
        let near = self.corpus.select(|bounds| {
            bounds.first.is_none_or(|first| first < when.end)
                && bounds.last.is_none_or(|last| last >= when.start)
        });
        let mut tasks = Vec::new();
        for (number, source) in near {
            let index = self.corpus.indexes[number as usize].as_ref();
            if let Some(index) = index.filter(|index| index.may_hold(when.start, when.end)) {
                let times = (when.start, when.end);
                tasks.extend(blocks_near(number, &source, index, Some(keys), times));
            }
            let total = source.content_bytes();
            let span = match self.corpus.bounds[number as usize].ordered {
                true => Span {
                    start: first_line_at(&source, when.start),
                    end: first_line_at(&source, when.end) + FIRST_LINE_BYTES,
                },
                false => Span::WHOLE,
            };
            let span = Span {
                start: span.start.max(self.corpus.covered(number)),
                end: match total {
                    Some(total) => span.end.min(total),
                    None if index.is_some() => 0,
                    None => Span::WHOLE.end,
                },
            };
            if span.start < span.end {
                tasks.push(Task {
                    source: Arc::clone(&source),
                    index: number,
                    span,
                });
            }
        }
        tasks
    }
}

/// Whether the records (in order of time) are only messages and requests from after the end of the call: its
/// channels were born long before, and no Asterisk event is among them.
pub(super) fn is_remnant(zone: LogZone, facts: &[Fact]) -> bool {
    let Some(first) = facts.first() else {
        return false;
    };
    let is_late = |fact: &Fact| {
        let born = born(zone, fact.uid());
        born.is_some_and(|born| first.at.since(born) > reach::QUIET_MILLIS)
    };
    !facts.iter().any(Fact::is_asterisk) && facts.iter().any(is_late)
}

/// When the channel of an id was born; `None` if the id does not say.
fn born(zone: LogZone, uid: &[u8]) -> Option<Stamp> {
    let moment = chrono::DateTime::from_timestamp(id::epoch_seconds(uid)?, 0)?;
    Some(zone.stamp(moment))
}

/// The channels of finished calls, by a hash of their ids, each with the time of its last record.
#[derive(Default)]
pub(super) struct EndedChannels {
    seed: RandomState,
    last: HashMap<u64, Stamp, RandomState>,
}

impl EndedChannels {
    /// Adds the records of a call (in order of time) and returns whether all of its channels are new. A call
    /// with a known channel is not another call: it is a message or a hangup that came after the call had
    /// ended.
    pub(super) fn is_new(&mut self, facts: &[Fact]) -> bool {
        let Some((first, last)) = facts.first().zip(facts.last()) else {
            return false;
        };
        let mut is_new = true;
        let mut before: &[u8] = b"";
        for fact in facts {
            let uid = fact.uid();
            if uid == before || !id::is_known(uid) {
                continue;
            }
            before = uid;
            let known = self.last.insert(self.seed.hash_one(uid), last.at);
            is_new &= known.is_none_or(|at| {
                // The last record is one of this call's own.
                at == last.at || first.at.since(at) > SAME_CALL_MILLIS
            });
        }
        is_new
    }
}
