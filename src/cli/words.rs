//! What clap knows and says, for those who must not know clap.

use std::env;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{CommandFactory, Parser};

use super::{Cli, guess};

/// What clap says of wrong words, in one line; with a hint of ours, if there is one, in place of its tips.
fn typed_wrong(error: &clap::Error) -> String {
    let words: Vec<OsString> = env::args_os().collect();
    let hint = guess::hint(&words, error);
    let text = error.to_string();
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .filter(|line| hint.is_none() || !line.starts_with("tip: "));
    let said = lines.fold(String::new(), |said, line| {
        match line.strip_prefix("tip: ") {
            _ if said.is_empty() => line.trim_start_matches("error: ").to_owned(),
            Some(tip) => format!("{said}; {tip}"),
            None => format!("{said} {line}"),
        }
    });
    match hint {
        Some(hint) => format!("{said}; {hint}"),
        None => said,
    }
}

/// The same, naming the variable where that says what is wrong and no flag was typed.
pub fn typed_or_set_wrong(error: &clap::Error) -> String {
    let said = typed_wrong(error);
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return said;
    };
    let flag = argument.split([' ', '=']).next().unwrap_or_default();
    let is_typed = |word: OsString| word.to_string_lossy().starts_with(flag);
    match variable_of(flag) {
        Some(variable) if !env::args_os().any(is_typed) => said.replace(argument, &variable),
        _ => said,
    }
}

/// The variable that stands for a flag (`--listen`), if one does and it is set.
fn variable_of(flag: &str) -> Option<String> {
    let long = flag.strip_prefix("--")?;
    let command = Cli::command();
    let of = |command: &clap::Command| {
        let mut arguments = command.get_arguments();
        let found = arguments.find(|argument| argument.get_long() == Some(long))?;
        Some(found.get_env()?.to_string_lossy().into_owned())
    };
    let found = of(&command).or_else(|| command.get_subcommands().find_map(of));
    found.filter(|variable| env::var_os(variable).is_some())
}

/// The subcommands: name, and what it is for.
pub fn subcommands() -> Vec<(String, String)> {
    let about = |command: &clap::Command| {
        let about = command.get_about().map(ToString::to_string);
        (command.get_name().to_owned(), about.unwrap_or_default())
    };
    Cli::command().get_subcommands().map(about).collect()
}

/// Whether a flag of this run sets it; the environment may set it as well, and gives way.
pub fn is_flag(id: &str) -> bool {
    let Ok(matches) = guess::matches(env::args_os()) else {
        return false;
    };
    let (_, matches) = matches.subcommand().unwrap_or(("", &matches));
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// Looks at the variables of the environment as the commands that read them do.
///
/// # Errors
/// What is wrong with one, in one line.
pub fn check_environment() -> Result<(), String> {
    let serve = Cli::try_parse_from(["calltrace", "serve"]);
    serve
        .map(|_| ())
        .map_err(|error| typed_or_set_wrong(&error))
}
