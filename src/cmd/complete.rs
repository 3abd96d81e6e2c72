//! Completions for shells.
//!
//! The scripts in `completions/` call `CALLTRACE_COMPLETE=SHELL calltrace -- WORDS...` with the words
//! up to the cursor and get one line per completion, `value TAB help`; or `:files` or `:folders`, which the
//! shell completes itself. The answer is quick, and errors are silent, because the user is still typing.
//! Completions come from folder names and log lines, so only words without a meaning for any shell are
//! offered ([`is_plain`]).

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};

use super::{Exit, clock, say};
use crate::cli::{CompletionKind, FILES, FOLDERS, Offer, TypedArgs, complete as offers};
use crate::settings::Settings;
use calltrace_engine::{last_written, recent_calls};
use calltrace_model::call::Summary;
use calltrace_model::sanitise::sanitise;
use calltrace_output::{Clock, glance};
use calltrace_store::tree::{EnterpriseName, Tree};

/// The variable that names the shell.
const SHELL_VARIABLE: &str = "CALLTRACE_COMPLETE";

/// The completion scripts of the shells. The binary holds them for users who install only the binary:
/// `source <(CALLTRACE_COMPLETE=bash calltrace)`.
const SCRIPTS: [(&str, &str); 4] = [
    ("bash", include_str!("../../completions/calltrace.bash")),
    ("zsh", include_str!("../../completions/_calltrace")),
    ("fish", include_str!("../../completions/calltrace.fish")),
    (
        "powershell",
        include_str!("../../completions/calltrace.ps1"),
    ),
];

/// Maximum number of offered calls: about a screen.
const CALLS_MAX: usize = 20;

/// Maximum number of enterprises to read calls of if none is named: the ones written to last.
const ENTERPRISES_MAX: usize = 8;

/// Minimum length of a typed id before calls are offered without an enterprise (bytes).
const ID_TYPED_MIN: usize = 3;

/// Maximum length of a description (characters).
const HELP_CHARS_MAX: usize = 100;

/// Answers a shell if a shell started this process; `None` in an ordinary run.
pub fn complete() -> Option<Exit> {
    let shell = env::var_os(SHELL_VARIABLE).filter(|shell| !shell.is_empty())?;
    let words: Vec<OsString> = env::args_os().collect();
    match words.get(1) {
        None => Some(register(&shell)),
        Some(mark) if mark == "--" => {
            answer(&shell, words.get(2..).unwrap_or_default());
            Some(Exit::Found)
        }
        // The variable is set in the environment of an ordinary run.
        Some(_) => None,
    }
}

/// Prints the script for a shell.
fn register(shell: &OsStr) -> Exit {
    let Some((_, script)) = SCRIPTS.iter().find(|(name, _)| *name == shell) else {
        let names = SCRIPTS.map(|(name, _)| name);
        let shell = shell.to_string_lossy();
        say(&format!(
            "no completions for {}; {SHELL_VARIABLE} takes {}",
            sanitise(shell.as_bytes()),
            names.join(", ")
        ));
        return Exit::Incomplete;
    };
    // An error means that the shell has closed the pipe.
    let _ = io::stdout().write_all(script.as_bytes());
    Exit::Found
}

fn answer(shell: &OsStr, words: &[OsString]) {
    let is_bash = shell == "bash";
    let (words, cut) = match shell.to_str() {
        Some("bash") => join_at_equals(words),
        Some("powershell") => (bare_last(words), 0),
        _ => (words.to_vec(), 0),
    };
    let found = offers(&words, |wanted, typed, text| {
        CompletionSource::of(typed).map_or_else(Vec::new, |place| place.offers(wanted, typed, text))
    });
    let mut text = String::new();
    for offer in found.iter().filter(|offer| is_plain(&offer.value)) {
        let value = match [FILES, FOLDERS].contains(&offer.value.as_str()) {
            true => offer.value.as_str(),
            false => offer.value.get(cut..).unwrap_or_default(),
        };
        text.push_str(value);
        // bash shows no descriptions.
        if !is_bash && !offer.help.is_empty() {
            text.push('\t');
            text.push_str(&shown(&offer.help));
        }
        text.push('\n');
    }
    // An error means that the shell has closed the pipe, as the user typed on.
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Joins words that bash splits: bash takes `--tz=Europe` for three words and completes the last one. Also returns
/// the length of the part of a completion that the line already has (bytes).
fn join_at_equals(words: &[OsString]) -> (Vec<OsString>, usize) {
    let is_flag = |word: &OsString| word.as_encoded_bytes().starts_with(b"--");
    let mut joined: Vec<OsString> = Vec::with_capacity(words.len());
    let (mut cut, mut at) = (0, 0);
    while let Some(word) = words.get(at) {
        at += 1;
        match joined.last_mut() {
            Some(flag) if word == "=" && is_flag(flag) && at > 2 => {
                flag.push("=");
                cut = flag.len();
                if let Some(value) = words.get(at) {
                    flag.push(value);
                    at += 1;
                }
            }
            _ => {
                joined.push(word.clone());
                cut = 0;
            }
        }
    }
    (joined, cut)
}

/// Removes the slash that the PowerShell script puts before the last word, as PowerShell drops empty words.
fn bare_last(words: &[OsString]) -> Vec<OsString> {
    let mut words = words.to_vec();
    if let Some(last) = words.last_mut()
        && let Some(bare) = last.to_str().and_then(|last| last.strip_prefix('/'))
    {
        *last = bare.into();
    }
    words
}

/// Whether a word has only letters, digits and signs without a meaning for any shell.
fn is_plain(word: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.,:/+=".contains(&b);
    !word.is_empty() && word.bytes().all(is_plain)
}

/// The first line of a description, safe for a terminal.
fn shown(help: &str) -> String {
    let first = help.lines().next().unwrap_or_default();
    let short: String = first.chars().take(HELP_CHARS_MAX).collect();
    sanitise(short.as_bytes()).into_owned()
}

/// The tree and settings that completions come from.
struct CompletionSource {
    tree: Tree,
    settings: Settings,
    clock: Clock,
}

impl CompletionSource {
    fn of(typed: &TypedArgs) -> Option<CompletionSource> {
        let settings = Settings::load(typed.config.as_deref()).ok()?;
        let root = typed.root.as_ref().unwrap_or(&settings.root);
        let tree = Tree::open(root).ok()?;
        Some(CompletionSource {
            tree,
            clock: clock(typed.tz, &settings),
            settings,
        })
    }

    fn offers(&self, wanted: CompletionKind, typed: &TypedArgs, text: &str) -> Vec<Offer> {
        match wanted {
            CompletionKind::Enterprise => self.enterprises(typed, text),
            CompletionKind::Call => self.calls(&self.named(typed), text),
            CompletionKind::EnterpriseThenCall if typed.enterprises.is_empty() => {
                let enterprises = self.enterprises(typed, text);
                match enterprises.is_empty() && text.len() >= ID_TYPED_MIN {
                    true => self.calls(&[], text),
                    false => enterprises,
                }
            }
            CompletionKind::EnterpriseThenCall => match self.named(typed).as_slice() {
                [] => Vec::new(),
                named => self.calls(named, text),
            },
            CompletionKind::Zone
            | CompletionKind::File
            | CompletionKind::Folder
            | CompletionKind::Words(_) => Vec::new(),
        }
    }

    /// The enterprises that begin with `text`, without those that are already on the line.
    fn enterprises(&self, typed: &TypedArgs, text: &str) -> Vec<Offer> {
        let all = self.tree.enterprises().unwrap_or_default().into_iter();
        let fits = |name: &EnterpriseName| {
            name.as_str().starts_with(text) && !typed.enterprises.iter().any(|t| t == name.as_str())
        };
        let title = |name: &EnterpriseName| {
            let known = self.settings.directory.enterprises.get(name)?;
            known.title.as_deref().map(shown)
        };
        all.filter(fits)
            .map(|name| Offer {
                value: name.to_string(),
                help: title(&name).unwrap_or_default(),
            })
            .collect()
    }

    /// The typed enterprises that exist.
    fn named(&self, typed: &TypedArgs) -> Vec<EnterpriseName> {
        let names = typed.enterprises.iter();
        let known = names.filter_map(|name| self.tree.select(std::slice::from_ref(name)).ok());
        known.flatten().collect()
    }

    /// The newest calls with ids that begin with `text`, newest first, in the named enterprises, or in those
    /// written to last if none is named.
    fn calls(&self, named: &[EnterpriseName], text: &str) -> Vec<Offer> {
        let of = match named {
            [] => self.last_written_to(),
            named => named.to_vec(),
        };
        let calls = |name: &EnterpriseName| {
            let folder = self.tree.folder(name);
            folder.map_or_else(|_| Vec::new(), |folder| recent_calls(&folder, CALLS_MAX))
        };
        let mut all: Vec<(&EnterpriseName, Summary)> = of
            .iter()
            .flat_map(|name| calls(name).into_iter().map(move |call| (name, call)))
            .filter(|(_, call)| call.main_uid.starts_with(text))
            .collect();
        all.sort_by(|(_, a), (_, b)| (b.first, &b.main_uid).cmp(&(a.first, &a.main_uid)));
        all.truncate(CALLS_MAX);
        let says = |name: &EnterpriseName, call: &Summary| match of.len() {
            1 => glance(call, &self.clock),
            _ => format!("{name} {}", glance(call, &self.clock)),
        };
        all.into_iter()
            .map(|(name, call)| Offer {
                help: says(name, &call),
                value: call.main_uid,
            })
            .collect()
    }

    /// The enterprises that were written to last.
    fn last_written_to(&self) -> Vec<EnterpriseName> {
        let all = self.tree.enterprises().unwrap_or_default().into_iter();
        let written =
            |name: EnterpriseName| Some((last_written(&self.tree.folder(&name).ok()?)?, name));
        let mut all: Vec<_> = all.filter_map(written).collect();
        all.sort_by(|a, b| b.cmp(a));
        all.truncate(ENTERPRISES_MAX);
        all.into_iter().map(|(_, name)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_a_meaning_for_the_shell_are_not_completed() {
        for word in [
            "0367",
            "1764493655.61",
            "--tz=Etc/GMT+5",
            ":files",
            "ast,tg",
        ] {
            assert!(is_plain(word), "{word}");
        }
        for word in [
            "", "a b", "$(id)", "a;b", "a\nb", "a\tb", "`id`", "a'b", "a\"b", "a\\b", "*", "~", "ы",
        ] {
            assert!(!is_plain(word), "{word:?}");
        }
    }

    #[test]
    fn words_that_bash_has_split_are_joined() {
        for (line, joined, cut) in [
            ("calltrace --tz = Eu", "calltrace --tz=Eu", 5),
            ("calltrace --tz =", "calltrace --tz=", 5),
            (
                "calltrace --tz = UTC trace 0",
                "calltrace --tz=UTC trace 0",
                0,
            ),
            ("calltrace trace = x", "calltrace trace = x", 0),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let wanted: Vec<OsString> = joined.split(' ').map(OsString::from).collect();
            assert_eq!(join_at_equals(&words), (wanted, cut), "{line}");
        }
        assert_eq!(join_at_equals(&["=".into()]), (vec!["=".into()], 0));
    }

    #[test]
    fn a_help_is_one_short_line_that_moves_no_cursor() {
        assert_eq!(shown("a\x1b[2Jb\nc"), "a\\u{1b}[2Jb");
        assert_eq!(shown(&"x".repeat(500)).len(), HELP_CHARS_MAX);
    }
}
