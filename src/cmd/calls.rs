//! Questions to the engine made of the filters on calls, and its answers; for all subcommands with these filters.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use super::App;
use super::missing::Missing;
use crate::cli::CallArgs;
use calltrace_engine::{EachFound, FoundCalls, SearchQuestion};
use calltrace_model::call::{Criteria, Outcome, Summary, reach};
use calltrace_model::record::Stamp;
use calltrace_store::error::{Error, TimeRange, Trouble};
use calltrace_store::tree::EnterpriseName;

/// The beginning of `--since` and the end of `--until`.
pub(super) type UtcPeriod = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The typed period.
pub(super) fn period(app: &App, args: &CallArgs) -> Result<UtcPeriod, Error> {
    let since = app.moment("--since", args.since.as_deref())?;
    let since = since.map(|m| m.begin);
    let until = app.moment_after("--until", args.until.as_deref(), since)?;
    let until = until.map(|m| m.end);
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(Error::Usage(
            "--since is not before --until, so the period is empty".to_owned(),
        ));
    }
    Ok((since, until))
}

/// The typed period in the clock of the records.
pub(super) fn span(app: &App, args: &CallArgs) -> Result<(Option<Stamp>, Option<Stamp>), Error> {
    let (since, until) = period(app, args)?;
    let stamp = |moment| app.engine.zone().stamp(moment);
    Ok((since.map(stamp), until.map(stamp)))
}

/// The question for all calls of any time that pass the filters.
pub(super) fn question(app: &App, args: &CallArgs, strict: bool) -> SearchQuestion {
    let filter = args.content.record_filter();
    SearchQuestion {
        criteria: Criteria {
            phone: args.party.phone.clone(),
            extensions: args.party.ext.clone(),
            trunks: args.party.trunk.clone(),
            chats: args.party.chat.clone(),
            direction: args.direction,
            outcome: args.status,
            unanswered: false,
            now: Some(app.now_stamp()),
            min_talk_millis: args.min_talk,
            min_ring_millis: args.min_ring,
            transferred: args.transferred,
            recovered: args.recovered,
            fault: args.fault,
            since: None,
            until: None,
            needs_match: !filter.is_empty(),
        },
        filter,
        limit: None,
        count_only: false,
        tally: false,
        digests: false,
        strict,
    }
}

/// The message about calls with more records than the limit per call; `None` if there are none.
pub(super) fn left_out(found: &FoundCalls) -> Option<String> {
    (found.records_left_out > 0).then(|| {
        format!(
            "{}: at least {} records exceed the limit per call, and the rows of their calls leave them out",
            found.enterprise, found.records_left_out
        )
    })
}

/// The order of rows.
pub(super) fn newest_first(
    (a_name, a): (&EnterpriseName, &Summary),
    (b_name, b): (&EnterpriseName, &Summary),
) -> Ordering {
    calltrace_engine::newest_first(
        (a.first, a_name, &a.main_uid),
        (b.first, b_name, &b.main_uid),
    )
}

/// The answers of the enterprises.
pub(super) struct Answers {
    pub(super) found: Vec<FoundCalls>,
    /// The enterprises that could not be asked.
    unreadable: Missing,
}

impl Answers {
    /// The files that could not be read for these answers.
    pub(super) fn missing(&mut self) -> Missing {
        let mut missing = std::mem::take(&mut self.unreadable);
        for found in &self.found {
            missing.add(&found.troubles);
        }
        missing
    }

    /// Notes that only the newest `limit` calls of all enterprises are shown. Damage then matters only if it may
    /// hide a call that is as new.
    pub(super) fn narrow(&mut self, limit: usize) {
        let calls = self.found.iter().flat_map(|found| &found.calls);
        let mut began: Vec<Stamp> = calls.map(|call| call.first).collect();
        began.sort_unstable_by_key(|first| std::cmp::Reverse(*first));
        let Some(oldest) = limit.checked_sub(1).and_then(|last| began.get(last)) else {
            return;
        };
        let asked = TimeRange {
            from: Some(oldest.plus_millis(-reach::QUIET_MILLIS)),
            to: None,
        };
        for found in &mut self.found {
            Trouble::judge(&mut found.troubles, asked);
        }
    }
}

impl App {
    /// Asks each enterprise; with a limit, for the newest calls of all enterprises together.
    pub(super) fn ask(&self, enterprises: &[EnterpriseName], question: &SearchQuestion) -> Answers {
        let progress = self.progress();
        let answers = self.engine.search_newest(&self.tree, enterprises, question);
        drop(progress);
        self.collect(enterprises, answers, false)
    }

    /// Collects the answers of the enterprises. Says which records rows leave out, unless the question was a
    /// `further` one: its calls are not shown.
    pub(super) fn collect(
        &self,
        enterprises: &[EnterpriseName],
        answers: EachFound,
        further: bool,
    ) -> Answers {
        let mut all = Answers {
            found: Vec::new(),
            unreadable: Missing::default(),
        };
        for (enterprise, answer) in enterprises.iter().zip(answers) {
            let Some(found) = all.unreadable.answer(answer) else {
                continue;
            };
            self.explain(|| {
                let unparsed = match found.unparsed {
                    0 => String::new(),
                    n => format!(", {n} lines of an unknown kind"),
                };
                format!(
                    "{enterprise}: {}{unparsed}",
                    self.searched_text(&found.searched)
                )
            });
            self.explain_all(&found.notes);
            if let (false, Some(text)) = (further, left_out(&found)) {
                self.say(&text);
            }
            all.found.push(found);
        }
        all
    }
}

/// The requested outcome: with `--not-returned` it is missed.
pub(super) fn wanted_outcome(
    status: Option<Outcome>,
    not_returned: bool,
) -> Result<Option<Outcome>, Error> {
    match status {
        Some(other) if not_returned && other != Outcome::Missed => Err(Error::Usage(
            "--not-returned only finds missed calls; leave out --status".to_owned(),
        )),
        None if not_returned => Ok(Some(Outcome::Missed)),
        status => Ok(status),
    }
}
