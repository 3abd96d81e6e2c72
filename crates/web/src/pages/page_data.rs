//! The data that pages are rendered from.

use chrono::NaiveDate;

use super::filters::{Filters, Mistake};
use super::others::OtherCall;
use super::stats::StatsSpan;
use calltrace_directory::Names;
use calltrace_engine::{CallTally, Searched, TracedCall};
use calltrace_model::call::Summary;
use calltrace_model::stats::{Returns, Stats};
use calltrace_store::error::Trouble;
use calltrace_store::tree::EnterpriseName;

/// The data of the page of a call.
#[derive(Debug)]
pub struct CallPage<'a> {
    /// The enterprise of the call.
    pub enterprise: &'a EnterpriseName,
    /// The name of the enterprise.
    pub title: Option<&'a str>,
    /// The call.
    pub call: &'a TracedCall,
    /// How far the search went.
    pub searched: Searched,
    /// The parts of the log that could not be read.
    pub troubles: &'a [Trouble],
    /// The names of people and lines.
    pub names: &'a Names,
    /// The page may reload itself while the call is in progress.
    pub may_refresh: bool,
    /// The number of entries of a very long timeline that are skipped.
    pub from: usize,
    /// The address of this page relative to itself, with the credentials: `?token=...`, to which
    /// parameters are added by `&`.
    pub query: &'a str,
    /// The link to the list of calls, for visitors who may see it.
    pub list: Option<&'a str>,
    /// The address of the recording; http or https.
    pub recording: Option<&'a str>,
    /// Other calls of the client, for visitors who may see them.
    pub others: &'a [OtherCall],
}

/// The links of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListLinks {
    /// The list without any filter.
    pub all: String,
    /// The same rows in the other language.
    pub language: String,
    /// The statistics of these days.
    pub stats: String,
    /// Newer rows of the same question.
    pub newer: Option<String>,
    /// Older rows of the same question.
    pub older: Option<String>,
    /// There are older rows that no page shows, because there are too many pages.
    pub is_cut: bool,
    /// The same question about the day before.
    pub day_before: Option<String>,
    /// The same question about the day after.
    pub day_after: Option<String>,
    /// The same question about today, yesterday and the last seven days; `None` for the one that is
    /// shown.
    pub spans: [Option<String>; 3],
    /// The same days with calls of every result, and with missed ones; `None` for what is shown.
    pub outcomes: [Option<String>; 2],
}

/// The data of the list.
#[derive(Debug)]
pub struct ListPage<'a> {
    /// The enterprise of the calls.
    pub enterprise: &'a EnterpriseName,
    /// The name of the enterprise.
    pub title: Option<&'a str>,
    /// The filters of the form.
    pub filters: &'a Filters,
    /// The same filters, with the days that were searched.
    pub fixed: &'a Filters,
    /// The field that can't be understood; then nothing was searched.
    pub mistake: Option<Mistake>,
    /// The calls of this page, newest first, each with its link; an empty link leads nowhere.
    pub rows: &'a [(Summary, String)],
    /// Whether the missed calls were returned, if it is known. The enterprise of the page has the
    /// index 0.
    pub returns: Option<&'a Returns>,
    /// The counts of all calls that match.
    pub tally: &'a CallTally,
    /// The first and last day that were searched; `None` for all days.
    pub period: Option<(NaiveDate, NaiveDate)>,
    /// The parts of the log that could not be read.
    pub troubles: &'a [Trouble],
    /// The names of people and lines.
    pub names: &'a Names,
    /// The token that opens the page; the form sends it along.
    pub token: &'a str,
    /// The links of the page.
    pub links: &'a ListLinks,
}

/// The data of the page of statistics.
#[derive(Debug)]
pub struct StatsPage<'a> {
    /// The enterprise of the calls.
    pub enterprise: &'a EnterpriseName,
    /// The name of the enterprise.
    pub title: Option<&'a str>,
    /// The number of days.
    pub span: StatsSpan,
    /// The last of the days.
    pub date: NaiveDate,
    /// The current day.
    pub today: NaiveDate,
    /// The text that was given for the last day and is not a day; then nothing was counted.
    pub mistake: Option<&'a str>,
    /// The name of the zone of all times.
    pub zone: &'a str,
    /// The calls by day.
    pub days: &'a Stats,
    /// The same calls by person.
    pub persons: &'a Stats,
    /// The same calls by line.
    pub lines: &'a Stats,
    /// The missed calls that were not returned, newest first, up to a limit.
    pub unreturned: &'a [Unreturned],
    /// The largest number of persons and of lines that are shown.
    pub rows_max: usize,
    /// The parts of the log that could not be read.
    pub troubles: &'a [Trouble],
    /// The names of people and lines.
    pub names: &'a Names,
    /// The token that opens the page.
    pub token: &'a str,
    /// The same statistics as files.
    pub files: &'a [StatsFile],
}

/// A missed call that was not returned.
#[derive(Debug)]
pub struct Unreturned {
    /// The call.
    pub call: Summary,
    /// The client called again, without success.
    pub rang_again: bool,
    /// The link to its page; `None` if it has none.
    pub link: Option<String>,
}

/// Statistics as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsFile {
    /// The name of the format.
    pub name: String,
    /// The link to the file.
    pub link: String,
}
