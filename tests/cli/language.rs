//! The language of the tree: few words of the project's former private dialect, and few type names with two
//! meanings.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::readme::project;
use crate::rooms::sources;

/// Words of the dialect in the whole tree must stay below this number. Some of them are also ordinary English.
const WORDS_MAX: usize = 40;

/// Type names that are defined more than once must stay below this number.
const SHARED_NAMES_MAX: usize = 10;

/// Each pattern with the words to write instead. An underscore in a name counts as a blank.
const DIALECT: [(&str, &str); 14] = [
    (r"(?i)\bdeeds?\b", "operation, syscall"),
    (r"(?i)\bwhoever\b", "name the subject: the writer, the user"),
    (r"(?i)\bnobody\b", "no process, no one"),
    (r"(?i)\bwhose\b", "name the subject: a file with …"),
    (r"(?i)\bbeside\b", "next to, alongside, compared with"),
    (r"(?i)\ball (?:\w+ )?but\b", "all … except"),
    (r"(?i)\bfor one a \w+\b", "for one per core"),
    (
        r"(?i)\b(?:one|two|three|a|the|each) (?:bar|column|file|folder|line|list|number|record|row|table|thread|value) an? (?:call|client|core|day|enterprise|event|file|group|host|line|participant|person|record|row|side|week)\b",
        "one row per call",
    ),
    (r"(?i)\btwins?\b", "duplicate files"),
    (r"(?i)\bknock(?:s|ed|ing)?\b", "check, request"),
    (r"(?i)\bmanners\b", "middleware"),
    (r"(?i)\bseats?\b", "connection limit"),
    (r"\b(?:DAWN|DUSK)\b", "MIN, MAX"),
    (
        r"\b(?:Desk|Said|Slab)\b",
        "middleware, Provenance, TimeWindow",
    ),
];

/// Codes and names that programs read, and printed sentences that are ordinary English.
const ALLOWED: [&str; 10] = [
    // The code of a finding of `calltrace doctor`, in its definition, its output, the man page and filters of it.
    r#""twins"#,
    "[twins",
    "**twins",
    r"%twins",
    "-A 3 twins",
    // The user without rights of Debian.
    "--reuid=nobody",
    // Outputs of `trace`, of `stats` and of the pages.
    "nobody answered",
    "nobody talked",
    "nobody can call back",
    r#""nobody""#,
];

#[test]
fn words_of_the_dialect_are_rare_in_the_tree() {
    let mut found = Vec::new();
    let mut files = 0;
    for path in texts_in(&project()) {
        // Not a text, or this table.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        files += 1;
        let name = path.strip_prefix(project()).expect("a part of the project");
        for (at, line) in text.lines().enumerate() {
            let words = dialect_in(line);
            found.extend(words.map(|(word, instead)| {
                let place = format!("{}:{}", name.display(), at + 1);
                format!("{place}: {word} ({instead}): {}", line.trim())
            }));
        }
    }
    assert!(files > 900, "{files} files");
    let count = found.len();
    assert!(
        count < WORDS_MAX,
        "{count} words of the dialect, fewer than {WORDS_MAX} are allowed:\n{}",
        found.join("\n")
    );
}

#[test]
fn few_type_names_have_two_definitions() {
    let definition =
        Regex::new(r"(?m)^\s*(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|type) ([A-Z]\w*)")
            .expect("a pattern");
    let mut types: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (path, text) in sources() {
        let is_test = path.components().any(|part| {
            let part = part.as_os_str().to_string_lossy();
            part == "tests" || part == "tests.rs" || part.ends_with("_tests.rs")
        });
        if is_test {
            continue;
        }
        let path = path.strip_prefix(project()).expect("a part of the project");
        for defined in definition.captures_iter(&text) {
            let files = types.entry(defined[1].to_owned()).or_default();
            files.push(path.display().to_string());
        }
    }
    assert!(types.len() > 300, "{} type names", types.len());
    let shared = types
        .iter()
        .filter(|(name, files)| files.len() > 1 && !["Error", "Result"].contains(&name.as_str()));
    let shared: Vec<String> = shared
        .map(|(name, files)| format!("{name}: {}", files.join(", ")))
        .collect();
    assert!(
        shared.len() < SHARED_NAMES_MAX,
        "{} type names are defined more than once, fewer than {SHARED_NAMES_MAX} are allowed:\n{}",
        shared.len(),
        shared.join("\n")
    );
}

#[test]
fn a_word_of_the_dialect_is_found_and_a_code_is_not() {
    let words = |line: &str| -> Vec<String> { dialect_in(line).map(|(word, _)| word).collect() };
    assert_eq!(
        words("// Whoever looks waits beside it."),
        ["Whoever", "beside"]
    );
    assert_eq!(words("fn a_file_whose_writer_is_gone()"), ["whose"]);
    assert_eq!(words("/// All filters but `--until`."), ["All filters but"]);
    assert_eq!(
        words("one row a call, 0 for one a core"),
        ["for one a core", "one row a call"]
    );
    assert_eq!(words("warning [twins] of two twins"), ["twins"]);
    assert_eq!(words("nobody answered, and 0367 is an enterprise"), [""; 0]);
    assert_eq!(words("one row per call, Desktop, slab"), [""; 0]);
}

/// The words of the dialect in a line, each with what to write instead.
fn dialect_in(line: &str) -> impl Iterator<Item = (String, &'static str)> {
    use std::sync::LazyLock;
    static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        let pattern = |(text, instead)| (Regex::new(text).expect("a pattern"), instead);
        DIALECT.into_iter().map(pattern).collect()
    });
    let mut line = line.to_owned();
    for allowed in ALLOWED {
        line = line.replace(allowed, "");
    }
    let line = line.replace('_', " ");
    PATTERNS.iter().flat_map(move |(pattern, instead)| {
        let words = pattern.find_iter(&line);
        let words = words.map(|word| (word.as_str().to_owned(), *instead));
        words.collect::<Vec<_>>()
    })
}

/// Every file of the project that people write, or that is made from such files. Data of tests, licences of others,
/// lists of dependencies and this file are left out.
fn texts_in(root: &Path) -> Vec<PathBuf> {
    let left_out = [
        ".git",
        "target",
        "node_modules",
        "tests/data",
        "Cargo.lock",
        "package-lock.json",
        "third-party.txt",
        "tests/cli/language.rs",
    ];
    let (mut folders, mut files) = (vec![root.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("it can be listed") {
            let path = entry.expect("it can be listed").path();
            match left_out.iter().any(|name| path.ends_with(name)) {
                true => {}
                false if path.is_dir() => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files
}
