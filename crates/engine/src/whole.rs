//! Reads all records of a call in constant memory.
//!
//! All records of all names that may lead to the call are walked twice in order of time, as many at once as
//! an answer keeps; each step searches again for the earliest records after those before. That reads the
//! blocks of the call once per step, and takes no memory for records that are not printed yet.
//!
//! The [`Joiner`] decides which records belong to the call, as for a limited answer. The first walk learns
//! which of the joiner's calls are merged into the wanted one. The second gives the same records to another
//! joiner, which makes the same calls, and hands out the records of those calls.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::grow::{Grow, GrownCall, keys_of};
use super::kept::EarliestLines;
use super::kept::fact_of;
use super::pass::TimeMap;
use super::plan::WantedLines;
use super::{Corpus, Engine, RecordLimits, TraceQuestion};
use calltrace_model::call::{Closure, Component, Fact, Joiner, reach};
use calltrace_model::record::{Place, Stamp};
use calltrace_store::error::{Error, TimeRange, Trouble};
use calltrace_store::index::IndexKey;
use calltrace_store::scan::{Block, Line, Needles, line, time_of_record};
use calltrace_store::source::Source;
use calltrace_store::tree::{EnterpriseName, Tree};

/// Records handed out at once. There are more than in an answer, since each step costs a pass.
const AT_ONCE: RecordLimits = RecordLimits {
    records: 100_000,
    bytes: 32 << 20,
};

/// After this many records, calls that can't grow any more are dropped.
const TIDY_RECORDS: u64 = 100_000;

/// A walk through the records of some names.
struct RecordWalk<'a> {
    corpus: &'a Corpus,
    map: &'a TimeMap,
    sources: &'a [(u32, Arc<Source>)],
    names: &'a Closure,
    asked: &'a str,
    /// The time range in which records of all names are searched for.
    window: (Stamp, Stamp),
    /// Records of the id asked for also exist outside that range.
    has_far: bool,
    /// The last record that was passed.
    after: Option<(Stamp, Place)>,
}

/// Those calls of a joiner that form the wanted call.
struct CallMembers<'g> {
    grown: &'g GrownCall,
    /// Known records of the call.
    places: HashSet<Place>,
    /// The joiner's calls, by [`Component::born`].
    calls: HashSet<u32>,
    joiner: Joiner,
    pushed: u64,
}

impl Engine {
    /// Calls `each` with all records of a call in order of time, some at a time. Returns the damage in what
    /// was read. `each` is not called if the call is not found.
    ///
    /// # Errors
    /// When the enterprise's folder can't be listed, and the errors of `each`.
    pub fn each_record(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        question: &TraceQuestion,
        each: &mut (dyn FnMut(&[Line]) -> Result<(), Error> + Send),
    ) -> Result<Vec<Trouble>, Error> {
        self.pool.install(|| {
            // Printed records can't be asked for again if files move; files that are open stay readable.
            let corpus = Corpus::settled(tree, enterprise, self)?;
            self.each_record_in(&corpus, question, each)
        })
    }

    fn each_record_in(
        &self,
        corpus: &Corpus,
        question: &TraceQuestion,
        each: &mut (dyn FnMut(&[Line]) -> Result<(), Error> + Send),
    ) -> Result<Vec<Trouble>, Error> {
        let limits = RecordLimits::default();
        let sources = corpus.select(|_| true);
        let (passed, sought) = self.seek(corpus, &sources, &question.id, limits);
        let has_more = sought.met();
        let known = sought.into_lines();
        let closure = Closure::of(&question.id);
        let mut grown = self.grow(
            corpus,
            &passed.map,
            closure,
            &known,
            Grow {
                strict: question.strict,
                since: question.since,
                limits,
            },
        );
        let mut troubles = passed.troubles;
        troubles.append(&mut grown.troubles);
        let Some(window) = grown.window else {
            return Ok(troubles);
        };
        let is_far = |line: &Line| line.at < window.0 || line.at > window.1;
        let mut walk = RecordWalk {
            corpus,
            map: &passed.map,
            sources: &sources,
            names: &grown.names,
            asked: &question.id,
            window,
            has_far: has_more > known.len() as u64 || known.iter().any(is_far),
            after: None,
        };
        let mut own = CallMembers::new(&grown);
        while let Some(lines) = self.next_lines(&mut walk) {
            let facts: Vec<Fact> = lines.iter().map(fact_of).collect();
            let known: Vec<Fact> = facts.into_iter().filter(|fact| own.learn(fact)).collect();
            // A call that continues reaches further.
            if let Some((_, to)) = reach::window(&known, self.zone) {
                walk.window.1 = walk.window.1.max(to);
            }
        }
        walk.after = None;
        let mut own = own.again();
        while let Some(mut lines) = self.next_lines(&mut walk) {
            lines.retain(|line| own.holds(line));
            each(&lines)?;
        }
        let asked = TimeRange {
            from: Some(walk.window.0),
            to: Some(walk.window.1),
        };
        corpus.judge(&mut troubles, asked);
        Ok(troubles)
    }

    /// The next records of a walk, in order of time; `None` at its end.
    fn next_lines(&self, walk: &mut RecordWalk<'_>) -> Option<Vec<Line>> {
        let mut lines: Vec<Line> = self.next_records(walk).into_lines().collect();
        // Later records wait until it is known how far the call reaches.
        let inside = lines.partition_point(|line| line.at <= walk.window.1);
        if inside > 0 {
            lines.truncate(inside);
        }
        let last = lines.last()?;
        walk.after = Some((last.at, last.place));
        Some(lines)
    }

    fn next_records(&self, walk: &RecordWalk<'_>) -> EarliestLines {
        let is_next = |line: &Line| {
            let is_later = walk.after.is_none_or(|after| (line.at, line.place) > after);
            is_later && walk.names.holds(&fact_of(line), &line.text)
        };
        let all = Mutex::new(EarliestLines::default());
        let keys = keys_of(walk.names);
        let pieces = walk.map.pieces(walk.corpus, walk.window, keys.as_deref());
        let needles = Needles::new(walk.names.needles());
        pieces.par_iter().with_max_len(1).for_each(|piece| {
            let mut own = EarliestLines::default();
            let take = |place: Place, at, text: &[u8]| {
                let text = text.into();
                let line = Line { at, place, text };
                if is_next(&line) {
                    own.push(line, AT_ONCE, &mut |_| ());
                }
            };
            self.each_of_piece(piece, &needles, walk.window, |_| true, take);
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.join(own, AT_ONCE, &mut |_| ());
        });
        if walk.has_far {
            let key = IndexKey::of_text(walk.asked.as_bytes());
            let needles = Needles::new([walk.asked]);
            let wanted = WantedLines::of(key.as_ref());
            let (from, to) = walk.window;
            let take = |index, block: &Block<'_>, at, text: &[u8]| -> Option<()> {
                let time = time_of_record(block, at, text);
                let is_far = time.is_none_or(|time| time < from || time > to);
                let line = is_far.then(|| line(index, block, at, text));
                let line = line.filter(is_next)?;
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.push(line, AT_ONCE, &mut |_| ());
                None
            };
            self.pass(walk.corpus, walk.sources, wanted, &needles, take);
        }
        all.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'g> CallMembers<'g> {
    fn new(grown: &'g GrownCall) -> CallMembers<'g> {
        CallMembers {
            grown,
            places: grown.facts.iter().map(|fact| fact.place).collect(),
            calls: HashSet::new(),
            joiner: Joiner::keeping(RecordLimits::default().records),
            pushed: 0,
        }
    }

    /// Learns from the next record. Returns whether it is already known to belong to the call.
    fn learn(&mut self, fact: &Fact) -> bool {
        let Some(slot) = self.push(fact) else {
            return false;
        };
        let call = self.joiner.component(slot);
        let is_own = self.places.contains(&fact.place) || is_one(&self.calls, call);
        if is_own {
            self.calls.insert(call.born());
        }
        is_own
    }

    /// Prepares for another joiner, which gets the same records.
    fn again(mut self) -> CallMembers<'g> {
        let rest = self.joiner.take_all();
        self.drop_finished(&rest);
        CallMembers {
            calls: self.calls,
            ..CallMembers::new(self.grown)
        }
    }

    /// Whether a record belongs to the call; records come in the order in which they were learned from. A
    /// line without a name belongs to it if its closure holds the line.
    fn holds(&mut self, line: &Line) -> bool {
        let fact = fact_of(line);
        match self.push(&fact) {
            Some(slot) => is_one(&self.calls, self.joiner.component(slot)),
            None => {
                fact.edges().next().is_none() && self.grown.closure.holds(&fact, &line.text)
                    || self.places.contains(&line.place)
            }
        }
    }

    fn push(&mut self, fact: &Fact) -> Option<u32> {
        self.pushed += 1;
        if self.pushed.is_multiple_of(TIDY_RECORDS) {
            for slot in self.joiner.quiet(fact.at) {
                let over = self.joiner.take(slot);
                self.drop_finished(&[over]);
            }
        }
        self.joiner.push(fact.clone())
    }

    /// Notes which of the dropped calls became part of the wanted one.
    fn drop_finished(&mut self, over: &[Component]) {
        for call in over {
            if is_one(&self.calls, call) {
                self.calls.insert(call.born());
                self.calls.extend(call.merged());
            }
        }
    }
}

fn is_one(calls: &HashSet<u32>, call: &Component) -> bool {
    let merged = || call.merged().iter().any(|born| calls.contains(born));
    calls.contains(&call.born()) || merged()
}
