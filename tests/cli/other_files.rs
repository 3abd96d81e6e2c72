//! Files that rotations and people leave among the logs: other names, compressions, encodings and copies. Answers hold
//! all that can be read, each line once, and name the rest.

use std::fs;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use crate::odd_cells::{Tree, missed};

const PHONE: &str = "375290001111";

/// A call of 29 November that is searched for, and one of 2 December in the live file.
fn old() -> String {
    missed("09:15", "1764407700.10", PHONE, "\"150\"", "1").replace("2025-12-02", "2025-11-29")
}

fn tree(files: &[(&str, &[u8])]) -> Tree {
    let tree = Tree::new(&[missed(
        "10:15",
        "1764670500.20",
        "375290002222",
        "\"150\"",
        "1",
    )]);
    for (name, content) in files {
        fs::write(tree.path(name), content).expect("written");
    }
    tree
}

fn gzip(text: &str) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(text.as_bytes()).expect("packed");
    packed.finish().expect("packed")
}

const SEARCH: [&str; 4] = ["search", "0367", "--phone", PHONE];

/// The exit code of the search, whether it found the call, and its messages.
fn searched(tree: &Tree) -> (Option<i32>, bool, String) {
    let output = tree.run(&SEARCH);
    let is_found = testing::text(&output.stdout).contains("1764407700.10");
    (
        output.status.code(),
        is_found,
        testing::text(&output.stderr),
    )
}

#[test]
fn files_of_a_rotation_more_often_than_daily_are_read_and_sealed() {
    for name in [
        "events.log.2025-11-29_09",
        "events.log.2025-11-29_09-15",
        "events.log-2025112909",
        "events.log-2025-11-29",
        "events.log-2025-11-29-1764407700",
        "events.log.20251129",
        "events.log.20251129091500",
    ] {
        let tree = tree(&[(name, old().as_bytes())]);
        for _ in 0..2 {
            let (code, is_found, stderr) = searched(&tree);
            assert_eq!(
                (code, is_found, stderr.as_str()),
                (Some(0), true, ""),
                "{name}"
            );
            let output = tree.run(&["rotate", "--keep=36500d"]);
            assert_eq!(output.status.code(), Some(0), "{name}: {output:?}");
            assert!(tree.path(&format!("{name}.gz")).exists(), "{name}");
        }
    }
}

#[test]
fn a_log_that_another_program_packed_makes_the_answer_incomplete_and_is_named() {
    for (name, expected) in [
        (
            "events.log.1.zst",
            "can't be read: it is packed by zstd; unpack it as events.log.1\n",
        ),
        (
            "events_2025-11-29.log.xz",
            "can't be read: it is packed by xz; unpack it as events_2025-11-29.log\n",
        ),
        (
            "events.log.2025-11-29.gz.1",
            "can't be read under this name; rename it to one that is read, such as events.log.2025-11-30.gz\n",
        ),
    ] {
        let tree = tree(&[(name, b"packed")]);
        let (code, _, why) = searched(&tree);
        assert_eq!(code, Some(2), "{name}: {why}");
        assert!(why.ends_with(&format!("/0367/{name} {expected}")), "{why}");
        // A file that was last written to before that time holds no record of it.
        let ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_764_407_800);
        fs::File::open(tree.path(name))
            .and_then(|file| file.set_modified(ago))
            .expect("set");
        let output = tree.run(&["search", "0367", "--since=2025-12-01", "--phone", PHONE]);
        assert_eq!(output.status.code(), Some(1), "{name}: {output:?}");
        // Nothing is missing if the log also lies there unpacked.
        let Some((unpacked, _)) = name.rsplit_once('.').filter(|(_, end)| *end != "1") else {
            continue;
        };
        fs::write(tree.path(unpacked), old()).expect("written");
        assert_eq!(searched(&tree), (Some(0), true, String::new()), "{name}");
    }
    let tree = tree(&[("events.log.bak", b"x"), ("notes.zst", b"x")]);
    assert_eq!(searched(&tree).0, Some(1), "no rotation names files so");
}

#[test]
fn what_is_neither_lines_nor_gzip_is_named_and_left_as_it_is() {
    let bzip2 = b"BZh91AY&SY\x01\x02\n\x03\n";
    let utf16: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(old().encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    for (name, content, expected) in [
        (
            "events.log.1",
            &bzip2[..],
            "it is packed by bzip2, whatever its name says",
        ),
        (
            "events.log.1.gz",
            bzip2,
            "it is packed by bzip2, whatever its name says",
        ),
        (
            "events.log.2.gz",
            b"\x28\xb5\x2f\xfd\n",
            "it is packed by zstd, whatever its name says",
        ),
        (
            "events.log.2025-11-29",
            &utf16,
            "it is UTF-16, and logs are UTF-8",
        ),
    ] {
        let tree = tree(&[(name, content)]);
        let (code, _, why) = searched(&tree);
        assert_eq!(code, Some(2), "{name}: {why}");
        assert!(
            why.contains(&format!("/0367/{name} can't be read: {expected}")),
            "{why}"
        );
        // Packing it once more as if it held lines would hide its kind.
        let output = tree.run(&["rotate", "--keep=36500d"]);
        assert_eq!(output.status.code(), Some(2), "{name}: {output:?}");
        assert!(
            testing::text(&output.stderr).contains(expected),
            "{name}: {output:?}"
        );
        assert_eq!(fs::read(tree.path(name)).expect("there"), content, "{name}");
    }
}

#[test]
fn a_copy_under_another_name_is_no_second_record() {
    let live = missed("10:15", "1764670500.20", "375290002222", "\"150\"", "1");
    let both = old() + &live;
    for (name, copy) in [
        ("events.log.1", both.clone().into_bytes()),
        ("events.log.1", old().into_bytes()),
        ("events.log-20251130.gz", gzip(&old())),
        ("events.log.2025-11-29.gz", gzip(&both)),
    ] {
        let tree = tree(&[("events.log", both.as_bytes()), (name, &copy)]);
        for is_sealed in [false, true] {
            let count = tree.out(&["search", "0367", "--lines", "--count"]);
            assert_eq!(count.trim(), "6", "{name}");
            let raw = tree.out(&["trace", "0367", "1764407700.10", "--format=raw"]);
            assert_eq!(raw, old(), "{name}");
            let calls = tree.run(&["search", "0367", "--count", "-v"]);
            assert_eq!(testing::text(&calls.stdout).trim(), "2", "{name}");
            let why = testing::text(&calls.stderr);
            // A rotation that finds the archive of that day there takes the two for one.
            let is_said = why.contains("is a copy of the beginning of events.log");
            assert!(is_said || is_sealed, "{name}: {why}");
            let missed = tree.out(&["search", "0367", "--status=missed", "--count"]);
            assert_eq!(missed.trim(), "2", "{name}");
            assert_eq!(
                tree.run(&["rotate", "--keep=36500d"]).status.code(),
                Some(0)
            );
        }
    }
    // Two files that only begin alike are both read.
    let other = old() + &missed("11:15", "1764674100.30", "375290003333", "\"150\"", "1");
    let tree = tree(&[
        ("events.log", both.as_bytes()),
        ("events.log.1", other.as_bytes()),
    ]);
    let count = tree.out(&["search", "0367", "--lines", "--count"]);
    assert_eq!(count.trim(), "12");
}

#[test]
fn a_time_without_files_is_not_reported_as_a_tree_without_files() {
    let stderr = |tree: &Tree| {
        let output = tree.run(&["search", "0367", "--until=2020-01-01", "--lines"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        testing::text(&output.stderr)
    };
    assert_eq!(
        stderr(&tree(&[])),
        "calltrace: no such record, the only file has no record of that time\n"
    );
    assert_eq!(
        stderr(&tree(&[("events.log.1", old().as_bytes())])),
        "calltrace: no such record, none of 2 files has a record of that time\n"
    );
}
