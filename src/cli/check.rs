//! `calltrace check` as typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{CompletionKind, HELP};

/// `calltrace check`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace check
      what is wrong now in all enterprises
  calltrace check --notify
      the same from a timer: tells each finding once
  calltrace check 0367 --dry-run
      one enterprise; only shows what would be told",
    after_long_help = "\
The rules and their thresholds are in the settings, as [[check]]; without any, each rule is checked with its usual \
thresholds. What was found and told is kept in one file (notify.state). A finding fires when two runs in a row see it; \
it is over when two runs in a row do not. Run it every five minutes.

Exit status: 0 nothing fires, or with --notify all of it was told; 1 something fires; 2 an error, something could not \
be checked, or a channel did not deliver (the next run tries again)."
)]
pub struct CheckArgs {
    /// Enterprises to check; all if omitted
    #[arg(value_name = "ENTERPRISE", add = CompletionKind::Enterprise)]
    pub enterprises: Vec<String>,
    /// Tell the channels of the settings what they have not been told yet
    #[arg(long)]
    pub notify: bool,
    /// Print what would be told, and change nothing
    #[arg(short = 'n', long, conflicts_with = "test")]
    pub dry_run: bool,
    /// Send a test message to each channel, and check nothing
    #[arg(long, conflicts_with_all = ["notify", "enterprises"])]
    pub test: bool,
    /// Wait for another run instead of leaving it alone
    #[arg(long)]
    pub wait: bool,
    /// File of what was found and told [default: notify.state of the settings]
    #[arg(long, value_name = "FILE", env = "CALLTRACE_CHECK_STATE", hide_env_values = true, add = CompletionKind::File)]
    pub state: Option<PathBuf>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: CheckFormat,
}

/// Formats of the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// One line per finding.
    Table,
    /// One JSON document.
    Json,
}
