//! `calltrace config` as typed.

use clap::{Args, ValueEnum};

use super::HELP;

/// `calltrace config`
#[derive(Debug, Args)]
#[command(
    help_template = HELP,
    before_help = "\
Examples:
  calltrace config
      each setting, its value and where it comes from
  calltrace config > config.toml
      a settings file with the same values, without secrets
  calltrace config --format json
      for programs",
    after_long_help = "\
Files are read in order, and a later file overrides single keys of an earlier one; the environment \
overrides files, and options override the environment. Secrets and passwords are not shown; the rest \
of the output can be read as a settings file again. Where this process can't read a file that holds a \
secret, the comment says so.

Exit status: 0 all settings are right, 2 one is wrong."
)]
pub struct ConfigArgs {
    /// Output format; toml can be read as a settings file again
    #[arg(long, value_name = "FORMAT", default_value = "toml")]
    pub format: ConfigFormat,
}

/// Formats of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ConfigFormat {
    /// A settings file with comments.
    Toml,
    /// One JSON document.
    Json,
}
