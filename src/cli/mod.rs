//! What was typed: clap types and value parsers. Knows no file and asks nothing; `cmd` makes plans
//! of it.

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
mod stats;
mod sync;
mod tail;
mod values;
mod when;
mod words;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use calltrace_model::record::KindName;

pub use compare::{CompareArgs, CompareFormat};
pub use complete::{FILES, FOLDERS, Offer, Typed, Wanted, complete};
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
pub use stats::{StatsArgs, StatsFormat};
pub use sync::{SyncArgs, SyncFormat};
pub use tail::{LiveArgs, TailArgs, TailFormat};
pub use when::{Moment, start_of};
pub use words::{check_environment, is_flag, subcommands, typed_or_set_wrong};

use crate::settings::values::parse_zone;
use values::{parse_kind, parse_target};

/// Help begins with what it is for and with examples; options are looked up.
const HELP: &str = "\
{about-with-newline}
{before-help}{usage-heading} {usage}

{all-args}{after-help}";

/// Reads telephony event logs: one call over all its legs, or the calls that match. Rotates them
/// without losing a line, and serves them as pages.
#[derive(Debug, Parser)]
#[command(
    name = "calltrace",
    version,
    help_template = HELP,
    before_help = "\
Examples:
  calltrace trace 0367 1764493655.61
      one call, whole, from the id of any of its legs
  calltrace search --status missed --since yesterday
      who was not picked up since yesterday
  calltrace tail 0367 --follow
      records as they arrive",
    after_long_help = "\
Exit status: 0 found or done, 1 nothing found though everything was searched, 2 an error or an \
incomplete search (what was found is printed all the same), 130 interrupted.

Manual: calltrace(1) and a page each, such as calltrace-trace(1); calltrace-config(5) for the \
settings, calltrace-format(5) for the files."
)]
pub struct Cli {
    /// Options of every subcommand.
    #[command(flatten)]
    pub global: Global,
    /// What to do; nothing typed is a question as well.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every subcommand.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every subcommand")]
pub struct Global {
    /// Folder that holds one folder an enterprise [default: call_tracer]
    #[arg(long, global = true, env = "CALLTRACE_ROOT", hide_env_values = true, value_name = "DIR", add = Wanted::Folder)]
    pub root: Option<PathBuf>,
    /// Settings file read after /etc/calltrace/config.toml and the user's own
    #[arg(long, global = true, env = "CALLTRACE_CONFIG", hide_env_values = true, value_name = "FILE", add = Wanted::File)]
    pub config: Option<PathBuf>,
    /// Zone that times are shown and typed in, such as Europe/Minsk or +03:00 [default: the system's]
    #[arg(long, global = true, env = "CALLTRACE_DISPLAY_TIMEZONE", hide_env_values = true, value_name = "ZONE", value_parser = parse_zone, allow_hyphen_values = true, add = Wanted::Zone)]
    pub tz: Option<calltrace_model::record::Zone>,
    /// Colour in what is printed; auto follows the terminal, NO_COLOR and CLICOLOR_FORCE
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
    /// Print what is longer than the screen without a pager (CALLTRACE_PAGER, PAGER, less)
    #[arg(long, global = true)]
    pub no_pager: bool,
    /// Threads to work with; 0 for one a core
    #[arg(long, global = true, env = "CALLTRACE_THREADS", hide_env_values = true, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=256))]
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
    /// One call, told in steps: who talked to whom, for how long, and what went wrong
    Trace(TraceArgs),
    /// Which calls? One row a call, newest first
    Search(Box<SearchArgs>),
    /// How many calls, how long, by hour, person or line; missed ones and who called back
    Stats(Box<StatsArgs>),
    /// Calls into files for spreadsheets and programs, one file or one a day
    Export(Box<ExportArgs>),
    /// Records as they arrive, through every rotation
    Tail(Box<TailArgs>),
    /// The calls that go on now, as a board that changes: who rings, who talks, for how long
    Live(Box<LiveArgs>),
    /// What was sent against what arrived: missing, changed and doubled events
    Compare(Box<CompareArgs>),
    /// Seal, compress, index and expire; safe beside live writers
    Rotate(RotateArgs),
    /// Recover events that hosts sent and that never arrived
    Sync(SyncArgs),
    /// The pages of calls, for a browser, on 127.0.0.1:8026
    Serve(ServeArgs),
    /// A link that opens the page of one call for some time
    Link(LinkArgs),
    /// What is known of the indexes; whether they are right
    Index(IndexArgs),
    /// Each setting, its value, and where that comes from
    Config(ConfigArgs),
    /// What is wrong with the tree, and what to do about it; changes nothing
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
      the call, from the id of any of its legs
  calltrace trace 1764493655.61 --ladder
      in all enterprises; drawn, a column a participant
  calltrace trace 0367 1764493655.61 --all
      every record of it; --why adds why each leg belongs",
    after_long_help = "\
Exit status: 0 found, 1 no such call though everything was searched, 2 an error, no call named but an \
enterprise alone, or an incomplete answer (what was found is printed all the same)."
)]
pub struct TraceArgs {
    /// The enterprise (all of them when left out), then any UniqueId of the call, or an outside number for its newest call
    #[arg(required = true, num_args = 1..=2, value_name = "UNIQUE_ID", value_parser = parse_target, add = Wanted::EnterpriseThenCall)]
    pub target: Vec<String>,
    /// Every record rather than the steps they tell; -v, --why, --full and --only imply it
    #[arg(long)]
    pub all: bool,
    /// The call as a ladder: a column per participant, time downwards
    #[arg(long, conflicts_with_all = ["all", "why", "full", "only", "format"])]
    pub ladder: bool,
    /// Only records of these kinds: ast, tg, http, sql
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = parse_kind, add = Wanted::Words(&["ast", "tg", "http", "sql"]))]
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
    /// At most so many Asterisk events (the first nine tenths, the last tenth) and as many other
    /// records (the first); 0 for all
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub limit: usize,
    /// Of several calls with this id or number the first one since then; the newest otherwise
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, add = Wanted::Words(&search::MOMENTS))]
    pub since: Option<String>,
    /// How to print it; html is one file for a ticket, raw the original lines, byte for byte, in order of time
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
    /// One file that holds everything it needs, without secrets.
    Html,
    /// Markdown.
    Md,
    /// A sequence diagram of Mermaid.
    Mermaid,
}
