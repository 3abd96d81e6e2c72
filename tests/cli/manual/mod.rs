//! The manual: every page from the definitions of the commands and the texts in `man/text`.
//!
//! A page's text stands in `man/text/NAME.SECTION.md` and adds to what the definitions say: its
//! sections go where manuals have them, its words behind those of the definitions.

pub(crate) mod command;
pub(crate) mod man;
pub(crate) mod markdown;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use calltrace::cli::Cli;
use clap::{Command, CommandFactory};

use man::Title;

/// The heading of this version in CHANGELOG.md, up to its date.
const HEADING: &str = concat!("\n## ", env!("CARGO_PKG_VERSION"), " - ");

/// Sections in the order that manuals have them; others stand behind OPTIONS.
const ORDER: [&str; 12] = [
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "COMMANDS",
    "OPTIONS",
    "",
    "EXIT STATUS",
    "ENVIRONMENT",
    "FILES",
    "NOTES",
    "EXAMPLES",
    "SEE ALSO",
];

/// The project's folder.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The command with everything that clap adds to it by itself.
pub(crate) fn command() -> Command {
    let mut command = Cli::command();
    command.build();
    command
}

/// The subcommands, without the one that shows help.
pub(crate) fn subcommands() -> Vec<Command> {
    let command = command();
    let own = command
        .get_subcommands()
        .filter(|below| below.get_name() != "help");
    own.cloned().collect()
}

/// Every page of the manual by its path in the project.
pub(crate) fn pages() -> BTreeMap<PathBuf, String> {
    let changes = fs::read_to_string(project().join("CHANGELOG.md")).expect("it is there");
    let (_, date) = changes
        .split_once(HEADING)
        .expect("CHANGELOG.md has a heading with the version of Cargo.toml and its date");
    let date = date.lines().next().unwrap_or_default();
    let page = |(name, section, text): &(String, String, String)| {
        let title = Title {
            name,
            section,
            date,
            version: concat!("calltrace ", env!("CARGO_PKG_VERSION")),
        };
        let path = Path::new("man").join(format!("{name}.{section}"));
        (path, man::page(&title, text))
    };
    texts().iter().map(page).collect()
}

/// The same pages as `docs/reference`, with a page that leads to them, by their paths in the project.
pub(crate) fn reference() -> BTreeMap<PathBuf, String> {
    let (folder, texts) = (Path::new("docs/reference"), texts());
    let known: Vec<(String, String)> = texts
        .iter()
        .map(|(name, section, _)| (name.clone(), section.clone()))
        .collect();
    let page = |(name, section, text): &(String, String, String)| {
        let path = folder.join(format!("{name}.{section}.md"));
        (path, markdown::page(name, section, text, &known))
    };
    let mut pages: BTreeMap<PathBuf, String> = texts.iter().map(page).collect();
    let says = |(name, section, text): &(String, String, String)| {
        let line = text.lines().find(|line| line.starts_with(name.as_str()));
        let says = line.and_then(|line| line.split_once(" - "));
        let says = says.expect("NAME says what it is for").1;
        (name.clone(), section.clone(), says.to_owned())
    };
    let index = markdown::index(&texts.iter().map(says).collect::<Vec<_>>());
    pages.insert(folder.join("README.md"), index);
    pages
}

/// Name, section and text of every page.
fn texts() -> Vec<(String, String, String)> {
    let mut texts = Vec::new();
    let mut add = |name: &str, section: &str, made: Sections| {
        let mut sections = made;
        sections.add_text(&text_of(name, section));
        texts.push((name.to_owned(), section.to_owned(), sections.text()));
    };
    add("calltrace", "1", of_all());
    for command in subcommands() {
        add(
            &format!("calltrace-{}", command.get_name()),
            "1",
            of_one(&command),
        );
    }
    for name in ["calltrace-config", "calltrace-format"] {
        add(name, "5", Sections::default());
    }
    texts
}

/// The texts that pages are made with, those that there are.
pub(crate) fn text_path(name: &str, section: &str) -> PathBuf {
    project().join(format!("man/text/{name}.{section}.md"))
}

/// The text of a page; empty where the definitions say all.
pub(crate) fn text_of(name: &str, section: &str) -> String {
    fs::read_to_string(text_path(name, section)).unwrap_or_default()
}

/// Sections by name, in order of their first mention.
#[derive(Default)]
struct Sections(Vec<(String, String)>);

impl Sections {
    fn add(&mut self, name: &str, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, all)) if name == "SEE ALSO" => all.push_str(&format!(",\n{text}")),
            Some((_, all)) => all.push_str(&format!("\n\n{text}")),
            None => self.0.push((name.to_owned(), text.to_owned())),
        }
    }

    fn add_text(&mut self, text: &str) {
        for section in format!("\n{text}").split("\n# ").skip(1) {
            let (name, body) = section.split_once('\n').expect("a section has a text");
            self.add(name, body);
        }
    }

    fn text(mut self) -> String {
        let rank = |name: &str| ORDER.iter().position(|known| *known == name);
        let others = rank("").expect("it is in the list");
        self.0.sort_by_key(|(name, _)| rank(name).unwrap_or(others));
        let section = |(name, body): &(String, String)| format!("# {name}\n{body}\n\n");
        self.0.iter().map(section).collect()
    }
}

/// Sections that every page of a command has.
fn common(command: &Command, name: &str) -> Sections {
    let mut sections = Sections::default();
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let (exits, notes) = command::notes(command);
    sections.add("SYNOPSIS", &command::synopsis(command));
    // The page's own text says it better; without one there is this.
    if !text_of(name, "1").contains("# DESCRIPTION\n") {
        sections.add(
            "DESCRIPTION",
            &format!("{}.", command::plain(about.trim_end_matches('.'))),
        );
    }
    sections.add("EXIT STATUS", &exits);
    let examples = command::examples(command);
    let example = |e: &command::Example| {
        format!(
            "`{}`\n: {}\n\n",
            e.typed,
            command::plain(&command::sentence(&e.says))
        )
    };
    sections.add(
        "EXAMPLES",
        &examples.iter().map(example).collect::<String>(),
    );
    sections.add("ENVIRONMENT", &command::environment(command));
    sections.add("NOTES", &notes);
    sections
}

fn of_all() -> Sections {
    let mut sections = common(&command(), "calltrace");
    sections.add("NAME", "calltrace - read the event logs of telephony hosts");
    let about =
        |c: &Command| command::plain(&c.get_about().map(ToString::to_string).unwrap_or_default());
    let line = |c: &Command| {
        format!(
            "**calltrace-{}**(1)\n: {}.\n\n",
            c.get_name(),
            about(c).trim_end_matches('.')
        )
    };
    let subcommands = subcommands();
    sections.add(
        "COMMANDS",
        &subcommands.iter().map(line).collect::<String>(),
    );
    let intro = "These options go with every subcommand, before or behind it. `-h` and `--help` print \
                 a short and a long help, of a subcommand as well; `-V` and `--version` the version.\n\n";
    sections.add(
        "OPTIONS",
        &format!("{intro}{}", command::options(&command())),
    );
    let names = subcommands
        .iter()
        .map(|c| format!("**calltrace-{}**(1)", c.get_name()));
    let also = names.chain([
        "**calltrace-config**(5)".into(),
        "**calltrace-format**(5)".into(),
    ]);
    sections.add("SEE ALSO", &also.collect::<Vec<_>>().join(", "));
    sections
}

fn of_one(command: &Command) -> Sections {
    let name = format!("calltrace-{}", command.get_name());
    let mut sections = common(command, &name);
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let about = about.trim_end_matches('.');
    let lower: String = about
        .chars()
        .take(1)
        .flat_map(char::to_lowercase)
        .chain(about.chars().skip(1))
        .collect();
    sections.add("NAME", &format!("{name} - {}", command::plain(&lower)));
    let globals: Vec<String> = self::command()
        .get_arguments()
        .filter_map(|arg| arg.get_long().filter(|_| arg.is_global_set()))
        .map(|long| format!("`--{long}`"))
        .collect();
    let shared = format!(
        "Options of every subcommand ({}) are described in **calltrace**(1).",
        globals.join(", ")
    );
    sections.add(
        "OPTIONS",
        &format!("{}\n\n{shared}", command::options(command)),
    );
    sections.add(
        "SEE ALSO",
        "**calltrace**(1), **calltrace-config**(5), **calltrace-format**(5)",
    );
    sections
}
