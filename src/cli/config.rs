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
      each setting, its value, where it comes from
  calltrace config > config.toml
      a settings file that says the same, but for secrets
  calltrace config --format json
      for programs",
    after_long_help = "\
Files are read in order, a later one wins key by key; then the environment, then flags. Secrets and \
passwords are not shown; but for them what is printed can be read as a settings file again. Files \
that hold a secret are looked at: where this process can't read one, the comment says so.

Exit status: 0 all settings are right, 2 one is wrong."
)]
pub struct ConfigArgs {
    /// How to print it; toml can be read as settings again
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
