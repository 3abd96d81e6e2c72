//! `calltrace sync` as typed.

use clap::{Args, ValueEnum};

use super::search::MOMENTS;
use super::{CompletionKind, HELP};

/// `calltrace sync`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace sync
      adds missing events of yesterday and today
  calltrace sync 0367 --dry-run
      only reports what is missing, and why
  calltrace sync 0367 --since 2025-12-01 --until 2025-12-03
      reads the journals of these days from their beginning",
    after_long_help = "\
Hosts are named in the settings, as [hosts.NAME]. Each host keeps a journal of the events it sent. Events that never \
arrived become lines of recovered_DATE.log, marked with \"_recovered\". Nothing is sent to the webhook again. An \
event is missing when 15 minutes have passed since it was sent, no such event is in the logs, and no damaged \
file may hold it. A second run adds nothing.

Exit status: 0 everything is in the logs now, 1 with --dry-run if something is missing, 2 a host, a journal or a log \
could not be read or written (everything else is still done)."
)]
pub struct SyncArgs {
    /// Enterprises to synchronise; all if omitted
    #[arg(value_name = "ENTERPRISE", add = CompletionKind::Enterprise)]
    pub enterprises: Vec<String>,
    /// First day of journals to read, in the host's time [default: yesterday]
    #[arg(long, value_name = "DAY", allow_hyphen_values = true, add = CompletionKind::Words(&MOMENTS))]
    pub since: Option<String>,
    /// Last day of journals to read, included [default: today]
    #[arg(long, value_name = "DAY", allow_hyphen_values = true, add = CompletionKind::Words(&MOMENTS))]
    pub until: Option<String>,
    /// Read all journals that the hosts still have, from their beginning
    #[arg(long, conflicts_with_all = ["since", "until"])]
    pub all: bool,
    /// Report what is missing and why, and write nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Number of hosts to ask at the same time
    #[arg(short, long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: u16,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: SyncFormat,
}

/// Formats of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SyncFormat {
    /// One line per host, when the host is done.
    Text,
    /// One JSON document at the end.
    Json,
}
