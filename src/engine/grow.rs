//! A call grown from its first known records to a fixed point.
//!
//! Records near in time are searched for all names known so far; each that belongs may teach a
//! name, which moves the limits (`call::reach`) and starts another round. It ends when a round over
//! the whole reach taught nothing. Then parts that share no id are looked for, and if one is found
//! it all starts again with it.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::flood::Flood;
use super::kept::{Earliest, Kept};
use super::pass::{Piece, TimeMap, is_of};
use super::{Corpus, Engine, RecordLimits};
use crate::call::{Closure, Event, Fact, Joiner, infer, reach};
use crate::error::Trouble;
use crate::index::Key;
use crate::record::{Record, Stamp};
use crate::scan::{Line, Needles};

/// A call that still teaches names after this many rounds is a runaway join.
const ROUNDS_MAX: usize = 40;

/// Most names are learned from records this near in time (milliseconds).
const NEAR_MILLIS: i64 = 20_000;

/// Records that are looked at around a call for parts that share no id with it: in a minute an
/// enterprise writes some thousand.
const NEIGHBOUR_LIMITS: RecordLimits = RecordLimits {
    records: 50_000,
    bytes: 32 << 20,
};

/// A grown call.
#[derive(Debug)]
pub(super) struct Grown {
    /// Its lines, by time, then place.
    pub lines: Vec<Line>,
    /// What each line says; in the same order.
    pub facts: Vec<Fact>,
    /// Its legs and why each belongs.
    pub closure: Closure,
    /// What was wrong with the content that was read for it.
    pub troubles: Vec<Trouble>,
    /// At least so many of its records are left out.
    pub left_out: u64,
    /// From when to when its records were looked for.
    pub window: Option<(Stamp, Stamp)>,
}

impl Engine {
    /// Grows the call that `closure` begins and that `known` lines may belong to, with as many of its
    /// records as `limits` allow.
    pub(super) fn grow(
        &self,
        corpus: &Corpus,
        map: &TimeMap,
        mut closure: Closure,
        known: &[Line],
        (strict, limits): (bool, RecordLimits),
    ) -> Grown {
        let mut lines = known.to_vec();
        let mut met = 0;
        let mut window = None;
        let mut troubles = Vec::new();
        let mut wide = false;
        let mut looked_for_parts = None;
        for _ in 0..ROUNDS_MAX {
            settle(&mut closure, &lines);
            let facts = facts_of(&closure, &lines);
            let Some((from, to)) = self.limits(&facts, wide) else {
                break;
            };
            let names = closure.needles();
            let keys = keys_of(&closure);
            let pieces = map.pieces(corpus, (from, to), keys.as_deref());
            let needles = Needles::new(&names);
            let (found, mut named) = self.kept_of(&pieces, &needles, (from, to), &closure, limits);
            troubles.append(&mut named);
            met = found.met();
            window = Some((from, to));
            let mut found = found.into_lines();
            found.extend_from_slice(known);
            found.sort_by_key(|line| line.place);
            found.dedup_by_key(|line| line.place);
            settle(&mut closure, &found);
            lines = found;
            if closure.capped {
                break;
            }
            if closure.needles().len() > names.len() {
                continue;
            }
            // Near records teach most names; then parts that share none; then whatever is far.
            let fresh = looked_for_parts.replace(lines.len()) != Some(lines.len());
            if fresh && !strict && self.infer(corpus, map, &mut closure, &lines) {
                continue;
            }
            let facts = facts_of(&closure, &lines);
            let done = self
                .limits(&facts, true)
                .is_none_or(|(a, b)| a >= from && b <= to);
            if done {
                break;
            }
            wide = true;
        }
        let mut kept = Kept::new(limits);
        for line in lines {
            kept.offer(&closure, line);
        }
        let grown = finish(closure, kept.into_lines(), troubles);
        Grown {
            left_out: met.saturating_sub(grown.lines.len() as u64),
            window,
            ..grown
        }
    }

    /// From when to when to search. The limits that are not wide find most names in a few blocks,
    /// before the whole reach is known.
    fn limits(&self, facts: &[Fact], wide: bool) -> Option<(Stamp, Stamp)> {
        if wide {
            return reach::window(facts, self.zone);
        }
        let first = facts.iter().map(|f| f.at).min()?;
        let last = facts.iter().map(|f| f.at).max()?;
        Some((
            first.plus_millis(-NEAR_MILLIS),
            last.plus_millis(NEAR_MILLIS),
        ))
    }

    /// Looks for parts that share no id with the call. True when one was found and taken in.
    fn infer(&self, corpus: &Corpus, map: &TimeMap, closure: &mut Closure, lines: &[Line]) -> bool {
        let facts = facts_of(closure, lines);
        let times = || facts.iter().filter(|f| f.is_asterisk()).map(|f| f.at);
        let (Some(first), Some(last)) = (times().min(), times().max()) else {
            return false;
        };
        let around = (
            first.plus_millis(-reach::NEIGHBOUR_MILLIS),
            last.plus_millis(reach::NEIGHBOUR_MILLIS),
        );
        if !infer::wants_parts(&facts) && !self.has_lone_hangup(corpus, map, around, &facts) {
            return false;
        }
        let pieces = map.pieces(corpus, around, None);
        let mut joiner = Joiner::default();
        let mut flood = Flood::new(NEIGHBOUR_LIMITS);
        for fact in self.neighbours(&pieces, around) {
            flood.push(&mut joiner, fact);
        }
        let groups: Vec<infer::Group<'_>> = joiner.components().map(|(_, c)| c.group()).collect();
        let ours: Vec<bool> = groups
            .iter()
            .map(|group| group.facts.iter().any(|f| closure.has_uid(f.uid())))
            .collect();
        let mut found = false;
        for inference in infer::joins(&groups) {
            let strange = match (ours[inference.main], ours[inference.part]) {
                (true, false) => inference.part,
                (false, true) => inference.main,
                _ => continue,
            };
            for fact in groups[strange].facts.iter().filter(|f| !f.uid().is_empty()) {
                found |= closure.infer(fact.uid(), &inference.why);
            }
        }
        found
    }

    /// Every Asterisk event of some pieces and some time.
    fn neighbours(&self, pieces: &[Piece], when: (Stamp, Stamp)) -> Vec<Fact> {
        let every = Needles::new(["|"]);
        let asterisk = |text: &[u8]| !matches!(text.get(24..27), Some(b"TG|" | b"HTT" | b"SQL"));
        let earliest = self.earliest_of(pieces, &every, when, asterisk);
        let mut facts: Vec<Fact> = earliest.into_lines().map(|line| fact_of(&line)).collect();
        facts.retain(Fact::is_asterisk);
        facts
    }

    /// The lines of some pieces and some time that hold a needle and that `wanted` takes, as many as
    /// are looked at.
    fn earliest_of(
        &self,
        pieces: &[Piece],
        needles: &Needles,
        when: (Stamp, Stamp),
        wanted: impl Fn(&[u8]) -> bool + Sync,
    ) -> Earliest {
        let is_of_then = is_of(when);
        let wanted = |text: &[u8]| is_of_then(text) && wanted(text);
        let earliest = Mutex::new(Earliest::default());
        pieces.par_iter().with_max_len(1).for_each(|piece| {
            let mut own = Earliest::default();
            let take = |line| own.push(line, NEIGHBOUR_LIMITS);
            self.each_of_piece(piece, needles, &wanted, take);
            let mut all = earliest.lock().unwrap_or_else(PoisonError::into_inner);
            all.join(own, NEIGHBOUR_LIMITS);
        });
        earliest
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether an internal hangup of one of the call's extensions lies among the neighbours: the
    /// only trace that some consultations leave.
    fn has_lone_hangup(
        &self,
        corpus: &Corpus,
        map: &TimeMap,
        around: (Stamp, Stamp),
        facts: &[Fact],
    ) -> bool {
        let mut keys: Vec<Key> = infer::bridged_endpoints(facts)
            .map(Key::of_internal_hangup)
            .collect();
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() {
            return false;
        }
        let pieces = map.pieces(corpus, around, Some(&keys));
        let hangups = Needles::new(["|hangup|"]);
        let lines = self.earliest_of(&pieces, &hangups, around, |_| true);
        lines.into_lines().any(|line| {
            let hangup = fact_of(&line);
            hangup.event == Event::Hangup
                && !facts.iter().any(|f| f.uid() == hangup.uid())
                && infer::may_be_consultation(&hangup, facts)
        })
    }
}

fn finish(closure: Closure, lines: Vec<Line>, mut troubles: Vec<Trouble>) -> Grown {
    let mut own: Vec<(Line, Fact)> = lines
        .into_iter()
        .filter_map(|line| {
            let fact = fact_of(&line);
            closure.holds(&fact, &line.text).then_some((line, fact))
        })
        .collect();
    own.sort_by_key(|(_, fact)| (fact.at, fact.place));
    let (lines, facts) = own.into_iter().unzip();
    Trouble::tidy(&mut troubles);
    Grown {
        lines,
        facts,
        closure,
        troubles,
        left_out: 0,
        window: None,
    }
}

/// What leads to every record that shares a name with the call. `None` when one of its ids may
/// stand in a text without a key of its own.
pub(super) fn keys_of(closure: &Closure) -> Option<Vec<Key>> {
    if closure
        .uids()
        .any(|uid| Key::of_text(uid.as_bytes()).is_none())
    {
        return None;
    }
    let mut keys: Vec<Key> = closure.edges().map(Key::of_edge).collect();
    keys.sort_unstable();
    keys.dedup();
    Some(keys)
}

/// Absorbs lines until none teaches a name.
fn settle(closure: &mut Closure, lines: &[Line]) {
    let facts: Vec<Fact> = lines.iter().map(fact_of).collect();
    loop {
        let mut learned = false;
        for fact in &facts {
            learned |= closure.absorb(fact);
        }
        if !learned {
            return;
        }
    }
}

fn facts_of(closure: &Closure, lines: &[Line]) -> Vec<Fact> {
    let belongs = |line: &Line| {
        let fact = fact_of(line);
        closure.holds(&fact, &line.text).then_some(fact)
    };
    let mut facts: Vec<Fact> = lines.iter().filter_map(belongs).collect();
    facts.sort_by_key(|f| (f.at, f.place));
    facts
}

/// What a line says.
pub(super) fn fact_of(line: &Line) -> Fact {
    Fact::of(&Record::parse(&line.text), line.at, line.place)
}
