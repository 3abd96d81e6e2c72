//! What the filters on calls ask of the engine, for every subcommand that takes them, and what it answers.

use chrono::{DateTime, Utc};

use super::Desk;
use crate::cli::CallArgs;
use calltrace_engine::{EachFound, Found, SearchQuestion, StatsQuestion};
use calltrace_model::call::{Criteria, Outcome};
use calltrace_model::record::Stamp;
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

/// When `--since` begins and `--until` ends.
pub(super) type Period = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// The time that was typed.
pub(super) fn period(desk: &Desk, args: &CallArgs) -> Result<Period, Error> {
    let since = desk.moment("--since", args.since.as_deref())?;
    let until = desk.moment("--until", args.until.as_deref())?;
    let (since, until) = (since.map(|m| m.begin), until.map(|m| m.end));
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
pub(super) fn span(desk: &Desk, args: &CallArgs) -> Result<(Option<Stamp>, Option<Stamp>), Error> {
    let (since, until) = period(desk, args)?;
    let stamp = |moment| desk.engine.zone().stamp(moment);
    Ok((since.map(stamp), until.map(stamp)))
}

/// The question of all calls of all time that the filters let through.
pub(super) fn question(desk: &Desk, args: &CallArgs, strict: bool) -> SearchQuestion {
    let filter = args.content.record_filter();
    SearchQuestion {
        criteria: Criteria {
            phone: args.party.phone.clone(),
            extension: args.party.ext.clone(),
            trunk: args.party.trunk.clone(),
            chat: args.party.chat.clone(),
            direction: args.direction,
            outcome: args.status,
            unanswered: false,
            now: Some(desk.now_stamp()),
            min_talk_millis: args.min_talk,
            min_ring_millis: args.min_ring,
            transferred: args.transferred,
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
pub(super) fn left_out(found: &Found) -> Option<String> {
    (found.records_left_out > 0).then(|| {
        format!(
            "{}: at least {} records are more than are kept of one call; its row leaves them out",
            found.enterprise, found.records_left_out
        )
    })
}

/// What enterprises answered.
pub(super) struct Answers {
    pub(super) found: Vec<Found>,
    /// A folder could not be read.
    unreadable: bool,
}

impl Answers {
    /// Whether they may miss something.
    pub(super) fn are_incomplete(&self) -> bool {
        self.unreadable || self.found.iter().any(|found| !found.troubles.is_empty())
    }
}

impl Desk {
    /// Asks each enterprise, and says how that went.
    pub(super) fn ask(&self, enterprises: &[EnterpriseName], question: &SearchQuestion) -> Answers {
        let answers = self.engine.search_each(&self.tree, enterprises, question);
        self.hear(enterprises, answers, None)
    }

    /// Says how it went to ask each enterprise; not again what was said of the answers before.
    pub(super) fn hear(
        &self,
        enterprises: &[EnterpriseName],
        answers: EachFound,
        before: Option<&Answers>,
    ) -> Answers {
        let mut all = Answers {
            found: Vec::new(),
            unreadable: false,
        };
        for (enterprise, answer) in enterprises.iter().zip(answers) {
            let Some(found) = self.answer(answer) else {
                all.unreadable = true;
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
            let fresh = found.troubles.iter().filter(|trouble| {
                let known = before.iter().flat_map(|answers| &answers.found);
                !known
                    .flat_map(|found| &found.troubles)
                    .any(|t| t == *trouble)
            });
            self.say_troubles(fresh);
            if let (None, Some(text)) = (before, left_out(&found)) {
                self.say(&text);
            }
            all.found.push(found);
        }
        all
    }
}

/// The question what became of missed calls: within which time they are returned, and whether calls are joined by
/// ids alone.
pub(super) fn returned_within(desk: &Desk, within_millis: i64, strict: bool) -> StatsQuestion {
    StatsQuestion {
        search: SearchQuestion {
            criteria: Criteria {
                now: Some(desk.now_stamp()),
                ..Criteria::default()
            },
            strict,
            ..SearchQuestion::default()
        },
        by: None,
        within_millis,
    }
}

/// The outcome that `--missed` and the like ask for.
pub(super) fn wanted_outcome(
    status: Option<Outcome>,
    missed: bool,
    not_returned: bool,
) -> Result<Option<Outcome>, Error> {
    match status {
        Some(other) if not_returned && other != Outcome::Missed => Err(Error::Usage(
            "--not-returned is about missed calls; leave --status out".to_owned(),
        )),
        None if missed || not_returned => Ok(Some(Outcome::Missed)),
        status => Ok(status),
    }
}
