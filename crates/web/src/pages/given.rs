//! What pages are made of.

use chrono::NaiveDate;

use super::filters::{Filters, Mistake};
use super::others::OtherCall;
use super::stats::Span;
use calltrace_directory::Names;
use calltrace_engine::{CallTally, Searched, TracedCall};
use calltrace_model::call::Summary;
use calltrace_model::stats::{Returns, Stats};
use calltrace_store::error::Trouble;
use calltrace_store::tree::EnterpriseName;

/// What the page of a call is made of.
#[derive(Debug)]
pub struct CallPage<'a> {
    /// Whose.
    pub enterprise: &'a EnterpriseName,
    /// What people call it.
    pub title: Option<&'a str>,
    /// The call.
    pub call: &'a TracedCall,
    /// What was read for it.
    pub searched: Searched,
    /// What could not be read.
    pub troubles: &'a [Trouble],
    /// Who is who.
    pub names: &'a Names,
    /// The page of a call that goes on may load itself again.
    pub may_refresh: bool,
    /// Entries of the timeline that are passed over (of a very long one).
    pub from: usize,
    /// Where this page is from elsewhere on it, with what opens it: `?token=...` with parameters
    /// added by `&`.
    pub query: &'a str,
    /// The list of calls, for who may see it.
    pub list: Option<&'a str>,
    /// Where the recording is; http or https.
    pub recording: Option<&'a str>,
    /// Other calls of the client, for who may see them.
    pub others: &'a [OtherCall],
}

/// Where links on the list lead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListLinks {
    /// The list without any filter.
    pub all: String,
    /// The same rows in the other language.
    pub language: String,
    /// Statistics of these days.
    pub stats: String,
    /// Newer rows of the same question.
    pub newer: Option<String>,
    /// Older rows of the same question.
    pub older: Option<String>,
    /// There are older rows that no page shows: too many to leaf through.
    pub is_cut: bool,
    /// The same question about the day before.
    pub day_before: Option<String>,
    /// The same question about the day after.
    pub day_after: Option<String>,
    /// The same question about today, yesterday, the last seven days; `None` for the one that is shown.
    pub spans: [Option<String>; 3],
    /// The same days, calls of every result, and missed ones; `None` for what is shown.
    pub outcomes: [Option<String>; 2],
}

/// What the list is made of.
#[derive(Debug)]
pub struct ListPage<'a> {
    /// Whose.
    pub enterprise: &'a EnterpriseName,
    /// What people call it.
    pub title: Option<&'a str>,
    /// What was asked for.
    pub filters: &'a Filters,
    /// The same, with the days that were looked at.
    pub fixed: &'a Filters,
    /// What of it makes no sense; then nothing was searched.
    pub mistake: Option<Mistake>,
    /// Calls of this page, newest first, each with where it leads; empty: nowhere.
    pub rows: &'a [(Summary, String)],
    /// What became of the missed ones, where that is known; their enterprise is number 0.
    pub returns: Option<&'a Returns>,
    /// All calls that match.
    pub tally: &'a CallTally,
    /// First and last day that were looked at; `None` for all there are.
    pub period: Option<(NaiveDate, NaiveDate)>,
    /// What could not be read.
    pub troubles: &'a [Trouble],
    /// Who is who.
    pub names: &'a Names,
    /// What opens the page, for the form to send along.
    pub token: &'a str,
    /// Links.
    pub links: &'a ListLinks,
}

/// What statistics are made of.
#[derive(Debug)]
pub struct StatsPage<'a> {
    /// Whose.
    pub enterprise: &'a EnterpriseName,
    /// What people call it.
    pub title: Option<&'a str>,
    /// How many days.
    pub span: Span,
    /// The last of them.
    pub date: NaiveDate,
    /// The day that it is.
    pub today: NaiveDate,
    /// What was given for the last day and is none; then nothing was counted.
    pub mistake: Option<&'a str>,
    /// The zone of all times.
    pub zone: &'a str,
    /// Calls by day.
    pub days: &'a Stats,
    /// The same by person.
    pub persons: &'a Stats,
    /// The same by line.
    pub lines: &'a Stats,
    /// Missed calls that nobody returned, newest first, as many as are listed.
    pub unreturned: &'a [Unreturned],
    /// At most so many persons and lines are shown.
    pub rows_max: usize,
    /// What could not be read.
    pub troubles: &'a [Trouble],
    /// Who is who.
    pub names: &'a Names,
    /// What opens the page.
    pub token: &'a str,
    /// The same figures as files.
    pub files: &'a [StatsFile],
}

/// A missed call that nobody returned.
#[derive(Debug)]
pub struct Unreturned {
    /// The call.
    pub call: Summary,
    /// The client rang again, in vain.
    pub rang_again: bool,
    /// Where its page is; `None` where it has none.
    pub link: Option<String>,
}

/// Statistics as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsFile {
    /// What it is called.
    pub name: String,
    /// Where it is.
    pub link: String,
}
