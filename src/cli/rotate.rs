//! `calltrace rotate` as typed, and what settings say of it.

use std::time::Duration;

use clap::{Args, ValueEnum};
use toml::{Table, Value};

use super::known;
use super::values::{millis, one_of, parse_length};
use super::wrong::Wrong;
use super::{HELP, Wanted};
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
    /// Print what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Enterprises worked on side by side; 0 for 16, which mostly wait for disks
    #[arg(
        short,
        long,
        value_name = "N",
        default_value_t = 0,
        hide_default_value = true
    )]
    pub jobs: u16,
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

/// `[rotate]` of the settings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RotateSettings {
    /// Full days that are kept.
    pub keep_days: Option<u32>,
    /// How the live file is taken care of.
    pub mode: Option<Mode>,
    /// A live file that is larger is due (bytes).
    pub size_max: Option<u64>,
    /// How long a file must be left alone.
    pub grace: Option<Duration>,
    /// Bytes of archives that are compared with their indexes in a run.
    pub verify_bytes: Option<u64>,
}

impl RotateSettings {
    /// Takes over what a table says.
    pub(super) fn read(&mut self, table: Table) -> Result<(), Wrong> {
        for (key, value) in table {
            if !known::names_in("rotate").contains(&key.as_str()) {
                return Err(known::unknown(&key, "rotate", "rotate"));
            }
            let place = format!("rotate.{key}");
            let Value::String(text) = value else {
                return Err(Wrong::new(&place, "must be in quotes"));
            };
            let wrong = |hint: String| Wrong::value(&place, &hint);
            match key.as_str() {
                "keep" => self.keep_days = Some(parse_days(&text).map_err(wrong)?),
                "mode" => self.mode = Some(parse_mode(&text).map_err(wrong)?),
                "max_size" => self.size_max = Some(parse_size(&text).map_err(wrong)?),
                "grace" => self.grace = Some(parse_length(&text).map_err(wrong)?),
                "verify" if text.trim() == "0" => self.verify_bytes = Some(0),
                "verify" => self.verify_bytes = Some(parse_size(&text).map_err(wrong)?),
                _ => return Err(known::not_read(&place)),
            }
        }
        Ok(())
    }
}

impl RotateArgs {
    /// What is wanted: flags before settings before what is usual.
    pub fn policy(&self, settings: &RotateSettings) -> Policy {
        let usual = Policy::default();
        Policy {
            mode: self.mode.or(settings.mode).unwrap_or(usual.mode),
            keep_days: self.keep.or(settings.keep_days).unwrap_or(usual.keep_days),
            size_max: self.max_size.or(settings.size_max),
            force: self.force,
            force_expire: self.force_expire,
            recompress: self.recompress,
            grace: self.grace.or(settings.grace).unwrap_or(usual.grace),
            verify_bytes: settings.verify_bytes.unwrap_or(usual.verify_bytes),
        }
    }
}

fn parse_mode(typed: &str) -> Result<Mode, String> {
    let modes = [Mode::Auto, Mode::Archive, Mode::Rename, Mode::Collapse];
    let known = modes.map(Mode::as_str);
    let found = modes.into_iter().find(|mode| mode.as_str() == typed);
    found.ok_or_else(|| one_of(typed, "mode", &known))
}

/// Whole days, one at least: `14d`, `2w`.
fn parse_days(typed: &str) -> Result<u32, String> {
    const DAY_MILLIS: i64 = 86_400_000;
    let has_unit = typed.ends_with(['d', 'w']);
    let days = millis(typed)
        .filter(|millis| has_unit && millis % DAY_MILLIS == 0)
        .and_then(|millis| u32::try_from(millis / DAY_MILLIS).ok());
    match days {
        Some(0) => Err("at least one day is kept: 1d".to_owned()),
        Some(days) => Ok(days),
        None => Err("it is whole days, such as 14d or 2w".to_owned()),
    }
}

/// Bytes: a number with B, KB, MB, GB (thousands), KiB, MiB, GiB or K, M, G (1024s).
fn parse_size(typed: &str) -> Result<u64, String> {
    let hint = || "a size is bytes or like 500MB, 64MiB, 2G".to_owned();
    let text = typed.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        _ => return Err(hint()),
    };
    let number: u64 = number.parse().map_err(|_| hint())?;
    number
        .checked_mul(factor)
        .filter(|bytes| *bytes > 0)
        .ok_or_else(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_days_are_read_with_their_units() {
        assert_eq!(parse_size("500MB"), Ok(500_000_000));
        assert_eq!(parse_size("64 MiB"), Ok(64 << 20));
        assert_eq!(parse_size("2g"), Ok(2 << 30));
        assert_eq!(parse_size("1024"), Ok(1024));
        for bad in ["", "MB", "0", "1.5GB", "1TBB", "99999999999G"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        assert_eq!(parse_days("14d"), Ok(14));
        assert_eq!(parse_days("2w"), Ok(14));
        assert_eq!(
            parse_days("0d"),
            Err("at least one day is kept: 1d".to_owned())
        );
        for bad in ["14", "36h", "d", "1d12h", ""] {
            assert!(parse_days(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn flags_go_before_settings() {
        let settings = RotateSettings {
            keep_days: Some(7),
            mode: Some(Mode::Rename),
            ..RotateSettings::default()
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
            dry_run: false,
            jobs: 0,
            format: RotateFormat::Text,
        };
        let policy = args.policy(&settings);
        assert_eq!((policy.keep_days, policy.mode), (30, Mode::Rename));
        assert_eq!(policy.grace, Duration::from_secs(60));
    }
}
