//! What was typed: clap types and value parsers. Knows no file and asks nothing; `cmd` makes plans
//! of it.

mod index;
mod rotate;
mod settings;
mod values;
mod when;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::call::{Direction, Outcome};
use crate::filter::StatusPattern;
use crate::record::KindName;
use crate::record::phone::PhoneQuery;

pub use index::IndexArgs;
pub use rotate::{RotateArgs, RotateFormat, RotateSettings};
pub use settings::Settings;
pub use when::Moment;

use values::{
    parse_direction, parse_duration, parse_id, parse_kind, parse_phone, parse_regex, parse_status,
    parse_status_pattern, parse_zone,
};

/// Reads telephony event logs: one call over all its legs, or the calls that match. Rotates them
/// without losing a line.
#[derive(Debug, Parser)]
#[command(
    name = "calltrace",
    version,
    arg_required_else_help = true,
    after_help = "\
Examples:
  calltrace trace 0367 1764493655.61             one call, whole
  calltrace search 0367 --phone 80290001234      the calls of a client
  calltrace search --status missed --since -1d   who was not picked up since yesterday
  calltrace rotate                               seal and expire what is due, as from cron

Exit status: 0 found or done, 1 nothing found though everything was searched, 2 an error or an
incomplete search (what was found is printed all the same)."
)]
pub struct Cli {
    /// Options of every subcommand.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every subcommand.
#[derive(Debug, Args)]
pub struct Global {
    /// Folder that holds one folder an enterprise [default: call_tracer]
    #[arg(long, global = true, env = "CALLTRACE_ROOT", value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Settings file read after /etc/calltrace/config.toml and the user's own
    #[arg(long, global = true, env = "CALLTRACE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Zone that times are shown and typed in, such as Europe/Minsk [default: the system's]
    #[arg(long, global = true, env = "CALLTRACE_DISPLAY_TIMEZONE", value_name = "ZONE", value_parser = parse_zone)]
    pub tz: Option<chrono_tz::Tz>,
    /// Colour in what is printed; auto follows the terminal, NO_COLOR and CLICOLOR_FORCE
    #[arg(
        long,
        global = true,
        env = "CALLTRACE_COLOR",
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true
    )]
    pub color: ColorWhen,
    /// Threads to work with; 0 for one a core
    #[arg(long, global = true, env = "CALLTRACE_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(0..=256))]
    pub threads: Option<u16>,
    /// Say on stderr what was read and why
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One call, whole: its legs, messages and requests as one timeline
    Trace(TraceArgs),
    /// Which calls? One row a call, newest first
    Search(Box<SearchArgs>),
    /// Seal, compress, index and expire; safe beside live writers
    Rotate(RotateArgs),
    /// What is known of the indexes; whether they are right
    Index(IndexArgs),
}

/// `calltrace trace`
#[derive(Debug, Args)]
#[command(
    override_usage = "calltrace trace [OPTIONS] [ENTERPRISE] UNIQUE_ID",
    after_help = "\
Examples:
  calltrace trace 0367 1764493655.61           the call, from any of its legs' ids
  calltrace trace 1764493655.61 --why          in all enterprises; why each leg belongs
  calltrace trace 0367 1764493655.61 --format raw > call.log"
)]
pub struct TraceArgs {
    /// The enterprise (all of them when left out), then any UniqueId of the call
    #[arg(required = true, num_args = 1..=2, value_name = "UNIQUE_ID", value_parser = parse_id)]
    pub target: Vec<String>,
    /// Only records of these kinds: ast, tg, http, sql
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = parse_kind)]
    pub only: Vec<KindName>,
    /// Print bodies as well, pretty, secrets masked
    #[arg(long)]
    pub full: bool,
    /// Join only what ids prove; leave out parts that phone and time speak for
    #[arg(long)]
    pub strict: bool,
    /// Say for each leg which record joined it
    #[arg(long)]
    pub why: bool,
    /// Read every file, also those that end well before the id was born
    #[arg(long)]
    pub every_file: bool,
    /// How to print it; raw is the original lines, byte for byte, in order of time
    #[arg(long, value_name = "FORMAT", default_value = "timeline")]
    pub format: TraceFormat,
}

/// Formats of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// For people.
    Timeline,
    /// One JSON document.
    Json,
    /// One JSON value a record, then the call.
    Ndjson,
    /// The lines as they stand in the files.
    Raw,
}

/// `calltrace search`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  calltrace search 0367 --phone '+375 (29) 000-12-34'    as typed, or 7 last digits or more
  calltrace search --status missed --since yesterday     in all enterprises
  calltrace search 0367 --lines --http-status 5xx -C 2   records instead of calls

Filters on the call (phone, ext, trunk, chat, direction, status, min-*, transferred, since,
until) must all hold. Filters on a record (event, kind, http-status, text, regex) must all hold
for one of its records. With --lines all of them are filters on a record.")]
pub struct SearchArgs {
    /// Enterprises to search; all of them when left out
    #[arg(value_name = "ENTERPRISE")]
    pub enterprises: Vec<String>,
    /// Outside number, as people type it, or its last 7 digits or more
    #[arg(long, value_name = "NUMBER", value_parser = parse_phone)]
    pub phone: Option<PhoneQuery>,
    /// Extension that called, rang or talked
    #[arg(long, value_name = "EXT")]
    pub ext: Option<String>,
    /// Line (trunk) it went over
    #[arg(long, value_name = "LINE")]
    pub trunk: Option<String>,
    /// Telegram chat that got a message of it
    #[arg(long, value_name = "CHAT_ID", allow_hyphen_values = true)]
    pub chat: Option<String>,
    /// in, out or internal
    #[arg(long, value_name = "DIR", value_parser = parse_direction)]
    pub direction: Option<Direction>,
    /// answered, missed or unknown (no end logged)
    #[arg(long, value_name = "RESULT", value_parser = parse_status)]
    pub status: Option<Outcome>,
    /// Asterisk event, such as hangup; several with commas
    #[arg(long, value_name = "EVENTS", value_delimiter = ',')]
    pub event: Vec<String>,
    /// Kind of record: ast, tg, http, sql, unparsed; several with commas
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = parse_kind)]
    pub kind: Vec<KindName>,
    /// HTTP request with this status: 404, or 5xx for all of a class
    #[arg(long, value_name = "STATUS", value_parser = parse_status_pattern)]
    pub http_status: Option<StatusPattern>,
    /// Text that stands in a record, exactly
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub text: Option<String>,
    /// Regular expression that a record matches
    #[arg(long, value_name = "REGEX", value_parser = parse_regex)]
    pub regex: Option<regex::bytes::Regex>,
    /// Began then or later: 2025-11-30, '2025-11-30 09:00', RFC 3339, -3h, yesterday
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub since: Option<String>,
    /// Began before; of a day, up to its end
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    pub until: Option<String>,
    /// Talked at least this long: 90, 90s, 1m30s
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub min_talk: Option<i64>,
    /// Rang at least this long
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub min_ring: Option<i64>,
    /// The client was transferred
    #[arg(long)]
    pub transferred: bool,
    /// At most this many, the newest; 0 for all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    pub limit: usize,
    /// Print only how many there are, of all
    #[arg(short, long)]
    pub count: bool,
    /// Join only what ids prove
    #[arg(long)]
    pub strict: bool,
    /// Print matching records instead of calls
    #[arg(long)]
    pub lines: bool,
    /// With --lines: records printed after each
    #[arg(
        short = 'A',
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        requires = "lines"
    )]
    pub after_context: usize,
    /// With --lines: records printed before each
    #[arg(
        short = 'B',
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        requires = "lines"
    )]
    pub before_context: usize,
    /// With --lines: records printed on both sides of each
    #[arg(
        short = 'C',
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true,
        requires = "lines"
    )]
    pub context: usize,
    /// How to print it; raw is the original lines of every call found
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: SearchFormat,
}

/// Formats of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SearchFormat {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON value a row, then a report.
    Ndjson,
    /// Comma-separated values with a head.
    Csv,
    /// The lines as they stand in the files.
    Raw,
}
