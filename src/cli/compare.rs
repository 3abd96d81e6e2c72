//! `calltrace compare` as typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::search::{EVENTS, MOMENTS};
use super::values::{parse_id, parse_name};
use super::{CompletionKind, HELP};
use crate::settings::values::{one_of, parse_length, parse_zone};
use calltrace_model::record::Zone;

/// `calltrace compare`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace compare logs/call_tester_events.log 0367
      events of an emulator, compared with the logs of 0367
  calltrace compare Listen_AMI_2025-12-02.db 0367
      events of a host's journal, compared with these logs
  calltrace compare logs/call_tester_events.log 0367 -f
      follows both sides and marks events that are missing",
    after_long_help = "\
An event has arrived if the receiving side has the same event, once for each time it was sent, from 5 seconds before it \
was sent to 15 minutes after the sender stopped waiting for an answer. White space, the order of keys and keys that begin \
with _ make no difference.

Exit status: 0 the same, 1 something is missing, differs or arrived twice, 2 an error or an incomplete \
comparison (what was found is still printed), 130 interrupted."
)]
pub struct CompareArgs {
    /// File with the sent events: a call_tester_events.log, or a host's journal Listen_AMI_DATE.db
    #[arg(value_name = "SENT", add = CompletionKind::File)]
    pub sent: PathBuf,
    /// Where events arrived: an enterprise of the tree, the path of a 0367.log or app.log, or postgres for the table call_events [default: the enterprises that have the Tokens of the events]
    #[arg(value_name = "RECEIVED", add = CompletionKind::Enterprise)]
    pub received: Option<String>,
    /// Only events sent then or later: 2025-11-30, '2025-11-30 09:00', 30.11, 09:00, 3h, yesterday, monday, RFC 3339
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, conflicts_with = "follow", add = CompletionKind::Words(&MOMENTS))]
    pub since: Option<String>,
    /// Only events sent before then; a day is included
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, conflicts_with = "follow", add = CompletionKind::Words(&MOMENTS))]
    pub until: Option<String>,
    /// Only events of one call, by any of its ids
    #[arg(long, value_name = "ID", value_parser = parse_id, add = CompletionKind::Call)]
    pub call: Option<String>,
    /// Only events of these types: start, dial, bridge, hangup, ...
    #[arg(long, value_name = "TYPES", value_delimiter = ',', value_parser = parse_name, add = CompletionKind::Words(&EVENTS))]
    pub event: Vec<String>,
    /// Also show the errors that this app.log reports for the events
    #[arg(long, value_name = "FILE", conflicts_with = "follow", add = CompletionKind::File)]
    pub app_log: Option<PathBuf>,
    /// Time zone of a journal [default: inferred from the ids in it]
    #[arg(long, value_name = "ZONE", value_parser = parse_zone, allow_hyphen_values = true, add = CompletionKind::Zone)]
    pub journal_tz: Option<Zone>,
    /// Follow both sides, and show events that have not arrived yet
    #[arg(short, long)]
    pub follow: bool,
    /// With --follow: mark an event that has not arrived after this time
    #[arg(long, value_name = "TIME", value_parser = parse_length, default_value = "10s", requires = "follow")]
    pub wait: Duration,
    /// With --follow: stop after this time: 90, 90s, 1m30s
    #[arg(long, value_name = "TIME", value_parser = parse_length, requires = "follow")]
    pub timeout: Option<Duration>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: CompareFormat,
}

impl CompareArgs {
    /// The requested types that no host is known to send, each with a suggestion.
    pub fn unknown_events(&self) -> impl Iterator<Item = (&str, String)> {
        let events = self.event.iter().map(String::as_str);
        let unknown = events.filter(|event| !EVENTS.contains(event));
        unknown.map(|event| (event, one_of(event, "event of the type", &EVENTS)))
    }
}

/// Formats of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompareFormat {
    /// Text for people.
    Table,
    /// One JSON document; with --follow one JSON value per line.
    #[value(alias = "ndjson")]
    Json,
}
