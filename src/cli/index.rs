//! `calltrace index` as typed.

use clap::Args;

use super::{HELP, Wanted};

/// `calltrace index`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace index 0367
      which files have one, and how large it is
  calltrace index --check
      all of them, compared with the data",
    after_long_help = "\
Indexes are made by calltrace rotate. One that is missing or of no use costs time, never an answer.

Exit status: 0 all that are there are right, 2 one is not."
)]
pub struct IndexArgs {
    /// Enterprises to look at; all of them when left out
    #[arg(value_name = "ENTERPRISE", add = Wanted::Enterprise)]
    pub enterprises: Vec<String>,
    /// Read the files and compare
    #[arg(long)]
    pub check: bool,
}
