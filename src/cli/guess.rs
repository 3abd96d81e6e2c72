//! Guesses at words that clap refuses and that can mean only one thing.
//!
//! A correct command line never gets here. A word of [`GUESSES`] is replaced by its meaning; a text of [`HINTS`] is
//! added to the error message.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, Command, CommandFactory, Error, FromArgMatches};

use super::Cli;
use calltrace_model::record::id::epoch_seconds;
use calltrace_model::record::phone::PhoneQuery;

/// A word that clap refuses, and its replacement.
struct Guess {
    /// The error with which clap refuses it.
    kind: ErrorKind,
    fits: fn(&str) -> bool,
    /// A word to insert before it.
    before: Option<&'static str>,
    /// A word to put in its place.
    instead: Option<&'static str>,
}

const GUESSES: [Guess; 3] = [
    // `calltrace 1764493655.61`
    Guess {
        kind: ErrorKind::InvalidSubcommand,
        fits: is_id,
        before: Some("trace"),
        instead: None,
    },
    Guess {
        kind: ErrorKind::UnknownArgument,
        fits: |word| word == "--json",
        before: None,
        instead: Some("--format=json"),
    },
    // `-o csv`, `-o=csv`, `-ocsv`
    Guess {
        kind: ErrorKind::UnknownArgument,
        fits: |word| word == "-o",
        before: None,
        instead: Some("--format="),
    },
];

/// A hint: the subcommands it is for (empty: all), the refused words, the text.
type Hint = (
    &'static [&'static str],
    &'static [&'static str],
    &'static str,
);

/// The subcommands that take filters on calls.
const OF_CALLS: &[&str] = &["search", "stats", "export"];

#[rustfmt::skip]
const HINTS: [Hint; 27] = [
    (&["trace"], &["--phone", "--number"], "write the number alone: calltrace trace [ENTERPRISE] PHONE"),
    (&["trace", "link"], &["--id", "--call", "--uniqueid"], "write the id alone, as its last word"),
    (OF_CALLS, &["--id", "--call", "--uniqueid"], "calltrace trace ID shows one call"),
    (OF_CALLS, &["--follow", "-f"], "calltrace tail --follow shows what arrives"),
    (&[], &["--enterprise", "-e"], "write the enterprise alone, as in calltrace search 0367"),
    (&[], &["--from", "--after", "--start", "--begin"], "the time it begins with is --since WHEN"),
    (&[], &["--to", "--before", "--end"], "the time it ends with is --until WHEN"),
    (&[], &["--today", "--yesterday"], "write --since today or --since yesterday"),
    (&[], &["--number", "--num", "--client", "--caller"], "a number is --phone NUMBER"),
    (&[], &["--extension", "--agent", "--person"], "an extension is --ext EXT"),
    (&["search", "stats", "export", "tail"], &["--line"], "a line is --trunk LINE"),
    (&[], &["--result", "--outcome", "--disposition"], "a result is --status RESULT"),
    (&["stats", "export"], &["--missed"], "write --status missed"),
    (&["stats", "export"], &["--answered"], "write --status answered"),
    (OF_CALLS, &["--duration", "--min-duration"], "a length is --min-talk TIME"),
    (&["search"], &["--last", "--newest", "--max"], "the newest N are -n N"),
    (&["tail"], &["--last", "--limit"], "the newest N are -n N"),
    (&[], &["--grep", "--match", "--pattern"], "a text is --text TEXT, an expression --regex REGEX"),
    (&[], &["--csv"], "write --format csv"),
    (&[], &["--ndjson", "--jsonl"], "write --format ndjson"),
    (&[], &["--raw"], "write --format raw"),
    (&[], &["--utc"], "write --tz UTC"),
    (&[], &["--no-color", "--no-colour", "--colour"], "write --color never, auto or always"),
    (&["export"], &["--format <FORMAT>"], "-o is --format; the folder is --out DIR"),
    (&[], &["find", "list", "ls", "calls", "query", "grep"], "calls are found by calltrace search"),
    (&[], &["show", "call", "get", "id"], "one call is shown by calltrace trace ID"),
    (&[], &["follow", "watch"], "what arrives is shown by calltrace tail --follow"),
];

/// Reads a command line, the program's name first.
///
/// # Errors
/// clap's error about a word without a guess; also a request for help or the version.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, Error> {
    Cli::from_arg_matches(&matches(words)?)
}

/// The matches of a command line, with guesses applied.
pub(super) fn matches(words: impl IntoIterator<Item = OsString>) -> Result<ArgMatches, Error> {
    let mut words: Vec<OsString> = words.into_iter().collect();
    // Each guess answers one word.
    for _ in 0..words.len() {
        match Cli::command().try_get_matches_from(&words) {
            Ok(matches) => return Ok(matches),
            Err(error) => match guessed(&words, &error) {
                Some(meant) => words = meant,
                None => return Err(error),
            },
        }
    }
    Cli::command().try_get_matches_from(&words)
}

/// The corrected words, if the refused word has a [`Guess`].
fn guessed(words: &[OsString], error: &Error) -> Option<Vec<OsString>> {
    let refused = refused(error)?;
    let mut guesses = GUESSES.iter();
    let guess = guesses.find(|guess| guess.kind == error.kind() && (guess.fits)(refused))?;
    if guess.instead.is_some() && !has_format(words) {
        return None;
    }
    let is_it = |word: &OsString| word.to_str().is_some_and(|word| word.starts_with(refused));
    let at = 1 + words.iter().skip(1).position(is_it)?;
    let mut meant = words.to_vec();
    if let Some(instead) = guess.instead {
        let value = words[at].to_str()?.strip_prefix(refused)?;
        let value = match (value, instead.ends_with('=')) {
            // Its value is the next word.
            ("", true) if at + 1 < meant.len() => meant.remove(at + 1),
            (value, _) => value.trim_start_matches('=').into(),
        };
        meant[at] = instead.into();
        meant[at].push(value);
    }
    meant.splice(at..at, guess.before.map(OsString::from));
    Some(meant)
}

/// The word that an error is about.
fn refused(error: &Error) -> Option<&str> {
    let of = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        _ => None,
    };
    of(ContextKind::InvalidSubcommand).or_else(|| of(ContextKind::InvalidArg))
}

/// The hint for these words and this error, if there is one.
pub(super) fn hint(words: &[OsString], error: &Error) -> Option<String> {
    let word = refused(error)?;
    if error.kind() == ErrorKind::InvalidSubcommand {
        if is_phone(word) {
            return Some(format!("the calls of a number: calltrace search '{word}'"));
        }
        if !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()) {
            return Some(format!(
                "the calls of an enterprise: calltrace search {word}"
            ));
        }
    }
    let command = subcommand(&Cli::command(), words).map(|c| c.get_name().to_owned());
    let is_under = |commands: &[&str]| {
        commands.is_empty() || commands.iter().any(|name| command.as_deref() == Some(name))
    };
    let mut hints = HINTS.iter();
    let found = hints.find(|(commands, words, _)| words.contains(&word) && is_under(commands))?;
    Some(found.2.to_owned())
}

/// Whether the subcommand of a command line has formats.
fn has_format(words: &[OsString]) -> bool {
    let command = Cli::command();
    subcommand(&command, words).is_some_and(|command| {
        let mut arguments = command.get_arguments();
        arguments.any(|argument| argument.get_long() == Some("format"))
    })
}

fn subcommand<'c>(command: &'c Command, words: &[OsString]) -> Option<&'c Command> {
    let mut words = words.iter().skip(1);
    words.find_map(|word| command.find_subcommand(word))
}

/// Whether a word is an outside number in any notation, and not an id, an extension or an enterprise.
pub fn is_phone(word: &str) -> bool {
    !is_id(word) && PhoneQuery::parse(word).is_ok_and(|query| !query.is_short())
}

/// Whether a word can only be an id: it holds a creation time, or two numbers with a dot between them.
pub fn is_id(word: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parts = word.split_once('.');
    epoch_seconds(word.as_bytes()).is_some()
        || parts.is_some_and(|(seconds, counter)| is_number(seconds) && is_number(counter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Command;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    /// The words that a line is corrected to.
    fn meant(line: &str) -> String {
        let mut words = words(line);
        while let Err(error) = Cli::command().try_get_matches_from(&words) {
            match guessed(&words, &error) {
                Some(meant) => words = meant,
                None => return format!("{:?}", error.kind()),
            }
        }
        let words = words.iter().map(|word| word.to_string_lossy());
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_guess_is_interpreted() {
        for (typed, taken) in [
            ("calltrace 1764493655.61", "calltrace trace 1764493655.61"),
            (
                "calltrace --tz UTC 1764493655.61 --json",
                "calltrace --tz UTC trace 1764493655.61 --format=json",
            ),
            (
                "calltrace search --json 0367",
                "calltrace search --format=json 0367",
            ),
            (
                "calltrace search -o csv -n 5",
                "calltrace search --format=csv -n 5",
            ),
            ("calltrace search -ocsv", "calltrace search --format=csv"),
            ("calltrace tail -o=raw", "calltrace tail --format=raw"),
            ("calltrace tail --json", "calltrace tail --format=json"),
            (
                "calltrace export --json --out x",
                "calltrace export --format=json --out x",
            ),
        ] {
            assert_eq!(meant(typed), taken);
        }
    }

    #[test]
    fn an_ambiguous_word_is_refused() {
        for (typed, kind) in [
            ("calltrace 1764493655", "InvalidSubcommand"),
            ("calltrace 029.000.12.34", "InvalidSubcommand"),
            ("calltrace serach", "InvalidSubcommand"),
            ("calltrace serve --json", "UnknownArgument"),
            ("calltrace link -o json 0367 1.5", "UnknownArgument"),
            ("calltrace search --json --format csv", "ArgumentConflict"),
            ("calltrace search -o", "InvalidValue"),
            ("calltrace search -o xml", "InvalidValue"),
            ("calltrace search --jso", "UnknownArgument"),
        ] {
            assert_eq!(meant(typed), kind, "{typed}");
        }
    }

    #[test]
    fn a_command_line_is_read_once_it_is_guessed() {
        let cli = parse(words("calltrace 1764493655.61 --json")).expect("it is guessed");
        let Some(Command::Trace(args)) = cli.command else {
            panic!("{:?}", cli.command);
        };
        assert_eq!(args.target, ["1764493655.61"]);
        assert_eq!(args.format, crate::cli::TraceFormat::Json);
    }

    #[test]
    fn a_hint_is_of_something_that_there_is_not_yet() {
        let mut command = Cli::command();
        command.build();
        let has = |command: &clap::Command, word: &str| {
            let mut arguments = command.get_arguments();
            let long = word.strip_prefix("--");
            let short = word.strip_prefix('-').and_then(|w| w.chars().next());
            arguments.any(|argument| match long {
                Some(long) => argument.get_long() == Some(long),
                None => short.is_some() && argument.get_short() == short,
            })
        };
        for (commands, words, hint) in HINTS {
            for name in commands {
                let below = command.find_subcommand(name).expect("there is one");
                for word in words {
                    assert!(!has(below, word), "{name} has {word}: {hint}");
                }
            }
            for word in words.iter().filter(|word| !word.starts_with('-')) {
                assert!(command.find_subcommand(word).is_none(), "{word}: {hint}");
            }
        }
    }

    #[test]
    fn a_wrong_guess_gets_a_hint() {
        for (typed, expected_hint) in [
            (
                "calltrace 029.000.12.34",
                Some("the calls of a number: calltrace search '029.000.12.34'"),
            ),
            (
                "calltrace search --from today",
                Some("the time it begins with is --since WHEN"),
            ),
            (
                "calltrace trace --phone 1",
                Some("write the number alone: calltrace trace [ENTERPRISE] PHONE"),
            ),
            (
                "calltrace search --number 1",
                Some("a number is --phone NUMBER"),
            ),
            (
                "calltrace 80290001234",
                Some("the calls of a number: calltrace search '80290001234'"),
            ),
            (
                "calltrace 0367",
                Some("the calls of an enterprise: calltrace search 0367"),
            ),
            (
                "calltrace list",
                Some("calls are found by calltrace search"),
            ),
            ("calltrace serach", None),
            ("calltrace search --phon 1", None),
        ] {
            let typed = words(typed);
            let error = matches(typed.clone()).expect_err("it is refused");
            assert_eq!(hint(&typed, &error).as_deref(), expected_hint, "{typed:?}");
        }
    }
}
