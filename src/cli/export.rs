//! `calltrace export` as typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::search::CallArgs;
use super::{HELP, Wanted};

/// `calltrace export`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace export 0367 --since 2025-12-01 --out calls
      calls/calls.csv, of a client who asks for a list
  calltrace export --per-day --since -7d --out /srv/calls
      a file a day; nightly, it adds what is new
  calltrace export --format ndjson --since today --out calls
      for a program, as search prints them",
    after_long_help = "\
A file appears under its name when it is complete. What a run did not come to, the next one does; a day \
that is over is not written again unless its log files changed. A file that is not its own is never replaced.

Exit status: 0 calls were found, 1 none were though everything was searched, 2 an error or an incomplete \
search (what was found is written all the same)."
)]
pub struct ExportArgs {
    /// Which calls.
    #[command(flatten)]
    pub calls: CallArgs,
    /// Join only what ids prove
    #[arg(long)]
    pub strict: bool,
    /// Folder for the files; made when it is not there
    #[arg(long, value_name = "DIR", add = Wanted::Folder)]
    pub out: PathBuf,
    /// How to write them
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub format: ExportFormat,
    /// A file for each day of the shown zone that has calls, whole days even if --since or --until is within one
    #[arg(long)]
    pub per_day: bool,
    /// Write all files of this export anew, also those that are complete
    #[arg(long)]
    pub overwrite: bool,
    /// Leave texts as they are that a spreadsheet may take for formulas
    #[arg(long)]
    pub raw_csv: bool,
    /// Begin each CSV file with the mark by which Excel knows UTF-8
    #[arg(long)]
    pub bom: bool,
}

/// Formats of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated values with a head, for spreadsheets.
    Csv,
    /// One JSON value a call.
    #[value(alias = "json")]
    Ndjson,
}

impl ExportFormat {
    /// The end of a file's name; the format's own name.
    pub fn name(self) -> &'static str {
        match self {
            ExportFormat::Csv => "csv",
            ExportFormat::Ndjson => "ndjson",
        }
    }
}

impl ExportArgs {
    /// What decides the content of its files but for their time, as typed: option and value, in a fixed order.
    pub fn stated(&self) -> Vec<(&'static str, String)> {
        let mut stated = self.calls.stated();
        let flags = [
            ("--strict", self.strict),
            ("--per-day", self.per_day),
            ("--raw-csv", self.raw_csv),
            ("--bom", self.bom),
        ];
        let given = flags.into_iter().filter(|(_, given)| *given);
        stated.extend(given.map(|(flag, _)| (flag, String::new())));
        stated.push(("--format", self.format.name().to_owned()));
        stated
    }
}
