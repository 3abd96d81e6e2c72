//! `calltrace ship` as typed.

use clap::{Args, ValueEnum};

use super::{CompletionKind, HELP};
use crate::settings::values::parse_days;
use calltrace_upkeep::ship::DaySpec;

/// `calltrace ship`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace ship
      copies what the bucket lacks, as from cron
  calltrace ship --keep-local 3d --tidy
      then removes shipped local days and unused objects
  calltrace ship 0367 --fetch 2025-11-01..2025-11-07
      restores a week as local files",
    after_long_help = "\
The bucket is archive.url of the settings (calltrace-config(5)). Run calltrace rotate first: only archives are \
shipped.

Exit status: 0 done or nothing to do, 1 --fetch found no such day, 2 something went wrong (everything else is done \
all the same)."
)]
pub struct ShipArgs {
    /// Enterprises to ship; all if omitted
    #[arg(value_name = "ENTERPRISE", add = CompletionKind::Enterprise)]
    pub enterprises: Vec<String>,
    /// Remove local files of shipped days if their last record is older than this many full days, once the bucket
    /// was read again: 3d, 2w
    #[arg(long, value_name = "DAYS", value_parser = parse_days, add = CompletionKind::Words(&["3d", "7d", "14d"]))]
    pub keep_local: Option<u32>,
    /// Remove objects that no manifest names and that are older than two days
    #[arg(long)]
    pub tidy: bool,
    /// Restore days as local files instead: 2025-11-29, 2025-11-20..2025-11-29, or names of logs
    #[arg(long, value_name = "DAYS", value_delimiter = ',', value_parser = DaySpec::parse, conflicts_with_all = ["keep_local", "tidy", "check"])]
    pub fetch: Vec<DaySpec>,
    /// Compare the bucket with its manifests, and them with the local days, instead
    #[arg(long, conflicts_with_all = ["keep_local", "tidy", "dry_run", "wait"])]
    pub check: bool,
    /// With --check: read all objects and compare their checksums
    #[arg(long, requires = "check")]
    pub deep: bool,
    /// Wait for a rotation instead of skipping the enterprise it works on
    #[arg(long)]
    pub wait: bool,
    /// Only print what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Number of enterprises to ship at the same time; 0 for 16
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<u16>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: ShipFormat,
}

/// Formats of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShipFormat {
    /// One line per step, when it is done.
    Text,
    /// One JSON document at the end.
    Json,
}
