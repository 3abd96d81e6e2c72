//! Rules of the sources that no compiler checks: the modules of a crate use each other without going in circles,
//! files are short, and each says first what lives in it. (Which crate may use which is in the manifests; what
//! prints, ends the process, panics or reads a clock, clippy knows: `Cargo.toml`, `clippy.toml`.)

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

const LINES_MAX: usize = 500;

/// A module's path within its crate; empty for the root.
type Module = Vec<String>;

#[test]
fn no_file_is_longer_than_500_lines() {
    let too_long = sources().into_iter().filter_map(|(path, text)| {
        let lines = text.lines().count();
        (lines > LINES_MAX).then(|| format!("{}: {lines} lines", path.display()))
    });
    none(&too_long.collect::<Vec<_>>());
}

#[test]
fn every_file_says_first_what_lives_in_it() {
    let silent = sources().into_iter().filter_map(|(path, text)| {
        let doc = text.lines().next().and_then(|l| l.strip_prefix("//! "));
        doc.is_none().then(|| path.display().to_string())
    });
    none(&silent.collect::<Vec<_>>());
}

#[test]
fn no_files_of_a_crate_use_each_other_in_a_circle() {
    let mut found = Vec::new();
    for root in crates() {
        let modules = modules_in(&root);
        assert!(!modules.is_empty(), "{} holds sources", root.display());
        let name = root.strip_prefix(project()).expect("a part of the project");
        let circles = circles(&modules).into_iter();
        found.extend(circles.map(|circle| format!("{}: {}", name.display(), circle.join(", "))));
    }
    none(&found);
}

#[test]
fn a_circle_is_seen_through_lists_and_names_passed_on() {
    let of = |files: &[(&str, &str)]| {
        let module = |name: &str| {
            name.split("::")
                .filter(|s| !s.is_empty())
                .map(str::to_owned)
                .collect()
        };
        circles(
            &files
                .iter()
                .map(|(name, text)| (module(name), code(text)))
                .collect(),
        )
    };
    let passed_on = [
        ("", "mod a; mod b; pub use a::A; pub use b::B;"),
        ("a", "use std::io; use crate::{io, B};"),
        ("b", "// use super::x;\nfn f(a: super::a::A) {}"),
    ];
    assert_eq!(of(&passed_on), [["a", "b"]]);
    let one_way = [
        ("", "mod a; mod b; pub use a::A;"),
        ("a", "use super::b::{self, c::{C, D}};"),
        ("b", "mod c; pub struct B;"),
        (
            "b::c",
            "use super::B; #[cfg(test)]\nmod tests { use crate::a::A; }",
        ),
    ];
    assert_eq!(of(&one_way), Vec::<Vec<String>>::new());
}

/// Groups of modules each of which is reached from each other one. A module and those inside it count as one
/// where they use each other.
fn circles(modules: &BTreeMap<Module, String>) -> Vec<Vec<String>> {
    let uses: BTreeMap<&Module, BTreeSet<&Module>> = modules
        .iter()
        .map(|(module, text)| (module, used_by(modules, module, text)))
        .collect();
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = modules
        .keys()
        .map(|module| {
            let (mut reached, mut open) = (BTreeSet::new(), vec![module]);
            while let Some(from) = open.pop() {
                let fresh = uses[from].iter().filter(|to| reached.insert(**to));
                open.extend(fresh);
            }
            (module, reached)
        })
        .collect();
    let mut circles = BTreeSet::new();
    for (module, reached_from) in &reached {
        let circle: Vec<String> = (reached_from.iter())
            .filter(|other| reached[**other].contains(module))
            .map(|other| other.join("::"))
            .collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    circles.into_iter().collect()
}

/// The modules of which a module names something, itself and those around and inside it aside.
fn used_by<'m>(
    modules: &'m BTreeMap<Module, String>,
    module: &Module,
    text: &str,
) -> BTreeSet<&'m Module> {
    let used = paths_in(text).into_iter().filter_map(|path| {
        let defined = defined_in(modules, &absolute(modules, module, &path)?, 0)?;
        let is_kin = defined.starts_with(module) || module.starts_with(&defined);
        let (known, _) = modules.get_key_value(&defined)?;
        (!is_kin).then_some(known)
    });
    used.collect()
}

/// A path from the root of the crate; `None` for one that leads out of it.
fn absolute(
    modules: &BTreeMap<Module, String>,
    module: &Module,
    path: &[String],
) -> Option<Module> {
    let mut at = module.clone();
    let mut rest = path;
    match rest.first()?.as_str() {
        "crate" => (at, rest) = (Vec::new(), &rest[1..]),
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                at.pop()?;
                rest = &rest[1..];
            }
        }
        name => {
            let child: Module = at.iter().cloned().chain([name.to_owned()]).collect();
            modules.contains_key(&child).then_some(())?;
        }
    }
    at.extend(rest.iter().cloned());
    Some(at)
}

/// The module that defines what a path names, also where others pass the name on.
fn defined_in(modules: &BTreeMap<Module, String>, path: &[String], depth: usize) -> Option<Module> {
    let known = (0..=path.len())
        .rev()
        .find(|n| modules.contains_key(&path[..*n]))?;
    let (module, rest) = (path[..known].to_vec(), &path[known..]);
    let passed_on = rest.first().and_then(|name| {
        let passed_on = paths_in(&passed_on(&modules[&module]));
        passed_on.into_iter().find(|path| path.last() == Some(name))
    });
    let Some(passed_on) = passed_on.filter(|_| depth < 8) else {
        return Some(module);
    };
    match absolute(modules, &module, &passed_on) {
        Some(path) => defined_in(modules, &path, depth + 1),
        None => Some(module),
    }
}

/// The `pub use` of a text.
fn passed_on(text: &str) -> String {
    static PASSED_ON: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"pub(?:\([^)]*\))? (use [^;]*;)").expect("a pattern"));
    PASSED_ON
        .captures_iter(text)
        .map(|found| found[1].to_owned())
        .collect()
}

/// All paths that `use` brings in or that begin with `crate`, `self` or `super`.
fn paths_in(text: &str) -> Vec<Vec<String>> {
    static USE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\buse ([^;]*);").expect("a pattern"));
    static INLINE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\b(?:crate|self|super)(?:::[A-Za-z_]\w*)+").expect("a pattern")
    });
    let mut paths = Vec::new();
    for found in USE.captures_iter(text) {
        let tree: String = found[1].split_whitespace().collect::<Vec<_>>().join(" ");
        leaves(&tree, &[], &mut paths);
    }
    let inline = INLINE.find_iter(text);
    paths.extend(inline.map(|path| path.as_str().split("::").map(str::to_owned).collect()));
    paths
}

/// The paths of a `use` tree: `a::{b, c::d as e}` is `a::b` and `a::c::d`.
fn leaves(tree: &str, before: &[String], paths: &mut Vec<Vec<String>>) {
    let (head, list) = match tree.split_once('{') {
        Some((head, list)) => (head, list.trim_end().strip_suffix('}')),
        None => (tree, None),
    };
    let own = head.split(" as ").next().unwrap_or_default().split("::");
    let own = own
        .map(str::trim)
        .filter(|name| !name.is_empty() && *name != "*");
    let mut path: Vec<String> = before
        .iter()
        .cloned()
        .chain(own.map(str::to_owned))
        .collect();
    let Some(list) = list else {
        if path.len() > 1 && path.last().is_some_and(|name| name == "self") {
            path.pop();
        }
        paths.push(path);
        return;
    };
    let mut depth = 0;
    let parts = list.split(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        c == ',' && depth == 0
    });
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        leaves(part, &path, paths);
    }
}

/// A text without comments and the tests at its end.
fn code(text: &str) -> String {
    static COMMENT: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?m)^\s*//.*$| // .*$").expect("a pattern"));
    let text = COMMENT.replace_all(text, "");
    text.split("#[cfg(test)]")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// The modules of a crate with what they say.
fn modules_in(root: &Path) -> BTreeMap<Module, String> {
    let files = files_in(root).into_iter();
    let module = |path: &Path| {
        let path = path
            .strip_prefix(root)
            .expect("below the root")
            .with_extension("");
        let names = path.iter().map(|name| name.to_string_lossy().into_owned());
        names
            .filter(|name| !["mod", "lib", "main"].contains(&name.as_str()))
            .collect()
    };
    let is_code = |path: &PathBuf| {
        !path.ends_with("main.rs") && !path.to_string_lossy().ends_with("tests.rs")
    };
    files
        .filter(is_code)
        .map(|path| (module(&path), code(&read(&path))))
        .collect()
}

/// Where each crate's sources are.
fn crates() -> Vec<PathBuf> {
    let own = fs::read_dir(project().join("crates")).expect("the crates can be listed");
    let own = own.map(|entry| entry.expect("it can be listed").path().join("src"));
    let mut all: Vec<PathBuf> = own.chain([project().join("src")]).collect();
    all.sort();
    all
}

/// Every source file of the program and its crates.
pub(crate) fn sources() -> Vec<(PathBuf, String)> {
    let files = crates().into_iter().flat_map(|root| files_in(&root));
    files.map(|path| (path.clone(), read(&path))).collect()
}

/// Every Rust file under a folder, in the order of their names.
fn files_in(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Fails with all complaints, a line each.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
