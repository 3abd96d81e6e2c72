//! What the filters on calls ask of the engine, for every subcommand that takes them, and what it answers.

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

/// When `--since` begins and `--until` ends.
pub(super) type Period = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The time that was typed.
pub(super) fn period(app: &App, args: &CallArgs) -> Result<Period, Error> {
    let since = app.moment("--since", args.since.as_deref())?;
    let since = since.map(|m| m.begin);
    let until = app.moment_after("--until", args.until.as_deref(), since)?;
    let until = until.map(|m| m.end);
    if let (Some(since), Some(until)) = (since, until)
        && since >= until
    {
        return Err(Error::Usage(
            "--since is not before --until; nothing can be between them".to_owned(),
        ));
    }
    Ok((since, until))
}

/// The same in time of records.
pub(super) fn span(app: &App, args: &CallArgs) -> Result<(Option<Stamp>, Option<Stamp>), Error> {
    let (since, until) = period(app, args)?;
    let stamp = |moment| app.engine.zone().stamp(moment);
    Ok((since.map(stamp), until.map(stamp)))
}

/// The question of all calls of all time that the filters let through.
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

/// What is to be said where calls have more records than are kept of one.
pub(super) fn left_out(found: &FoundCalls) -> Option<String> {
    (found.records_left_out > 0).then(|| {
        format!(
            "{}: at least {} records are more than are kept of one call; its row leaves them out",
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

/// What enterprises answered.
pub(super) struct Answers {
    pub(super) found: Vec<FoundCalls>,
    /// The enterprises that could not be asked.
    unreadable: Missing,
}

impl Answers {
    /// What they may miss.
    pub(super) fn missing(&mut self) -> Missing {
        let mut missing = std::mem::take(&mut self.unreadable);
        for found in &self.found {
            missing.add(&found.troubles);
        }
        missing
    }

    /// Notes that of the calls of all enterprises together only the newest `limit` are shown, so that
    /// damage matters only where it may hide one that is as new.
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
    /// Asks each enterprise; of several only the newest calls of all together.
    pub(super) fn ask(&self, enterprises: &[EnterpriseName], question: &SearchQuestion) -> Answers {
        let progress = self.progress();
        let answers = self.engine.search_newest(&self.tree, enterprises, question);
        drop(progress);
        self.hear(enterprises, answers, false)
    }

    /// Takes what each enterprise answered. What is left out of rows is said, unless the question was a `further`
    /// one that no rows are shown of.
    pub(super) fn hear(
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
                    n => format!(", {n} lines of no known kind"),
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

/// The outcome that is asked for: with `--not-returned` it is missed.
pub(super) fn wanted_outcome(
    status: Option<Outcome>,
    not_returned: bool,
) -> Result<Option<Outcome>, Error> {
    match status {
        Some(other) if not_returned && other != Outcome::Missed => Err(Error::Usage(
            "--not-returned is about missed calls; leave --status out".to_owned(),
        )),
        None if not_returned => Ok(Some(Outcome::Missed)),
        status => Ok(status),
    }
}
