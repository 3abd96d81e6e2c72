//! What the definitions of a command say of it, as text for its page: see `man` for the form.

use clap::{Arg, Command};

/// An example of a help: what is typed, and what for.
pub(crate) struct Example {
    pub(crate) typed: String,
    pub(crate) says: String,
}

/// The examples that stand first in a help: a command indented by two, what it does by six.
pub(crate) fn examples(command: &Command) -> Vec<Example> {
    let help = command
        .get_before_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut found: Vec<Example> = Vec::new();
    for line in help.lines().skip(1) {
        match line.strip_prefix("      ") {
            Some(says) => {
                let last = found.last_mut().expect("what is typed stands above");
                last.says = says.to_owned();
            }
            None => found.push(Example {
                typed: line.trim().to_owned(),
                says: String::new(),
            }),
        }
    }
    found
}

/// Its own arguments and options; those of every subcommand only where they are defined.
pub(crate) fn options(command: &Command) -> String {
    let own = |arg: &&Arg| {
        let id = arg.get_id().as_str();
        let is_top = command.get_name() == "calltrace";
        !arg.is_hide_set() && id != "help" && id != "version" && (is_top || !arg.is_global_set())
    };
    let args: Vec<&Arg> = command.get_arguments().filter(own).collect();
    let (positionals, flags): (Vec<&Arg>, Vec<&Arg>) =
        args.into_iter().partition(|arg| arg.is_positional());
    let usage = command.get_overridden_usage().map(ToString::to_string);
    let both = usage
        .as_deref()
        .and_then(|usage| usage.split_once("[OPTIONS] "));
    let described = |arg: &Arg| match both.filter(|_| arg.is_positional()) {
        // One argument that is typed as two.
        Some((_, words)) => option(
            &words
                .split(' ')
                .map(placeholder)
                .collect::<Vec<_>>()
                .join(" "),
            arg,
        ),
        None => option(&head(arg), arg),
    };
    positionals
        .into_iter()
        .chain(flags)
        .map(described)
        .collect()
}

/// How the command is typed.
pub(crate) fn synopsis(command: &Command) -> String {
    let mut command = command.clone().bin_name(path_of(command));
    let usage = command.render_usage().to_string();
    let words = usage.trim_start_matches("Usage: ").split_whitespace();
    let word = |word: &str| match word.contains(char::is_uppercase) {
        true => placeholder(word),
        false => format!("**{word}**"),
    };
    words.map(word).collect::<Vec<_>>().join(" ") + "\n"
}

/// `[ENTERPRISE]...` and `<UNIQUE_ID>` with the name as one.
fn placeholder(word: &str) -> String {
    let word = word.replace(['<', '>'], "");
    let name = word.trim_matches(['[', ']', '.']);
    word.replace(name, &format!("*{name}*"))
}

/// Paragraphs of the help behind the options: those about the exit status, and others.
pub(crate) fn notes(command: &Command) -> (String, String) {
    let after = command
        .get_after_long_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let (mut exits, mut others) = (String::new(), String::new());
    for paragraph in after.split("\n\n") {
        match paragraph.strip_prefix("Exit status: ") {
            Some(list) => exits = exit_list(list),
            None if paragraph.starts_with("Manual: ") => {}
            None => others.push_str(&format!("{}\n\n", list_of(paragraph))),
        }
    }
    (exits, others)
}

/// Environment variables of its own options.
pub(crate) fn environment(command: &Command) -> String {
    let is_top = command.get_name() == "calltrace";
    let args = command
        .get_arguments()
        .filter(|arg| is_top || !arg.is_global_set());
    args.filter_map(|arg| {
        let (name, long) = (arg.get_env()?.to_str()?, arg.get_long()?);
        Some(format!("`{name}`\n: The same as `--{long}`.\n\n"))
    })
    .collect()
}

/// Text without marks; words that look like a flag are made strong.
pub(crate) fn plain(text: &str) -> String {
    let word = |word: &str| {
        let bare = word.trim_matches(|c: char| "(),.;:'".contains(c));
        let is_flag = bare.len() > 1 && bare.starts_with('-');
        let escaped = word
            .replace('\\', "\\\\")
            .replace('*', "\\*")
            .replace('`', "\\`");
        match is_flag {
            true => word.replacen(bare, &format!("`{bare}`"), 1),
            false => escaped,
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The text with a capital at its beginning and a full stop at its end.
pub(crate) fn sentence(text: &str) -> String {
    let mut rest = text.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    first.chain(rest).chain(['.']).collect()
}

fn path_of(command: &Command) -> String {
    match command.get_name() {
        "calltrace" => "calltrace".to_owned(),
        name => format!("calltrace {name}"),
    }
}

/// How it is typed.
fn head(arg: &Arg) -> String {
    let mut names: Vec<String> = Vec::new();
    names.extend(arg.get_short().map(|short| format!("**-{short}**")));
    names.extend(arg.get_long().map(|long| format!("**--{long}**")));
    let takes = arg
        .get_num_args()
        .is_some_and(|number| number.takes_values());
    let value = arg.get_value_names().unwrap_or_default();
    let value: Vec<String> = value.iter().map(|name| format!("*{name}*")).collect();
    let mut head = names.join(", ");
    if takes {
        head.push_str(if head.is_empty() { "" } else { " " });
        head.push_str(&value.join(" "));
    }
    head
}

fn option(head: &str, arg: &Arg) -> String {
    let takes = arg
        .get_num_args()
        .is_some_and(|number| number.takes_values());
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (help, stated) = match help
        .strip_suffix(']')
        .and_then(|h| h.rsplit_once(" [default: "))
    {
        Some((help, default)) => (help.to_owned(), Some(plain(default))),
        None => (help, None),
    };
    let mut text = format!("{}.", plain(&help));
    let given = arg
        .get_default_values()
        .first()
        .filter(|_| takes && !arg.is_hide_default_value_set());
    let given = given.map(|value| format!("`{}`", value.to_string_lossy()));
    if let Some(default) = stated.or(given) {
        text.push_str(&format!(" Default: {default}."));
    }
    if let Some(variable) = arg.get_env().and_then(|name| name.to_str()) {
        text.push_str(&format!(" Environment: `{variable}`."));
    }
    let values: String = arg
        .get_possible_values()
        .iter()
        .filter(|_| takes)
        .map(|value| {
            let help = value
                .get_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            format!("\n  **{}**\n  : {}.\n", value.get_name(), plain(&help))
        })
        .collect();
    format!("{head}\n: {text}\n{values}\n")
}

/// `0 found, 1 nothing found` as a list.
fn exit_list(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let begins = |at: usize| text[at..].starts_with(|c: char| c.is_ascii_digit());
    let mut cuts: Vec<usize> = text
        .match_indices(", ")
        .map(|(at, _)| at + 2)
        .filter(|at| begins(*at))
        .collect();
    cuts.insert(0, 0);
    cuts.push(text.len() + 2);
    let item = |pair: &[usize]| {
        let (code, says) = text[pair[0]..pair[1] - 2]
            .split_once(' ')
            .expect("a number, then words");
        format!("**{code}**\n: {}\n\n", plain(&sentence(says)))
    };
    cuts.windows(2).map(item).collect()
}

/// A paragraph of a help; what is indented by two is a term, by six what it is.
fn list_of(paragraph: &str) -> String {
    let line = |line: &str| match (line.strip_prefix("      "), line.strip_prefix("  ")) {
        (Some(says), _) => format!(": {}\n", plain(&sentence(says))),
        (None, Some(term)) => format!("\n**{term}**\n"),
        (None, None) => format!("{}\n", plain(line)),
    };
    paragraph.lines().map(line).collect()
}
