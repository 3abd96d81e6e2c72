//! Where the value of a setting comes from, for `calltrace config` and for messages.

use std::env;
use std::fmt;
use std::path::PathBuf;

use crate::cli::is_typed_flag;
use crate::settings::{Setting, Settings};

/// Where the value of a setting comes from.
pub(super) enum ValueOrigin {
    /// A flag of every subcommand.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A file, and its line from 1.
    File(PathBuf, usize),
    Default,
}

impl ValueOrigin {
    /// The origin of a setting with fixed names.
    pub(super) fn of(setting: &Setting, settings: &Settings) -> ValueOrigin {
        let is_typed = |flag: &&str| is_typed_flag(flag.trim_start_matches('-'));
        let is_there = |variable: &&str| env::var_os(variable).is_some();
        if let Some(flag) = setting.flag.filter(is_typed) {
            return ValueOrigin::Flag(flag);
        }
        if let Some(variable) = setting.variable.filter(is_there) {
            return ValueOrigin::Variable(variable);
        }
        match settings.origins.of(&setting.names()) {
            Some(entry) => ValueOrigin::File(entry.path.clone(), entry.line),
            None => ValueOrigin::Default,
        }
    }
}

impl fmt::Display for ValueOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueOrigin::Flag(name) | ValueOrigin::Variable(name) => f.write_str(name),
            ValueOrigin::File(path, line) => write!(f, "{}:{line}", path.display()),
            ValueOrigin::Default => f.write_str("default"),
        }
    }
}
