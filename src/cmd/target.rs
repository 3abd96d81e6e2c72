//! The call that `trace` shows: the call with an id, or the newest call of a number. If only an enterprise is given,
//! its newest calls are listed.

use super::App;
use super::calls::{Answers, newest_first};
use super::missing::Missing;
use super::search::print_table;
use crate::cli::{TraceArgs, TraceFormat, is_id, is_phone};
use calltrace_engine::SearchQuestion;
use calltrace_model::call::{Criteria, Summary};
use calltrace_model::record::phone::PhoneQuery;
use calltrace_model::record::{Stamp, id};
use calltrace_store::error::Error;
use calltrace_store::tree::EnterpriseName;

/// Number of calls to choose from.
const CHOICE: usize = 5;

/// The requested call.
pub(super) struct TraceTarget {
    /// The enterprises to search.
    pub(super) enterprises: Vec<EnterpriseName>,
    /// One of the ids of the call.
    pub(super) id: String,
    /// Chooses the first call with this id since this time; `None` for the newest call.
    pub(super) since: Option<Stamp>,
    /// The files that could not be read during the search for the call.
    pub(super) missing: Missing,
}

/// A call with its enterprise.
type Call = (EnterpriseName, Summary);

/// Refuses a word that can't be an id.
pub(super) fn check_id(asked: &str) -> Result<(), Error> {
    if id::is_askable(asked) {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{asked:?} is not a call id; an id looks like 1764493655.61"
    )))
}

impl App {
    /// The typed call: an id or a number, with or without an enterprise before it.
    ///
    /// # Errors
    /// Returns an error if the word is neither, or if only an enterprise was typed; then its newest calls were printed.
    pub(super) fn target(&self, args: &TraceArgs) -> Result<TraceTarget, Error> {
        let (asked, enterprises) = args.target.split_last().expect("it is required");
        if enterprises.is_empty()
            && !is_id(asked)
            && let Some(enterprise) = self.enterprise_of(asked)?
        {
            return Err(self.choose(args, enterprise)?);
        }
        let since = self.moment("--since", args.since.as_deref())?;
        let since = since.map(|moment| self.engine.zone().stamp(moment.begin));
        let mut typed = enterprises.to_vec();
        self.read_enterprises(&mut typed)?;
        let mut target = TraceTarget {
            enterprises: self.tree.select(&typed)?,
            id: asked.clone(),
            since,
            missing: Missing::default(),
        };
        let query = PhoneQuery::parse(asked).ok();
        let Some(query) = query.filter(|_| is_phone(asked)) else {
            check_id(asked).map_err(|error| match enterprises {
                [] => self.neither(asked),
                _ => error,
            })?;
            return Ok(target);
        };
        let digits = String::from_utf8_lossy(query.digits()).into_owned();
        if let Some((enterprise, call)) = self.call_of(&query, &mut target, args.strict) {
            let which = if since.is_some() { "first" } else { "newest" };
            self.say(&format!(
                "the {which} call of {digits}: calltrace trace {enterprise} {}; all of them: \
                 calltrace search {enterprise} --phone {digits}",
                call.main_uid
            ));
            return Ok(TraceTarget {
                enterprises: vec![enterprise],
                id: call.main_uid,
                since: Some(call.first),
                ..target
            });
        }
        // Some hosts may have ids of digits only, so the number is also tried as an id.
        target.id = digits;
        Ok(target)
    }

    /// The newest call of a number, or its first call since a time.
    fn call_of(&self, query: &PhoneQuery, target: &mut TraceTarget, strict: bool) -> Option<Call> {
        let criteria = Criteria {
            phone: Some(query.clone()),
            since: target.since,
            ..Criteria::default()
        };
        let limit = target.since.is_none().then_some(1);
        let (calls, mut answers) = self.calls_of(&target.enterprises, criteria, limit, strict);
        target.missing.join(answers.missing());
        match target.since {
            Some(_) => calls.into_iter().next_back(),
            None => calls.into_iter().next(),
        }
    }

    /// The calls that match, newest first.
    fn calls_of(
        &self,
        enterprises: &[EnterpriseName],
        criteria: Criteria,
        limit: Option<usize>,
        strict: bool,
    ) -> (Vec<Call>, Answers) {
        let question = SearchQuestion {
            criteria: Criteria {
                now: Some(self.now_stamp()),
                ..criteria
            },
            limit,
            strict,
            ..SearchQuestion::default()
        };
        let mut answers = self.ask(enterprises, &question);
        let mut calls: Vec<Call> = Vec::new();
        for found in &mut answers.found {
            let own = std::mem::take(&mut found.calls).into_iter();
            calls.extend(own.map(|call| (found.enterprise.clone(), call)));
        }
        calls.sort_by(|(a_name, a), (b_name, b)| newest_first((a_name, a), (b_name, b)));
        (calls, answers)
    }

    /// The error about a word that is neither an id nor a number nor an enterprise.
    fn neither(&self, typed: &str) -> Error {
        let unknown = self.tree.select(&[typed.to_owned()]).err();
        let unknown = unknown.map_or_else(String::new, |error| format!("; {error}"));
        Error::Usage(format!(
            "{typed:?} is neither a call id, such as 1764493655.61, nor a phone number{unknown}"
        ))
    }

    /// Prints the newest calls of an enterprise, and returns an error that says how to choose one.
    fn choose(&self, args: &TraceArgs, enterprise: EnterpriseName) -> Result<Error, Error> {
        let enterprises = [enterprise];
        let calls = match args.format {
            TraceFormat::Timeline => {
                let all = Criteria::default();
                let (calls, mut answers) =
                    self.calls_of(&enterprises, all, Some(CHOICE), args.strict);
                self.say_missing(&answers.missing(), !calls.is_empty());
                calls
            }
            _ => Vec::new(),
        };
        let [enterprise] = enterprises;
        let rows: Vec<(&EnterpriseName, &Summary)> =
            calls.iter().map(|(name, call)| (name, call)).collect();
        let how = match rows.first() {
            Some((_, newest)) => {
                print_table(self, &mut self.out(), &rows, None)?;
                format!(
                    "and these are its newest calls; choose one: calltrace trace {enterprise} {}",
                    newest.main_uid
                )
            }
            None => format!("and no call; calltrace search {enterprise} shows its calls"),
        };
        Ok(Error::Usage(format!(
            "{enterprise} is an enterprise, {how}"
        )))
    }
}
