//! `calltrace doctor` as typed.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};

use super::{CompletionKind, HELP};
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
      one enterprise, with notes
  calltrace doctor --format json
      output for programs",
    after_long_help = after_help()
)]
pub struct DoctorArgs {
    /// Enterprises to check; all if omitted
    #[arg(value_name = "ENTERPRISE", add = CompletionKind::Enterprise)]
    pub enterprises: Vec<String>,
    /// Read every file completely, and compare it with its index
    #[arg(long)]
    pub deep: bool,
    /// Output format; json is one document of version 1, in which codes and fields keep their
    /// names
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: DoctorFormat,
}

/// Formats of the findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// Text for people, by enterprise.
    Text,
    /// One JSON document.
    Json,
}

fn after_help() -> String {
    let mut help = "\
doctor changes nothing. It reads the index of each file, or the beginning and the end of a file without an index; \
--deep reads everything. Root sees which processes hold files open; other users see only their own processes. \
Problems and warnings set the exit status; notes (-v) don't.

Findings:
"
    .to_owned();
    for code in Code::ALL {
        let _ = writeln!(help, "  {}\n      {}", code.as_str(), code.meaning());
    }
    help + "
Exit status: 0 nothing found, 1 something found, 2 an error or not everything could be checked \
(what was found is still printed)."
}
