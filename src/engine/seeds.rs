//! Search by something rare: one pass for the records that hold it, then the call of each.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::grow::fact_of;
use super::pass::Passed;
use super::search::{Calls, SearchQuestion, accept};
use super::{Corpus, Engine};
use crate::call::{Closure, Fact, Summary, reach};
use crate::filter::RecordFilter;
use crate::record::Record;
use crate::scan::{Line, Needles, line};
use crate::source::{Bounds, Source};

/// Calls grown side by side before the next look at how many there are.
const BATCH: usize = 16;

impl Engine {
    pub(super) fn search_seeds(
        &self,
        corpus: &Corpus,
        question: &SearchQuestion,
        needle: &[u8],
        calls: &mut Calls<'_>,
    ) {
        let chosen = corpus.select(|bounds| may_hold(bounds, question));
        calls.searched = corpus.searched(&chosen);
        let mut passed = self.seeds(&chosen, question, &Needles::one(needle, &corpus.sample()));
        calls.troubles.append(&mut passed.troubles);
        let seeds = newest_of_each(std::mem::take(&mut passed.found));
        for batch in seeds.chunks(BATCH) {
            let grown: Vec<_> = batch
                .par_iter()
                .map(|seed| self.call_of(corpus, &passed, question, seed))
                .collect();
            for (summary, mut troubles) in grown {
                calls.troubles.append(&mut troubles);
                if let Some(summary) = summary {
                    calls.push(summary);
                }
            }
            if let Some(last) = batch.last()
                && calls.is_full(last.at)
            {
                break;
            }
        }
    }

    fn seeds(
        &self,
        sources: &[(u32, Arc<Source>)],
        question: &SearchQuestion,
        needles: &Needles,
    ) -> Passed<Line> {
        let filter = seed_filter(question);
        self.pass(sources, needles, |index, block, at, text| {
            filter
                .matches(&Record::parse(text), None)
                .then(|| line(index, block, at, text))
        })
    }

    fn call_of(
        &self,
        corpus: &Corpus,
        passed: &Passed<Line>,
        question: &SearchQuestion,
        seed: &Line,
    ) -> (Option<Summary>, Vec<crate::error::Trouble>) {
        let closure = Closure::of_fact(&fact_of(seed));
        let known = std::slice::from_ref(seed);
        let mut grown = self.grow(corpus, &passed.map, closure, known, question.strict);
        for (fact, line) in grown.facts.iter_mut().zip(&grown.lines) {
            fact.matched = question
                .filter
                .matches(&Record::parse(&line.text), Some(line.at));
        }
        (accept(question, &grown.facts), grown.troubles)
    }
}

/// What a record must be like to lead to a call that may be one of those asked for.
fn seed_filter(question: &SearchQuestion) -> RecordFilter {
    RecordFilter {
        phone: question.criteria.phone.clone(),
        ..question.filter.clone()
    }
}

/// Whether a source can hold records of the calls asked for.
fn may_hold(bounds: Bounds, question: &SearchQuestion) -> bool {
    let criteria = &question.criteria;
    let ended = matches!((bounds.last, criteria.since), (Some(last), Some(since)) if last < since);
    let reach = criteria
        .until
        .map(|until| until.plus_millis(reach::HORIZON_MILLIS));
    let later = matches!((bounds.first, reach), (Some(first), Some(until)) if first >= until);
    !ended && !later
}

/// One record for each leg, its latest, newest first. Records without a leg stand for themselves.
fn newest_of_each(lines: Vec<Line>) -> Vec<Line> {
    let mut newest: HashMap<Vec<u8>, Line> = HashMap::new();
    for line in lines {
        let fact: Fact = fact_of(&line);
        let name = match fact.edges().next() {
            Some(_) if !fact.uid().is_empty() => fact.uid().to_vec(),
            Some(_) => fact.bridge().to_vec(),
            None => continue,
        };
        let later = newest
            .get(&name)
            .is_none_or(|known| (known.at, known.place) < (line.at, line.place));
        if later {
            newest.insert(name, line);
        }
    }
    let mut seeds: Vec<Line> = newest.into_values().collect();
    seeds.sort_by_key(|line: &Line| std::cmp::Reverse((line.at, line.place)));
    seeds
}
