//! `packaging/config.toml`, the settings of the package: it contains every key, its active settings work on a new
//! host, and its defaults are right.

use std::fs;
use std::path::{Path, PathBuf};

use calltrace::settings::{SETTINGS, Settings};
use calltrace_model::record::LogZone;
use calltrace_upkeep::rotate::Policy;
use calltrace_web::{ConnectionLimits, RequestLimits};
use clap::Parser as _;
use tempfile::TempDir;

fn packaged() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/config.toml");
    fs::read_to_string(path).expect("it is there")
}

/// All settings activated: a setting follows `#` without a space.
fn switched_on() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if setting.starts_with(|c: char| c.is_alphanumeric() || c == '[') => {
            format!("{setting}\n")
        }
        _ => format!("{line}\n"),
    };
    packaged().lines().map(line).collect()
}

fn written(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config.toml");
    fs::write(&path, text).expect("written");
    (folder, path)
}

fn read(text: &str) -> Settings {
    let (_folder, path) = written(text);
    Settings::load(Some(&path)).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn every_setting_is_right_when_it_is_switched_on() {
    let settings = read(&switched_on());
    assert_eq!(settings.root, Path::new("/srv/call_tracer"));
    assert!(settings.directory.knows_enterprises());
    assert!(settings.directory.metadata.is_some());
    let postgres = &settings.directory.postgres;
    assert!(postgres.url.is_some());
}

#[test]
fn the_file_as_shipped_sets_only_the_tree() {
    let known = read(&packaged());
    assert_eq!(known.root, Path::new("/srv/call_tracer"));
    let keys: Vec<_> = known.origins.all().map(|(at, _)| at.join(".")).collect();
    assert_eq!(keys, ["root"]);
}

#[test]
fn what_is_called_a_default_is_one() {
    let usual = calltrace::cli::Cli::parse_from(["calltrace", "rotate"]);
    let Some(calltrace::cli::Command::Rotate(usual)) = usual.command else {
        panic!("rotate was typed");
    };
    let set = read(&switched_on());
    let policy = usual.policy(&Policy {
        size_max: None,
        ..set.rotate
    });
    assert_eq!(format!("{policy:?}"), format!("{:?}", Policy::default()));
    assert_eq!(set.log_timezone, LogZone::default());
    assert_eq!(set.threads, 0);

    let nothing = read("");
    assert_eq!(set.serve.listen, nothing.serve.listen);
    assert_eq!(set.serve.recordings.hosts, nothing.serve.recordings.hosts);
    assert_eq!(set.serve.language, Default::default());
    assert_eq!(set.serve.limits, RequestLimits::default());
    assert_eq!(set.serve.connections, ConnectionLimits::default());
    assert_eq!(set.sync.records.notation, nothing.sync.records.notation);
    assert_eq!(set.directory.postgres.pool, nothing.directory.postgres.pool);
}

#[test]
fn no_key_is_missing() {
    let file = packaged();
    for setting in SETTINGS {
        // If the user chooses the name, the table that contains it.
        let mut names = setting.names().into_iter().rev();
        let key = names.find(|name| !name.chars().all(|c| c.is_ascii_uppercase()));
        let key = key.expect("not all names are chosen");
        // On a separate line, as the head of a table, or in words: (or key = "...").
        let stands = file.lines().any(|line| {
            let line = line.trim_start_matches('#');
            line.starts_with(&format!("{key} = "))
                || line.starts_with(&format!("[{key}]"))
                || line.contains(&format!("(or {key} = "))
        });
        assert!(
            stands,
            "{setting:?} does not stand in packaging/config.toml"
        );
    }
}
