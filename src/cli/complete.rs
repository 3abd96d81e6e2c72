//! Completions of a command line: subcommands, flags, and values of arguments.
//!
//! This module reads no file: an argument has a [`CompletionKind`], and the caller supplies enterprises and calls.
//! An incomplete command line is read as far as possible and never refused.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

use calltrace_model::record::Zone;
use clap::builder::ArgExt;
use clap::{ArgMatches, Command, CommandFactory};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete as candidates};

use super::Cli;

/// The kind of value to complete, for an argument without a fixed list of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionKind {
    /// An enterprise; several may follow.
    Enterprise,
    /// An enterprise, then one of its calls; or a call alone.
    EnterpriseThenCall,
    /// A call of the enterprise before it, if there is one.
    Call,
    /// A time zone.
    Zone,
    /// A file, which the shell itself completes and quotes.
    File,
    /// A folder, which the shell itself completes and quotes.
    Folder,
    /// Usually one of these words.
    Words(&'static [&'static str]),
}

impl ArgExt for CompletionKind {}

/// The arguments before the word that is completed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypedArgs {
    /// The folder of logs, typed or from the environment.
    pub root: Option<PathBuf>,
    /// The settings file, typed or from the environment.
    pub config: Option<PathBuf>,
    /// The zone of shown times, typed or from the environment.
    pub tz: Option<Zone>,
    /// Words in the places of enterprises.
    pub enterprises: Vec<String>,
}

/// One completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The word to insert.
    pub value: String,
    /// The description; empty if there is none.
    pub help: String,
}

impl Offer {
    /// A completion without a description.
    pub fn word(value: impl Into<String>) -> Offer {
        Offer {
            value: value.into(),
            help: String::new(),
        }
    }
}

/// The completion that means all files: the shell completes them itself.
pub const FILES: &str = ":files";

/// The completion that means all folders: the shell completes them itself.
pub const FOLDERS: &str = ":folders";

/// The completions of the last of `words`; the first word is the command. `answer` supplies the enterprises and
/// calls that begin with a text, and gets the arguments before it. The order is that of `answer`; the list is empty
/// if nothing fits.
pub fn complete(
    words: &[OsString],
    answer: impl Fn(CompletionKind, &TypedArgs, &str) -> Vec<Offer> + Send + Sync + 'static,
) -> Vec<Offer> {
    let Some((last, before)) = words.split_last() else {
        return Vec::new();
    };
    let typed = Arc::new(TypedArgs::of(before));
    let answer = Arc::new(answer);
    let mut command = each_argument(Cli::command(), &|arg| {
        let Some(&wanted) = arg.get::<CompletionKind>() else {
            return arg;
        };
        let (typed, answer) = (Arc::clone(&typed), Arc::clone(&answer));
        arg.add(ArgValueCompleter::new(move |text: &OsStr| {
            let Some(text) = text.to_str() else {
                return Vec::new();
            };
            let offers = known(wanted, text).unwrap_or_else(|| answer(wanted, &typed, text));
            offers.into_iter().map(candidate).collect()
        }))
    });
    let found = candidates(&mut command, words.to_vec(), before.len(), None).unwrap_or_default();
    let mut offers: Vec<Offer> = found.iter().filter_map(offer).collect();
    // A list of all flags would bury the enterprises; a user who wants a flag types its dash.
    // `-1h` is a time, not a flag.
    let is_flag = |offer: &Offer| {
        let value = &offer.value;
        value.starts_with("--") || (value.starts_with('-') && value.len() == 2)
    };
    if last.is_empty() && !offers.iter().all(is_flag) {
        offers.retain(|offer| !is_flag(offer));
    }
    offers
}

/// The completions that need no file; `None` for enterprises and calls.
fn known(wanted: CompletionKind, text: &str) -> Option<Vec<Offer>> {
    let words: Vec<&str> = match wanted {
        CompletionKind::Words(words) => words.to_vec(),
        CompletionKind::Zone => Zone::names().collect(),
        CompletionKind::File => return Some(vec![Offer::word(FILES)]),
        CompletionKind::Folder => return Some(vec![Offer::word(FOLDERS)]),
        // The user types a flag in the place of one of these.
        _ if text.starts_with('-') => return Some(Vec::new()),
        CompletionKind::Enterprise | CompletionKind::EnterpriseThenCall | CompletionKind::Call => {
            return None;
        }
    };
    let fits = |word: &&str| {
        word.get(..text.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(text))
    };
    Some(words.into_iter().filter(fits).map(Offer::word).collect())
}

fn candidate(offer: Offer) -> CompletionCandidate {
    let help = (!offer.help.is_empty()).then(|| offer.help.into());
    CompletionCandidate::new(offer.value).help(help)
}

fn offer(candidate: &CompletionCandidate) -> Option<Offer> {
    let value = candidate.get_value().to_str()?;
    // `--root=:files` asks for files as well.
    let whole = [FILES, FOLDERS]
        .into_iter()
        .find(|mark| value.ends_with(mark));
    let help = candidate.get_help().map(ToString::to_string);
    Some(Offer {
        value: whole.unwrap_or(value).to_owned(),
        help: help.unwrap_or_default(),
    })
}

/// The command with every argument of every subcommand changed.
fn each_argument(command: Command, change: &impl Fn(clap::Arg) -> clap::Arg) -> Command {
    command
        .mut_args(change)
        .mut_subcommands(|below| each_argument(below, change))
}

impl TypedArgs {
    /// Reads the words of a command line as far as they make sense; the first is the command.
    fn of(words: &[OsString]) -> TypedArgs {
        let command = Cli::command().ignore_errors(true);
        // A command line with --help or --version needs no completions.
        let Ok(matches) = command.try_get_matches_from(words) else {
            return TypedArgs::default();
        };
        let mut typed = TypedArgs::default();
        let mut level = Some(&matches);
        while let Some(matches) = level {
            typed.read(matches);
            level = matches.subcommand().map(|(_, below)| below);
        }
        typed
    }

    fn read(&mut self, matches: &ArgMatches) {
        let path = |name| matches.try_get_one::<PathBuf>(name).ok().flatten().cloned();
        self.root = path("root").or(self.root.take());
        self.config = path("config").or(self.config.take());
        let zone = matches.try_get_one::<Zone>("tz").ok().flatten().copied();
        self.tz = zone.or(self.tz);
        for name in ["target", "enterprise", "enterprises", "received"] {
            let named = matches.try_get_many::<String>(name).ok().flatten();
            self.enterprises
                .extend(named.into_iter().flatten().cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;

    /// The completions of the last word; a question to the tree appears as its kind and arguments.
    fn offered(line: &str) -> String {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let offers = complete(&words, |wanted, typed, text| {
            let of = typed.enterprises.join("+");
            vec![Offer::word(format!("{wanted:?}({of}:{text})"))]
        });
        offers.iter().fold(String::new(), |mut all, offer| {
            let _ = write!(all, "{} ", offer.value);
            all
        })
    }

    #[test]
    fn enterprises_and_calls_are_completed_in_their_positions() {
        for (line, asked) in [
            ("calltrace trace ", "EnterpriseThenCall(:) "),
            ("calltrace trace 0367 17", "EnterpriseThenCall(0367:17) "),
            ("calltrace search 0367 01", "Enterprise(0367:01) "),
            ("calltrace tail 0367 --call ", "Call(0367:) "),
            (
                "calltrace --tz UTC tail 0367 --call=17",
                "--call=Call(0367:17) ",
            ),
            ("calltrace link 0367 1", "Call(0367:1) "),
            (
                "calltrace rotate --keep nonsense --force ",
                "Enterprise(:) ",
            ),
        ] {
            assert_eq!(offered(line), asked, "{line}");
        }
    }

    #[test]
    fn words_flags_files_and_zones_need_no_tree() {
        for (line, words) in [
            ("calltrace t", "trace tail "),
            ("calltrace search --dir", "--direction "),
            ("calltrace search --kind ast,t", "ast,tg "),
            ("calltrace search --status m", "missed "),
            ("calltrace trace --format n", "ndjson "),
            ("calltrace --tz=europe/min", "--tz=Europe/Minsk "),
            ("calltrace --root ", ":folders "),
            ("calltrace --root=x", ":folders "),
            ("calltrace serve --log-file ", ":files "),
            ("calltrace rotate --mode c", "collapse "),
            ("calltrace search --phone ", ""),
        ] {
            assert_eq!(offered(line), words, "{line}");
        }
        assert_eq!(complete(&[], |_, _, _| Vec::new()), []);
    }

    #[test]
    fn flags_are_offered_only_if_there_is_no_other_completion() {
        assert!(!offered("calltrace ").contains("--"));
        assert_eq!(
            offered("calltrace search --since "),
            "today yesterday -1h -1d "
        );
        assert!(offered("calltrace -").contains("--root "));
        assert!(offered("calltrace search --phone 80290001234 -").contains("--status "));
    }

    #[test]
    fn an_incomplete_command_line_is_parsed_as_far_as_possible() {
        let words = "calltrace --root /srv --tz UTC tail 0367 --call 1.1 --linger x --config y";
        let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
        let typed = TypedArgs::of(&words);
        assert_eq!(typed.root, Some(PathBuf::from("/srv")));
        assert_eq!(typed.tz, Some(Zone::UTC));
        assert_eq!(typed.enterprises, ["0367"]);
    }

    /// Arguments with free values, which can't be completed.
    const FREE: [&str; 24] = [
        "threads",
        "phone",
        "ext",
        "trunk",
        "chat",
        "text",
        "regex",
        "min_talk",
        "min_request",
        "min_ring",
        "callback_within",
        "limit",
        "after_context",
        "before_context",
        "context",
        "lines",
        "linger",
        "wait",
        "timeout",
        "max_size",
        "jobs",
        "listen",
        "public_url",
        "fetch",
    ];

    #[test]
    fn every_argument_has_completions_or_is_listed_as_free() {
        fn check(command: &Command) {
            for arg in command.get_arguments() {
                let id = arg.get_id().as_str();
                let takes = arg.get_num_args().is_some_and(|n| n.takes_values());
                let offers =
                    arg.get::<CompletionKind>().is_some() || !arg.get_possible_values().is_empty();
                assert!(
                    !takes || offers || FREE.contains(&id),
                    "{} {id}: give it `add = CompletionKind::...`, or a place in FREE",
                    command.get_name()
                );
            }
            command.get_subcommands().for_each(check);
        }
        let mut command = Cli::command();
        command.build();
        check(&command);
    }

    #[test]
    fn every_completed_word_is_accepted_by_its_argument() {
        fn check(command: &Command, path: &[&str]) {
            for arg in command.get_arguments() {
                let Some(CompletionKind::Words(words)) = arg.get::<CompletionKind>() else {
                    continue;
                };
                let long = arg.get_long().expect("lists of words are of flags");
                for word in *words {
                    let flag = format!("--{long}={word}");
                    let typed = path.iter().copied().chain([flag.as_str()]);
                    let refused = Cli::try_parse_from(typed).err().map(|e| e.kind());
                    let is_value = matches!(
                        refused,
                        Some(ErrorKind::InvalidValue | ErrorKind::ValueValidation)
                    );
                    assert!(!is_value, "{path:?} {flag}");
                }
            }
            for below in command.get_subcommands() {
                check(below, &[path, &[below.get_name()]].concat());
            }
        }
        let mut command = Cli::command();
        command.build();
        check(&command, &["calltrace"]);
    }
}
