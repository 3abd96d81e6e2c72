//! `calltrace index` as typed.

use clap::Args;

use super::{CompletionKind, HELP};

/// `calltrace index`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace index 0367
      which files have an index, and its size
  calltrace index --check
      compares all indexes with the log files",
    after_long_help = "\
calltrace rotate makes the indexes. Without a usable index an answer takes longer, but stays the same.

Exit status: 0 all indexes are right, 2 one is wrong or a file could not be read."
)]
pub struct IndexArgs {
    /// Enterprises to look at; all if omitted
    #[arg(value_name = "ENTERPRISE", add = CompletionKind::Enterprise)]
    pub enterprises: Vec<String>,
    /// Read the log files and compare them with their indexes
    #[arg(long)]
    pub check: bool,
}
