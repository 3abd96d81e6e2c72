//! Grows a call from its first known records to a fixed point.
//!
//! Records near in time are searched for all names known so far. Each may teach another name, which moves the
//! limits (`call::reach`) and starts another round. The search ends when a round over the whole reach taught
//! nothing. The records found that way may include records of other calls. Which of them belong, and which
//! parts without a common id, is decided by the same `Joiner` that sorts a stream into calls for a search; it
//! gets those records and the Asterisk events around them.

use std::collections::HashSet;

use super::kept::{Class, KeptLines, fact_of};
use super::pass::TimeMap;
use super::{Corpus, Engine, RecordLimits};
use calltrace_model::call::{
    Closure, Component, Fact, Joiner, SAME_CALL_MILLIS, reach, straighten,
};
use calltrace_model::record::{LogZone, Place, Record, Stamp, id};
use calltrace_store::error::Trouble;
use calltrace_store::index::IndexKey;
use calltrace_store::scan::{Line, Needles};

/// A call that still teaches names after this many rounds is a runaway join.
const ROUNDS_MAX: usize = 40;

/// Most names are learned from records this near in time (milliseconds).
const NEAR_MILLIS: i64 = 20_000;

/// Among several calls with one id the newest is taken, unless it began more than this (milliseconds; a year)
/// after the id's second of birth. A test system reuses ids within the time that logs are kept, but a record
/// of the year 2038 or 9999 comes from a broken clock.
const ID_REUSED_MILLIS: i64 = 366 * 24 * 3_600_000;

/// How a call is grown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Grow {
    /// Only joins that ids prove.
    pub strict: bool,
    /// See [`super::TraceQuestion::since`].
    pub since: Option<Stamp>,
    /// Limits on the records that are kept.
    pub limits: RecordLimits,
}

impl Grow {
    fn by_ids(self) -> Grow {
        Grow {
            strict: true,
            ..self
        }
    }
}

/// A grown call.
#[derive(Debug)]
pub(super) struct GrownCall {
    /// Its lines, by time, then place.
    pub lines: Vec<Line>,
    /// The fact of each line, in the same order.
    pub facts: Vec<Fact>,
    /// Its legs, and why each belongs to it.
    pub closure: Closure,
    /// When other calls of the same id began.
    pub others: Vec<Stamp>,
    /// Damage in the content that was read for it.
    pub troubles: Vec<Trouble>,
    /// At least this many of its records are left out.
    pub left_out: u64,
    /// The time range that was searched for its records.
    pub window: Option<(Stamp, Stamp)>,
    /// Every name that was searched for, including names of other calls: the [`Joiner`] needs them to decide
    /// which record belongs.
    pub names: Closure,
}

impl GrownCall {
    /// Corrects the order of records of a call that spans a change of the clocks.
    fn straighten(&mut self, zone: LogZone) {
        if !straighten(zone, &mut self.facts) {
            return;
        }
        let facts = std::mem::take(&mut self.facts).into_iter();
        let mut own: Vec<(Fact, Line)> = facts.zip(std::mem::take(&mut self.lines)).collect();
        own.iter_mut().for_each(|(fact, line)| line.at = fact.at);
        own.sort_by_key(|(fact, _)| (fact.at, fact.place));
        (self.facts, self.lines) = own.into_iter().unzip();
    }
}

impl Engine {
    /// Grows the call that `closure` begins and that the `known` lines may belong to, with as many of its
    /// records as `how.limits` allow.
    ///
    /// `closure` collects every name that may lead to a record of the call, including those of other calls in
    /// the same parking lot. The [`Joiner`] decides which records belong, as for a search.
    pub(super) fn grow(
        &self,
        corpus: &Corpus,
        map: &TimeMap,
        mut closure: Closure,
        known: &[Line],
        how: Grow,
    ) -> GrownCall {
        let strict = how.strict;
        let asked: Vec<String> = closure.uids().map(str::to_owned).collect();
        let mut lines = known.to_vec();
        let mut met = 0;
        let mut window = None;
        let mut troubles = Vec::new();
        let mut wide = false;
        let mut judged = JudgedCall::default();
        for _ in 0..ROUNDS_MAX {
            settle(&mut closure, &lines);
            if judged.facts.is_empty() {
                judged = self.judge(&asked, known, &lines, Vec::new(), how.by_ids());
            }
            let Some((from, to)) = self.limits(&judged.facts, wide) else {
                break;
            };
            let names = closure.needles();
            let keys = keys_of(&closure);
            let pieces = map.pieces(corpus, (from, to), keys.as_deref());
            let needles = Needles::new(&names);
            let (found, mut named) =
                self.kept_of(&pieces, &needles, (from, to), &closure, how.limits);
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
                judged = self.judge(&asked, known, &lines, Vec::new(), how.by_ids());
                break;
            }
            if closure.needles().len() > names.len() {
                judged = self.judge(&asked, known, &lines, Vec::new(), how.by_ids());
                continue;
            }
            // Near records teach most names; then come parts without a common name; then records far away.
            judged = self.judge(&asked, known, &lines, Vec::new(), how.by_ids());
            if !strict
                && judged
                    .facts
                    .iter()
                    .any(|f| f.is_asterisk() && f.linked().is_empty())
            {
                let around = self.neighbours(
                    corpus,
                    map,
                    &judged.facts,
                    self.limits(&judged.facts, false),
                );
                judged = self.judge(&asked, known, &lines, around, how);
                let mut is_new = false;
                for (uid, why) in &judged.inferred {
                    is_new |= closure.infer(uid.as_bytes(), why);
                }
                for fact in judged.facts.iter().filter(|f| !f.uid().is_empty()) {
                    is_new |= !closure.has_uid(fact.uid()) && closure.infer(fact.uid(), NEARBY);
                }
                if is_new {
                    continue;
                }
            }
            let done = self
                .limits(&judged.facts, true)
                .is_none_or(|(a, b)| a >= from && b <= to);
            if done {
                break;
            }
            wide = true;
        }
        let mut grown = finish(
            &asked,
            closure.capped,
            judged,
            (lines, how.limits),
            troubles,
        );
        grown.straighten(self.zone);
        GrownCall {
            left_out: met.saturating_sub(grown.lines.len() as u64),
            window,
            names: closure,
            ..grown
        }
    }

    /// Sorts the known records and those around them into calls, and takes the call with the ids that were
    /// asked for.
    fn judge(
        &self,
        asked: &[String],
        known: &[Line],
        lines: &[Line],
        around: Vec<Fact>,
        how: Grow,
    ) -> JudgedCall {
        let mut facts: Vec<Fact> = lines.iter().map(fact_of).collect();
        facts.extend(around);
        facts.sort_by_key(|f| (f.at, f.place));
        facts.dedup_by_key(|f| f.place);
        let mut joiner = Joiner::default();
        for fact in facts {
            joiner.push(fact);
        }
        if !how.strict {
            joiner.infer(|_| true);
        }
        let is_asked = |f: &Fact| asked.iter().any(|id| f.uid() == id.as_bytes());
        let of_known = |f: &Fact| known.first().is_some_and(|line| line.place == f.place);
        let (mut own, others): (Vec<Component>, Vec<Component>) = joiner
            .take_all()
            .into_iter()
            .partition(|call| call.facts.iter().any(is_asked));
        // A call that is asked for by a bridge alone has no id.
        if own.is_empty() && asked.is_empty() {
            own = others;
            own.retain(|call| call.facts.iter().any(of_known));
        }
        // Requests and messages that come a day later are not a call.
        if own
            .iter()
            .any(|call| call.facts.iter().any(Fact::is_asterisk))
        {
            own.retain(|call| call.facts.iter().any(Fact::is_asterisk));
        }
        let ends = |call: &Component| call.facts.iter().map(|f| f.at).max();
        own.sort_by_key(ends);
        let asked_for = own
            .iter()
            .position(|call| how.since.is_some_and(|since| ends(call) >= Some(since)));
        if own.is_empty() {
            return JudgedCall::default();
        }
        let begins = |call: &Component| call.facts.iter().map(|f| f.at).min();
        let chosen = asked_for.or_else(|| {
            let is_near =
                |call: &Component| begins(call).is_some_and(|at| self.is_lifetime(asked, at));
            own.iter().rposition(is_near)
        });
        let mut call = own.remove(chosen.unwrap_or(own.len() - 1));
        let others = own.iter().filter_map(begins).collect();
        let inferred = call
            .inferred()
            .map(|(uid, why)| (String::from_utf8_lossy(uid).into_owned(), why.to_owned()))
            .collect();
        call.facts.sort_by_key(|f| (f.at, f.place));
        JudgedCall {
            facts: call.facts,
            inferred,
            others,
        }
    }

    /// Whether a call with these ids can begin at that time: not before their second of birth, and not so
    /// long after it that a wrong clock is more likely. True for ids without a time of birth.
    fn is_lifetime(&self, asked: &[String], at: Stamp) -> bool {
        let born = asked.iter().find_map(|id| id::epoch_seconds(id.as_bytes()));
        let born = born.and_then(|seconds| chrono::DateTime::from_timestamp(seconds, 0));
        born.is_none_or(|born| {
            let age = at.since(self.zone.stamp(born));
            (-SAME_CALL_MILLIS..=ID_REUSED_MILLIS).contains(&age)
        })
    }

    /// The time range to search. The limits without `wide` find most names in a few blocks, before the whole
    /// reach is known.
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
}

/// The call as the joiner sees it.
#[derive(Debug, Default)]
struct JudgedCall {
    facts: Vec<Fact>,
    /// The legs that were joined by inference, each with its evidence.
    inferred: Vec<(String, String)>,
    /// When other calls with the same ids began.
    others: Vec<Stamp>,
}

/// Why a leg belongs if it is part of the larger call that the requested part belongs to.
const NEARBY: &str = "of the call that this part belongs to";

/// Why each leg belongs to the call, starting from the ids that were asked for.
fn explain(asked: &[String], judged: &JudgedCall) -> Closure {
    let mut closure = Closure::default();
    let has = |uid: &str| judged.facts.iter().any(|f| f.uid() == uid.as_bytes());
    // An id may be in the text of a record that belongs to no call.
    for uid in asked
        .iter()
        .filter(|uid| judged.facts.is_empty() || has(uid))
    {
        closure.ask(uid);
    }
    loop {
        let mut learned = true;
        while learned {
            learned = false;
            for fact in &judged.facts {
                learned |= closure.absorb(fact);
            }
        }
        let missing = judged.facts.iter().map(Fact::uid);
        let mut missing = missing.filter(|uid| !uid.is_empty() && !closure.has_uid(uid));
        let Some(uid) = missing.next().map(<[u8]>::to_vec) else {
            return closure;
        };
        let text = String::from_utf8_lossy(&uid);
        let why = judged.inferred.iter().find(|(part, _)| *part == *text);
        // The evidence joins the two, whichever of them is the part.
        let why = why.or(judged.inferred.first());
        closure.infer(&uid, why.map_or(NEARBY, |(_, why)| why));
    }
}

/// Builds the call from its records among `lines`, within the limits.
fn finish(
    asked: &[String],
    capped: bool,
    judged: JudgedCall,
    (lines, limits): (Vec<Line>, RecordLimits),
    mut troubles: Vec<Trouble>,
) -> GrownCall {
    let mut closure = explain(asked, &judged);
    closure.capped = capped;
    let places: HashSet<Place> = judged.facts.iter().map(|f| f.place).collect();
    let mut kept = KeptLines::new(limits);
    for line in lines {
        let fact = fact_of(&line);
        let belongs = places.contains(&line.place)
            || fact.edges().next().is_none() && closure.holds(&fact, &line.text);
        if belongs {
            let class = if fact.is_asterisk() {
                Class::Event
            } else {
                Class::Other
            };
            kept.put(class, line);
        }
    }
    let lines = kept.into_lines().into_iter();
    let with_texts = |line: &Line| Fact::of(&Record::parse(&line.text), line.at, line.place);
    let mut own: Vec<(Fact, Line)> = lines.map(|line| (with_texts(&line), line)).collect();
    own.sort_by_key(|(fact, _)| (fact.at, fact.place));
    let (facts, lines) = own.into_iter().unzip();
    Trouble::tidy(&mut troubles);
    GrownCall {
        lines,
        facts,
        closure,
        others: judged.others,
        troubles,
        left_out: 0,
        window: None,
        names: Closure::default(),
    }
}

/// The keys that lead to every record that shares a name with the call. `None` when one of its ids may stand
/// in a text that has no key.
pub(super) fn keys_of(closure: &Closure) -> Option<Vec<IndexKey>> {
    if closure
        .uids()
        .any(|uid| IndexKey::of_text(uid.as_bytes()).is_none())
    {
        return None;
    }
    let mut keys: Vec<IndexKey> = closure.edges().map(IndexKey::of_edge).collect();
    keys.sort_unstable();
    keys.dedup();
    Some(keys)
}

/// Absorbs lines until none teaches another name.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_an_id_without_a_second_of_birth_every_block_is_read() {
        let line = Line {
            at: Stamp(0),
            place: Place {
                source: 0,
                offset: 0,
            },
            text:
                (*br#"2025-11-30 09:07:35,000|AST|new_callerid|1764493655.6|{"Linkedid": "abc-1"}"#)
                    .into(),
        };
        let mut closure = Closure::of("1764493655.6");
        assert!(keys_of(&closure).is_some());
        // An index may lack a name that only Linkedid has.
        closure.absorb(&fact_of(&line));
        assert!(closure.has_uid(b"abc-1") && keys_of(&closure).is_none());
    }
}
