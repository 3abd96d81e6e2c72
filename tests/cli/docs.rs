//! The manual pages and `docs/reference` are those that the definitions and texts make, and good pages; the
//! helps that they come from are complete, begin with examples, and their examples work.
//!
//! `UPDATE_DOCS=1 cargo test --test cli docs` writes `man/` and `docs/reference/` anew, and fails if that
//! changed anything.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use calltrace::cli::Cli;
use calltrace::settings::SETTINGS;
use clap::{Arg, Command, Parser};

use crate::manual::command::examples;
use crate::manual::{self, command, pages, project, reference, subcommands, text_path};

/// Columns that an example of a help takes at most: it must not be broken on a narrow terminal.
const EXAMPLE_COLUMNS_MAX: usize = 60;

#[test]
fn every_page_is_what_its_sources_make() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut stale = Vec::new();
    for (path, page) in pages().into_iter().chain(reference()) {
        let file = project().join(&path);
        if fs::read_to_string(&file).ok().as_ref() == Some(&page) {
            continue;
        }
        if update {
            fs::create_dir_all(file.parent().expect("it is in a folder")).expect("made");
            fs::write(&file, page).expect("man/ and docs/ can be written to");
        }
        stale.push(path.display().to_string());
    }
    assert!(
        stale.is_empty(),
        "{}: {}",
        match update {
            true => "written anew; look at them and run the tests again",
            false =>
                "not what the definitions and man/text make; UPDATE_DOCS=1 cargo test --test cli docs",
        },
        stale.join(", ")
    );
}

#[test]
fn every_file_in_man_reference_and_completions_is_made_from_sources() {
    let mut known: BTreeSet<PathBuf> = pages().into_keys().collect();
    for page in known.clone() {
        let name = page
            .file_name()
            .and_then(|name| name.to_str())
            .expect("pages have plain names");
        let (stem, section) = name.rsplit_once('.').expect("a page has a section");
        let text = text_path(stem, section);
        let text = text
            .strip_prefix(project())
            .expect("texts are in the project");
        known.insert(text.to_owned());
    }
    let completions = [
        "calltrace.bash",
        "_calltrace",
        "calltrace.fish",
        "calltrace.ps1",
    ];
    known.extend(completions.map(|name| Path::new("completions").join(name)));
    known.extend(reference().into_keys());
    for folder in ["man", "man/text", "completions", "docs/reference"] {
        for entry in fs::read_dir(project().join(folder)).expect("it is there") {
            let entry = entry.expect("it can be listed");
            let path = Path::new(folder).join(entry.file_name());
            let is_file = entry.file_type().expect("it can be looked at").is_file();
            assert!(
                !is_file || known.contains(&path),
                "{}: nothing makes it",
                path.display()
            );
        }
    }
}

#[test]
fn a_page_that_mandoc_or_man_complains_of() {
    for path in pages().into_keys() {
        let file = project().join(path);
        let checks: [(&str, &[&str]); 2] = [
            ("mandoc", &["-T", "lint", "-W", "warning"]),
            // The way of the manual reader itself, warnings shown, nothing formatted.
            (
                "man",
                &[
                    "--warnings",
                    "--encoding=UTF-8",
                    "--local-file",
                    "--ditroff",
                ],
            ),
        ];
        for (program, args) in checks {
            let run = Process::new(program)
                .args(args)
                .arg(&file)
                .env("MANWIDTH", "80")
                .output();
            let output = run
                .unwrap_or_else(|e| panic!("{program}: {e}; apt-get install mandoc man-db groff"));
            let stderr = String::from_utf8_lossy(&output.stderr);
            let stderr = match program {
                "mandoc" => format!("{}{stderr}", String::from_utf8_lossy(&output.stdout)),
                _ => stderr.into_owned(),
            };
            assert!(
                output.status.success() && stderr.is_empty(),
                "{}: {stderr}",
                file.display()
            );
        }
    }
}

#[test]
fn a_page_without_the_sections_that_people_look_for() {
    for (path, page) in pages() {
        let is_command = path.extension().is_some_and(|section| section == "1");
        let wanted: &[&str] = match is_command {
            true => &[
                "NAME",
                "SYNOPSIS",
                "DESCRIPTION",
                "OPTIONS",
                "EXIT STATUS",
                "EXAMPLES",
                "SEE ALSO",
            ],
            false => &["NAME", "DESCRIPTION", "EXAMPLES", "SEE ALSO"],
        };
        let heads: Vec<&str> = page
            .lines()
            .filter_map(|l| l.strip_prefix(".SH "))
            .collect();
        for head in wanted {
            assert!(heads.contains(head), "{}: no {head}", path.display());
        }
    }
}

#[test]
fn a_command_or_argument_without_help() {
    fn check(command: &Command) {
        let name = command.get_name();
        assert!(
            command.get_about().is_some(),
            "{name} says nothing of itself"
        );
        let silent = |arg: &&Arg| {
            arg.get_help()
                .is_none_or(|help| help.to_string().trim().is_empty())
        };
        if let Some(arg) = command.get_arguments().find(silent) {
            panic!("{name}: {} has no help", arg.get_id());
        }
        command.get_subcommands().for_each(check);
    }
    check(&command());
}

#[test]
fn a_help_that_does_not_begin_with_examples() {
    let mut all = subcommands();
    all.push(command());
    for command in all {
        let name = command.get_name().to_owned();
        for long in [false, true] {
            let mut command = command.clone();
            let help = match long {
                true => command.render_long_help().to_string(),
                false => command.render_help().to_string(),
            };
            let at = |what: &str| help.find(what).unwrap_or(usize::MAX);
            let begins =
                at("\nExamples:\n") < at("\nUsage: ") && at("\nUsage: ") < at("\nOptions:\n");
            assert!(
                begins,
                "{name}: examples, usage, options is the order\n{help}"
            );
        }
        let examples = examples(&command);
        assert!(
            (1..=3).contains(&examples.len()),
            "{name}: one to three examples"
        );
        for example in examples {
            assert!(
                !example.says.is_empty(),
                "{name}: {} for what?",
                example.typed
            );
        }
        let before = command
            .get_before_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        for line in before.lines() {
            assert!(
                line.chars().count() <= EXAMPLE_COLUMNS_MAX,
                "{name}: too long: {line}"
            );
        }
    }
}

#[test]
fn an_example_that_does_not_parse() {
    let mut typed: Vec<String> = Vec::new();
    for command in subcommands().iter().chain([&command()]) {
        typed.extend(examples(command).into_iter().map(|e| e.typed));
    }
    for name in page_names() {
        let text = manual::text_of(&name.0, &name.1);
        typed.extend(text.lines().filter_map(shell_line));
    }
    assert!(typed.len() > 30, "examples are found: {typed:?}");
    for line in typed {
        let words = shell_words(&line);
        if let Err(error) = Cli::try_parse_from(&words) {
            panic!("{line}\n{error}");
        }
    }
}

#[test]
fn a_help_that_a_secret_of_the_environment_gets_into() {
    let output = Process::new(testing::program())
        .args(["serve", "--help"])
        .env(
            "CALLTRACE_PUBLIC_URL",
            "https://user:s3cret@bot.example.org",
        )
        .output()
        .expect("it starts");
    let help = String::from_utf8_lossy(&output.stdout);
    assert!(
        help.contains("CALLTRACE_PUBLIC_URL") && !help.contains("s3cret"),
        "{help}"
    );
}

#[test]
fn a_setting_that_is_not_in_its_page_or_is_no_setting() {
    let text = manual::text_of("calltrace-config", "5");
    let documented: BTreeSet<String> = text
        .lines()
        .zip(text.lines().skip(1))
        .filter(|(term, below)| below.starts_with(": ") && term.starts_with("**"))
        .map(|(term, _)| term.trim_matches('*').to_owned())
        .collect();
    assert_eq!(documented, known_settings());
}

#[test]
fn an_example_of_settings_that_is_refused() {
    let text = manual::text_of("calltrace-config", "5");
    let blocks: Vec<&str> = text.split("```toml\n").skip(1).collect();
    assert!(!blocks.is_empty(), "the page has an example");
    for block in blocks {
        let settings = block.split("```").next().expect("a block is closed");
        assert_eq!(said_of(settings), "", "{settings}");
    }
}

/// The messages of the command about settings; empty if they are right.
fn said_of(settings: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    fs::write(&file, settings).expect("written");
    let output = Process::new(testing::program())
        .args(["index", "--config"])
        .arg(&file)
        .env_clear()
        .env("XDG_CONFIG_HOME", folder.path().join("none"))
        .env("CALLTRACE_ROOT", folder.path())
        .output()
        .expect("it starts");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every setting, as the reader knows them; a table of names by its own name.
fn known_settings() -> BTreeSet<String> {
    let known = SETTINGS.iter().map(|setting| {
        let table = setting.name.strip_suffix(".EXTENSION");
        let table = table.or(setting.name.strip_suffix(".LINE"));
        table.unwrap_or(setting.name).to_owned()
    });
    known.collect()
}

/// Names and sections of all pages.
fn page_names() -> Vec<(String, String)> {
    let split = |path: PathBuf| {
        let name = path.file_name()?.to_str()?;
        let (stem, section) = name.rsplit_once('.')?;
        Some((stem.to_owned(), section.to_owned()))
    };
    pages().into_keys().filter_map(split).collect()
}

/// A line of a text that is typed at a shell: the term of a list.
fn shell_line(line: &str) -> Option<String> {
    let typed = line.strip_prefix('`')?.strip_suffix('`')?;
    let is_command = typed.starts_with("calltrace ") && !typed.contains('`');
    is_command.then(|| typed.to_owned())
}

/// The words of a command as a shell takes them, up to where another begins.
pub(crate) fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '\'' => quote = !quote,
            '|' | '>' | '<' | '#' if !quote => break,
            ' ' if !quote => {
                words.push(std::mem::take(&mut word));
            }
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}
