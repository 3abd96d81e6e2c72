//! How the READMEs and the pages in `docs` are written: READMEs are short, sentences are not long, links lead
//! somewhere, and both languages say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use regex::Regex;

use crate::readme::{blocks, project};

/// Outside code blocks and tables.
const README_WORDS_MAX: usize = 900;
const SENTENCE_WORDS_MAX: usize = 30;

/// Pages by hand, each in English and in Russian, without what is made (`docs/reference`).
fn pairs() -> Vec<[String; 2]> {
    let mut pairs = vec![["README.md".to_owned(), "README.ru.md".to_owned()]];
    let mut names = names_in("docs");
    assert_eq!(names, names_in("docs/ru"), "both languages have all pages");
    let pair = |name: String| [format!("docs/{name}"), format!("docs/ru/{name}")];
    names.sort();
    pairs.extend(names.into_iter().map(pair));
    pairs
}

/// All pages by hand.
pub(crate) fn pages() -> Vec<String> {
    pairs().into_iter().flatten().collect()
}

fn names_in(folder: &str) -> Vec<String> {
    let listed = fs::read_dir(project().join(folder)).expect("it is there");
    let names = listed.map(|entry| entry.expect("listed").file_name().into_string());
    let names = names.map(|name| name.expect("text"));
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".md")).collect();
    names.sort();
    names
}

fn text_of(page: &str) -> String {
    fs::read_to_string(project().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Lines outside code blocks.
fn outside_code(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let is_outside = |line: &&str| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    };
    text.lines().filter(is_outside).collect()
}

/// The spans between backticks outside code blocks.
pub(crate) fn spans(page: &str) -> Vec<String> {
    spans_in(&outside_code(&text_of(page)).join("\n"))
}

fn spans_in(text: &str) -> Vec<String> {
    let spans = text.split('`').skip(1).step_by(2);
    spans.map(|span| span.replace('\n', " ")).collect()
}

/// Paragraphs and items outside code blocks and tables, without marks: a span is one word, a link its text.
fn paragraphs(text: &str) -> Vec<String> {
    let pattern = |text: &str| Regex::new(text).expect("a pattern");
    let (image, link) = (
        pattern(r"!\[[^\]]*\]\([^)]*\)"),
        pattern(r"\[([^\]]*)\]\([^)]*\)"),
    );
    let (span, item) = (pattern(r"`[^`]*`"), pattern(r"^\s*(?:[-*]|\d+\.) "));
    let mut found = vec![String::new()];
    for line in outside_code(text) {
        let line = line.trim_start_matches("> ");
        let begins = line.trim().is_empty() || item.is_match(line);
        if begins {
            found.push(String::new());
        }
        if !line.starts_with(['|', '#', '<']) {
            let last = found.last_mut().expect("it has one");
            last.push_str(&item.replace(line, ""));
            last.push('\n');
        }
    }
    let plain = |text: String| {
        let text = link
            .replace_all(&image.replace_all(&text, ""), "$1")
            .into_owned();
        span.replace_all(&text, "span").replace("**", "")
    };
    found.into_iter().map(plain).collect()
}

fn words(text: &str) -> usize {
    let is_word = |word: &&str| word.contains(char::is_alphanumeric);
    text.split_whitespace().filter(is_word).count()
}

/// Sentences end at a full stop, a question mark or an exclamation mark with a space or the end behind it.
fn sentences(paragraph: &str) -> Vec<String> {
    let end = Regex::new(r"[.!?](?:\s|$)").expect("a pattern");
    end.split(paragraph).map(str::to_owned).collect()
}

#[test]
fn the_readmes_are_short() {
    for page in &pairs()[0] {
        let count: usize = paragraphs(&text_of(page))
            .iter()
            .map(|text| words(text))
            .sum();
        assert!(
            (300..README_WORDS_MAX).contains(&count),
            "{page}: {count} words"
        );
    }
}

#[test]
fn no_sentence_is_long() {
    let mut long = Vec::new();
    for page in pages() {
        for paragraph in paragraphs(&text_of(&page)) {
            for sentence in sentences(&paragraph) {
                let count = words(&sentence);
                if count > SENTENCE_WORDS_MAX {
                    long.push(format!("{page}: {count} words: {}", sentence.trim()));
                }
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn a_long_sentence_is_seen_and_words_are_counted_without_code_and_tables() {
    let text =
        "One two `three four` [five](six).\n\n```sh\ncode\n```\n| a | table |\n- item one. Two!\n";
    let counted: Vec<usize> = paragraphs(text).iter().map(|text| words(text)).collect();
    assert_eq!(counted.iter().sum::<usize>(), 4 + 3);
    let sentences = sentences("Is it? Yes, 1.5 of it. `a.b` too.");
    assert_eq!(sentences.iter().filter(|text| words(text) > 0).count(), 3);
}

/// The parts of a section that are the same in every language: its code and its numbers.
fn facts(section: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let text = outside_code(section).join("\n");
    let spans = spans_in(&text).into_iter().collect();
    let bare = Regex::new(r"`[^`]*`|\]\([^)]*\)").expect("a pattern");
    let text = bare.replace_all(&text, " ");
    // Thousands are parted by a comma or a space, decimals by a point or a comma.
    let number =
        Regex::new(r"[1-9]\d{0,2}(?:[,\u{a0} ]\d{3})+\b|\d+(?:[.,:]\d+)*").expect("a pattern");
    let thousands = Regex::new(r"^[1-9]\d{0,2}(?:[,\u{a0} ]\d{3})+$").expect("a pattern");
    let same = |text: &str| match thousands.is_match(text) {
        true => text.replace([',', '\u{a0}', ' '], ""),
        false => text.replace(',', "."),
    };
    let numbers = number.find_iter(&text).map(|found| same(found.as_str()));
    (spans, numbers.collect())
}

fn sections(page: &str) -> Vec<String> {
    let text = format!("\n{}", text_of(page));
    text.split("\n## ").map(str::to_owned).collect()
}

#[test]
fn both_languages_say_the_same() {
    let mut other = Vec::new();
    for [english, russian] in pairs() {
        let [ours, theirs] = [sections(&english), sections(&russian)];
        assert_eq!(ours.len(), theirs.len(), "{russian}: sections");
        for (one, two) in ours.iter().zip(&theirs) {
            let title = two.lines().next().unwrap_or_default();
            let [(spans, numbers), (spans_2, numbers_2)] = [facts(one), facts(two)];
            for (one, two) in [(&spans, &spans_2), (&numbers, &numbers_2)] {
                let only: Vec<_> = one.symmetric_difference(two).collect();
                if !only.is_empty() {
                    other.push(format!(
                        "{russian}: {title}: in one language only: {only:?}"
                    ));
                }
            }
            let rows = |text: &str| text.lines().filter(|line| line.starts_with('|')).count();
            assert_eq!(rows(one), rows(two), "{russian}: {title}: rows of tables");
        }
    }
    assert!(other.is_empty(), "{}", other.join("\n"));
}

#[test]
fn both_languages_show_the_same_code() {
    for pair in pairs() {
        let [english, russian] = pair.clone().map(|page| {
            let of = |block: crate::readme::Block| {
                // Comments are in the language of the text around them.
                let without_comment = |line: &String| {
                    let code = line.split_once('#').map_or(line.as_str(), |(code, _)| code);
                    code.trim_end().to_owned()
                };
                let lines: Vec<String> = block.text.iter().map(without_comment).collect();
                (block.language, lines)
            };
            blocks(&page).into_iter().map(of).collect::<Vec<_>>()
        });
        assert_eq!(english, russian, "{}", pair[1]);
    }
}

#[test]
fn links_lead_to_pages_and_headings_that_are_there() {
    let reference = names_in("docs/reference").into_iter();
    let reference = reference.map(|name| format!("docs/reference/{name}"));
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let mut checked = 0;
    for page in pages().into_iter().chain(reference) {
        let text = text_of(&page);
        let text = outside_code(&text).join("\n");
        for target in link.captures_iter(&text) {
            let target = &target[1];
            if target.starts_with("https://") {
                continue;
            }
            checked += 1;
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = match path {
                "" => PathBuf::from(&page),
                path => linked(Path::new(&page), path),
            };
            assert!(project().join(&path).exists(), "{page}: {target}");
            if !heading.is_empty() {
                let text = text_of(path.to_str().expect("text"));
                let there = outside_code(&text).into_iter().filter_map(anchor);
                assert!(
                    there.into_iter().any(|it| it == heading),
                    "{page}: {target}"
                );
            }
        }
    }
    assert!(checked > 100, "{checked} links");
}

/// The path of a link in a page.
fn linked(page: &Path, link: &str) -> PathBuf {
    let mut path = page.parent().expect("a page lies in a folder").to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{link} leads out of the project"),
            part => path.push(part),
        }
    }
    path
}

/// The name that forges give to a heading.
fn anchor(line: &str) -> Option<String> {
    let title = line.trim_start_matches('#');
    let is_heading = title.len() < line.len() && title.starts_with(' ');
    let kept = |c: &char| c.is_alphanumeric() || "-_ ".contains(*c);
    let name: String = title.trim().to_lowercase().chars().filter(kept).collect();
    is_heading.then(|| name.replace(' ', "-"))
}

#[test]
fn the_table_of_contents_names_every_page_once() {
    for folder in ["docs", "docs/ru"] {
        let contents = text_of(&format!("{folder}/README.md"));
        for name in names_in(folder) {
            let times = contents.matches(&format!("]({name})")).count();
            assert!(
                name == "README.md" || times == 1,
                "{folder}: {name}: {times}"
            );
        }
    }
}
