//! `packaging/third-party.txt`: the crates that the program is linked with, their authors and licences.
//!
//! Made of the files that the crates bring. Of licences between which one may choose, MIT is chosen
//! where it is offered. Texts that differ only in title and copyright lines stand there once. No
//! versions: a new version changes nothing as long as names and licences are the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::{linked, packages};

const HEAD: &str = "\
calltrace is linked with the standard library of Rust (the Rust Project contributors; MIT or
Apache-2.0; https://www.rust-lang.org) and with the crates below, all of https://crates.io. Each has its
licence as its manifest says it, its copyright lines, and the numbers of the texts that stand at the end.

Made by UPDATE_NOTICES=1 cargo test --test package supply
";

/// Licences with texts that need not be printed: every Debian has them.
const APACHE: &str = "/usr/share/common-licenses/Apache-2.0";

/// The notice of a crate, for all its versions.
#[derive(Default)]
struct Notice {
    licence: String,
    copyrights: Vec<String>,
    /// Numbers of texts, from 1.
    texts: Vec<usize>,
}

/// The file as it should be.
pub(crate) fn render() -> String {
    let linked = linked(false);
    let mut notices = BTreeMap::<String, Notice>::new();
    let mut texts = Vec::<(String, String)>::new();
    for package in packages() {
        if !linked.contains(&(package.name.clone(), package.version)) {
            continue;
        }
        let notice = notices.entry(package.name).or_default();
        notice.licence = package.licence;
        let mut files = Vec::new();
        licence_files(&package.folder, &mut files);
        if files.is_empty() {
            add(&mut notice.copyrights, package.authors);
        }
        for file in chosen(files) {
            let (copyrights, body) = taken_apart(&file);
            copyrights
                .into_iter()
                .for_each(|line| add(&mut notice.copyrights, line));
            let key: String = body.split_whitespace().collect();
            let known = texts.iter().position(|(known, _)| *known == key);
            let number = known.unwrap_or_else(|| {
                texts.push((key, body));
                texts.len() - 1
            });
            add(&mut notice.texts, number + 1);
        }
    }
    let mut out = HEAD.to_owned();
    for (name, notice) in &notices {
        let numbers: Vec<_> = notice.texts.iter().map(ToString::to_string).collect();
        let numbers = match numbers.is_empty() {
            true => String::new(),
            false => format!(" [{}]", numbers.join(", ")),
        };
        write!(out, "\n{name}: {}{numbers}\n", notice.licence).expect("into memory");
        for line in &notice.copyrights {
            writeln!(out, "  {line}").expect("into memory");
        }
    }
    for (at, (_, body)) in texts.iter().enumerate() {
        write!(out, "\n==== [{}]\n\n{}\n", at + 1, body.trim_matches('\n')).expect("into memory");
    }
    out
}

fn add<T: PartialEq>(list: &mut Vec<T>, one: T) {
    if !list.contains(&one) {
        list.push(one);
    }
}

/// Names and texts of the licence files in a crate, including those of code that it contains from others.
fn licence_files(folder: &Path, files: &mut Vec<(String, String)>) {
    let entries = fs::read_dir(folder).expect("cargo has unpacked it");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("listed").path()).collect();
    paths.sort();
    for path in paths {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .to_uppercase();
        let begins = [
            "LICENSE",
            "LICENCE",
            "COPYING",
            "COPYRIGHT",
            "NOTICE",
            "UNLICENSE",
        ];
        let code = [".RS", ".C", ".H", ".HTML", ".TOML"];
        if path.is_dir() {
            licence_files(&path, files);
        } else if begins.iter().any(|begin| name.starts_with(begin))
            && !code.iter().any(|end| name.ends_with(end))
        {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("read")).replace('\r', "");
            files.push((name, text));
        }
    }
}

/// Removes the licences that are not chosen, and the text of Apache-2.0, which is only named.
fn chosen(files: Vec<(String, String)>) -> Vec<String> {
    let offers_mit = files.iter().any(|(name, _)| name.contains("MIT"));
    let other = ["APACHE", "UNLICENSE", "0BSD", "BOOST", "ZLIB", "ISC"];
    // This file only says that one may choose a licence.
    let says_choice = |name: &str| ["COPYING", "COPYRIGHT"].contains(&name);
    files
        .into_iter()
        .filter(|(name, _)| {
            let refused = other.iter().any(|other| name.contains(other)) || says_choice(name);
            !(offers_mit && refused)
        })
        .map(|(_, text)| match is_apache(&text) {
            true => format!("Apache License, Version 2.0: {APACHE}"),
            false => text,
        })
        .collect()
}

/// Whether the text is exactly that licence.
fn is_apache(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().take(4).collect();
    words.join(" ").starts_with("Apache License Version 2.0") && text.len() < 12_500
}

/// The copyright lines at the top, and the rest. A title says no more than the rest does.
fn taken_apart(text: &str) -> (Vec<String>, String) {
    let (mut copyrights, mut rest) = (Vec::new(), text);
    loop {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let plain = line.trim().trim_start_matches('#').trim();
        let lower = plain.to_lowercase();
        let title = lower.is_empty()
            || lower.trim_start_matches("the ").starts_with("mit license")
            || lower == "all rights reserved.";
        if lower.starts_with("copyright") {
            copyrights.push(plain.to_owned());
        } else if !title {
            return (copyrights, rest.to_owned());
        }
        if after.is_empty() {
            return (copyrights, String::new());
        }
        rest = after;
    }
}
