//! The READMEs and the pages in `docs` show what happens: each `console` block is run in a shell over the sample tree
//! and prints the text under it; each Python and TOML block does what its page says; each `calltrace` command in a text
//! is understood.
//!
//! A line `...` stands for any number of lines. How the pages are written is judged in `prose`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use calltrace::cli::parse;

use crate::docs::shell_words;
use crate::prose::{pages, spans};

pub(crate) fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A fenced block and the line it begins at.
pub(crate) struct Block {
    pub(crate) language: String,
    line: usize,
    pub(crate) text: Vec<String>,
}

pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let text = fs::read_to_string(project().join(page)).expect("the page is there");
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
    assert!(open.is_none(), "{page}: a block is not closed");
    blocks
}

/// All blocks of a language, each with its page.
fn blocks_of(language: &str) -> Vec<(String, Block)> {
    let of_page = |page: String| {
        let all = blocks(&page).into_iter();
        all.filter(|block| block.language == language)
            .map(move |block| (page.clone(), block))
    };
    let found: Vec<_> = pages().into_iter().flat_map(of_page).collect();
    assert!(found.len() > 1, "no {language} block is found");
    found
}

/// The one block of each language that holds `text`, as code.
fn code_with(text: &str) -> [(String, String); 2] {
    let found = blocks_of("python").into_iter().filter_map(|(page, block)| {
        let code = block.text.join("\n");
        code.contains(text).then_some((page, code))
    });
    let found: Vec<_> = found.collect();
    found.try_into().expect("one in English and one in Russian")
}

/// A copy of the sample tree as `call_tracer`, as if it had been written a while ago.
pub(crate) fn folder() -> tempfile::TempDir {
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

/// The output of a line on both streams, as on a terminal of 100 columns.
pub(crate) fn typed(line: &str, folder: &Path) -> Vec<String> {
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
fn the_consoles_of_the_pages_show_what_is_printed() {
    thread::scope(|scope| {
        for page in pages() {
            scope.spawn(move || the_consoles_show_what_is_printed(&page));
        }
    });
}

fn the_consoles_show_what_is_printed(page: &str) {
    let folder = folder();
    let consoles = blocks(page).into_iter();
    for block in consoles.filter(|block| block.language == "console") {
        let mut lines = block.text.as_slice();
        while let Some((command, rest)) = lines.split_first() {
            let command = command.strip_prefix("$ ").expect("a block begins with $");
            let end = rest.iter().position(|line| is_command(line));
            let (shown, rest) = rest.split_at(end.unwrap_or(rest.len()));
            let printed = typed(command, folder.path());
            assert!(
                is_shown(shown, &printed),
                "{page}:{}: $ {command}\nprints\n{}\nand not\n{}",
                block.line,
                printed.join("\n"),
                shown.join("\n")
            );
            lines = rest;
        }
    }
}

/// The arguments of the program in a line, without `sudo`, `$` or the first words of a line for cron.
fn arguments(line: &str) -> Option<Vec<String>> {
    let words = shell_words(line);
    let cargo = ["cargo", "run", "--release", "--"];
    let rest = match words.iter().position(|word| word == "calltrace") {
        Some(at) => &words[at + 1..],
        None if words.starts_with(&cargo.map(str::to_owned)) => &words[cargo.len()..],
        None => return None,
    };
    let is_printed = rest.first().is_some_and(|word| word == "(default)");
    (!is_printed).then(|| [&["calltrace".to_owned()], rest].concat())
}

#[test]
fn every_calltrace_that_the_pages_name_is_understood() {
    let mut checked = 0;
    for page in pages() {
        let blocks = blocks(&page).into_iter();
        let typed = blocks.filter(|block| ["sh", "text"].contains(&block.language.as_str()));
        let lines = typed.flat_map(|block| block.text);
        let named = spans(&page).into_iter();
        let named = named.filter(|span| span.starts_with("calltrace "));
        for line in lines.chain(named) {
            let Some(words) = arguments(&line) else {
                continue;
            };
            checked += 1;
            if let Err(error) = parse(words.into_iter().map(Into::into)) {
                // A page may name a command without what it is to do.
                let is_named = error.to_string().contains("required arguments");
                assert!(is_named, "{page}: {line}\n{error}");
            }
        }
    }
    assert!(checked >= 60, "{checked} are found");
}

#[test]
fn the_settings_of_the_pages_are_right() {
    for (page, block) in blocks_of("toml") {
        let folder = folder();
        fs::create_dir_all(folder.path().join("calltrace")).expect("its own folder");
        let settings = folder.path().join("calltrace/config.toml");
        fs::write(&settings, block.text.join("\n")).expect("its own folder");
        let printed = typed("calltrace config", folder.path()).join("\n");
        let mine = format!("# {}:", settings.display());
        let set = block.text.iter().filter(|line| line.contains(" = "));
        assert_eq!(
            printed.matches(&mine).count(),
            set.count(),
            "{page}:{}: {printed}",
            block.line
        );
    }
}

#[test]
fn the_button_of_the_pages_opens_the_call() {
    for (page, code) in code_with("def call_button") {
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
            "{page}: {query}"
        );
    }
}

#[test]
fn the_writer_of_the_pages_survives_a_rotation() {
    for (page, code) in code_with("handler = ") {
        let folder = folder();
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
        assert!(read("moved").ends_with("\nbefore\n"), "{page}");
        assert_eq!(read("call_tracer/0367/events.log"), "after\n", "{page}");
    }
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
