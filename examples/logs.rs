//! Writes a tree of call logs to try `calltrace` on, and prints a summary.

use chrono::NaiveDate;
use clap::{Parser, ValueEnum};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use testing::generator::{Compress, Names, Plan, write_tree};

/// Writes a tree of made-up call logs: DIR/<enterprise>/events*, and next to it DIR.truth/, which lists the lines of
/// each call. The same options always give the same bytes.
///
/// Allow about 3.1 KB of disk per call uncompressed: the defaults make 1.4 GB.
#[derive(Parser)]
#[command(name = "logs")]
struct Options {
    /// Folder to fill; created if missing, refused unless it is empty
    #[arg(long, value_name = "DIR")]
    root: PathBuf,

    /// Enterprise numbers, separated by commas
    #[arg(
        long,
        value_name = "NUMBERS",
        value_delimiter = ',',
        default_value = "0367"
    )]
    enterprises: Vec<String>,

    /// Use this many enterprises instead: 0367, then 0101, 0102 and so on
    #[arg(long, value_name = "N", conflicts_with = "enterprises", value_parser = clap::value_parser!(u16).range(1..=9000))]
    enterprises_count: Option<u16>,

    /// Days of logs, one file each
    #[arg(long, value_name = "DAYS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,

    /// Calls per day and enterprise
    #[arg(long, value_name = "CALLS", default_value_t = 30_000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    calls_per_day: u32,

    /// Day of the youngest file (YYYY-MM-DD, UTC)
    #[arg(long, value_name = "DATE", default_value = "2025-11-30")]
    last_day: NaiveDate,

    /// Seed of the random numbers
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,

    /// Names of the files
    #[arg(long, value_enum, default_value_t = NamesOption::Dated)]
    names: NamesOption,

    /// Compression of all files except that of the last day
    #[arg(long, value_enum, default_value_t = CompressOption::None)]
    compress: CompressOption,

    /// Add disorder as in practice: broken lines, wrong order, records in the file of the wrong day
    #[arg(long)]
    mess: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum NamesOption {
    /// events.log.YYYY-MM-DD, and events.log for the last day
    Dated,
    /// events_YYYY-MM-DD.log
    Daily,
    /// events.log.N, and events.log for the last day
    Logrotate,
    /// Alternating dated, daily and events.log-YYYYMMDD
    Mixed,
}

#[derive(Clone, Copy, ValueEnum)]
enum CompressOption {
    /// Plain text
    None,
    /// One gzip member
    Gzip,
    /// One gzip member per MiB
    Multi,
    /// Blocks of 64 KiB
    Bgzf,
    /// Alternating all of these
    Mixed,
}

fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // There is nothing left to do if stderr is closed too.
            let _ = writeln!(std::io::stderr(), "logs: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let root = &options.root;
    let mut truth = root.clone().into_os_string();
    truth.push(".truth");
    for folder in [root.as_path(), Path::new(&truth)] {
        refuse_unless_empty(folder)?;
    }
    let began = Instant::now();
    let summary = write_tree(&plan_of(options), root)
        .map_err(|error| format!("cannot write the tree {}: {error}", root.display()))?;
    writeln!(
        std::io::stdout(),
        "{}: {} calls, {} lines, {:.1} MB of content in {} files, {:.1} s; truth in {}",
        root.display(),
        summary.calls,
        summary.lines,
        summary.bytes as f64 / 1e6,
        summary.files,
        began.elapsed().as_secs_f64(),
        Path::new(&truth).display(),
    )
    .map_err(|error| format!("cannot tell what was written: {error}"))
}

fn refuse_unless_empty(folder: &Path) -> Result<(), String> {
    let mut entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("cannot look into {}: {error}", folder.display())),
        Ok(entries) => entries,
    };
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(format!(
            "{} is not empty; name a new folder",
            folder.display()
        )),
    }
}

fn plan_of(options: &Options) -> Plan {
    let enterprises = match options.enterprises_count {
        Some(count) => std::iter::once("0367".to_owned())
            .chain((101..).filter(|&n| n != 367).map(|n| format!("{n:04}")))
            .take(usize::from(count))
            .collect(),
        None => options.enterprises.clone(),
    };
    Plan {
        seed: options.seed,
        enterprises,
        days: options.days,
        last_day: options.last_day,
        calls_per_day: options.calls_per_day,
        names: match options.names {
            NamesOption::Dated => Names::Dated,
            NamesOption::Daily => Names::Daily,
            NamesOption::Logrotate => Names::Logrotate,
            NamesOption::Mixed => Names::Mixed,
        },
        compress: match options.compress {
            CompressOption::None => Compress::None,
            CompressOption::Gzip => Compress::Gzip,
            CompressOption::Multi => Compress::Multi,
            CompressOption::Bgzf => Compress::Bgzf,
            CompressOption::Mixed => Compress::Mixed,
        },
        mess: options.mess,
    }
}
