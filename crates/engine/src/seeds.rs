//! Searches by a rare value: one pass finds the records that hold it (the seeds), and then the call of each
//! seed is grown.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;

use super::grow::Grow;
use super::kept::fact_of;
use super::pass::PassResult;
use super::plan::WantedLines;
use super::search::{CallCollector, SearchQuestion, accept};
use super::{Corpus, Engine, FoundCalls, RecordLimits};
use calltrace_model::call::{Closure, Joiner, Summary, reach};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{Place, Record, Stamp};
use calltrace_store::index::IndexKey;
use calltrace_store::scan::{Line, Needles, line};
use calltrace_store::source::{Source, TimeBounds};

/// With more seed records than this, sorting all records into calls is cheaper than growing calls one by one.
const SEEDS_MAX: usize = 4_000;

/// Calls grown in parallel before the number of calls is checked again.
const BATCH: usize = 16;

impl Engine {
    /// Adds the calls of all seed records to `calls`. Returns false, and adds nothing, if there are too many
    /// seeds.
    pub(super) fn search_seeds(
        &self,
        corpus: &Corpus,
        question: &SearchQuestion,
        needle: &[u8],
        calls: &mut CallCollector<'_>,
    ) -> bool {
        let chosen = corpus.select(|bounds| may_hold(bounds, question));
        let needles = Needles::one(needle, &corpus.sample());
        let mut passed = self.seeds(corpus, &chosen, question, &needles);
        // Decoding a gzip again for each of many calls costs more than reading all of it once.
        let seekable = chosen.iter().all(|(_, source)| source.is_seekable());
        let most = if seekable { SEEDS_MAX } else { SEEDS_MAX / 20 };
        if passed.found.len() > most {
            return false;
        }
        calls.searched = corpus.searched(&chosen);
        calls.troubles.append(&mut passed.troubles);
        let seeds = groups(std::mem::take(&mut passed.found));
        // No more calls are grown at a time than are wanted.
        let batch = question.limit.map_or(BATCH, |limit| limit.clamp(1, BATCH));
        let mut batches = seeds.chunks(batch);
        while let Some(batch) = batches.next() {
            let grown: Vec<_> = batch
                .par_iter()
                .map(|seed| self.calls_of(corpus, &passed, question, seed))
                .collect();
            for (summaries, mut troubles) in grown {
                calls.troubles.append(&mut troubles);
                for summary in summaries {
                    calls.push(summary);
                }
            }
            if batch.last().is_some_and(|last| calls.is_full(last.newest)) {
                calls.may_match_more = batches.len() > 0;
                break;
            }
        }
        true
    }

    /// The answer for a corpus without any seed record; `None` when there is one.
    pub(super) fn finds_no_seeds(
        &self,
        corpus: &Corpus,
        question: &SearchQuestion,
    ) -> Option<FoundCalls> {
        let needle = self.needle_of(question)?;
        let chosen = corpus.select(|bounds| may_hold(bounds, question));
        let needles = Needles::one(needle, &corpus.sample());
        let mut passed = self.seeds(corpus, &chosen, question, &needles);
        let mut calls = CallCollector::new(corpus, question);
        calls.searched = corpus.searched(&chosen);
        calls.troubles.append(&mut passed.troubles);
        passed.found.is_empty().then(|| calls.without_calls(corpus))
    }

    fn seeds(
        &self,
        corpus: &Corpus,
        sources: &[(u32, Arc<Source>)],
        question: &SearchQuestion,
        needles: &Needles,
    ) -> PassResult<Line> {
        let filter = seed_filter(question);
        let key = key_of(&filter);
        let wanted = WantedLines::of(key.as_ref());
        let count = AtomicUsize::new(0);
        self.pass(
            corpus,
            sources,
            wanted,
            needles,
            |index, block, at, text| {
                let wanted = filter.matches(&Record::parse(text), None);
                let few = wanted && count.fetch_add(1, Ordering::Relaxed) <= SEEDS_MAX;
                few.then(|| line(index, block, at, text))
            },
        )
    }

    /// The calls that the records of a seed lead to. It is one call, unless the records turn out not to
    /// belong together once all records around them are known.
    fn calls_of(
        &self,
        corpus: &Corpus,
        passed: &PassResult<Line>,
        question: &SearchQuestion,
        seed: &Seed,
    ) -> (Vec<Summary>, Vec<calltrace_store::error::Trouble>) {
        let mut left = seed.lines.clone();
        let (mut summaries, mut troubles) = (Vec::new(), Vec::new());
        while let Some(first) = left.first() {
            let first = first.place;
            let uid = left.iter().map(fact_of).find(|f| !f.uid().is_empty());
            let closure = match uid {
                Some(fact) => Closure::of(&String::from_utf8_lossy(fact.uid())),
                None => Closure::of_facts(left.iter().map(fact_of)),
            };
            let how = Grow {
                strict: question.strict,
                since: left.iter().map(|line| line.at).min(),
                limits: RecordLimits::default(),
            };
            let mut grown = self.grow(corpus, &passed.map, closure, &left, how);
            for (fact, line) in grown.facts.iter_mut().zip(&grown.lines) {
                fact.matched = question
                    .filter
                    .matches(&Record::parse(&line.text), Some(line.at));
            }
            troubles.append(&mut grown.troubles);
            summaries.extend(accept(question, &grown.facts));
            let belongs = |line: &Line| grown.lines.iter().any(|own| own.place == line.place);
            left.retain(|line| line.place != first && !belongs(line));
        }
        (summaries, troubles)
    }
}

/// The conditions on a record that may lead to a wanted call. If a number is asked for, that is the only
/// condition: the record that the filter asks for may be another one of the same call.
fn seed_filter(question: &SearchQuestion) -> RecordFilter {
    match &question.criteria.phone {
        Some(phone) => RecordFilter {
            phone: Some(phone.clone()),
            ..RecordFilter::default()
        },
        None => question.filter.clone(),
    }
}

/// The key that leads to every record that the filter accepts, if there is one.
pub(super) fn key_of(filter: &RecordFilter) -> Option<IndexKey> {
    let text = filter.text.as_ref();
    text.and_then(|text| IndexKey::of_text(text.as_bytes()))
        .or_else(|| filter.phone.as_ref().and_then(IndexKey::of_phone))
}

/// Whether a source can hold records of the calls asked for.
pub(super) fn may_hold(bounds: TimeBounds, question: &SearchQuestion) -> bool {
    let criteria = &question.criteria;
    let ended = matches!((bounds.last, criteria.since), (Some(last), Some(since)) if last < since);
    let reach = criteria
        .until
        .map(|until| until.plus_millis(reach::HORIZON_MILLIS));
    let later = matches!((bounds.first, reach), (Some(first), Some(until)) if first >= until);
    !ended && !later
}

/// Records found that join each other: usually all records of a call that name the number, from both of its
/// legs.
struct Seed {
    lines: Vec<Line>,
    newest: Stamp,
}

/// Sorts the found records into calls that are still to be grown, newest first.
fn groups(lines: Vec<Line>) -> Vec<Seed> {
    let mut joiner = Joiner::default();
    let mut by_place: HashMap<Place, Line> = HashMap::new();
    for line in lines {
        joiner.push(fact_of(&line));
        by_place.insert(line.place, line);
    }
    let mut seeds: Vec<Seed> = joiner
        .take_all()
        .into_iter()
        .filter_map(|component| {
            let places = component.facts.iter().map(|fact| fact.place);
            Some(Seed {
                newest: component.facts.iter().map(|fact| fact.at).max()?,
                lines: places.filter_map(|place| by_place.remove(&place)).collect(),
            })
        })
        .collect();
    seeds.sort_by_key(|seed| {
        let first = seed.lines.first().map(|line| line.place);
        Reverse((seed.newest, first))
    });
    seeds
}
