//! `calltrace tail` as typed.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::search::{ContentArgs, MOMENTS, PartyArgs};
use super::values::parse_id;
use super::{HELP, Wanted};
use crate::settings::values::parse_length;
use calltrace_model::filter::RecordFilter;
use calltrace_store::error::Error;

/// Records shown before now when nobody says how many.
const LINES_USUAL: usize = 10;

/// `calltrace tail`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace tail 0367 --follow
      the newest 10 records, then each as it comes
  calltrace tail -f --phone 80290001234 --since -1h
      what comes of a client, and the last hour of it
  calltrace tail --call 1764493655.61 --until-hangup
      one call with all its legs, to its end",
    after_long_help = "\
The records before now are the newest of all enterprises together. They are looked for in the \
files that may still grow and in the newest of the compressed ones; --since looks in all.

Exit status: 0 found, 1 nothing found or, with --call, not ended when the --timeout was over, 2 an \
error or incomplete, 130 interrupted."
)]
pub struct TailArgs {
    /// Enterprises to look at; all of them, those that come included, when left out
    #[arg(value_name = "ENTERPRISE", add = Wanted::Enterprise)]
    pub enterprises: Vec<String>,
    /// Go on with what arrives, through every kind of rotation
    #[arg(short, long)]
    pub follow: bool,
    /// Records before now, the newest [default: 10; with --since all since]
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<usize>,
    /// Records before now of then or later: 2025-11-30, '2025-11-30 09:00', 30.11, 09:00, 3h, yesterday, monday, RFC 3339
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, add = Wanted::Words(&MOMENTS))]
    pub since: Option<String>,
    /// Whom and what a record is about.
    #[command(flatten)]
    pub party: PartyArgs,
    /// What a record is like.
    #[command(flatten)]
    pub content: ContentArgs,
    /// One call with all its legs, by any of its ids
    #[arg(long, value_name = "ID", value_parser = parse_id, conflicts_with = "calls", add = Wanted::Call)]
    pub call: Option<String>,
    /// With --call: follow until it has ended, then sum it up
    #[arg(long, requires = "call")]
    pub until_hangup: bool,
    /// With --until-hangup: how long messages may still come after the last record
    #[arg(long, value_name = "TIME", value_parser = parse_length, default_value = "15s", requires = "until_hangup")]
    pub linger: Duration,
    /// With --call: join only what ids prove
    #[arg(long, requires = "call")]
    pub strict: bool,
    /// Calls instead of records: one line a call, again when it rings, is answered, ends
    #[arg(long)]
    pub calls: bool,
    /// Stop following after this time: 90, 90s, 1m30s
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    pub timeout: Option<Duration>,
    /// Look at the files every now and then, for file systems that don't tell of changes
    #[arg(long)]
    pub poll: bool,
    /// Print all of a long record, instead of three lines of the terminal
    #[arg(long)]
    pub full: bool,
    /// How to print it; raw is the original lines
    #[arg(long, value_name = "FORMAT", default_value = "lines")]
    pub format: TailFormat,
    /// The same as --format raw
    #[arg(long, conflicts_with = "format")]
    pub raw: bool,
}

/// `calltrace live`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace live
      who rings and who talks now, in all enterprises
  calltrace live 0367 0103
      of these alone",
    after_long_help = "\
On a terminal the calls that go on are rows that change, under a line that counts them; what has ended scrolls \
out above. In a pipe each change is a line. The same as calltrace tail --calls --follow, which also prints ndjson.

Exit status: 130 when Ctrl-C ends it; of --timeout 0 or, where there was no call, 1; 2 an error or \
incomplete."
)]
pub struct LiveArgs {
    /// Enterprises to look at; all of them, those that come included, when left out
    #[arg(value_name = "ENTERPRISE", add = Wanted::Enterprise)]
    pub enterprises: Vec<String>,
    /// Whose calls: those that have a record of these.
    #[command(flatten)]
    pub party: PartyArgs,
    /// Stop after this time: 90, 90s, 1m30s
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    pub timeout: Option<Duration>,
    /// Look at the files every now and then, for file systems that don't tell of changes
    #[arg(long)]
    pub poll: bool,
}

impl LiveArgs {
    /// What would be typed for a tail.
    pub fn tail(self) -> TailArgs {
        TailArgs {
            enterprises: self.enterprises,
            follow: true,
            lines: None,
            since: None,
            party: self.party,
            content: ContentArgs::default(),
            call: None,
            until_hangup: false,
            linger: Duration::ZERO,
            strict: false,
            calls: true,
            timeout: self.timeout,
            poll: self.poll,
            full: false,
            format: TailFormat::Lines,
            raw: false,
        }
    }
}

/// Formats of a tail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TailFormat {
    /// For people.
    Lines,
    /// One JSON value a record.
    #[value(alias = "json")]
    Ndjson,
    /// The lines as they stand in the files.
    Raw,
}

impl TailArgs {
    /// Whether to go on after what is there.
    pub fn follows(&self) -> bool {
        self.follow || self.until_hangup
    }

    /// How to print it.
    pub fn format(&self) -> TailFormat {
        match self.raw {
            true => TailFormat::Raw,
            false => self.format,
        }
    }

    /// What a record must be like, its time left out.
    pub fn filter(&self) -> RecordFilter {
        self.party.record_filter(&self.content)
    }

    /// At most this many records before now; `None` for all.
    pub fn limit(&self) -> Option<usize> {
        match self.since {
            Some(_) => self.lines,
            None => Some(self.lines.unwrap_or(LINES_USUAL)),
        }
    }

    /// Looks for options that don't go together.
    ///
    /// # Errors
    /// A sentence that says which, and what to do.
    pub fn check(&self) -> Result<(), Error> {
        let history = self.lines.is_some() || self.since.is_some();
        let refused = if self.call.is_some() && !self.filter().is_empty() {
            "--call shows all records of the call; leave out the filters on records"
        } else if self.call.is_some() && history {
            "--call shows all records of the call; leave out -n and --since"
        } else if self.calls && history {
            "--calls shows the calls that go on; leave out -n and --since"
        } else if self.calls && self.format() == TailFormat::Raw {
            "a call's state is no line of a log; --calls prints lines or ndjson"
        } else if self.timeout.is_some() && !self.follows() {
            "--timeout ends following; add --follow"
        } else if self.poll && !self.follows() {
            "--poll is a way to follow; add --follow"
        } else {
            return Ok(());
        };
        Err(Error::Usage(refused.to_owned()))
    }
}
