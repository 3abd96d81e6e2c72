//! `calltrace tail` as typed.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::search::{ContentArgs, MOMENTS, PartyArgs};
use super::values::parse_id;
use super::{CompletionKind, HELP};
use crate::settings::values::parse_length;
use calltrace_model::filter::RecordFilter;
use calltrace_store::error::Error;

/// Number of past records to show by default.
const LINES_USUAL: usize = 10;

/// `calltrace tail`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace tail 0367 --follow
      the newest 10 records, then each new one
  calltrace tail -f --phone 80290001234 --since -1h
      records of a client: the last hour, then each new one
  calltrace tail --call 1764493655.61 --until-hangup
      one call with all its legs, until it ends",
    after_long_help = "\
Past records are the newest of all enterprises together. They are looked for in the files that \
may still grow and in the newest of the compressed files; --since looks in all files.

Exit status: 0 found, 1 nothing found or, with --call, the call had not ended when --timeout was over, \
2 an error or an incomplete answer, 130 interrupted."
)]
pub struct TailArgs {
    /// Enterprises to follow; all if omitted, including new ones
    #[arg(value_name = "ENTERPRISE", add = CompletionKind::Enterprise)]
    pub enterprises: Vec<String>,
    /// Go on with new records as they arrive, through every kind of rotation
    #[arg(short, long)]
    pub follow: bool,
    /// Show this many past records, the newest [default: 10; all with --since]
    #[arg(short = 'n', long, value_name = "N")]
    pub lines: Option<usize>,
    /// Show past records since then: 2025-11-30, '2025-11-30 09:00', 30.11, 09:00, 3h, yesterday, monday, RFC 3339
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, add = CompletionKind::Words(&MOMENTS))]
    pub since: Option<String>,
    #[command(flatten)]
    pub party: PartyArgs,
    #[command(flatten)]
    pub content: ContentArgs,
    /// Show one call with all its legs, by any of its ids
    #[arg(long, value_name = "ID", value_parser = parse_id, conflicts_with = "calls", add = CompletionKind::Call)]
    pub call: Option<String>,
    /// With --call: follow the call until it has ended, then print a summary
    #[arg(long, requires = "call")]
    pub until_hangup: bool,
    /// With --until-hangup: wait this long after the last record for late messages
    #[arg(long, value_name = "TIME", value_parser = parse_length, default_value = "15s", requires = "until_hangup")]
    pub linger: Duration,
    /// With --call: join only legs that ids connect
    #[arg(long, requires = "call")]
    pub strict: bool,
    /// Show calls instead of records: one line each time a call rings, is answered or ends
    #[arg(long)]
    pub calls: bool,
    /// Stop following after this time: 90, 90s, 1m30s
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    pub timeout: Option<Duration>,
    /// Check the files four times a second, for file systems that report no changes
    #[arg(long)]
    pub poll: bool,
    /// Print long records completely, instead of cutting them to three lines of the terminal
    #[arg(long)]
    pub full: bool,
    /// Output format; raw is the original lines
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
      only in these enterprises",
    after_long_help = "\
On a terminal each call in progress is a row that is updated, below a line that counts the calls; ended calls \
scroll out at the top. In a pipe each change is a line. This is calltrace tail --calls --follow, which can also print \
ndjson.

Exit status: 130 ended by Ctrl-C; 0 ended by --timeout, or 1 if there was no call; 2 an error or an \
incomplete answer."
)]
pub struct LiveArgs {
    /// Enterprises to follow; all if omitted, including new ones
    #[arg(value_name = "ENTERPRISE", add = CompletionKind::Enterprise)]
    pub enterprises: Vec<String>,
    #[command(flatten)]
    pub party: PartyArgs,
    /// Stop after this time: 90, 90s, 1m30s
    #[arg(long, value_name = "TIME", value_parser = parse_length)]
    pub timeout: Option<Duration>,
    /// Check the files four times a second, for file systems that report no changes
    #[arg(long)]
    pub poll: bool,
}

impl LiveArgs {
    /// The same request as arguments of `calltrace tail`.
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
    /// Text for people.
    Lines,
    /// One JSON value per record.
    #[value(alias = "json")]
    Ndjson,
    /// The lines as they are in the files.
    Raw,
}

impl TailArgs {
    /// Whether to go on after the past records.
    pub fn follows(&self) -> bool {
        self.follow || self.until_hangup
    }

    /// The output format, with `--raw` as a short form.
    pub fn format(&self) -> TailFormat {
        match self.raw {
            true => TailFormat::Raw,
            false => self.format,
        }
    }

    /// The filter on records, without the time.
    pub fn filter(&self) -> RecordFilter {
        self.party.record_filter(&self.content)
    }

    /// At most this many past records; `None` for all.
    pub fn limit(&self) -> Option<usize> {
        match self.since {
            Some(_) => self.lines,
            None => Some(self.lines.unwrap_or(LINES_USUAL)),
        }
    }

    /// Refuses options that contradict each other.
    ///
    /// # Errors
    /// A usage error that names the options and says what to do.
    pub fn check(&self) -> Result<(), Error> {
        let history = self.lines.is_some() || self.since.is_some();
        let refused = if self.call.is_some() && !self.filter().is_empty() {
            "--call shows all records of the call; leave out the filters on records"
        } else if self.call.is_some() && history {
            "--call shows all records of the call; leave out -n and --since"
        } else if self.calls && history {
            "--calls shows calls in progress; leave out -n and --since"
        } else if self.calls && self.format() == TailFormat::Raw {
            "--calls can't print raw lines, because a call's state is no line of a log; use --format lines or ndjson"
        } else if self.timeout.is_some() && !self.follows() {
            "--timeout only limits --follow; add --follow"
        } else if self.poll && !self.follows() {
            "--poll only changes how --follow works; add --follow"
        } else {
            return Ok(());
        };
        Err(Error::Usage(refused.to_owned()))
    }
}
