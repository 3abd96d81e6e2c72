//! Clocks and zones, which `calltrace doctor` derives from the ids of calls.

use std::fs;

use crate::doctoring::{self, Python, Tree, calls, calls_of, minutes_ago};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A healthy tree with a live file that was written this much ahead of its host (milliseconds).
fn lagging(millis: i64) -> Tree {
    let tree = Tree::healthy();
    tree.write("events.log", calls_of(&minutes_ago(30), 10, millis));
    tree
}

#[test]
fn clocks_that_are_kept_and_calls_that_are_few_say_nothing() {
    for millis in [-30_000, 0, 1000, 40_000] {
        lagging(millis).look(&[]).are(&[]);
    }
    let tree = Tree::healthy();
    tree.write("events.log", calls_of(&minutes_ago(30), 4, 10 * MINUTE));
    tree.look(&[]).are(&[]);
}

#[test]
fn a_host_with_a_wrong_clock_is_named_with_the_difference_and_its_direction() {
    let found = lagging(7 * MINUTE).look(&[]);
    found.are(&["clock-skew warning"]);
    let seen = "the telephony host's clock is 7m00s behind the one of these logs, by the ids of \
    10 calls";
    assert_eq!(found.seen("clock-skew"), seen);
    let found = lagging(-5 * MINUTE).look(&[]);
    assert!(
        found.seen("clock-skew").contains("5m00s ahead of"),
        "{}",
        found.seen("clock-skew")
    );
}

#[test]
fn a_difference_of_hours_is_a_zone_and_the_right_one_is_named() {
    for (minutes, zone) in [
        (
            180,
            "UTC+03:00, such as \"Etc/GMT-3\" (its sign is reversed)",
        ),
        (
            -240,
            "UTC-04:00, such as \"Etc/GMT+4\" (its sign is reversed)",
        ),
        (330, "UTC+05:30"),
    ] {
        let tree = lagging(minutes * MINUTE + 1500);
        // This machine's clock says that the file was written earlier than its records say, by this much.
        doctoring::set_modified(&tree.path("events.log"), minutes_ago(30 + minutes).into());
        let found = tree.look(&[]);
        found.are(&["zone-wrong warning"]);
        let remedy = format!("set log_timezone in the settings to a zone of {zone} (now UTC)");
        assert_eq!(found.remedy("zone-wrong"), remedy);
    }

    // Records in UTC, read as of Minsk: channels seem to be created three hours later than they were.
    let tree = Tree::healthy();
    let config = tree.dir().join("config.toml");
    fs::write(&config, "log_timezone = \"Europe/Minsk\"\n").expect("written");
    let found = tree.look(&["--config", &config.display().to_string()]);
    let zone = found.get("zone-wrong");
    assert_eq!(zone["severity"], "warning");
    let remedy =
        "set log_timezone in the settings to a zone of UTC, such as \"UTC\" (now Europe/Minsk)";
    assert_eq!(found.remedy("zone-wrong"), remedy);
}

#[test]
fn hours_are_the_clock_of_the_host_where_the_last_change_agrees_with_the_records() {
    for millis in [3 * HOUR, -15 * MINUTE] {
        let found = lagging(millis).look(&[]);
        found.are(&["clock-skew warning"]);
    }
    // Copied, and written to just now.
    let tree = Tree::healthy();
    tree.write("events.log", calls_of(&minutes_ago(1), 10, HOUR));
    doctoring::set_modified(&tree.path("events.log"), minutes_ago(-10).into());
    tree.look(&[]).are(&["clock-skew warning"]);
}

#[test]
fn hours_of_a_copy_that_shows_nothing_more_are_left_undecided() {
    let tree = lagging(3 * HOUR);
    doctoring::set_modified(&tree.path("events.log"), minutes_ago(10).into());
    let found = tree.look(&[]);
    found.are(&["zone-wrong warning"]);
    let seen = found.seen("zone-wrong");
    assert!(
        seen.contains("this copy does not show whether the zone"),
        "{seen}"
    );
    let remedy = found.remedy("zone-wrong");
    assert!(remedy.starts_with("find out at which time"), "{remedy}");
}

#[test]
fn where_calls_are_few_the_last_change_of_a_file_that_is_written_to_tells_the_zone() {
    let tree = Tree::healthy();
    let live = tree.path("events.log");
    tree.write("events.log", calls(&minutes_ago(125), 3));
    doctoring::set_modified(&live, minutes_ago(5).into());
    tree.look(&[]).are(&[]);
    let _writer = Python::start("file = open(sys.argv[1], 'a')", &[&live]);
    let found = tree.look(&[]);
    found.are(&["zone-wrong warning"]);
    let seen = found.seen("zone-wrong");
    assert!(seen.ends_with("before its last change"), "{seen}");
    assert!(
        found
            .remedy("zone-wrong")
            .contains("UTC-02:00, such as \"Etc/GMT+2\" ")
    );
    doctoring::set_modified(&live, minutes_ago(125).into());
    tree.look(&[]).are(&[]);
}

#[test]
fn records_of_the_future_are_named_with_how_far_they_are_ahead() {
    let tree = Tree::healthy();
    tree.write("events.log", calls(&minutes_ago(-20), 3));
    let found = tree.look(&[]);
    found.are(&["future warning"]);
    let ahead = found.get("future")["evidence"]["ahead_ms"]
        .as_i64()
        .expect("a number");
    assert!((19 * MINUTE..=21 * MINUTE).contains(&ahead), "{ahead}");
    tree.write("events.log", calls(&minutes_ago(-3), 3));
    tree.look(&[]).are(&[]);
}

#[test]
fn a_tree_that_no_process_writes_to_is_reported_once_and_an_enterprise_in_a_note() {
    let tree = Tree::new();
    tree.gzip(
        &format!("events_{}.log.gz", doctoring::day(9)),
        &calls(&doctoring::noon(9), 9),
    );
    let other = tree.root().join("0101");
    fs::create_dir(&other).expect("made");
    let live = other.join("events.log");
    fs::write(&live, calls(&minutes_ago(2), 9)).expect("written");
    let found = tree.look(&[]);
    found.are(&["slow-archives note", "silent note"]);
    assert_eq!(found.get("silent")["enterprise"], "0367");
    fs::remove_file(&live).expect("removed");
    let found = tree.look(&[]);
    found.are(&["silent warning", "no-logs note", "slow-archives note"]);
    assert!(
        found.seen("silent").contains("9 days ago")
            || found.seen("silent").contains(
                "8 days \
    ago"
            )
    );
}
