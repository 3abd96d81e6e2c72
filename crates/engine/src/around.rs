//! What an enterprise logged around a call: parts of the call that share no id with it, and calls that it may
//! be a part of.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::pass::{ContentPiece, TimeMap};
use super::{Corpus, Engine, RecordLimits};
use calltrace_model::call::{Event, Fact, infer, reach};
use calltrace_model::record::{Body, Record, Stamp};
use calltrace_store::scan::Needles;

/// Limits on the events that are looked at around a call: an enterprise writes some thousand per minute. The
/// bytes count the fields that matter to a call.
const LIMITS: RecordLimits = RecordLimits {
    records: 50_000,
    bytes: 32 << 20,
};

impl Engine {
    /// Every Asterisk event around the moments at which parts can join the call, or at which it can be a part
    /// of another. A consultation may end at any moment of the call, which `lasts` from one time to another,
    /// and may leave only a hangup.
    pub(super) fn neighbours(
        &self,
        corpus: &Corpus,
        map: &TimeMap,
        facts: &[Fact],
        lasts: Option<(Stamp, Stamp)>,
    ) -> Vec<Fact> {
        let (moments, reach) = moments(facts);
        let near = |a: &Stamp, b: &Stamp| b.since(*a) <= 2 * reach;
        let every = Needles::new(["|"]);
        let mut around: Vec<Fact> = Vec::new();
        for moments in moments.chunk_by(near) {
            let when = (
                moments[0].plus_millis(-reach),
                moments[moments.len() - 1].plus_millis(reach),
            );
            around.extend(self.events(&map.pieces(corpus, when, None), &every, when));
        }
        if let Some(when) = lasts
            && infer::bridged_endpoints(facts).next().is_some()
        {
            let hangups = Needles::new(["|hangup|"]);
            let hangups = self.events(&map.pieces(corpus, when, None), &hangups, when);
            let hangups = hangups.into_iter();
            around.extend(hangups.filter(|hangup| infer::may_be_consultation(hangup, facts)));
        }
        around
    }

    /// The earliest Asterisk events of some pieces and times with a needle in their line.
    fn events(
        &self,
        pieces: &[ContentPiece],
        needles: &Needles,
        when: (Stamp, Stamp),
    ) -> Vec<Fact> {
        let earliest = Mutex::new(EarliestFacts::default());
        // Lines that are certainly not Asterisk events are skipped before they are parsed.
        let may_be_one = |text: &[u8]| !matches!(text.get(24..27), Some(b"TG|" | b"HTT" | b"SQL"));
        pieces.par_iter().with_max_len(1).for_each(|piece| {
            let mut own = EarliestFacts::default();
            self.each_of_piece(piece, needles, when, may_be_one, |place, at, text| {
                let record = Record::parse(text);
                if matches!(record.body, Body::Ast(_)) {
                    own.push(Fact::without_texts(&record, at, place));
                }
            });
            let mut all = earliest.lock().unwrap_or_else(PoisonError::into_inner);
            own.facts.into_iter().for_each(|fact| all.push(fact));
        });
        let earliest = earliest.into_inner();
        let mut earliest = earliest.unwrap_or_else(PoisonError::into_inner);
        earliest.cut();
        earliest.facts
    }
}

/// The moments around which other parts of a call can be, in order of time, and how far around them to look
/// (milliseconds). Only the moments of its dials and a short range are needed if nothing except legs that
/// only rang can be missing. A leg with more events outside that range is taken for one at first; growing the
/// call shows the difference.
fn moments(facts: &[Fact]) -> (Vec<Stamp>, i64) {
    let mut profile = infer::Profile::default();
    facts.iter().for_each(|fact| profile.add(fact));
    let all = profile.has_far_parts();
    let mut moments: Vec<Stamp> = Vec::new();
    let mut seen: Vec<&[u8]> = Vec::new();
    for fact in facts.iter().filter(|f| f.is_asterisk()) {
        let is_first = !seen.contains(&fact.uid());
        if is_first {
            seen.push(fact.uid());
        }
        if fact.event == Event::Dial || all && (is_first || fact.is_call_event()) {
            moments.push(fact.at);
        }
    }
    moments.sort();
    let reach = match all {
        true => reach::NEIGHBOUR_MILLIS,
        false => infer::RUNG_MILLIS,
    };
    (moments, reach)
}

/// The earliest of some events that come in any order, as many as the limits allow.
#[derive(Default)]
struct EarliestFacts {
    facts: Vec<Fact>,
    bytes: usize,
}

impl EarliestFacts {
    fn push(&mut self, fact: Fact) {
        self.bytes += fact.bytes();
        self.facts.push(fact);
        if self.facts.len() > 2 * LIMITS.records || self.bytes > 2 * LIMITS.bytes {
            self.cut();
        }
    }

    /// Drops the events that exceed the limits.
    fn cut(&mut self) {
        if self.facts.len() <= LIMITS.records && self.bytes <= LIMITS.bytes {
            return;
        }
        self.facts.sort_by_key(|fact| (fact.at, fact.place));
        let mut bytes = 0;
        let fits = |fact: &&Fact| {
            bytes += fact.bytes();
            bytes <= LIMITS.bytes
        };
        let kept = self
            .facts
            .iter()
            .take(LIMITS.records)
            .take_while(fits)
            .count();
        self.facts.truncate(kept);
        self.bytes = self.facts.iter().map(Fact::bytes).sum();
    }
}
