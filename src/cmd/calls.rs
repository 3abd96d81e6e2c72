//! What the filters on calls ask of the engine, for every subcommand that takes them; what it answers, and what became
//! of missed calls.

use chrono::{DateTime, Utc};

use super::Desk;
use crate::cli::CallArgs;
use calltrace_engine::{Found, SearchQuestion};
use calltrace_model::call::{Criteria, Outcome};
use calltrace_model::record::Stamp;
use calltrace_model::stats::{Contacts, Returns, StatsCall, criteria_after};
use calltrace_store::error::{Error, Trouble};
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
        figures_only: false,
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
    pub(super) unreadable: bool,
}

impl Answers {
    /// Whether they may miss something.
    pub(super) fn are_incomplete(&self) -> bool {
        self.unreadable
            || self
                .found
                .iter()
                .any(|found| Trouble::may_hide(&found.troubles))
    }
}

/// How late a missed call is still returned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Within {
    pub(super) millis: i64,
    /// Calls are joined by ids alone.
    pub(super) strict: bool,
}

/// A missed call, to ask what became of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct MissedCall<'a> {
    /// Its enterprise's place among those asked.
    pub(super) enterprise: usize,
    pub(super) client: &'a str,
    pub(super) first: Stamp,
}

impl Desk {
    /// Asks each enterprise, and says how that went; not again what was said of the answers before.
    pub(super) fn ask(
        &self,
        enterprises: &[EnterpriseName],
        question: &SearchQuestion,
        before: Option<&Answers>,
    ) -> Answers {
        let answers = self.engine.search_each(&self.tree, enterprises, question);
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

    /// Hands out each call that is asked for, with the place of its enterprise among those asked; the answers come
    /// back without calls.
    pub(super) fn calls_of_period(
        &self,
        enterprises: &[EnterpriseName],
        question: &SearchQuestion,
        before: Option<&Answers>,
        mut each: impl FnMut(usize, &StatsCall<'_>),
    ) -> Answers {
        let question = SearchQuestion {
            figures_only: true,
            ..question.clone()
        };
        let mut answers = self.ask(enterprises, &question, before);
        for found in &mut answers.found {
            let place = enterprises
                .iter()
                .position(|name| *name == found.enterprise);
            let place = place.expect("answers are of those that were asked");
            for call in std::mem::take(&mut found.calls) {
                each(place, &StatsCall::from(&call));
            }
        }
        answers
    }

    /// Hands out every call, whatever was asked for before, that may be one of the clients of these missed calls and
    /// began no later than so many milliseconds after them. Returns whether something could not be read.
    pub(super) fn calls_after(
        &self,
        enterprises: &[EnterpriseName],
        missed: &[MissedCall<'_>],
        within: Within,
        before: &Answers,
        each: impl FnMut(usize, &StatsCall<'_>),
    ) -> bool {
        let calls = missed.iter().map(|call| (call.client, call.first));
        let Some(criteria) = criteria_after(calls, within.millis, self.now_stamp()) else {
            return false;
        };
        let question = SearchQuestion {
            criteria,
            strict: within.strict,
            ..SearchQuestion::default()
        };
        self.calls_of_period(enterprises, &question, Some(before), each)
            .are_incomplete()
    }

    /// Tells the fate of these missed calls; whether something could not be read that may change it.
    pub(super) fn returns(
        &self,
        enterprises: &[EnterpriseName],
        missed: &[MissedCall<'_>],
        within: Within,
        before: &Answers,
    ) -> (Returns, bool) {
        let mut contacts = Contacts::default();
        let add = |enterprise, call: &StatsCall<'_>| contacts.add(enterprise, call);
        let incomplete = self.calls_after(enterprises, missed, within, before, add);
        (contacts.settle(within.millis, self.now_stamp()), incomplete)
    }
}

/// Whether only time narrows the question.
pub(super) fn is_of_all(question: &SearchQuestion) -> bool {
    let criteria = &question.criteria;
    let is_free = [
        criteria.phone.is_none(),
        criteria.extension.is_none(),
        criteria.trunk.is_none(),
        criteria.chat.is_none(),
        criteria.direction.is_none(),
        criteria.outcome.is_none(),
        criteria.min_talk_millis.is_none(),
        criteria.min_ring_millis.is_none(),
        !criteria.transferred,
        criteria.fault.is_none(),
        !criteria.needs_match,
    ];
    is_free.iter().all(|is_free| *is_free)
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
