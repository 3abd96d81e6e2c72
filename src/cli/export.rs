//! `calltrace export` as typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::search::CallArgs;
use super::{CompletionKind, HELP};

/// `calltrace export`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace export 0367 --since 2025-12-01 --out calls
      calls/calls.csv, for a client who asks for a list
  calltrace export --per-day --since -7d --out /srv/calls
      one file per day; a nightly run adds what is new
  calltrace export --format ndjson --since today --out calls
      for a program, in the format of search",
    after_long_help = "\
A file gets its name when it is complete. A run that was interrupted is continued by the next one. A day \
that is over is written again only if its log files changed. A file that another program wrote is never replaced.

Exit status: 0 calls were found, 1 none were though everything was searched, 2 an error or an incomplete \
search (what was found is still written)."
)]
pub struct ExportArgs {
    #[command(flatten)]
    pub calls: CallArgs,
    /// Join only legs that ids connect
    #[arg(long)]
    pub strict: bool,
    /// Folder for the files; it is made if it does not exist
    #[arg(long, value_name = "DIR", add = CompletionKind::Folder)]
    pub out: PathBuf,
    /// Format of the files
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub format: ExportFormat,
    /// Write one file for each day with calls, in the shown time zone; days are whole even if --since or --until is within one
    #[arg(long)]
    pub per_day: bool,
    /// Write all files of this export again, also complete ones
    #[arg(long)]
    pub overwrite: bool,
    /// Do not mark texts that a spreadsheet may take for formulas
    #[arg(long)]
    pub raw_csv: bool,
    /// Begin each CSV file with a byte order mark, by which Excel recognises UTF-8
    #[arg(long)]
    pub bom: bool,
}

/// Formats of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated values with a header, for spreadsheets.
    Csv,
    /// One JSON value per call.
    #[value(alias = "json")]
    Ndjson,
    /// The columns of the tables of calls, for DuckDB, pandas and ClickHouse.
    Parquet,
}

impl ExportFormat {
    /// The name of the format, which is also the file name extension.
    pub fn name(self) -> &'static str {
        match self {
            ExportFormat::Csv => "csv",
            ExportFormat::Ndjson => "ndjson",
            ExportFormat::Parquet => "parquet",
        }
    }
}

impl ExportArgs {
    /// The arguments that decide the content of the files, without the period: option and value, in a fixed order.
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
