//! Calls that match, newest first.

use std::collections::HashMap;

use rayon::prelude::*;

use super::corpus::Searched;
use super::table::{Light, Tables, complete};
use super::tally::Tally;
use super::{Corpus, Engine};
use calltrace_model::call::{Criteria, Fact, Records, SAME_CALL_MILLIS, Summary, reach};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::Stamp;
use calltrace_store::error::{Error, Times, Trouble};
use calltrace_store::tree::{EnterpriseName, Tree};

/// Calls kept over twice the limit before those too many are let go.
const SPARE_CALLS: usize = 1000;

/// Why a search without tables can't fail.
const NO_TABLES: &str = "without tables nothing is wrong with them";

/// Which calls?
#[derive(Debug, Clone, Default)]
pub struct SearchQuestion {
    /// What the call must be like.
    pub criteria: Criteria,
    /// What one of its records must be like.
    pub filter: RecordFilter,
    /// At most this many, the newest; `None` for all.
    pub limit: Option<usize>,
    /// Only how many there are; `limit` does not count.
    pub count_only: bool,
    /// Also how many there are by time and outcome, whatever the limit: everything is read that
    /// the criteria don't rule out by time.
    pub tally: bool,
    /// Of each call only the figures that statistics are made of: when, who, how it ended, how long, its
    /// requests and the lags of its messages. The rest may be missing.
    pub figures_only: bool,
    /// Only what ids prove; no inferred joins.
    pub strict: bool,
}

/// The answer of one enterprise.
#[derive(Debug)]
pub struct Found {
    /// Whose.
    pub enterprise: EnterpriseName,
    /// The calls, newest first, without their legs; empty when only their number was asked for.
    pub calls: Vec<Summary>,
    /// How many calls were found (up to the limit).
    pub count: usize,
    /// How many match, whatever the limit, of what was read.
    pub matches: usize,
    /// More may match: what can't hold a newer call was not read once the limit was full.
    pub may_match_more: bool,
    /// All that match, where that was asked for.
    pub tally: Tally,
    /// What was read.
    pub searched: Searched,
    /// What could not be read.
    pub troubles: Vec<Trouble>,
    /// Lines read that fit no kind.
    pub unparsed: u64,
    /// At least so many records read are more than are kept of one call (see [`super::RecordLimits`]).
    pub records_left_out: u64,
    /// For those who want to know how it was found.
    pub notes: Vec<String>,
}

impl Engine {
    /// Searches one enterprise.
    ///
    /// # Errors
    /// When the enterprise's folder can't be listed.
    pub fn search(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        question: &SearchQuestion,
    ) -> Result<Found, Error> {
        self.pool.install(|| {
            if let Some(nothing) = self.search_at_a_glance(tree, enterprise, question) {
                return Ok(nothing);
            }
            Corpus::ask(tree, enterprise, self, |corpus| {
                let mut calls = Calls::new(corpus, question);
                // A record that holds something rare leads to its call; else everything is read.
                let seeded = self
                    .needle_of(question)
                    .is_some_and(|needle| self.search_seeds(corpus, question, &needle, &mut calls));
                match seeded {
                    true => calls.finish(corpus).expect(NO_TABLES),
                    false => self.search_windows(corpus, question),
                }
            })
        })
    }

    /// Searches window by window, with the help of tables where these may tell.
    fn search_windows(&self, corpus: &Corpus, question: &SearchQuestion) -> Found {
        let asks_records =
            !question.filter.is_empty() || question.strict || question.criteria.needs_match;
        let tables = match asks_records {
            true => Tables::default(),
            false => Tables::of(corpus, self.zone).for_criteria(&question.criteria),
        };
        let search = |tables: &Tables| {
            let mut calls = Calls::new(corpus, question);
            self.search_sweep(corpus, question, tables, &mut calls)?;
            calls.finish(corpus)
        };
        search(&tables)
            .map(|mut found| {
                found.notes.extend(tables.notes());
                found
            })
            .unwrap_or_else(|why| {
                let mut found = search(&Tables::default()).expect(NO_TABLES);
                let note = format!("a table {why}; all calls are looked for in the logs");
                found.notes.push(note);
                found
            })
    }

    /// Searches several enterprises side by side; answers in their order, each as from
    /// [`Engine::search`].
    pub fn search_each(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        question: &SearchQuestion,
    ) -> Vec<Result<Found, Error>> {
        let one = |enterprise: &EnterpriseName| self.search(tree, enterprise, question);
        self.pool
            .install(|| enterprises.par_iter().map(one).collect())
    }

    pub(super) fn needle_of(&self, question: &SearchQuestion) -> Option<Vec<u8>> {
        // A short number is in most lines by chance: whole calls tell.
        let phone = question.criteria.phone.as_ref();
        let phone = phone.filter(|query| !query.is_short());
        phone
            .map(|query| query.needle().to_vec())
            .or_else(|| question.filter.needle())
    }
}

/// Collects the calls of one enterprise.
pub(super) struct Calls<'q> {
    question: &'q SearchQuestion,
    /// Each with where the rest of it stands, if a table told of it.
    calls: Vec<(Summary, Option<Light>)>,
    /// Main legs of the calls collected, with when each began: a call that two stretches of time both show
    /// counts once.
    seen: HashMap<Box<str>, Stamp>,
    count: usize,
    /// Something was not read, as there were enough.
    pub may_match_more: bool,
    tally: Tally,
    pub searched: Searched,
    pub troubles: Vec<Trouble>,
    pub unparsed: u64,
    pub unparsed_at: Vec<Stamp>,
    pub is_late: bool,
    pub records_left_out: u64,
}

impl<'q> Calls<'q> {
    pub(super) fn new(corpus: &Corpus, question: &'q SearchQuestion) -> Calls<'q> {
        Calls {
            question,
            calls: Vec::new(),
            seen: HashMap::new(),
            count: 0,
            may_match_more: false,
            tally: Tally::default(),
            searched: Searched::default(),
            troubles: corpus.troubles.clone(),
            unparsed: 0,
            unparsed_at: Vec::new(),
            is_late: false,
            records_left_out: 0,
        }
    }

    /// Takes a call that passed [`accept`]. Its legs are let go: rows don't show them.
    pub(super) fn push(&mut self, mut summary: Summary, light: Option<Light>) {
        let known = self
            .seen
            .insert(summary.main_uid.as_str().into(), summary.first);
        if known.is_some_and(|first| first.since(summary.first).abs() <= SAME_CALL_MILLIS) {
            return;
        }
        self.count += 1;
        if self.question.tally {
            self.tally.add(&summary);
        }
        if !self.question.count_only {
            summary.legs = Vec::new();
            self.calls.push((summary, light));
        }
        // A tally goes on long after the limit is full.
        if let Some(limit) = self.question.limit
            && self.calls.len() > 2 * limit + SPARE_CALLS
        {
            self.newest_first();
            self.calls.truncate(limit);
        }
    }

    /// Whether as many as were asked for are there, and no call that began before `before` can be
    /// newer than the oldest of them.
    pub(super) fn is_full(&mut self, before: Stamp) -> bool {
        let limit = match self.question.limit {
            Some(limit) if !self.question.count_only && !self.question.tally => limit,
            _ => return false,
        };
        if self.calls.len() < limit {
            return false;
        }
        self.newest_first();
        self.calls.truncate(limit);
        self.calls
            .last()
            .is_none_or(|(oldest, _)| oldest.first >= before)
    }

    fn newest_first(&mut self) {
        let newest = |(a, _): &(Summary, _), (b, _): &(Summary, _)| {
            (b.first, &b.main_uid).cmp(&(a.first, &a.main_uid))
        };
        // A call takes half a kilobyte: to sort so many themselves moves each some twenty times.
        let mut order: Vec<usize> = (0..self.calls.len()).collect();
        order.sort_by(|a, b| newest(&self.calls[*a], &self.calls[*b]));
        let mut calls: Vec<_> = self.calls.drain(..).map(Some).collect();
        let in_order = order.into_iter().filter_map(|at| calls[at].take());
        self.calls.extend(in_order);
    }

    /// The time of records that may show or change what was asked for. Once as many calls are there as
    /// were asked for, older ones were not.
    fn asked(&self) -> Times {
        let criteria = &self.question.criteria;
        let is_of_newest = !self.question.count_only && !self.question.tally;
        let limit = self.question.limit.filter(|_| is_of_newest);
        let oldest = self.calls.last().map(|(oldest, _)| oldest.first);
        let cut = oldest.filter(|_| limit.is_some_and(|limit| self.calls.len() >= limit));
        let (since, until) = (criteria.since.max(cut), criteria.until);
        Times {
            from: since.map(|since| since.plus_millis(-reach::QUIET_MILLIS)),
            to: until.map(|until| until.plus_millis(reach::HORIZON_MILLIS)),
        }
    }

    /// # Errors
    /// What is wrong with a table, as a clause about it: then the answer is of no use.
    pub(super) fn finish(mut self, corpus: &Corpus) -> Result<Found, String> {
        self.newest_first();
        if let Some(limit) = self.question.limit {
            self.calls.truncate(limit);
        }
        complete(&mut self.calls, self.question.criteria.now)?;
        self.searched.files_known = corpus.sources.len();
        let asked = self.asked();
        corpus.judge(&mut self.troubles, asked);
        let count = if self.question.count_only {
            self.count
        } else {
            self.calls.len()
        };
        Ok(Found {
            enterprise: corpus.enterprise.clone(),
            calls: self.calls.into_iter().map(|(call, _)| call).collect(),
            count,
            matches: self.count,
            may_match_more: self.may_match_more,
            tally: self.tally,
            searched: self.searched,
            troubles: self.troubles,
            unparsed: self.unparsed,
            records_left_out: self.records_left_out,
            notes: corpus.notes.clone(),
        })
    }
}

/// Sums up the records of a call (in order of time) if it is one of those asked for.
pub(super) fn accept(question: &SearchQuestion, facts: &[Fact]) -> Option<Summary> {
    if question.criteria.rules_out(facts) {
        return None;
    }
    // A bridge that nobody is known to have entered is no call.
    let mut summary =
        Summary::without_details(facts).filter(|summary| !summary.main_uid.is_empty())?;
    if let Some(now) = question.criteria.now {
        summary.settle(facts, now);
    }
    let records = Records {
        summary: &summary,
        facts,
    };
    if !question.criteria.accepts(&summary, &records) {
        return None;
    }
    if !question.count_only {
        summary.add_details(facts);
    }
    Some(summary)
}
