//! Calls that match, newest first.

mod answer;
mod from_tables;
mod legs;
mod newest;

use std::sync::Arc;

use rayon::prelude::*;

use super::corpus::Searched;
use super::figures::FiguresSink;
use super::table::{CallTable, CallTables};
use super::tally::CallTally;
use super::window::{TimeWindow, first_second};
use super::{Corpus, Engine};
use answer::{FoundCall, UnreadAnswer};
use calltrace_model::call::{CallRecords, Criteria, Digest, Fact, Summary, reach};
use calltrace_model::filter::RecordFilter;
use calltrace_model::record::{LogZone, Stamp};
use calltrace_model::stats::StatsCall;
use calltrace_store::error::{Error, TimeRange, Trouble};
use calltrace_store::tree::{EnterpriseName, Tree};
use legs::SeenLegs;
pub use newest::newest_first;

/// Calls kept beyond twice the limit before the surplus is dropped.
const SPARE_CALLS: usize = 1000;

/// Why a search without tables can't fail.
const NO_TABLES: &str = "without tables nothing is wrong with them";

/// Selects calls of one enterprise.
#[derive(Debug, Clone, Default)]
pub struct SearchQuestion {
    /// The conditions on the call.
    pub criteria: Criteria,
    /// The conditions on one of its records.
    pub filter: RecordFilter,
    /// At most this many, the newest; `None` for all.
    pub limit: Option<usize>,
    /// Only the number of matches is wanted, regardless of `limit`.
    pub count_only: bool,
    /// Also count the calls by time and outcome, regardless of the limit. Then all files are read that the
    /// criteria do not exclude by time.
    pub tally: bool,
    /// Also return [`Summary::digest`] of each call.
    pub digests: bool,
    /// Only joins that ids prove; no inferred joins.
    pub strict: bool,
}

/// The answer about one enterprise.
#[derive(Debug)]
pub struct FoundCalls {
    pub enterprise: EnterpriseName,
    /// The calls, newest first, without their legs; empty when only their number was asked for.
    pub calls: Vec<Summary>,
    /// How many calls were found, up to the limit.
    pub count: usize,
    /// Matches in all that was read, regardless of the limit.
    pub matches: usize,
    /// More calls may match: files that can't hold a newer call were not read once the limit was reached.
    pub may_match_more: bool,
    /// All matches by time and outcome, if [`SearchQuestion::tally`] was set.
    pub tally: CallTally,
    /// The files and bytes that were read.
    pub searched: Searched,
    /// Troubles with files that could not be read.
    pub troubles: Vec<Trouble>,
    /// Number of lines read that are of no known kind.
    pub unparsed: u64,
    /// At least this many of the records read exceed what is kept of one call (see [`super::RecordLimits`]).
    pub records_left_out: u64,
    /// Notes on how the answer was found.
    pub notes: Vec<String>,
}

/// The answers about several enterprises, in their order.
pub type EachFound = Vec<Result<FoundCalls, Error>>;

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
    ) -> Result<FoundCalls, Error> {
        self.search_into(tree, enterprise, question, None)
    }

    /// Searches one enterprise. With a sink the calls are not kept: each is handed to the sink once, in any
    /// order. The sink is reset whenever the question is asked again.
    pub(super) fn search_into(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        question: &SearchQuestion,
        sink: Option<&dyn FiguresSink>,
    ) -> Result<FoundCalls, Error> {
        self.pool.install(|| {
            let answer = self.answer(tree, enterprise, question, sink, None)?;
            answer.whole(question).or_else(|why| {
                let swept = self.answer(tree, enterprise, question, sink, Some(&why))?;
                Ok(swept.whole(question).expect(NO_TABLES))
            })
        })
    }

    /// What [`Engine::search_into`] answers, before calls are read completely. If there is a `reason` (a
    /// clause about a table), no tables are used.
    fn answer(
        &self,
        tree: &Tree,
        enterprise: &EnterpriseName,
        question: &SearchQuestion,
        sink: Option<&dyn FiguresSink>,
        reason: Option<&str>,
    ) -> Result<UnreadAnswer, Error> {
        if let Some(found) = self.search_at_a_glance(tree, enterprise, question) {
            let calls = Vec::new();
            return Ok(UnreadAnswer { found, calls });
        }
        Corpus::ask(tree, enterprise, self, |corpus| {
            let mut calls = CallCollector::handing_to(corpus, question, sink);
            // A record that holds something rare leads to its call; without one, everything is read.
            let seeded = self
                .needle_of(question)
                .is_some_and(|needle| self.search_seeds(corpus, question, &needle, &mut calls));
            match (seeded, reason) {
                (true, _) => calls.finish(corpus),
                (false, None) => self
                    .search_windows(corpus, question, sink)
                    .unwrap_or_else(|why| self.search_logs(corpus, question, sink, &why)),
                (false, Some(why)) => self.search_logs(corpus, question, sink, why),
            }
        })
    }

    /// Searches window by window, with tables if they can answer.
    ///
    /// # Errors
    /// Returns a clause that says what is wrong with a table.
    fn search_windows(
        &self,
        corpus: &Corpus,
        question: &SearchQuestion,
        sink: Option<&dyn FiguresSink>,
    ) -> Result<UnreadAnswer, String> {
        let asks_records =
            !question.filter.is_empty() || question.strict || question.criteria.needs_match;
        let memory = self.tables.as_deref();
        let tables = match asks_records {
            true => CallTables::default(),
            false => {
                let asked = TimeWindow::asked(&question.criteria);
                let tables = CallTables::near(corpus, self.zone, memory, asked);
                tables.for_criteria(&question.criteria)
            }
        };
        let mut calls = CallCollector::handing_to(corpus, question, sink);
        self.search_sweep(corpus, question, &tables, &mut calls)?;
        let mut answer = calls.finish(corpus);
        // A question with such conditions may have left out calls that a table must hold.
        if !asks_records && question.criteria.fault.is_none() {
            self.remember_tail(corpus, &tables, question.criteria.until);
        }
        answer.found.notes.extend(tables.notes());
        Ok(answer)
    }

    /// Searches without tables; `reason` is a clause about one of them.
    fn search_logs(
        &self,
        corpus: &Corpus,
        question: &SearchQuestion,
        sink: Option<&dyn FiguresSink>,
        reason: &str,
    ) -> UnreadAnswer {
        let mut calls = CallCollector::handing_to(corpus, question, sink);
        let swept = self.search_sweep(corpus, question, &CallTables::default(), &mut calls);
        swept.expect(NO_TABLES);
        let mut answer = calls.finish(corpus);
        let note = format!("a table {reason}; all calls are searched for in the logs");
        answer.found.notes.push(note);
        answer
    }

    /// Searches several enterprises in parallel; answers in their order, each as from [`Engine::search`].
    pub fn search_each(
        &self,
        tree: &Tree,
        enterprises: &[EnterpriseName],
        question: &SearchQuestion,
    ) -> EachFound {
        let one = |enterprise: &EnterpriseName| self.search(tree, enterprise, question);
        self.pool
            .install(|| enterprises.par_iter().map(one).collect())
    }

    pub(super) fn needle_of(&self, question: &SearchQuestion) -> Option<Vec<u8>> {
        // A short number is in most lines by chance, so it is looked for in whole calls.
        let phone = question.criteria.phone.as_ref();
        let phone = phone.filter(|query| !query.is_short());
        phone
            .map(|query| query.needle().to_vec())
            .or_else(|| question.filter.needle())
    }
}

/// Collects the calls of one enterprise.
pub(super) struct CallCollector<'q> {
    question: &'q SearchQuestion,
    sink: Option<&'q dyn FiguresSink>,
    calls: Vec<FoundCall>,
    /// Groups of rows in tables that are still to be counted.
    uncounted: Vec<(Arc<CallTable>, usize, TimeWindow)>,
    seen: SeenLegs,
    count: usize,
    /// Something was not read, because there were enough calls.
    pub may_match_more: bool,
    tally: CallTally,
    pub searched: Searched,
    pub troubles: Vec<Trouble>,
    pub unparsed: u64,
    pub unparsed_at: Vec<Stamp>,
    pub is_late: bool,
    pub records_left_out: u64,
}

impl<'q> CallCollector<'q> {
    pub(super) fn new(corpus: &Corpus, question: &'q SearchQuestion) -> CallCollector<'q> {
        Self::handing_to(corpus, question, None)
    }

    fn handing_to(
        corpus: &Corpus,
        question: &'q SearchQuestion,
        sink: Option<&'q dyn FiguresSink>,
    ) -> CallCollector<'q> {
        if let Some(sink) = sink {
            sink.begin();
        }
        CallCollector {
            question,
            sink,
            calls: Vec::new(),
            uncounted: Vec::new(),
            seen: SeenLegs::default(),
            count: 0,
            may_match_more: false,
            tally: CallTally::default(),
            searched: Searched::default(),
            troubles: corpus.troubles.clone(),
            unparsed: 0,
            unparsed_at: Vec::new(),
            is_late: false,
            records_left_out: 0,
        }
    }

    /// Enters a window: the calls that come next began within it. `tables` are those that cover the time
    /// just before.
    pub(super) fn enter(&mut self, zone: LogZone, window: TimeWindow, tables: &[Arc<CallTable>]) {
        self.seen.tables = tables.to_vec();
        self.seen.table_legs = None;
        self.seen.window = Some(first_second(zone, window));
    }

    /// Adds a call that passed [`accept`]. Its legs are dropped, since rows do not show them.
    pub(super) fn push(&mut self, mut summary: Summary) {
        if !self.seen.is_new(&summary.main_uid, summary.first) {
            return;
        }
        self.count += 1;
        if self.question.tally {
            self.tally.add(summary.first, summary.outcome);
        }
        if let Some(sink) = self.sink {
            sink.take(&mut |add| add(&StatsCall::from(&summary)));
        } else if self.keeps_calls() {
            summary.legs = Vec::new();
            self.calls.push(FoundCall::Whole(Box::new(summary)));
            self.drop_surplus();
        }
    }

    /// Whether the calls themselves are asked for, not only their number.
    fn keeps_calls(&self) -> bool {
        self.sink.is_none() && !self.question.count_only
    }

    /// Drops surplus calls. A tally continues long after the limit is reached.
    fn drop_surplus(&mut self) {
        if let Some(limit) = self.question.limit
            && self.calls.len() > 2 * limit + SPARE_CALLS
        {
            self.newest_first();
            self.calls.truncate(limit);
        }
    }

    /// Whether the limit is reached and no call that began before `before` can be newer than the oldest one
    /// found, so that no more need be read.
    pub(super) fn is_full(&mut self, before: Stamp) -> bool {
        let wants_newest = self.keeps_calls() && !self.question.tally;
        wants_newest && self.has_newest(before)
    }

    /// As [`CallCollector::is_full`], but without regard to a tally.
    fn has_newest(&mut self, before: Stamp) -> bool {
        let Some(limit) = self.question.limit else {
            return false;
        };
        if self.calls.len() < limit {
            return false;
        }
        self.newest_first();
        self.calls.truncate(limit);
        self.calls
            .last()
            .is_none_or(|oldest| oldest.key().0 >= before)
    }

    fn newest_first(&mut self) {
        self.calls.sort_by(|a, b| b.key().cmp(&a.key()));
    }

    /// The time range of records that may change the answer. Once the limit is reached, older calls do not
    /// matter.
    fn asked(&self) -> TimeRange {
        let criteria = &self.question.criteria;
        let wants_newest = !self.question.count_only && !self.question.tally;
        let limit = self.question.limit.filter(|_| wants_newest);
        let oldest = self.calls.last().map(|oldest| oldest.key().0);
        let cut = oldest.filter(|_| limit.is_some_and(|limit| self.calls.len() >= limit));
        let (since, until) = (criteria.since.max(cut), criteria.until);
        TimeRange {
            from: since.map(|since| since.plus_millis(-reach::QUIET_MILLIS)),
            to: until.map(|until| until.plus_millis(reach::HORIZON_MILLIS)),
        }
    }

    fn finish(mut self, corpus: &Corpus) -> UnreadAnswer {
        self.newest_first();
        if let Some(limit) = self.question.limit {
            self.calls.truncate(limit);
        }
        let asked = self.asked();
        self.searched.files_known = corpus.sources.len();
        corpus.judge(&mut self.troubles, asked);
        let is_counted = self.question.count_only || self.sink.is_some();
        let found = FoundCalls {
            enterprise: corpus.enterprise.clone(),
            count: match is_counted {
                true => self.count,
                false => self.calls.len(),
            },
            calls: Vec::new(),
            matches: self.count,
            may_match_more: self.may_match_more,
            tally: self.tally,
            searched: self.searched,
            troubles: self.troubles,
            unparsed: self.unparsed,
            records_left_out: self.records_left_out,
            notes: corpus.notes.clone(),
        };
        let calls = self.calls;
        UnreadAnswer { found, calls }
    }

    /// The answer for an enterprise in which no call matches.
    pub(super) fn without_calls(self, corpus: &Corpus) -> FoundCalls {
        self.finish(corpus).found
    }
}

/// Summarizes the records of a call (in order of time) if the call is asked for.
pub(super) fn accept(question: &SearchQuestion, facts: &[Fact]) -> Option<Summary> {
    if question.criteria.rules_out(facts) {
        return None;
    }
    // A bridge that no channel is known to have entered is not a call.
    let mut summary =
        Summary::without_details(facts).filter(|summary| !summary.main_uid.is_empty())?;
    // The digest is made as a table keeps it, independent of the present time.
    let digest = question.digests.then(|| {
        let summary = &summary;
        Box::new(Digest::of(CallRecords { summary, facts }))
    });
    summary.digest = digest;
    if let Some(now) = question.criteria.now {
        summary.settle(facts, now);
    }
    let records = CallRecords {
        summary: &summary,
        facts,
    };
    if !question.criteria.accepts(&records) {
        return None;
    }
    if !question.count_only {
        summary.add_details(facts);
    }
    Some(summary)
}
