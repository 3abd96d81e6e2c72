//! The dependencies as cargo reports them, and the notices that are shipped with the program.

pub(crate) mod notices;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The target of the package; crates of other systems are in `Cargo.lock` and in no build.
const TARGET: &str = "x86_64-unknown-linux-gnu";

pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    let path = project().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The output of cargo, without the network and without changing `Cargo.lock`.
fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--locked", "--offline"])
        .current_dir(project())
        .output()
        .expect("cargo runs the tests, so it is there");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {error}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// One version of a crate.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) licence: String,
    pub(crate) authors: String,
    /// The oldest Rust that its manifest allows.
    pub(crate) rust: Option<String>,
    pub(crate) folder: PathBuf,
}

/// All crates that a build for Linux with its tests may use, except ours.
pub(crate) fn packages() -> Vec<Package> {
    let metadata = cargo(&[
        "metadata",
        "--format-version=1",
        "--filter-platform",
        TARGET,
    ]);
    let metadata: Value = serde_json::from_str(&metadata).expect("JSON");
    let all = metadata["packages"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let package = |package: &Value| Package {
        name: text(&package["name"]),
        version: text(&package["version"]),
        licence: text(&package["license"]),
        authors: package["authors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(text)
            .collect::<Vec<_>>()
            .join(", "),
        rust: package["rust_version"].as_str().map(str::to_owned),
        folder: Path::new(&text(&package["manifest_path"]))
            .parent()
            .expect("a file lies in a folder")
            .to_owned(),
    };
    let packages: Vec<_> = all
        .iter()
        .filter(|package| !package["source"].is_null())
        .map(package)
        .collect();
    assert!(packages.len() > 100, "{} packages", packages.len());
    packages
}

/// Names and versions of the crates in the binary, except ours; with `macros` also those that only generate code for
/// it.
pub(crate) fn linked(macros: bool) -> Vec<(String, String)> {
    let edges = if macros {
        "normal"
    } else {
        "normal,no-proc-macro"
    };
    let tree = cargo(&[
        "tree",
        "--edges",
        edges,
        "--target",
        TARGET,
        "--prefix=none",
    ]);
    let crate_of = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        let version = rest.split(' ').next()?;
        (!is_own(name)).then(|| (name.to_owned(), version.to_owned()))
    };
    let mut crates: Vec<_> = tree.lines().filter_map(crate_of).collect();
    crates.sort();
    crates.dedup();
    crates
}

/// Whether a crate is one of this workspace.
fn is_own(name: &str) -> bool {
    name == "calltrace" || name.starts_with("calltrace-")
}

/// The folders of the program and of the crates that it is made of, below the project.
pub(crate) fn own_crates() -> Vec<PathBuf> {
    let crates = fs::read_dir(project().join("crates")).expect("the crates can be listed");
    let names = crates.map(|entry| entry.expect("listed").file_name());
    let mut folders: Vec<PathBuf> = names.map(|name| Path::new("crates").join(name)).collect();
    folders.push(PathBuf::new());
    folders.sort();
    folders
}

/// The names of external crates in a manifest, sorted.
pub(crate) fn dependencies_of(folder: &Path) -> BTreeSet<String> {
    let manifest: toml::Table = read(folder.join("Cargo.toml")).parse().expect("TOML");
    let table = manifest["dependencies"].as_table().expect("a table");
    table.keys().filter(|name| !is_own(name)).cloned().collect()
}

/// The names of all external crates that the program and its crates use.
pub(crate) fn dependencies() -> Vec<String> {
    let own = own_crates();
    let all: BTreeSet<String> = own
        .iter()
        .flat_map(|folder| dependencies_of(folder))
        .collect();
    all.into_iter().collect()
}
