//! What the READMEs show is what happens: each `console` block is typed into a shell, over the sample
//! tree, and prints what stands under it; each Python and TOML block does what is said of it. The
//! Russian README shows the same blocks.
//!
//! A line `...` stands for any number of lines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use calltrace::cli::Cli;
use clap::Parser as _;

const READMES: [&str; 2] = ["README.md", "README.ru.md"];

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced block and the line it begins at.
struct Block {
    language: String,
    line: usize,
    text: Vec<String>,
}

fn blocks(readme: &str) -> Vec<Block> {
    let text = fs::read_to_string(project().join(readme)).expect("the README is there");
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block {
                    language: language.to_owned(),
                    line: at + 1,
                    text: Vec::new(),
                });
            }
            (None, Some(block)) => block.text.push(line.to_owned()),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{readme}: a block is not closed");
    blocks
}

fn blocks_of(readme: &str, language: &str) -> Vec<Block> {
    let all = blocks(readme).into_iter();
    let found: Vec<_> = all.filter(|block| block.language == language).collect();
    assert!(!found.is_empty(), "{readme} has no {language} block");
    found
}

/// A copy of the sample tree as `call_tracer`, as if it had been written a while ago.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let status = Command::new("cp")
        .args(["-r", "tests/data/call_tracer"])
        .arg(folder.path())
        .current_dir(project())
        .status();
    assert!(status.expect("cp is there").success());
    let touched = Command::new("sh")
        .args([
            "-c",
            "find call_tracer -exec touch -d 2025-12-03T00:00:00Z {} +",
        ])
        .current_dir(folder.path())
        .status();
    assert!(touched.expect("a shell is there").success());
    folder
}

/// What a line prints, on both streams, as a person at a terminal of 100 columns sees it.
fn typed(line: &str, folder: &Path) -> Vec<String> {
    let program = testing::program();
    let path = program.parent().expect("a program lies in a folder");
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {line}")])
        .env_clear()
        .env(
            "PATH",
            format!("{}:/usr/bin:/bin:/usr/sbin:/sbin", path.display()),
        )
        .env("XDG_CONFIG_HOME", folder)
        .env("TZ", "Europe/Minsk")
        .env("CALLTRACE_NOW", testing::NOW)
        .env("COLUMNS", "100")
        .current_dir(folder)
        .output();
    let output = output.expect("a shell is there");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(str::to_owned).collect()
}

/// Whether the lines are those shown, `...` standing for any.
fn is_shown(shown: &[String], lines: &[String]) -> bool {
    match (shown.split_first(), lines.split_first()) {
        (None, None) => true,
        (Some((dots, rest)), _) if dots == "..." => {
            (0..=lines.len()).any(|skipped| is_shown(rest, &lines[skipped..]))
        }
        (Some((one, shown)), Some((other, lines))) => one == other && is_shown(shown, lines),
        _ => false,
    }
}

fn is_command(line: &str) -> bool {
    line.starts_with("$ ")
}

#[test]
fn the_consoles_of_the_readmes_show_what_is_printed() {
    for readme in READMES {
        let folder = folder();
        for block in blocks_of(readme, "console") {
            let mut lines = block.text.as_slice();
            while let Some((command, rest)) = lines.split_first() {
                let command = command.strip_prefix("$ ").expect("a block begins with $");
                let end = rest.iter().position(|line| is_command(line));
                let (shown, rest) = rest.split_at(end.unwrap_or(rest.len()));
                let printed = typed(command, folder.path());
                assert!(
                    is_shown(shown, &printed),
                    "{readme}:{}: $ {command}\nprints\n{}\nand not\n{}",
                    block.line,
                    printed.join("\n"),
                    shown.join("\n")
                );
                lines = rest;
            }
        }
    }
}

#[test]
fn every_calltrace_that_the_readmes_name_in_a_shell_is_understood() {
    let mut seen = 0;
    for readme in READMES {
        for block in blocks_of(readme, "sh") {
            for line in &block.text {
                let line = line.split(" #").next().expect("a split has a first part");
                let words = line.split_whitespace().skip_while(|word| *word == "sudo");
                let words: Vec<&str> = words.collect();
                let words = match words.as_slice() {
                    ["cargo", "run", "--release", "--", args @ ..] => args,
                    ["calltrace", args @ ..] => args,
                    _ => continue,
                };
                seen += 1;
                let all = std::iter::once(&"calltrace").chain(words);
                assert!(Cli::try_parse_from(all).is_ok(), "{readme}: {line}");
            }
        }
    }
    assert!(seen >= READMES.len());
}

#[test]
fn the_settings_of_the_readmes_are_right() {
    for readme in READMES {
        let folder = folder();
        for block in blocks_of(readme, "toml") {
            fs::create_dir_all(folder.path().join("calltrace")).expect("its own folder");
            let settings = folder.path().join("calltrace/config.toml");
            fs::write(&settings, block.text.join("\n")).expect("its own folder");
            let printed = typed("calltrace config", folder.path()).join("\n");
            let mine = format!("# {}:", settings.display());
            let set = block.text.iter().filter(|line| line.contains(" = "));
            assert_eq!(
                printed.matches(&mine).count(),
                set.count(),
                "{readme}: {printed}"
            );
        }
    }
}

#[test]
fn the_button_of_the_readmes_opens_the_call() {
    for readme in READMES {
        let blocks = blocks_of(readme, "python");
        let has_button = |block: &&Block| {
            block
                .text
                .iter()
                .any(|line| line.contains("def call_button"))
        };
        let block = blocks.iter().find(has_button);
        let code = block.expect("there is a button").text.join("\n");
        let script = format!(
            "{code}\nimport re\nfrom unittest import mock\n\
             with mock.patch('time.time', lambda: 1_700_000_000):\n    \
             print(call_button('http://127.0.0.1:8026', 'the secret', '0367', '1764493655.61')\
             ['inline_keyboard'][0][0]['url'])"
        );
        let output = Command::new("python3").args(["-c", &script]).output();
        let output = output.expect("python3 is there");
        let link = String::from_utf8(output.stdout).expect("UTF-8");
        let link = link.trim();
        let query = link.split_once('?').expect("a link has a query").1;
        let secret = calltrace_directory::Secret::new("the secret").expect("not blank");
        let number = calltrace_store::tree::EnterpriseName::new("0367").expect("a name");
        let wanted = calltrace_web::signed_path(&secret, &number, "1764493655.61", 1_701_209_600);
        assert_eq!(
            link,
            format!("http://127.0.0.1:8026{wanted}"),
            "{readme}: {query}"
        );
    }
}

#[test]
fn the_writer_of_the_readmes_survives_a_rotation() {
    for readme in READMES {
        let folder = folder();
        let blocks = blocks_of(readme, "python");
        let has_handler =
            |block: &&Block| block.text.iter().any(|line| line.contains("handler = "));
        let block = blocks.iter().find(has_handler);
        let code = block.expect("there is a handler").text.join("\n");
        let script = format!(
            "import logging, os\n{code}\n\
             logger = logging.getLogger('calls'); logger.addHandler(handler); logger.setLevel('INFO')\n\
             logger.info('before')\nos.rename('call_tracer/0367/events.log', 'moved')\n\
             logger.info('after')\n"
        );
        let output = Command::new("python3")
            .args(["-c", &script])
            .current_dir(folder.path())
            .output();
        let output = output.expect("python3 is there");
        assert!(output.status.success(), "{output:?}");
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it is there");
        assert!(read("moved").ends_with("\nbefore\n"), "{readme}");
        assert_eq!(read("call_tracer/0367/events.log"), "after\n", "{readme}");
    }
}

#[test]
fn both_readmes_show_the_same() {
    let [english, russian] = READMES.map(|readme| {
        let of = |block: Block| {
            // Comments are in the language of the text around them.
            let said = |line: &String| {
                let code = line.split_once('#').map_or(line.as_str(), |(code, _)| code);
                code.trim_end().to_owned()
            };
            let lines: Vec<String> = block.text.iter().map(said).collect();
            (block.language, lines)
        };
        blocks(readme).into_iter().map(of).collect::<Vec<_>>()
    });
    assert_eq!(english, russian);
    let [english, russian] = READMES.map(|readme| {
        let text = fs::read_to_string(project().join(readme)).expect("the README is there");
        let headings = text.lines().filter(|line| line.starts_with("## "));
        (
            headings.count(),
            text.lines().filter(|line| line.starts_with('|')).count(),
        )
    });
    assert_eq!(english, russian, "headings and rows of tables");
}

#[test]
fn a_block_that_shows_something_else_is_seen() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let printed = lines("a\nb\nc");
    for shown in [
        "a\nb\nc",
        "...",
        "a\n...",
        "...\nc",
        "a\n...\nc",
        "...\nb\n...",
    ] {
        assert!(is_shown(&lines(shown), &printed), "{shown}");
    }
    for shown in ["", "a\nb", "b\n...", "a\n...\nb", "...\nd\n..."] {
        assert!(!is_shown(&lines(shown), &printed), "{shown}");
    }
}
