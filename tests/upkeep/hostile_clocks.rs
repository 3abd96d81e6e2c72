//! Expiry when the host's clock, the files' times and their records contradict each other. Needs root.

use std::fs::{self, File};

use chrono::{DateTime, Utc};

use crate::hostile::{Arena, NOT_ROOT, WRITER, is_root};

/// Six weeks after the lines of the tree.
const LATER: &str = "2026-01-15T12:00:00Z";

#[test]
fn a_clock_far_ahead_of_everything_expires_nothing() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let mut arena = Arena::new();
    arena.now = LATER;
    let touched = "touch -d 2025-12-02T00:00:00Z events.log*";
    fs::remove_dir_all(arena.at("call_tracer/0999")).expect("removed");
    assert!(arena.done_by(WRITER, touched));
    let ran = arena.run(&[&["rotate", "--dry-run"], &["rotate"]]);
    for ran in &ran {
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.contains("--force-expire"), "{ran:?}");
    }
    let ran = arena.run(&[
        &["search", "--lines", "--count"],
        &["rotate", "--force-expire"],
    ]);
    assert_eq!(ran[0].stdout.trim(), "150");
    assert_eq!(ran[1].status, 0, "{ran:?}");
    let ran = arena.run(&[&["search", "--lines", "--count"]]);
    assert_eq!(ran[0].stdout.trim(), "0", "{ran:?}");
}

#[test]
fn an_old_enterprise_of_a_tree_that_lives_expires() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let mut arena = Arena::new();
    arena.now = LATER;
    assert!(arena.done_by(WRITER, "touch -d 2025-12-02T00:00:00Z events.log*"));
    for file in fs::read_dir(arena.at("call_tracer/0999")).expect("listed") {
        let path = file.expect("an entry").path();
        let changed: DateTime<Utc> = LATER.parse().expect("it is right");
        let file = File::options().append(true).open(path).expect("open");
        file.set_modified(changed.into()).expect("set");
    }
    let ran = arena.run(&[&["rotate", "0367"]]);
    assert_eq!(ran[0].status, 0, "{ran:?}");
    for name in ["events.log.2025-12-01", "events.log.2025-12-01.gz"] {
        assert!(!arena.path(name).exists(), "{name}: {ran:?}");
    }
}

#[test]
fn a_file_of_a_host_with_a_clock_that_was_never_set_stays() {
    if !is_root() {
        return testing::skipped(NOT_ROOT);
    }
    let mut arena = Arena::new();
    arena.now = LATER;
    arena.write("events.log.1", "1970-01-01 00:00:05,000|AST|hangup||{}\n");
    let ran = arena.run(&[&["rotate", "0367"]]);
    assert_eq!(ran[0].status, 0, "{ran:?}");
    assert!(arena.path("events.log.1.gz").exists(), "{ran:?}");
    assert!(!arena.path("events.log.2025-12-01.gz").exists(), "{ran:?}");
}
