//! Tables of calls, as `calltrace doctor` sees them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::doctoring::{Tree, calls, day, minutes_ago, noon, set_age};

/// The table of the day that many days ago.
fn table(tree: &Tree, ago: u64) -> PathBuf {
    tree.path(&format!(
        ".calltrace/events.log.{}.gz.calls.parquet",
        day(ago)
    ))
}

fn chmod(path: &PathBuf, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("ours");
}

#[test]
fn a_large_archive_without_a_table_is_named_until_it_has_one() {
    let tree = Tree::new();
    for ago in (2..=3).rev() {
        tree.write("events.log", calls(&noon(ago), 20_000));
        tree.rotate();
    }
    tree.look(&[]).are(&[]);
    let bytes = fs::read(table(&tree, 2)).expect("read");
    fs::remove_file(table(&tree, 2)).expect("removed");
    // The newest day counts as not over.
    tree.look(&[]).are(&[]);
    fs::write(table(&tree, 2), bytes).expect("put back");
    let of_older = fs::read(table(&tree, 3)).expect("read");
    fs::remove_file(table(&tree, 3)).expect("removed");
    let found = tree.look(&[]);
    found.are(&["table-missing warning"]);
    assert_eq!(found.seen("table-missing"), "no table of calls: 1 file");
    assert_eq!(
        found.get("table-missing")["file"],
        format!("events.log.{}.gz", day(3))
    );
    // A table of other files counts as none.
    fs::copy(table(&tree, 2), table(&tree, 3)).expect("copied");
    tree.look(&[]).are(&["table-missing warning"]);
    tree.rotate();
    tree.look(&["--deep"]).are(&[]);
    assert!(fs::read(table(&tree, 3)).expect("read") == of_older);
    // The state of an index comes first.
    fs::remove_file(table(&tree, 3)).expect("removed");
    let index = tree.path(&format!(".calltrace/events.log.{}.gz.idx", day(3)));
    fs::remove_file(index).expect("removed");
    assert!(
        tree.look(&[])
            .codes()
            .iter()
            .all(|code| !code.starts_with("table-"))
    );
}

#[test]
fn a_table_that_is_torn_is_named_and_made_anew() {
    let tree = Tree::healthy();
    let whole = fs::read(table(&tree, 2)).expect("read");
    for torn in [&whole[..whole.len() / 2], b"", b"PAR1 and no more"] {
        fs::write(table(&tree, 2), torn).expect("written");
        let found = tree.look(&[]);
        found.are(&["table-stale warning"]);
        assert_eq!(found.seen("table-stale"), "the table is torn");
    }
    fs::write(table(&tree, 3), b"").expect("written");
    let found = tree.look(&[]);
    assert_eq!(
        found.seen("table-stale"),
        "the table is torn; 2 files in all"
    );
    tree.rotate();
    tree.look(&["--deep"]).are(&[]);
    // Only reading the table shows whether its rows are whole.
    let mut rows = whole.clone();
    rows[200] ^= 1;
    fs::write(table(&tree, 2), &rows).expect("written");
    tree.look(&[]).are(&[]);
    tree.look(&["--deep"]).are(&["table-stale warning"]);
    // The part behind them is compared when the table is opened.
    let mut footer = whole.clone();
    let position = whole.len() - 100;
    footer[position] ^= 1;
    fs::write(table(&tree, 2), &footer).expect("written");
    tree.look(&[]).are(&["table-stale warning"]);
}

#[test]
fn a_call_is_in_one_table_also_after_its_file_was_renamed_and_sealed() {
    let mut tree = Tree::new();
    let names = |tree: &Tree| {
        let listed = fs::read_dir(tree.path(".calltrace")).expect("listed");
        let names = listed.map(|entry| entry.expect("listed").file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        let mut tables: Vec<String> = names
            .filter_map(|name| Some(name.strip_suffix(".calls.parquet")?.to_owned()))
            .collect();
        tables.sort();
        tables
    };
    let later = noon(1) + chrono::Duration::hours(5);
    tree.write("events.log", calls(&noon(1), 200) + &calls(&later, 10));
    tree.write("events.log.2025-11-25", calls(&noon(8), 200));
    tree.now = "2025-12-02T18:00:00Z";
    tree.rotate();
    assert_eq!(names(&tree), ["events.log", "events.log.2025-11-25.gz"]);
    tree.now = testing::NOW;
    tree.rotate();
    let sealed = ["events.log.2025-11-25.gz", "events.log.2025-12-02.gz"];
    assert_eq!(names(&tree), sealed);
    tree.write("events.log", calls(&minutes_ago(1), 10));
    tree.rotate();
    assert_eq!(names(&tree), sealed);
}

#[test]
fn a_table_past_its_time_is_named_until_rotation_removes_it() {
    let tree = Tree::healthy();
    let old = table(&tree, 90);
    fs::copy(table(&tree, 2), &old).expect("copied");
    for (hours, codes) in [
        (24, &[][..]),
        (61 * 24, &[]),
        (62 * 24, &["table-kept warning"]),
    ] {
        set_age(&old, hours);
        tree.look(&[]).are(codes);
    }
    let found = tree.look(&[]);
    let seen = "its log is gone, and it was made 62 days ago; tables are kept for 60 days";
    assert_eq!(found.seen("table-kept"), seen);
    tree.rotate();
    assert!(!old.exists());
    tree.look(&[]).are(&[]);
}

#[test]
fn a_table_is_as_closed_as_its_log() {
    let tree = Tree::healthy();
    tree.open_to_all();
    chmod(&tree.path(".calltrace"), 0o755);
    let log = tree.path(&format!("events.log.{}.gz", day(2)));
    for (log_mode, table_mode, codes) in [
        (0o644, 0o644, &[][..]),
        (0o640, 0o640, &[]),
        (0o640, 0o644, &["table-open warning"]),
        (0o644, 0o666, &["table-open problem"]),
    ] {
        chmod(&log, log_mode);
        chmod(&table(&tree, 2), table_mode);
        tree.look(&[]).are(codes);
        // Behind a closed door it may be as open as it likes.
        chmod(&tree.path(".calltrace"), 0o750);
        tree.look(&[]).are(&[]);
        chmod(&tree.path(".calltrace"), 0o755);
    }
    let found = tree.look(&[]);
    let seen = found.seen("table-open");
    assert_eq!(seen, "every user of this machine may change it (mode 0666)");
    let remedy = found
        .remedy("table-open")
        .replace(&tree.path("").display().to_string(), "");
    assert_eq!(remedy, "`chmod -R o= .calltrace`");
}
