//! Findings of `calltrace doctor` about the files themselves: each condition is made for real, and there is no finding
//! without it (`doctor.rs` has the healthy tree).

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, symlink};

use crate::doctoring::{Tree, calls, day, minutes_ago, noon, set_age, set_modified};

/// A finished day of which nothing is sealed.
fn plain(tree: &Tree, ago: u64) -> String {
    let name = format!("events.log.{}", day(ago));
    fs::remove_file(tree.path(&format!("{name}.gz"))).expect("removed");
    fs::remove_file(tree.path(&format!(".calltrace/{name}.gz.idx"))).expect("removed");
    fs::remove_file(tree.path(".calltrace/catalog")).expect("removed");
    tree.write(&name, calls(&noon(ago), 200));
    name
}

#[test]
fn a_file_next_to_its_archive_is_held_or_held_in_part_or_another() {
    let tree = Tree::healthy();
    let name = format!("events.log.{}", day(2));
    for (text, code, seen) in [
        (calls(&noon(2), 200), "twins warning", "holds all of its"),
        (
            calls(&noon(2), 300),
            "twins warning",
            "holds the beginning of its",
        ),
        (
            calls(&noon(1), 200),
            "twins-differ warning",
            "holds other lines than its",
        ),
    ] {
        tree.write(&name, text);
        for args in [&[][..], &["--deep"]] {
            let found = tree.look(args);
            assert_eq!(found.codes()[0], code, "{args:?} {:?}", found.codes());
            let words = found.all[0]["seen"].as_str().expect("text");
            assert!(words.contains(seen), "{words}");
            assert_eq!(found.all[0]["file"], name.as_str());
        }
        fs::remove_file(tree.path(&name)).expect("removed");
    }
    tree.write(&name, calls(&noon(2), 200));
    tree.rotate();
    tree.look(&["--deep"]).are(&[]);
}

#[test]
fn a_compression_at_work_leaves_no_duplicates_and_plain_gzip_is_compared_as_well() {
    let tree = Tree::healthy();
    let name = plain(&tree, 1);
    tree.gzip(&format!("{name}.gz"), &calls(&noon(1), 200));
    assert_eq!(tree.look(&[]).codes()[0], "twins warning");
    let archive = tree.path(&format!("{name}.gz"));
    set_modified(&archive, minutes_ago(2).into());
    assert!(
        !tree
            .look(&[])
            .codes()
            .iter()
            .any(|code| code.starts_with("twins"))
    );
}

#[test]
fn times_that_go_back_are_found_with_their_line_and_two_workers_are_not() {
    let tree = Tree::healthy();
    let text = calls(&minutes_ago(20), 5) + &calls(&minutes_ago(30), 5);
    tree.write("events.log", text);
    let found = tree.look(&[]);
    found.are(&["out-of-order warning"]);
    assert_eq!(found.get("out-of-order")["line"], 6);
    let back = found.get("out-of-order")["evidence"]["back_ms"].as_i64();
    assert!(
        (600_000..=610_000).contains(&back.expect("a number")),
        "{back:?}"
    );

    let text = calls(&minutes_ago(20), 5) + &calls(&minutes_ago(21), 5);
    tree.write("events.log", text);
    tree.look(&[]).are(&[]);
}

#[test]
fn files_that_no_run_rotates_are_one_finding_with_all_there_is() {
    let tree = Tree::new();
    tree.write(
        "events.log",
        calls(&noon(4), 10) + &calls(&minutes_ago(9), 1),
    );
    for ago in [5, 6, 30] {
        tree.write(&format!("events_{}.log", day(ago)), calls(&noon(ago), 10));
    }
    tree.gzip(&format!("events_{}.log.gz", day(40)), &calls(&noon(40), 10));
    let found = tree.look(&[]);
    found.are(&["not-rotated warning", "slow-archives note"]);
    let seen = found.seen("not-rotated");
    for part in [
        "events.log begins at",
        "4 days ago",
        "not sealed: 2 files",
        "older than 14 \
    days: 2 files",
    ] {
        assert!(seen.contains(part), "{part}: {seen}");
    }
    tree.rotate();
    tree.look(&[]).are(&[]);
}

#[test]
fn keep_of_the_settings_says_what_is_too_old() {
    let tree = Tree::new();
    tree.gzip(&format!("events_{}.log.gz", day(10)), &calls(&noon(10), 10));
    tree.write("events.log", calls(&minutes_ago(9), 3));
    let config = tree.dir().join("config.toml");
    fs::write(&config, "[rotate]\nkeep = \"7d\"\nmax_size = \"100B\"\n").expect("written");
    let config = config.display().to_string();
    let found = tree.look(&["--config", &config]);
    found.are(&[
        "not-rotated warning",
        "live-large warning",
        "slow-archives note",
    ]);
    tree.look(&[]).are(&["slow-archives note"]);
}

#[test]
fn a_live_file_of_yesterday_is_in_time_for_tonight() {
    let tree = Tree::new();
    let evening = day(1).and_hms_opt(23, 30, 0).expect("a time").and_utc();
    tree.write(
        "events.log",
        calls(&evening, 3) + &calls(&minutes_ago(1), 3),
    );
    tree.look(&[]).are(&[]);
}

#[test]
fn a_wild_live_file_is_large_and_may_have_no_room() {
    let tree = Tree::healthy();
    let live = File::options()
        .append(true)
        .open(tree.path("events.log"))
        .expect("open");
    live.set_len(1_500_000_000).expect("a hole");
    live.write_all_at(b"x\n", 1_499_999_998).expect("written");
    let found = tree.look(&[]);
    assert!(
        found.seen("live-large").contains(
            "1.5 GB, more than 1.0 \
    GB"
        ),
        "{}",
        found.seen("live-large")
    );
    // A hole takes no room, its length is what counts. ext4 ends at 16 TiB.
    live.set_len(15 << 40).expect("a larger hole");
    assert_eq!(tree.look(&[]).get("no-room")["severity"], "warning");
}

#[test]
fn what_looks_like_a_log_and_is_not_read_is_named_with_what_it_is() {
    let tree = Tree::healthy();
    fs::write(
        tree.path("events.log.2025-11-01.zst"),
        b"\x28\xb5\x2f\xfdxxxx",
    )
    .expect("written");
    fs::write(tree.path("events.log.2025-11-02.xz"), b"\xfd7zXZ\0xxxx").expect("written");
    fs::write(tree.path("events.log.bak"), calls(&noon(2), 1)).expect("written");
    symlink("nowhere", tree.path("events.log.7")).expect("a link");
    fs::create_dir(tree.path("events.log.9")).expect("made");
    // None of these has anything to do with logs.
    fs::write(tree.path("README.txt"), "hello\n").expect("written");
    fs::write(tree.path("events.png"), "\u{89}PNG").expect("written");
    fs::create_dir(tree.path("empty")).expect("made");
    let found = tree.look(&[]);
    let files: Vec<&str> = found
        .all
        .iter()
        .filter_map(|found| found["file"].as_str())
        .collect();
    let named = [
        "events.log.2025-11-01.zst",
        "events.log.2025-11-02.xz",
        "events.log.7",
        "events.log.9",
        "events.log.bak",
    ];
    assert_eq!(files, named);
    assert!(
        found.codes().iter().all(|code| code == "not-read warning"),
        "{:?}",
        found.codes()
    );
    assert!(
        found.seen("not-read").contains("packed by zstd"),
        "{}",
        found.seen("not-read")
    );
}

#[test]
fn folders_of_logs_that_are_no_enterprise_are_named() {
    let tree = Tree::healthy();
    let odd = tree.root().join("\u{43e}\u{444}\u{438}\u{441} 1");
    fs::create_dir(&odd).expect("made");
    fs::write(odd.join("events.log"), calls(&noon(1), 1)).expect("written");
    fs::create_dir(tree.root().join("lost+found")).expect("made");
    let found = tree.look(&[]);
    found.are(&["not-read warning"]);
    assert_eq!(found.all[0]["file"], odd.display().to_string());
    tree.look(&["0367"]).are(&[]);
}

#[test]
fn leftovers_of_a_dead_rotation_are_old_ones_only() {
    let tree = Tree::healthy();
    let names = [
        format!(".calltrace-events.log.{}.tmp", day(1)),
        format!(".calltrace-events.log.{}.gone", day(1)),
        ".calltrace/x.idx.tmp".to_owned(),
    ];
    for name in &names {
        fs::write(tree.path(name), "x").expect("written");
        set_age(&tree.path(name), 2);
    }
    tree.look(&[]).are(&[]);
    for name in &names {
        set_age(&tree.path(name), 30);
    }
    let found = tree.look(&[]);
    found.are(&["leftovers warning"]);
    assert!(
        found.seen("leftovers").contains("3 files"),
        "{}",
        found.seen("leftovers")
    );
}

/// Noise, so that an archive of it is large.
fn noise(ago: u64) -> String {
    let mut state = ago;
    let mut text = String::new();
    for line in calls(&noon(ago), 4000).lines() {
        let (head, _) = line.split_once("\"Phone").expect("a body");
        text += head;
        text += "\"X\": \"";
        for _ in 0..8 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            text += &format!("{:016x}", state.rotate_left(29));
        }
        text += "\"}\n";
    }
    text
}

#[test]
fn archives_without_an_index_are_worth_one_when_they_are_large() {
    let tree = Tree::healthy();
    tree.gzip(&format!("events.log.{}.gz", day(5)), &noise(5));
    let found = tree.look(&[]);
    found.are(&["index-missing warning", "slow-archives note"]);
    assert!(found.seen("index-missing").contains("no index: 1 file"));
    tree.rotate();
    tree.look(&["--deep"]).are(&["slow-archives note"]);
}

#[test]
fn indexes_that_are_torn_of_another_file_or_of_none_are_told_apart() {
    let tree = Tree::healthy();
    let idx = tree.path(&format!(".calltrace/events.log.{}.gz.idx", day(2)));
    let bytes = fs::read(&idx).expect("read");
    fs::write(&idx, &bytes[..bytes.len() / 2]).expect("torn");
    let found = tree.look(&[]);
    found.are(&["index-stale warning"]);
    assert!(
        found.seen("index-stale").starts_with(
            "its index is \
    torn"
        ),
        "{}",
        found.seen("index-stale")
    );
    assert!(!found.seen("index-stale").contains("in all"));

    fs::write(&idx, &bytes).expect("put back");
    fs::copy(
        &idx,
        tree.path(&format!(".calltrace/events.log.{}.gz.idx", day(8))),
    )
    .expect("copied");
    tree.look(&[]).are(&["index-orphan note"]);

    let other = tree.path(&format!(".calltrace/events.log.{}.gz.idx", day(3)));
    fs::copy(&idx, &other).expect("copied");
    let found = tree.look(&[]);
    assert!(
        found
            .seen("index-stale")
            .contains("belongs to another file"),
        "{}",
        found.seen("index-stale")
    );
    tree.rotate();
    tree.look(&["--deep"]).are(&[]);

    fs::remove_file(tree.path(".calltrace/catalog")).expect("removed");
    let found = tree.look(&[]);
    found.are(&["index-stale warning"]);
    assert_eq!(found.all[0]["file"], ".calltrace/catalog");
    let seen = "the catalog lacks 3 files that have an index";
    assert_eq!(found.seen("index-stale"), seen);
}

#[test]
fn an_index_that_lies_is_found_by_reading_everything() {
    let tree = Tree::healthy();
    let idx = tree.path(&format!(".calltrace/events.log.{}.gz.idx", day(2)));
    let mut bytes = fs::read(&idx).expect("read");
    // The damage is in the table of blocks: only its checksum and the file itself show it.
    bytes[20] ^= 1;
    fs::write(&idx, bytes).expect("written");
    tree.look(&[]).are(&[]);
    let found = tree.look(&["--deep"]);
    assert_eq!(found.get("index-wrong")["severity"], "problem");
    let remedy = found.remedy("index-wrong");
    assert!(
        remedy.starts_with(&format!("`rm {}`", idx.display())),
        "{remedy}"
    );
}

#[test]
fn torn_archives_are_found_without_reading_them_all() {
    let tree = Tree::healthy();
    let bgzf = tree.path(&format!("events.log.{}.gz", day(2)));
    let bytes = fs::read(&bgzf).expect("read");
    let name = format!("events.log.{}.gz", day(7));
    fs::write(tree.path(&name), &bytes[..bytes.len() / 2]).expect("torn");
    set_age(&tree.path(&name), 100);
    let found = tree.look(&[]);
    assert_eq!(found.get("damaged")["file"], name.as_str());
    fs::remove_file(tree.path(&name)).expect("removed");

    tree.gzip(&name, &calls(&noon(7), 300));
    let bytes = fs::read(tree.path(&name)).expect("read");
    fs::write(tree.path(&name), &bytes[..bytes.len() - 20]).expect("torn");
    set_age(&tree.path(&name), 100);
    let found = tree.look(&[]);
    found.are(&["damaged warning"]);
    assert!(
        found
            .seen("damaged")
            .contains("the last record before that is of")
    );
}

#[test]
fn holes_half_lines_junk_and_endless_lines_are_named_with_their_places() {
    let tree = Tree::healthy();
    let good = calls(&minutes_ago(40), 20);
    let mut text = good.clone().into_bytes();
    text.extend([0; 5000]);
    text.extend(calls(&minutes_ago(20), 20).bytes());
    tree.write("events.log", &text);
    let found = tree.look(&[]);
    found.are(&["nul-run warning"]);
    assert_eq!(found.all[0]["byte"], good.len());

    tree.write("events.log", good.clone() + "2026-01-01 00:00:0");
    set_age(&tree.path("events.log"), 1);
    let found = tree.look(&[]);
    found.are(&["half-line warning"]);
    let fix = format!("`echo >> {}`", tree.path("events.log").display());
    assert!(found.remedy("half-line").starts_with(&fix));
    set_modified(&tree.path("events.log"), testing::now().into());
    tree.look(&[]).are(&[]);

    tree.write(
        "events.log",
        format!("{good}{}", "junk that is no record\n".repeat(6)),
    );
    let found = tree.look(&[]);
    found.are(&["unparsed warning"]);
    assert_eq!(found.all[0]["line"], 21);
    assert!(
        found.seen("unparsed").starts_with("6 of 26 lines"),
        "{}",
        found.seen("unparsed")
    );

    let mut file = File::create(tree.path("events.log")).expect("made");
    write!(file, "{good}{}\n{good}", "x".repeat(2 << 20)).expect("written");
    drop(file);
    tree.look(&["--deep"]).are(&["long-line note"]);
}
