//! All records of a call, however many, in constant memory.
//!
//! They are handed out in order of time, as many at once as an answer keeps: each time the earliest
//! behind those before are looked for anew. That reads the blocks of the call once for each of them,
//! and needs no room for what is not printed yet.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::grow::{Grow, fact_of, keys_of};
use super::kept::Earliest;
use super::pass::{TimeMap, is_of};
use super::reading::Wanted;
use super::{Corpus, Engine, RecordLimits, TraceQuestion};
use crate::call::{Closure, Fact, reach};
use crate::error::{Error, Trouble};
use crate::index::Key;
use crate::record::Stamp;
use crate::scan::{Line, Needles, Place, line};
use crate::source::Source;
use crate::tree::{EnterpriseName, Tree};

/// Records handed out at once: more than an answer keeps, since each time costs a pass.
const AT_ONCE: RecordLimits = RecordLimits {
    records: 100_000,
    bytes: 32 << 20,
};

/// What to hand out next.
struct Next<'a> {
    corpus: &'a Corpus,
    map: &'a TimeMap,
    sources: &'a [(u32, Arc<Source>)],
    closure: &'a Closure,
    asked: &'a str,
    /// From when to when records of all names are looked for.
    window: (Stamp, Stamp),
    /// Records of the id asked for are outside that as well.
    has_far: bool,
    /// The last one that was handed out.
    after: Option<(Stamp, Place)>,
}

impl Engine {
    /// Calls `each` with all records of a call in order of time, some at a time; what was wrong with
    /// what was read. Nothing is called for a call that is nowhere.
    ///
    /// # Errors
    /// When the enterprise's folder can't be listed, and what `each` returns.
    pub fn each_record(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        question: &TraceQuestion,
        each: &mut (dyn FnMut(&[Line]) -> Result<(), Error> + Send),
    ) -> Result<Vec<Trouble>, Error> {
        self.pool.install(|| {
            // What was printed can't be asked again if files move; what is open stays readable.
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
        let grown = self.grow(
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
        troubles.extend(grown.troubles);
        let Some(window) = grown.window else {
            return Ok(troubles);
        };
        let is_far = |line: &Line| line.at < window.0 || line.at > window.1;
        let mut next = Next {
            corpus,
            map: &passed.map,
            sources: &sources,
            closure: &grown.closure,
            asked: &question.id,
            window,
            has_far: has_more > known.len() as u64 || known.iter().any(is_far),
            after: None,
        };
        loop {
            let lines: Vec<Line> = self.next_records(&next).into_lines().collect();
            let Some(last) = lines.last() else {
                return Ok(troubles);
            };
            next.after = Some((last.at, last.place));
            // A call that goes on reaches further.
            let facts: Vec<Fact> = lines.iter().map(fact_of).collect();
            if let Some((_, to)) = reach::window(&facts, self.zone) {
                next.window.1 = next.window.1.max(to);
            }
            each(&lines)?;
        }
    }

    fn next_records(&self, next: &Next<'_>) -> Earliest {
        let (from, to) = next.window;
        let from_now = next.after.map_or(from, |(at, _)| at.max(from));
        let is_inside = |line: &Line| line.at >= from && line.at <= to;
        let is_next = |line: &Line| {
            let is_behind = next.after.is_none_or(|after| (line.at, line.place) > after);
            is_behind && next.closure.holds(&fact_of(line), &line.text)
        };
        let all = Mutex::new(Earliest::default());
        let keys = keys_of(next.closure);
        let pieces = next
            .map
            .pieces(next.corpus, (from_now, to), keys.as_deref());
        let needles = Needles::new(next.closure.needles());
        pieces.par_iter().with_max_len(1).for_each(|piece| {
            let mut own = Earliest::default();
            self.each_of_piece(piece, &needles, &is_of((from_now, to)), |line| {
                if is_inside(&line) && is_next(&line) {
                    own.push(line, AT_ONCE);
                }
            });
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            all.join(own, AT_ONCE);
        });
        if next.has_far {
            let key = Key::of_text(next.asked.as_bytes());
            let needles = Needles::new([next.asked]);
            let wanted = Wanted::of(key.as_ref());
            let take = |line: Line| {
                if !is_inside(&line) && is_next(&line) {
                    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                    all.push(line, AT_ONCE);
                }
            };
            self.pass(
                next.corpus,
                next.sources,
                wanted,
                &needles,
                |index, block, at, text| -> Option<()> {
                    take(line(index, block, at, text));
                    None
                },
            );
        }
        all.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
