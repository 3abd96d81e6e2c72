//! Sorts a stream of records into calls.
//!
//! Records that share an edge are united in one pass. Calls without new records for long enough are handed
//! out and dropped, so memory holds the calls of a few hours, not of the whole log.
//!
//! A name is stored as a 128-bit hash with seeds that are random in every run. With half a million names at
//! once, two of them collide once in 10^27 runs. Storing the names themselves takes a third of the time of a
//! whole sweep.

mod component;
mod edge_names;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, Hasher};

use foldhash::fast::RandomState;

use super::closure::local_pair_fits;
use super::fact::{Edge, Event, Fact, local_stem};
use super::infer::{self, RecordGroup};
use super::reach;
use crate::record::{LogZone, Stamp};
pub use component::{Component, first_and_last};
use edge_names::{BRIDGE, EdgeNames, LOCAL, NamedEdge, UID, seen_as};

/// The hash of a name and its tag.
type NameHash = u128;

/// The calls that may still grow.
#[derive(Debug)]
pub struct Joiner {
    /// The number of Asterisk events that are kept of one call, and of other records (see
    /// [`Joiner::keeping`]).
    records: usize,
    left_out: u64,
    /// With a zone, a record that comes after its call was over begins another call, by the clocks of that
    /// zone.
    lets_go: Option<LogZone>,
    /// The number of calls created so far.
    born: u32,
    slot_of: HashMap<NameHash, u32, RandomState>,
    slots: Vec<Component>,
    free: Vec<u32>,
    bridges: HashMap<NameHash, Bridge, RandomState>,
    /// Above this number, bridges without recent records are dropped.
    bridges_kept: usize,
    /// Bridges that join no calls, kept while records come: a parking lot keeps its bridge until Asterisk
    /// restarts.
    holding: HashSet<NameHash, RandomState>,
    seeds: [RandomState; 2],
}

/// With fewer bridges than this, dropping old ones is not worth a search.
const BRIDGES_KEPT_MIN: usize = 4_096;

/// A bridge during one conversation.
#[derive(Debug, Default)]
struct Bridge {
    /// Whether its creation was logged.
    created: bool,
    /// The number of channels that entered and have not left.
    inside: i32,
    /// All channels left, or the bridge was destroyed: a channel that enters later begins another
    /// conversation.
    ended: bool,
    /// Time of its latest record.
    last: Option<Stamp>,
}

/// Records with one name that are further apart than this (milliseconds), with none between, belong to two
/// calls. A channel's id is the second of its creation and a counter that starts over with Asterisk, a test
/// system uses one id every day, and no call is silent for a day.
pub const SAME_CALL_MILLIS: i64 = 24 * 3_600_000;

impl Default for Joiner {
    /// Creates a joiner that keeps all records.
    fn default() -> Joiner {
        Joiner::keeping(usize::MAX)
    }
}

impl Joiner {
    /// Creates a joiner that keeps at most `records` Asterisk events of one call (the first nine tenths and
    /// the last tenth) and at most `records` other records (the first ones): a program in a loop writes one
    /// id into millions of lines. While a call grows, it may hold a quarter more. A call with that many names
    /// takes no more names.
    pub fn keeping(records: usize) -> Joiner {
        Joiner {
            records,
            left_out: 0,
            lets_go: None,
            born: 0,
            slot_of: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            bridges: HashMap::default(),
            bridges_kept: 0,
            holding: HashSet::default(),
            seeds: Default::default(),
        }
    }

    /// Makes a record begin another call when it comes after its call was over (see [`Joiner::quiet`]),
    /// whether or not that call was taken out. So the joins do not depend on how often calls are taken out.
    #[must_use]
    pub fn letting_go(self, zone: LogZone) -> Joiner {
        Joiner {
            lets_go: Some(zone),
            ..self
        }
    }

    /// The number of records that were left out so far. It is complete for calls that were taken out.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Whether the call of a slot has more records than are kept.
    pub fn is_flooded(&self, slot: u32) -> bool {
        self.slots[slot as usize].facts.len() > self.records
    }

    /// Adds a record and returns the slot of its call. Records come in order of time, except for small
    /// differences between writers. A record without a name (an unparsed line) is dropped, and the result is
    /// `None`.
    pub fn push(&mut self, fact: Fact) -> Option<u32> {
        let mut names = EdgeNames::of(&fact, |tag, edge| self.name(tag, edge));
        match names.find(BRIDGE) {
            Some(bridge) if !self.follow_bridge(&fact, bridge.name, &names) => {
                names.leave_out(BRIDGE);
            }
            Some(_) => {}
            None if fact.holding => self.hold(self.name(BRIDGE, Edge::Bridge(fact.bridge()))),
            None => {}
        }
        let mut home = None;
        // The names that already lead to the call, as bits.
        let mut leading = 0u32;
        for (i, NamedEdge { edge, tag, name }) in names.iter().enumerate() {
            for wanted in seen_as(tag) {
                let wanted_name = match *wanted == tag {
                    true => name,
                    false => self.name(*wanted, edge),
                };
                let Some(&slot) = self.slot_of.get(&wanted_name) else {
                    continue;
                };
                if home != Some(slot) {
                    if tag == LOCAL && !self.pair_fits(slot, &fact) || self.is_past(slot, &fact) {
                        continue;
                    }
                    if let Some(other) = home {
                        home = Some(self.merge(other, slot));
                        leading = 0;
                        continue;
                    }
                    home = Some(slot);
                }
                leading |= u32::from(*wanted == tag) << i;
            }
        }
        names.iter().next()?;
        let home = home.unwrap_or_else(|| self.new_slot());
        for (i, named) in names.iter().enumerate() {
            if leading & (1 << i) != 0 {
                continue;
            }
            if self.slots[home as usize].names.len() >= self.records {
                break;
            }
            // An older call may have the same name of a Local channel; the name then moves to the newer call.
            if self.slot_of.insert(named.name, home) != Some(home) {
                self.slots[home as usize].names.push(named.name);
            }
        }
        let call = &mut self.slots[home as usize];
        call.push(fact);
        if call.facts.len() / 5 >= self.records / 2 {
            self.left_out += call.trim(self.records);
        }
        Some(home)
    }

    /// Whether the call of a slot is too old for a record with the same name. A wrong clock may have dated
    /// that call years ahead.
    fn is_past(&mut self, slot: u32, fact: &Fact) -> bool {
        let component = &mut self.slots[slot as usize];
        let Some(last) = component.last else {
            return false;
        };
        let silence = fact.at.since(last);
        let mut lets_go = || {
            let zone = self.lets_go.filter(|_| silence >= reach::QUIET_MILLIS);
            zone.is_some_and(|zone| {
                component.is_over_after(zone.written_until(fact.at).since(last))
            })
        };
        silence.abs() > SAME_CALL_MILLIS || lets_go()
    }

    /// Tracks the bridge of a record, which is one of its names. Returns false if the bridge does not join
    /// the record to a call.
    fn follow_bridge(&mut self, fact: &Fact, name: NameHash, names: &EdgeNames<'_>) -> bool {
        if self.holding.contains(&name) {
            return false;
        }
        let of_uid = || {
            let own = names.iter().next().filter(|named| named.tag == UID)?;
            self.slot_of.get(&own.name).copied()
        };
        let of_bridge = || self.slot_of.get(&name).copied();
        let bridge = self.bridges.entry(name).or_default();
        let silence = bridge.last.map_or(0, |last| fact.at.since(last));
        let begins = matches!(fact.event, Event::Bridge | Event::BridgeCreate)
            && (bridge.ended || silence > reach::HORIZON_MILLIS);
        // The last leave may be logged after the bridge was destroyed, and a channel that left may come back.
        // Only a new channel begins another conversation.
        if begins && of_uid().is_none_or(|uid| Some(uid) != of_bridge()) {
            *bridge = Bridge::default();
            self.slot_of.remove(&name);
        } else if fact.event == Event::Bridge
            && !bridge.created
            && let (Some(a), Some(b)) = (of_uid(), of_bridge())
            && a != b
            && self.slots[a as usize].group().profile.has_start()
            && self.slots[b as usize].group().profile.has_start()
        {
            // Two calls from outside meet in a bridge that existed before both: it is a parking lot on a host
            // that does not say so.
            self.hold(name);
            return false;
        }
        bridge.last = bridge.last.max(Some(fact.at));
        match fact.event {
            Event::BridgeCreate => bridge.created = true,
            Event::Bridge => {
                bridge.ended = false;
                bridge.inside += 1;
            }
            Event::BridgeLeave => {
                bridge.inside -= 1;
                bridge.ended = match fact.channels_left {
                    Some(left) => left == 0,
                    None => bridge.inside <= 0,
                };
            }
            Event::BridgeDestroy => {
                bridge.inside = 0;
                bridge.ended = true;
            }
            _ => {}
        }
        true
    }

    fn hold(&mut self, bridge: NameHash) {
        self.holding.insert(bridge);
        self.bridges.remove(&bridge);
    }

    /// Joins parts that share no id to their calls, if `may_join` allows it. Returns the slots of the calls
    /// that got a part.
    pub fn infer(&mut self, may_join: impl Fn(&Component) -> bool) -> Vec<u32> {
        let mut grown = Vec::new();
        // A part may lead to a leg that is also a part.
        loop {
            let found = self.infer_once(&may_join);
            if found.is_empty() {
                grown.retain(|slot| self.component(*slot).last.is_some());
                return grown;
            }
            grown.extend(found);
        }
    }

    fn infer_once(&mut self, may_join: &impl Fn(&Component) -> bool) -> Vec<u32> {
        let (slots, groups): (Vec<u32>, Vec<RecordGroup<'_>>) =
            self.components().map(|(slot, c)| (slot, c.group())).unzip();
        let pairs: Vec<(u32, u32, String)> = infer::joins(&groups)
            .into_iter()
            .map(|(main, part, why)| (slots[main], slots[part], why))
            .filter(|(_, part, _)| may_join(self.component(*part)))
            .collect();
        self.adopt_all(pairs)
    }

    /// Puts parts, given as (call, part, circumstance), into their calls. Returns the slots of the calls that
    /// got a part.
    pub(super) fn adopt_all(&mut self, pairs: Vec<(u32, u32, String)>) -> Vec<u32> {
        let mut moved: HashMap<u32, u32> = HashMap::new();
        let mut grown = Vec::new();
        for (main, part, why) in pairs {
            // A main group may have become a part of another group before.
            let now_in = |mut slot: u32| {
                while let Some(&next) = moved.get(&slot) {
                    slot = next;
                }
                slot
            };
            let (main, part) = (now_in(main), now_in(part));
            if main != part {
                self.adopt(main, part, &why);
                moved.insert(part, main);
                grown.push(main);
            }
        }
        grown.retain(|slot| !moved.contains_key(slot));
        grown
    }

    /// The slots of the calls to which no record can be added any more, when all records up to `now` have
    /// been pushed.
    pub fn quiet(&mut self, now: Stamp) -> Vec<u32> {
        // A bridge is kept for longer than its call, which is cheaper than a search for the bridges of each
        // call that is over.
        if self.bridges.len() > self.bridges_kept.max(BRIDGES_KEPT_MIN) {
            let lasts = |bridge: &Bridge| {
                let silence = bridge.last.map_or(0, |last| now.since(last));
                silence <= reach::HORIZON_MILLIS
            };
            self.bridges.retain(|_, bridge| lasts(bridge));
            self.bridges_kept = 2 * self.bridges.len();
        }
        let is_quiet = |component: &mut Component| {
            let Some(last) = component.last else {
                return false;
            };
            component.is_over_after(now.since(last))
        };
        (0..)
            .zip(&mut self.slots)
            .filter_map(|(slot, component)| is_quiet(component).then_some(slot))
            .collect()
    }

    /// Removes and returns all calls.
    pub fn take_all(&mut self) -> Vec<Component> {
        let slots: Vec<u32> = self.components().map(|(slot, _)| slot).collect();
        slots.into_iter().map(|slot| self.take(slot)).collect()
    }

    /// The current calls, by slot.
    pub fn components(&self) -> impl Iterator<Item = (u32, &Component)> + Clone {
        (0..).zip(&self.slots).filter(|(_, c)| c.last.is_some())
    }

    /// The call of one slot.
    pub fn component(&self, slot: u32) -> &Component {
        &self.slots[slot as usize]
    }

    /// The records of one slot, put in order of time.
    pub fn in_order(&mut self, slot: u32) -> &[Fact] {
        let facts = &mut self.slots[slot as usize].facts;
        facts.sort_by_key(|fact| (fact.at, fact.place));
        facts
    }

    /// Removes and returns the call of one slot.
    pub fn take(&mut self, slot: u32) -> Component {
        let mut component = std::mem::take(&mut self.slots[slot as usize]);
        if component.facts.len() > self.records {
            self.left_out += component.trim(self.records);
        }
        for name in &component.names {
            if self.slot_of.get(name) == Some(&slot) {
                self.slot_of.remove(name);
            }
        }
        self.free.push(slot);
        component
    }

    /// Puts a part that shares no id into its call. The profile of the call stays as it was: a call from the
    /// CRM has no bridge of its own, even if parts with bridges join it.
    fn adopt(&mut self, into: u32, part: u32, why: &str) {
        let of_part = |fact: &Fact| [fact.uid().into(), fact.bridge().into()];
        let names: Vec<Box<[u8]>> = self.slots[part as usize]
            .facts
            .iter()
            .flat_map(of_part)
            .collect();
        let uids: BTreeSet<&[u8]> = self.slots[part as usize]
            .facts
            .iter()
            .map(Fact::uid)
            .filter(|uid| !uid.is_empty())
            .collect();
        let inferred: Vec<_> = uids
            .into_iter()
            .map(|uid| (uid.into(), why.to_owned()))
            .collect();
        let home = &mut self.slots[into as usize];
        home.inferred.extend(inferred);
        for name in names {
            if !name.is_empty() && !home.adopted.contains(&name) {
                home.adopted.push(name);
            }
        }
        self.merge_into(into, part);
    }

    /// Puts the call of slot `part` into the call of slot `into`; does nothing when the slots are equal.
    fn merge_into(&mut self, into: u32, part: u32) {
        if into == part {
            return;
        }
        let mut moved = std::mem::take(&mut self.slots[part as usize]);
        self.free.push(part);
        let home = &mut self.slots[into as usize];
        for name in moved.names {
            if self.slot_of.get(&name) == Some(&part) {
                self.slot_of.insert(name, into);
                home.names.push(name);
            }
        }
        home.adopted.append(&mut moved.adopted);
        home.inferred.append(&mut moved.inferred);
        home.merged.append(&mut moved.merged);
        home.merged.push(moved.born);
        for fact in moved.facts {
            home.push(fact);
        }
    }

    fn new_slot(&mut self) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Component::default());
            u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 calls are open at once")
        });
        self.born += 1;
        self.slots[slot as usize].born = self.born;
        slot
    }

    /// Merges the smaller of two calls into the larger and returns the slot of the larger.
    fn merge(&mut self, a: u32, b: u32) -> u32 {
        let weight = |slot: u32| self.slots[slot as usize].facts.len();
        let (into, part) = if weight(a) >= weight(b) {
            (a, b)
        } else {
            (b, a)
        };
        self.merge_into(into, part);
        into
    }

    fn name(&self, tag: u8, edge: Edge<'_>) -> NameHash {
        let half = |seed: &RandomState| {
            let mut hasher = seed.build_hasher();
            hasher.write_u8(tag);
            match edge {
                Edge::Uid(name) | Edge::Bridge(name) | Edge::Local(name) => hasher.write(name),
                Edge::Message { chat, message } => {
                    hasher.write(chat);
                    // The length separates the chat from the message.
                    hasher.write_usize(chat.len());
                    hasher.write(message);
                }
            }
            hasher.finish()
        };
        let [a, b] = &self.seeds;
        u128::from(half(a)) << 64 | u128::from(half(b))
    }

    /// Whether the call of a slot has a half of the Local channel of the fact, not of an earlier channel with
    /// the same name.
    fn pair_fits(&self, slot: u32, fact: &Fact) -> bool {
        let stem = local_stem(fact.channel());
        let halves = self.slots[slot as usize].facts.iter();
        halves
            .filter(|other| stem.is_some() && local_stem(other.channel()) == stem)
            .any(|other| local_pair_fits(other.uid(), fact.uid()))
    }
}
