//! `calltrace stats` as typed.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};

use super::HELP;
use super::search::{CallArgs, WithinArgs};
use calltrace_model::stats::GroupBy;

/// `calltrace stats`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace stats 0367 --since -7d
      the last week: totals, hours and missed calls
  calltrace stats 0367 --by person --since 2025-11-01
      how many calls each person answers, and how fast
  calltrace stats --by day --format svg > calls.svg
      a picture of all days in all enterprises",
    after_long_help = "\
The filters are those of calltrace-search(1): only calls that pass them are counted. A call belongs to the hour and \
day in which it began, in the time zone that is shown. Whether a missed call was returned depends on all calls \
of the client, also calls that the filters leave out and calls after --until.

Exit status: 0 found, 1 no such call though everything was searched, 2 an error or an incomplete \
search (what was found is still counted)."
)]
pub struct StatsArgs {
    #[command(flatten)]
    pub calls: CallArgs,
    /// Group calls by this; a missed call counts for each person it rang
    #[arg(long, value_name = "WHAT")]
    pub by: Option<By>,
    #[command(flatten)]
    pub within: WithinArgs,
    /// Show at most this many persons, lines, clients or enterprises, the busiest; 0 for all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Join only legs that ids connect
    #[arg(long)]
    pub strict: bool,
    /// Output format; svg is one self-contained picture
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: StatsFormat,
}

/// The typed value of `--by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct By(pub GroupBy);

impl ValueEnum for By {
    fn value_variants<'a>() -> &'a [By] {
        const ALL: [By; GroupBy::ALL.len()] = {
            let mut all = [By(GroupBy::Hour); GroupBy::ALL.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = By(GroupBy::ALL[at]);
                at += 1;
            }
            all
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.name()))
    }
}

/// Formats of statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatsFormat {
    /// Text for people.
    Table,
    /// One JSON document.
    Json,
    /// Comma-separated values with a header, one row per group.
    Csv,
    /// The same columns for DuckDB and pandas, and a row for all calls; into a file or a pipe.
    Parquet,
    /// A picture: bars, or the hours of a week.
    Svg,
}
