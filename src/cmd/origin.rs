//! Who said what a setting is: for those who ask what is in effect, and for what is said of it.

use std::env;
use std::fmt;
use std::path::PathBuf;

use crate::cli::is_flag;
use crate::settings::{Setting, Settings};

/// Where the value of a setting comes from.
pub(super) enum Origin {
    /// A flag of every subcommand.
    Flag(&'static str),
    /// A variable of the environment.
    Variable(&'static str),
    /// A file, and its line from 1.
    File(PathBuf, usize),
    /// Nobody said it.
    Default,
}

impl Origin {
    /// Of a setting whose names are fixed.
    pub(super) fn of(setting: &Setting, settings: &Settings) -> Origin {
        let is_typed = |flag: &&str| is_flag(flag.trim_start_matches('-'));
        let is_there = |variable: &&str| env::var_os(variable).is_some();
        if let Some(flag) = setting.flag.filter(is_typed) {
            return Origin::Flag(flag);
        }
        if let Some(variable) = setting.variable.filter(is_there) {
            return Origin::Variable(variable);
        }
        match settings.origins.of(&setting.names()) {
            Some(said) => Origin::File(said.path.clone(), said.line),
            None => Origin::Default,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag(name) | Origin::Variable(name) => f.write_str(name),
            Origin::File(path, line) => write!(f, "{}:{line}", path.display()),
            Origin::Default => f.write_str("default"),
        }
    }
}
