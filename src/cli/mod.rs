//! The command line: clap types and value parsers. This module reads no file; `cmd` carries out what was typed.

mod check;
mod compare;
mod complete;
mod config;
mod doctor;
mod export;
mod guess;
mod index;
mod rotate;
mod search;
mod serve;
mod ship;
mod stats;
mod sync;
mod tail;
mod values;
mod when;
mod words;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use calltrace_model::record::KindName;

pub use check::{CheckArgs, CheckFormat};
pub use compare::{CompareArgs, CompareFormat};
pub use complete::{CompletionKind, FILES, FOLDERS, Offer, TypedArgs, complete};
pub use config::{ConfigArgs, ConfigFormat};
pub use doctor::{DoctorArgs, DoctorFormat};
pub use export::{ExportArgs, ExportFormat};
pub use guess::{is_id, is_phone, parse};
pub use index::IndexArgs;
pub use rotate::{RotateArgs, RotateFormat};
pub use search::{
    CallArgs, ContentArgs, LinesBy, PartyArgs, SearchArgs, SearchFormat, UnknownWord,
};
pub use serve::{LinkArgs, LogFormat, ServeArgs, own_url};
pub use ship::{ShipArgs, ShipFormat};
pub use stats::{StatsArgs, StatsFormat};
pub use sync::{SyncArgs, SyncFormat};
pub use tail::{LiveArgs, TailArgs, TailFormat};
pub use when::{Moment, start_of};
pub use words::{check_environment, is_typed_flag, subcommands, usage_message};

use crate::settings::values::parse_zone;
use values::{parse_kind, parse_target};

/// Help begins with the purpose and with examples, because readers look up options later.
const HELP: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

/// Reads telephony event logs: shows one call with all its legs, or finds the calls that match.
/// Rotates the logs without losing a line, and serves calls as web pages.
#[derive(Debug, Parser)]
#[command(
    name = "calltrace",
    version,
    help_template = HELP,
    before_help = "\
Examples:
  calltrace trace 0367 1764493655.61
      one whole call, by the id of any of its legs
  calltrace search --status missed --since yesterday
      calls that no one picked up since yesterday
  calltrace tail 0367 --follow
      records as they arrive",
    after_long_help = "\
Exit status: 0 found or done, 1 nothing found though everything was searched, 2 an error or an \
incomplete search (what was found is still printed), 130 interrupted.

Manual: calltrace(1), a page for each subcommand such as calltrace-trace(1), calltrace-config(5) for \
the settings and calltrace-format(5) for the files."
)]
pub struct Cli {
    /// Options of every subcommand.
    #[command(flatten)]
    pub global: Global,
    /// The subcommand; without one, `calltrace` prints an overview.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every subcommand.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every subcommand")]
pub struct Global {
    /// Folder that holds one folder per enterprise [default: call_tracer]
    #[arg(long, global = true, env = "CALLTRACE_ROOT", hide_env_values = true, value_name = "DIR", add = CompletionKind::Folder)]
    pub root: Option<PathBuf>,
    /// Settings file, read after /etc/calltrace/config.toml and the user's own file
    #[arg(long, global = true, env = "CALLTRACE_CONFIG", hide_env_values = true, value_name = "FILE", add = CompletionKind::File)]
    pub config: Option<PathBuf>,
    /// Time zone for shown and typed times, such as Europe/Minsk or +03:00 [default: the system's]
    #[arg(long, global = true, env = "CALLTRACE_DISPLAY_TIMEZONE", hide_env_values = true, value_name = "ZONE", value_parser = parse_zone, allow_hyphen_values = true, add = CompletionKind::Zone)]
    pub tz: Option<calltrace_model::record::Zone>,
    /// When to use colours; auto follows the terminal, NO_COLOR and CLICOLOR_FORCE
    #[arg(
        long,
        global = true,
        env = "CALLTRACE_COLOR",
        hide_env_values = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true
    )]
    pub color: ColorWhen,
    /// Do not page long output (the pager is CALLTRACE_PAGER, PAGER or less)
    #[arg(long, global = true)]
    pub no_pager: bool,
    /// Number of threads; 0 for one per core
    #[arg(long, global = true, env = "CALLTRACE_THREADS", hide_env_values = true, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=256))]
    pub threads: Option<u16>,
    /// Explain on stderr what was read and why
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Print only errors on stderr
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
    /// Show one call in steps: who talked to whom, for how long, and what went wrong
    Trace(TraceArgs),
    /// Find calls: one row per call, newest first
    Search(Box<SearchArgs>),
    /// Count and measure calls by hour, person or line, with missed calls and callbacks
    Stats(Box<StatsArgs>),
    /// Write calls to files for spreadsheets and programs: one file, or one per day
    Export(Box<ExportArgs>),
    /// Print records as they arrive, through every log rotation
    Tail(Box<TailArgs>),
    /// Show the calls in progress on a board that updates: who rings, who talks, for how long
    Live(Box<LiveArgs>),
    /// Compare the events sent with the events that arrived: missing, changed, duplicate
    Compare(Box<CompareArgs>),
    /// Seal, compress, index and expire log files; safe while they are written
    Rotate(RotateArgs),
    /// Copy sealed days to object storage, and back; verified, and safe to kill
    Ship(ShipArgs),
    /// Recover events that hosts sent and that never arrived
    Sync(SyncArgs),
    /// Check calls, hosts and services against rules, and tell people once
    Check(CheckArgs),
    /// Serve the pages of calls to browsers, on 127.0.0.1:8026
    Serve(ServeArgs),
    /// Print a link that opens the page of one call for a limited time
    Link(LinkArgs),
    /// Show which files have an index; with --check, whether it is right
    Index(IndexArgs),
    /// Show each setting, its value and where the value comes from
    Config(ConfigArgs),
    /// Report what is wrong with the log tree and what to do; changes nothing
    Doctor(DoctorArgs),
}

/// `calltrace trace`
#[derive(Debug, Args)]
#[command(
    override_usage = "calltrace trace [OPTIONS] [ENTERPRISE] UNIQUE_ID|PHONE",
    help_template = HELP,
    before_help = "\
Examples:
  calltrace trace 0367 1764493655.61
      the call, by the id of any of its legs
  calltrace trace 1764493655.61 --ladder
      in all enterprises; draws a column per participant
  calltrace trace 0367 1764493655.61 --all
      every record; --why explains why each leg belongs",
    after_long_help = "\
Exit status: 0 found, 1 no such call though everything was searched, 2 an error, no id or \
number given, or an incomplete answer (what was found is still printed)."
)]
pub struct TraceArgs {
    /// The enterprise (all if omitted), then any UniqueId of the call, or an outside number for its newest call
    #[arg(required = true, num_args = 1..=2, value_name = "UNIQUE_ID", value_parser = parse_target, add = CompletionKind::EnterpriseThenCall)]
    pub target: Vec<String>,
    /// Print every record instead of the steps; implied by -v, --why, --full and --only
    #[arg(long)]
    pub all: bool,
    /// Draw the call as a ladder: one column per participant, time runs downwards
    #[arg(long, conflicts_with_all = ["all", "why", "full", "only", "format"])]
    pub ladder: bool,
    /// Print only records of these kinds: ast, tg, http, sql
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = parse_kind, add = CompletionKind::Words(&["ast", "tg", "http", "sql"]))]
    pub only: Vec<KindName>,
    /// Print bodies as well, indented, with secrets masked
    #[arg(long)]
    pub full: bool,
    /// Join only legs that ids connect; leave out legs inferred from number and time
    #[arg(long)]
    pub strict: bool,
    /// Explain for each leg which record joined it
    #[arg(long)]
    pub why: bool,
    /// Read every file, also files that end well before the id was created
    #[arg(long)]
    pub every_file: bool,
    /// Show at most this many Asterisk events (the first nine tenths and the last tenth) and as many
    /// other records (the first ones); 0 for all
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub limit: usize,
    /// Choose the first call with this id or number since then, instead of the newest
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, add = CompletionKind::Words(&search::MOMENTS))]
    pub since: Option<String>,
    /// Output format; html is one file for a ticket, raw is the original lines in order of time
    #[arg(long, value_name = "FORMAT", default_value = "timeline")]
    pub format: TraceFormat,
}

/// Formats of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TraceFormat {
    /// Text for people.
    Timeline,
    /// One JSON document.
    Json,
    /// One JSON value per record, then the call.
    Ndjson,
    /// The lines as they are in the files.
    Raw,
    /// One self-contained file without secrets.
    Html,
    /// Markdown.
    Md,
    /// A sequence diagram of Mermaid.
    Mermaid,
}
