//! `calltrace rotate` as typed.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{CompletionKind, HELP};
use crate::settings::values::{parse_days, parse_length, parse_mode, parse_size};
use calltrace_upkeep::rotate::{Mode, Policy};

/// `calltrace rotate`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace rotate
      does what is due in all enterprises, as from cron
  calltrace rotate 0367 --dry-run
      only prints what would be done
  calltrace rotate 0367 --force -v
      rotates the live file now; explains the mode it chose",
    after_long_help = "\
The mode says how the live file events.log is rotated:
  archive
      the writer rotates it itself; calltrace only seals finished files
  rename
      calltrace renames it; for writers that reopen the file for each line or when it has moved
  collapse
      calltrace copies its lines and removes them from its front; for writers that keep the file open
  auto
      the mode that fits the files and their writers; -v says which one and why

Exit status: 0 done or nothing to do, 2 something went wrong (everything else is still done)."
)]
pub struct RotateArgs {
    /// Enterprises to rotate; all if omitted
    #[arg(value_name = "ENTERPRISE", add = CompletionKind::Enterprise)]
    pub enterprises: Vec<String>,
    /// Remove files if their last record is older than this many full days: 14d, 2w [default: 14d]
    #[arg(long, value_name = "DAYS", value_parser = parse_days, add = CompletionKind::Words(&["7d", "14d", "30d"]))]
    pub keep: Option<u32>,
    /// How to rotate the live file: auto, archive, rename, collapse [default: auto]
    #[arg(long, value_name = "MODE", value_parser = parse_mode, add = CompletionKind::Words(&["auto", "archive", "rename", "collapse"]))]
    pub mode: Option<Mode>,
    /// Rotate a live file that is larger than this on any day: 500MB, 2GiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_size: Option<u64>,
    /// Rotate the live file now, unless it is empty
    #[arg(long)]
    pub force: bool,
    /// Remove old files even if this host's clock may be wrong
    #[arg(long)]
    pub force_expire: bool,
    /// Recompress archives of other programs, so that single blocks can be read
    #[arg(long)]
    pub recompress: bool,
    /// Without kernel leases: seal a file only if it was unchanged for this long [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = parse_length, add = CompletionKind::Words(&["60s", "5m"]))]
    pub grace: Option<Duration>,
    /// Wait for another rotation instead of skipping the enterprise it works on
    #[arg(long)]
    pub wait: bool,
    /// Do not ask before the first rotation removes old files
    #[arg(long)]
    pub yes: bool,
    /// Only print what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Number of enterprises to rotate at the same time; 0 for 16
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<u16>,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: RotateFormat,
}

/// Formats of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RotateFormat {
    /// One line per step, when it is done.
    Text,
    /// One JSON document at the end.
    Json,
}

impl RotateArgs {
    /// The policy of this run: options override settings.
    pub fn policy(&self, settings: &Policy) -> Policy {
        Policy {
            mode: self.mode.unwrap_or(settings.mode),
            keep_days: self.keep.unwrap_or(settings.keep_days),
            keep_tables_days: settings.keep_tables_days,
            size_max: self.max_size.or(settings.size_max),
            force: self.force,
            force_expire: self.force_expire,
            recompress: self.recompress,
            grace: self.grace.unwrap_or(settings.grace),
            verify_bytes: settings.verify_bytes,
            only_shipped: settings.only_shipped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    #[test]
    fn flags_go_before_settings() {
        let settings = Policy {
            keep_days: 7,
            mode: Mode::Rename,
            ..Settings::defaults().rotate
        };
        let args = RotateArgs {
            enterprises: Vec::new(),
            keep: Some(30),
            mode: None,
            max_size: None,
            force: false,
            force_expire: false,
            recompress: false,
            grace: None,
            wait: false,
            yes: false,
            dry_run: false,
            jobs: None,
            format: RotateFormat::Text,
        };
        let policy = args.policy(&settings);
        assert_eq!((policy.keep_days, policy.mode), (30, Mode::Rename));
        assert_eq!(policy.grace, Duration::from_secs(60));
    }
}
