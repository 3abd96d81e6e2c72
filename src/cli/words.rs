//! Messages and facts from clap, for modules that do not use clap themselves.

use std::env;
use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{CommandFactory, Parser};

use super::{Cli, guess};

/// clap's error message in one line; a hint of `guess`, if there is one, replaces clap's tips.
fn message_of(error: &clap::Error) -> String {
    let words: Vec<OsString> = env::args_os().collect();
    let hint = guess::hint(&words, error);
    let text = error.to_string();
    let lines = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .filter(|line| hint.is_none() || !line.starts_with("tip: "));
    let message = lines.fold(String::new(), |message, line| {
        match line.strip_prefix("tip: ") {
            _ if message.is_empty() => line.trim_start_matches("error: ").to_owned(),
            Some(tip) => format!("{message}; {tip}"),
            None => format!("{message} {line}"),
        }
    });
    match hint {
        Some(hint) => format!("{message}; {hint}"),
        None => message,
    }
}

/// clap's error message in one line. It names the environment variable if the wrong value comes from there.
pub fn usage_message(error: &clap::Error) -> String {
    let message = message_of(error);
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else {
        return message;
    };
    let flag = argument.split([' ', '=']).next().unwrap_or_default();
    let is_typed = |word: OsString| word.to_string_lossy().starts_with(flag);
    match variable_of(flag) {
        Some(variable) if !env::args_os().any(is_typed) => message.replace(argument, &variable),
        _ => message,
    }
}

/// The environment variable of a flag such as `--listen`, if the flag has one and it is set.
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

/// The subcommands: name and one-line description.
pub fn subcommands() -> Vec<(String, String)> {
    let about = |command: &clap::Command| {
        let about = command.get_about().map(ToString::to_string);
        (command.get_name().to_owned(), about.unwrap_or_default())
    };
    Cli::command().get_subcommands().map(about).collect()
}

/// Whether the command line of this run sets an argument. A flag overrides the environment.
pub fn is_typed_flag(id: &str) -> bool {
    let Ok(matches) = guess::matches(env::args_os()) else {
        return false;
    };
    let (_, matches) = matches.subcommand().unwrap_or(("", &matches));
    matches.value_source(id) == Some(ValueSource::CommandLine)
}

/// Checks the environment variables as the commands that read them do.
///
/// # Errors
/// Returns the message about the first wrong variable, in one line.
pub fn check_environment() -> Result<(), String> {
    let serve = Cli::try_parse_from(["calltrace", "serve"]);
    serve.map(|_| ()).map_err(|error| usage_message(&error))
}
