//! `calltrace doctor` as typed.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};

use super::{HELP, Wanted};
use calltrace_upkeep::doctor::Code;

/// `calltrace doctor`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace doctor
      what is wrong in all enterprises
  calltrace doctor 0367 -v
      in one of them, with notes
  calltrace doctor --format json
      for programs",
    after_long_help = after_help()
)]
pub struct DoctorArgs {
    /// Enterprises to look at; all of them when left out
    #[arg(value_name = "ENTERPRISE", add = Wanted::Enterprise)]
    pub enterprises: Vec<String>,
    /// Read every file whole, and compare indexes with them
    #[arg(long)]
    pub deep: bool,
    /// How to print it; json is one document of version 1, in which codes and fields keep their
    /// names
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: DoctorFormat,
}

/// Formats of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// For people, by enterprise.
    Text,
    /// One JSON document.
    Json,
}

fn after_help() -> String {
    let mut help = "\
Nothing is changed. Of a file that has an index the index is read, of others both ends; --deep \
reads everything. Who holds files open root sees of all processes, others of their own. Problems \
and warnings count; notes (-v) don't.

What may be found:
"
    .to_owned();
    for code in Code::ALL {
        let _ = writeln!(help, "  {}\n      {}", code.as_str(), code.meaning());
    }
    help + "
Exit status: 0 nothing found, 1 something found, 2 an error or not everything could be looked at \
(what was found is printed all the same)."
}
