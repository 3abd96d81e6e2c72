//! `calltrace rotate` as typed.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{HELP, Wanted};
use crate::settings::values::{parse_days, parse_length, parse_mode, parse_size};
use calltrace_upkeep::rotate::{Mode, Policy};

/// `calltrace rotate`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace rotate
      what is due in all enterprises, as from cron
  calltrace rotate 0367 --dry-run
      what would be done
  calltrace rotate 0367 --force -v
      the live file now; says how, and why so",
    after_long_help = "\
The mode says how events.log is taken care of:
  archive
      it is left to its writer, which rotates it; only finished files are sealed
  rename
      it is renamed; for writers that open it anew for each line or when it has moved
  collapse
      its lines are copied and taken off its front; for writers that keep it open
  auto
      whichever of them fits what is found; -v says which and why

Exit status: 0 done or nothing to do, 2 something went wrong (all else is done all the same)."
)]
pub struct RotateArgs {
    /// Enterprises to rotate; all of them when left out
    #[arg(value_name = "ENTERPRISE", add = Wanted::Enterprise)]
    pub enterprises: Vec<String>,
    /// Remove files whose last record is older than so many full days: 14d, 2w [default: 14d]
    #[arg(long, value_name = "DAYS", value_parser = parse_days, add = Wanted::Words(&["7d", "14d", "30d"]))]
    pub keep: Option<u32>,
    /// How the live file is taken care of: auto, archive, rename, collapse [default: auto]
    #[arg(long, value_name = "MODE", value_parser = parse_mode, add = Wanted::Words(&["auto", "archive", "rename", "collapse"]))]
    pub mode: Option<Mode>,
    /// Rotate a live file that is larger, whatever its day: 500MB, 2GiB
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub max_size: Option<u64>,
    /// Rotate the live file now, unless it is empty
    #[arg(long)]
    pub force: bool,
    /// Remove files that are too old also where this host's clock may be wrong
    #[arg(long)]
    pub force_expire: bool,
    /// Make archives of other programs readable at random
    #[arg(long)]
    pub recompress: bool,
    /// Where leases are not to be had: how long a file must be left alone first [default: 60s]
    #[arg(long, value_name = "TIME", value_parser = parse_length, add = Wanted::Words(&["60s", "5m"]))]
    pub grace: Option<Duration>,
    /// Wait for another rotation instead of passing over what it works on
    #[arg(long)]
    pub wait: bool,
    /// Do not ask before the first rotation removes old files
    #[arg(long)]
    pub yes: bool,
    /// Print what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Enterprises worked on side by side; 0 for 16, which mostly wait for disks
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<u16>,
    /// How to print it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: RotateFormat,
}

/// Formats of a rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RotateFormat {
    /// A line a step, as it is done.
    Text,
    /// One JSON document at the end.
    Json,
}

impl RotateArgs {
    /// What is wanted: flags before settings.
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
            ..Settings::usual().rotate
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
