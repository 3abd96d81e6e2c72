//! Tracks which calls have to be checked again for joins without ids after new records of a stream.
//!
//! Whether a part belongs to a call depends only on the records of both. So a part is compared with all calls
//! once, and again when it grows; after that, only a call that grows can turn out to be its call. Comparing
//! every pair after every record would take time quadratic in the number of calls.

use std::collections::{BTreeMap, BTreeSet};

use super::infer;
use super::joiner::{Component, Joiner};

/// The slots of a [`Joiner`] that got records since the last search for joins.
#[derive(Debug, Default)]
pub struct Changes {
    slots: BTreeSet<u32>,
    /// The slots that can be a part, each with whether its call has been searched among all calls.
    parts: BTreeMap<u32, bool>,
}

impl Changes {
    /// Notes that a call is new or got a record.
    pub fn add(&mut self, slot: u32) {
        self.slots.insert(slot);
    }

    /// Whether the last search for joins left out a part because the part was too young.
    pub fn waits(&self) -> bool {
        self.parts.values().any(|was_sought| !was_sought)
    }

    /// Does the same as [`Joiner::infer`] for a caller that asks after every record: it looks only at pairs
    /// that the records since the last search can have changed. Returns the slots of the calls that got a
    /// part.
    pub fn infer(
        &mut self,
        joiner: &mut Joiner,
        may_join: impl Fn(&Component) -> bool,
    ) -> Vec<u32> {
        let grown = joiner.adopt_all(self.pairs(joiner, may_join));
        self.slots.extend(&grown);
        grown
    }

    /// Finds calls and their parts, as (call, part, circumstance), among the changes, and clears the changes.
    fn pairs(
        &mut self,
        joiner: &Joiner,
        may_join: impl Fn(&Component) -> bool,
    ) -> Vec<(u32, u32, String)> {
        let changed = std::mem::take(&mut self.slots);
        self.parts.extend(changed.iter().map(|slot| (*slot, false)));
        // A slot is empty after its call was merged into another one, so it can't be a part.
        self.parts
            .retain(|slot, _| joiner.component(*slot).group().may_be_part());
        let mut pairs = Vec::new();
        for (&part, was_sought) in &mut self.parts {
            let component = joiner.component(part);
            let may_join = may_join(component);
            let is_known = std::mem::replace(was_sought, may_join);
            if !may_join {
                continue;
            }
            let group = component.group();
            let found = match is_known {
                true => {
                    let others = changed.iter().filter(|slot| **slot != part);
                    let others = others.map(|&slot| (slot, joiner.component(slot).group()));
                    infer::main_of(&group, &others)
                }
                false => {
                    let others = joiner.components().filter(|(slot, _)| *slot != part);
                    infer::main_of(&group, &others.map(|(slot, c)| (slot, c.group())))
                }
            };
            pairs.extend(found.map(|(main, why)| (main, part, why)));
        }
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Fact;
    use crate::record::{Place, Record, Stamp};

    #[test]
    fn a_part_is_found_whether_it_settles_or_its_call_grows() {
        let lines = |hangup_first: bool| {
            let dial = "2025-12-02 09:15:00,000|AST|dial|1.1|{\"UniqueId\": \"1.1\", \"Phone\": \"375290001234\", \"CallType\": 0}";
            let bridge = "2025-12-02 09:15:10,000|AST|bridge|1.1|{\"UniqueId\": \"1.1\", \"BridgeUniqueid\": \"b1\", \"Channel\": \"SIP/151-0000002a\"}";
            let hangup = "2025-12-02 09:15:12,000|AST|hangup|1.9|{\"UniqueId\": \"1.9\", \"Phone\": \"151\", \"CallType\": 2}";
            match hangup_first {
                true => [hangup, dial, bridge],
                false => [dial, bridge, hangup],
            }
        };
        let later = "2025-12-02 09:15:30,000|AST|dial|1.5|{\"UniqueId\": \"1.5\", \"Phone\": \"375290005678\", \"CallType\": 0}";
        for hangup_first in [false, true] {
            for settles_at_once in [false, true] {
                let (mut joiner, mut changes) = (Joiner::default(), Changes::default());
                let mut grown = Vec::new();
                for (i, line) in lines(hangup_first).into_iter().chain([later]).enumerate() {
                    let at = Stamp::parse_prefix(line.as_bytes()).expect("a time");
                    let place = Place {
                        source: 0,
                        offset: i as u64,
                    };
                    let fact = Fact::of(&Record::parse(line.as_bytes()), at, place);
                    changes.add(joiner.push(fact).expect("a call"));
                    let may_join =
                        |part: &Component| settles_at_once || part.is_older_than(5_000, at);
                    grown.push(changes.infer(&mut joiner, may_join).len());
                }
                let expected = match settles_at_once {
                    true => [0, 0, 1, 0],
                    false => [0, 0, 0, 1],
                };
                assert_eq!(grown, expected, "{hangup_first} {settles_at_once}");
                assert_eq!(joiner.components().count(), 2);
            }
        }
    }
}
